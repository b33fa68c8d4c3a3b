"""Decorated calls, from their start to their end, and how they ended."""

__all__: list[str] = []
