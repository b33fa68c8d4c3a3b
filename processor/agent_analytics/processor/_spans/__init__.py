"""Spans as they start and end: what the SDK holds, whose each span is, and which are open."""

__all__: list[str] = []
