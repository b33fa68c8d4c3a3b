"""Several processes of one service: which of them serves."""

__all__: list[str] = []
