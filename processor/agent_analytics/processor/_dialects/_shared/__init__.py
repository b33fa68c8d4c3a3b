"""What several dialects have in common."""

__all__: list[str] = []
