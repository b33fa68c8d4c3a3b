"""Prometheus, Alertmanager and Grafana: configured, and asked."""

__all__: list[str] = []
