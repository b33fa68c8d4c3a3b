"""What publishers and the operator ask, and how it is shown."""

__all__: list[str] = []
