"""A simulated past of the marketplace, with known ground truth, as blocks of a real Prometheus."""

from agent_analytics.demo._history._evaluation.accuracy import Line, measure_accuracy
from agent_analytics.demo._history._evaluation.insights import (
    AlertRule,
    Raised,
    Score,
    Verdict,
    judge,
    read_alerts,
    unplanted,
)
from agent_analytics.demo._history._simulation.ledger import Ledger, ToolTruth, Truth, union
from agent_analytics.demo._history._simulation.traits import Incident, Profile, Tool, Traits
from agent_analytics.demo._history._simulation.world import World, default_world, large_world
from agent_analytics.demo._history.build import History, build_history
from agent_analytics.demo._history.clock import Clock, Pace
from agent_analytics.demo._history.command import add_history, history
from agent_analytics.demo._history.serving import serve

__all__ = [
    "AlertRule",
    "Clock",
    "History",
    "Incident",
    "Ledger",
    "Line",
    "Pace",
    "Profile",
    "Raised",
    "Score",
    "Tool",
    "ToolTruth",
    "Traits",
    "Truth",
    "Verdict",
    "World",
    "add_history",
    "build_history",
    "default_world",
    "history",
    "judge",
    "large_world",
    "measure_accuracy",
    "read_alerts",
    "serve",
    "union",
    "unplanted",
]
