"""What is known and what is not: evaluated, observed, recorded yet."""

__all__: list[str] = []
