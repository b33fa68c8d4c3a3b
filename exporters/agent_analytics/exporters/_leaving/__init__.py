"""What leaves the process with spans and with calls."""

__all__: list[str] = []
