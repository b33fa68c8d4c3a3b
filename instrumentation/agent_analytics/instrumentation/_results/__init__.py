"""Results that a call lasts as long as: streams, futures, and what is iterated over later."""

__all__: list[str] = []
