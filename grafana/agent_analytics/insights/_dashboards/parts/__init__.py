"""What the dashboards are put together from."""

__all__: list[str] = []
