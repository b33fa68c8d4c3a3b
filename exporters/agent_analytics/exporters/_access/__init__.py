"""Who may read what."""

__all__: list[str] = []
