"""A simulated marketplace with known ground truth, run on a real Prometheus and Alertmanager."""

from agent_analytics.demo.cli import main

__all__ = ["main"]
