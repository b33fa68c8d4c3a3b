"""A run as a tree: which of its spans are invocations, which are views of one call."""

__all__: list[str] = []
