"""What a service shows of itself."""

__all__: list[str] = []
