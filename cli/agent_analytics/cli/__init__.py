"""The command ``agent-analytics``: one for whoever builds, sells, runs or watches agents."""

from agent_analytics.cli._command import Command, Commands
from agent_analytics.cli._loading import UNREADABLE  # before what imports OpenTelemetry
from agent_analytics.cli._main import main

__all__ = ["UNREADABLE", "Command", "Commands", "main"]
