"""Counting: the core, which every decorated span pays for, and what is counted beside it."""

__all__: list[str] = []
