"""What the code of agents calls: decorators, the handle of an invocation, and ``record_*``."""

__all__: list[str] = []
