"""A report as HTML, JSON, CSV and text."""

__all__: list[str] = []
