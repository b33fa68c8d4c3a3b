"""What model calls cost."""

__all__: list[str] = []
