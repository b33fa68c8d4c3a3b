"""Dialects of instrumentations and of those who observe, a file for each."""

__all__: list[str] = []
