"""What rules would have recorded, had they been there: evaluated afterwards, and made blocks."""

__all__: list[str] = []
