"""Named PromQL: quantities, and the windows that they are asked over."""

__all__: list[str] = []
