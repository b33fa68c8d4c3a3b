"""The metrics over HTTP: rendered once, and answered to whoever asks."""

__all__: list[str] = []
