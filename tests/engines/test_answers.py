"""Every engine answers every rule, panel and report alike, or it is said why not."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest
from tests.engines import live
from tests.engines.comparing import compare
from tests.engines.differences import outlived, undeclared
from tests.engines.engines import (
    PROMETHEUS,
    VICTORIA,
    current,
    debian,
    prometheus,
    victoria_metrics,
)
from tests.engines.questions import Answer, asked, panels, reports, rules
from tests.history.conftest import END, SEED, small_world
from tests.patience import patience

from agent_analytics.demo._history import build_history
from agent_analytics.demo._history._simulation.rules import OFFSET
from agent_analytics.insights import write_rules
from agent_analytics.insights._prometheus.client import PrometheusClient

pytestmark = [pytest.mark.engines, pytest.mark.timeout(0)]

#: Four weeks and one more: rules compare with the same hours of four weeks.
DAYS: Final = 36
#: Whose report is read, and whose panels are looked at with which listing.
PUBLISHERS: Final = ("kestrel", "harbor", "quill", live.PUBLISHER)
CHOSEN: Final = {"quill": "grammar", live.PUBLISHER: "busy"}

Answers = Mapping[str, Answer]


@dataclass(frozen=True, slots=True)
class Past:
    """A past in a data directory of Prometheus, and the Unix times at which it is asked about.

    Attributes:
        data: The directory.
        moments: ``between``: nothing was scraped or recorded then, nor whole windows before.
            ``recording``: levels and registers were recorded then.
    """

    data: Path
    moments: Mapping[str, int]


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Past:
    """Make a past of eight listings, with an hour of two more that are ill."""
    debian("promtool")
    home = tmp_path_factory.mktemp("engines")
    made, data = home / "rules", home / "data"
    write_rules(made)
    history = build_history(data, seed=SEED, days=DAYS, end=END, world=small_world(), rules=made)
    at = int(history.clock.end)
    live.write_live(home, data, at)
    with prometheus(debian("prometheus"), data) as url:
        live.record_oncall(home, data, url, at)
    return Past(data, {"between": at, "recording": int(history.clock.last) + OFFSET})


def answers(url: str, past: Past) -> Answers:
    """Return what a server answers to every question, by the question's name."""
    client = PrometheusClient(url, timeout=patience())
    found: dict[str, Answer] = {}
    for moment, at in past.moments.items():
        for question in rules():
            found[f"{moment}: {question.name}"] = asked(client, question, at)
        for publisher, agent in CHOSEN.items():
            for question in panels({"publisher": publisher, "agent": agent}):
                name = f"{moment}: dashboard of {publisher}: {question.name}"
                found[name] = asked(client, question, at)
        for name, fields in reports(url, PUBLISHERS, at):
            found[f"{moment}: {name}"] = fields
    return found


@pytest.fixture(scope="module")
def expected(past: Past) -> Answers:
    """Ask the Prometheus 2 of Debian."""
    with prometheus(debian("prometheus"), past.data) as url:
        return answers(url, past)


ENGINES: Final[Mapping[str, Callable[[Path], AbstractContextManager[str]]]] = {
    "Prometheus 3": lambda data: prometheus(current(PROMETHEUS, "prometheus"), data),
    "VictoriaMetrics": lambda data: victoria_metrics(current(VICTORIA, "victoria-metrics"), data),
    "VictoriaMetrics of Debian": lambda data: victoria_metrics(debian("victoria-metrics"), data),
}


@pytest.mark.parametrize("engine", ENGINES)
def test_answers_are_those_of_prometheus_2(past: Past, expected: Answers, engine: str) -> None:
    """Over the same samples every number is the same; what differs is declared, and still so."""
    with ENGINES[engine](past.data) as url:
        found = answers(url, past)
    assert found.keys() == expected.keys()
    assert sum(map(bool, expected.values())) > len(expected) / 2
    differing = {name: compare(answer, found[name]) for name, answer in expected.items()}
    assert undeclared(engine, differing) == {}
    assert outlived(engine, differing) == []
