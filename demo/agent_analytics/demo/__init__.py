"""A simulated marketplace with known ground truth, run on a real Prometheus and Alertmanager."""

from agent_analytics.demo._commands import COMMANDS

__all__ = ["COMMANDS"]
