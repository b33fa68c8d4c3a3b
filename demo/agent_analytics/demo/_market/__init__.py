"""The marketplace: who publishes, who calls, and what came of it."""

__all__: list[str] = []
