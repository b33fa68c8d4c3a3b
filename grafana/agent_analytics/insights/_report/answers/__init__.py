"""Figures as typed answers from Prometheus."""

__all__: list[str] = []
