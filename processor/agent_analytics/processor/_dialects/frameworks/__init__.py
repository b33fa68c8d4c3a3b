"""Dialects of agent frameworks, a file for each."""

__all__: list[str] = []
