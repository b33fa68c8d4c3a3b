"""What a run shows on a terminal."""

__all__: list[str] = []
