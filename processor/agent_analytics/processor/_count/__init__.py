"""What every decorated span pays for, in one module that can be compiled."""

__all__: list[str] = []
