"""Runs of foreign spans: put together while they go on, and ended once."""

__all__: list[str] = []
