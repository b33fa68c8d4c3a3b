"""What is on the pages of a report."""

__all__: list[str] = []
