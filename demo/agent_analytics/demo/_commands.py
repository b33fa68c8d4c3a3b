"""What ``agent-analytics`` can do where the simulator is installed."""

from typing import Final

from agent_analytics.cli import Command
from agent_analytics.demo._history import add_history, history
from agent_analytics.demo._run.command import add_demo, demo

COMMANDS: Final = (
    Command("demo", add_demo, demo),
    Command("history", add_history, history),
)
