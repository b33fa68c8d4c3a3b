"""``agent-analytics config``: configurations of Prometheus and of Alertmanager."""

__all__: list[str] = []
