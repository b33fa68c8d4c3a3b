"""The rule files, and the alerts that come of them."""

__all__: list[str] = []
