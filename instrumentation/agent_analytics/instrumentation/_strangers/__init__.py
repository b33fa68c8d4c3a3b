"""Values, classes and propagators of others: read and stood at, and never run."""

__all__: list[str] = []
