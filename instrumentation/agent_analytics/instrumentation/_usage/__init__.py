"""Tokens and cost, read off what calls return."""

__all__: list[str] = []
