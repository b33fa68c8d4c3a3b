"""A short simulated past on a real Prometheus, made once."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from agent_analytics.demo._history import (
    History,
    World,
    build_history,
    default_world,
    serve,
)
from agent_analytics.demo._run.prometheus import Prometheus
from agent_analytics.insights import write_rules

#: A Tuesday noon, not this year's.
END = 1_795_523_456
DAYS = 10
SEED = 20260101
#: Restarts of both kinds, a listing on two hosts, one without a tool's calls, ill and well ones.
AGENTS = frozenset(
    {
        "invoice-reader",
        "receipt-scanner",
        "fare-search",
        "tone-check",
        "route-planner",
        "release-notes",
        "door-watch",
        "grammar",
    }
)


def small_world() -> World:
    """Return eight listings of the demo's marketplace."""
    world = default_world()
    chosen = tuple(profile for profile in world.profiles if profile.agent in AGENTS)
    return World(chosen, world.population)


@dataclass(frozen=True, slots=True)
class ServedHistory:
    """A history, who answers for it, and the rules that it was made with."""

    history: History
    prometheus: Prometheus
    rules: Path


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedHistory]:
    """Serve ten days of eight listings, with the past of all recording rules."""
    for command in ("prometheus", "promtool"):
        if shutil.which(command) is None:
            pytest.skip(f"{command} is not installed (Debian: prometheus)")
    home = tmp_path_factory.mktemp("history")
    rules = home / "rules"
    write_rules(rules)
    history = build_history(
        home / "data", seed=SEED, days=DAYS, end=END, world=small_world(), rules=rules
    )
    with serve(history, rules) as prometheus:
        yield ServedHistory(history, prometheus, rules)
