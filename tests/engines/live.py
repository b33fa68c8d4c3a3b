"""An hour of two listings that are ill, scraped every five seconds: what on-call's rules read."""

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from tests.engines.questions import rules_of
from tests.insights.market import Counter, counters

from agent_analytics.insights._prometheus.client import PrometheusClient
from agent_analytics.insights._promql import scopes
from agent_analytics.insights._rules.rule_files import rule_groups
from agent_analytics.insights.past import make_blocks
from agent_analytics.processor import catalogue

PUBLISHER: Final = "live"
#: Invocations a day: one that is called often, one whose figures take an hour to add up.
LISTINGS: Final = {"busy": 250_000.0, "rare": 9_000.0}
STEP: Final = 5
LENGTH: Final = 4_500
#: No scrape is at a full second, as none is in life: no window begins at one.
_OFFSET: Final = 0.37
_ILL: Final = {"error": 8.0, "timeout": 5.0}
#: Seconds before the end at which the process of both was restarted.
_RESTART: Final = 1_300


def write_live(work: Path, directory: Path, end: int) -> None:
    """Add the hour before a time to a data directory of Prometheus."""
    lines: dict[tuple[str, str], list[str]] = {}
    times = [end - back + _OFFSET for back in range(LENGTH, 0, -STEP)]
    target = {"job": scopes.JOB, "instance": "live-1:9464"}
    for agent, daily in LISTINGS.items():
        own = {"publisher_id": PUBLISHER, "agent_id": agent}
        for counter in _ill(own, daily):
            points = zip(times, _grown(counter, times, end), strict=True)
            family = (counter.metric.family, counter.metric.kind)
            _put(lines, family, counter.name, {**counter.labels, **target}, points)
        for gauge, value in (
            (catalogue.INVOCATIONS_IN_PROGRESS, 2),
            (catalogue.ACTIVE_INSTALLS, 9),
        ):
            _put(
                lines,
                (gauge.name, "gauge"),
                gauge.name,
                {**own, **target},
                [(t, value) for t in times],
            )
    for name, instance, value in (("up", "live-1:9464", 1), ("up", "live-2:9464", 0)):
        labels = {**target, "instance": instance}
        _put(lines, (name, "gauge"), name, labels, [(time, value) for time in times])
    last = catalogue.LAST_SPAN.name
    _put(lines, (last, "gauge"), last, target, [(time, time - 1_000) for time in times])
    text = work / "live.txt"
    _write(text, lines)
    make_blocks(text, directory)


def record_oncall(work: Path, directory: Path, url: str, at: int) -> None:
    """Add to a data directory what on-call's rules record at a time, by a server over it."""
    client, lines = PrometheusClient(url), dict[tuple[str, str], list[str]]()
    for group in rule_groups()["oncall.yml"]:
        for rule in rules_of(group):
            if "record" not in rule:
                continue
            # Those that read another one of their group find it in what it reads.
            expr = _inlined(rule["expr"], rules_of(group))
            for sample in client.query(expr, at=at):
                if sample.labels["publisher_id"] == PUBLISHER:
                    name = rule["record"]
                    _put(lines, (name, "gauge"), name, sample.labels, [(at, sample.value)])
    assert lines
    text = work / "recorded.txt"
    _write(text, lines)
    make_blocks(text, directory)


def _inlined(expr: str, rules: Iterable[Mapping[str, Any]]) -> str:
    """Return an expression with what others record in place of their names."""
    for rule in rules:
        if "record" in rule and rule["record"] in expr:
            expr = expr.replace(rule["record"], f"({rule['expr']})")
    return expr


def _ill(own: dict[str, str], daily: float) -> Iterator[Counter]:
    for counter in counters(own, daily):
        yield replace(
            counter, daily=counter.daily * _ILL.get(counter.labels.get("outcome", ""), 1.0)
        )


def _grown(counter: Counter, times: list[float], end: int) -> Iterator[float]:
    """Yield what a counter has at each time: whole where it counts, from 0 after the restart."""
    whole = "_usd" not in counter.name and not counter.name.endswith("_sum")
    for time in times:
        since = end - _RESTART if time > end - _RESTART else end - 2 * LENGTH
        value = counter.daily * (time - since) / 86_400
        yield float(math.floor(value)) if whole else value


def _put(
    lines: dict[tuple[str, str], list[str]],
    family: tuple[str, str],
    name: str,
    labels: Mapping[str, str],
    points: Iterable[tuple[float, float]],
) -> None:
    inside = ",".join(f"{key}={json.dumps(text)}" for key, text in labels.items())
    lines.setdefault(family, []).extend(
        f"{name}{{{inside}}} {value!r} {time:.3f}\n" for time, value in points
    )


def _write(path: Path, lines: dict[tuple[str, str], list[str]]) -> None:
    with path.open("w", encoding="utf-8") as file:
        for (name, kind), each in lines.items():
            file.write(f"# TYPE {name} {kind}\n")
            file.writelines(each)
        file.write("# EOF\n")
