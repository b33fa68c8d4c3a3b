"""What Prometheus makes of a service."""

__all__: list[str] = []
