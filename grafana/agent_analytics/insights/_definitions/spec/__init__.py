"""What an insight is, how it is asked, and the words that it is shown in."""

__all__: list[str] = []
