"""Who may take how much: of an exposition, of the registers, of what is kept."""

__all__: list[str] = []
