"""The past that is simulated, and the series that it left."""

__all__: list[str] = []
