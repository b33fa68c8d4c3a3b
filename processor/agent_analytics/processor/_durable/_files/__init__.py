"""The files of a state directory: found, mapped, written, and put back."""

__all__: list[str] = []
