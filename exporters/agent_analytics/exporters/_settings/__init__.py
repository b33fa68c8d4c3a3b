"""What is set, by arguments and by the environment, and what is said of it at the start."""

__all__: list[str] = []
