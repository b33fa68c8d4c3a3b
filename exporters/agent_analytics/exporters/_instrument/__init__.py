"""What is switched on so that libraries record their calls."""

__all__: list[str] = []
