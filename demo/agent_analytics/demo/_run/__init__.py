"""A run of the marketplace on real servers."""

__all__: list[str] = []
