"""What a report lacks because it is not recorded yet, and when it will be.

Causes are asked of Prometheus, not guessed: a sketch that is scraped every five minutes is not one
that nobody scrapes, and rules that have just been loaded are not missing.
"""

import re
from collections.abc import Mapping
from typing import Final

from agent_analytics.insights._prometheus.client import PrometheusClient, QueryFailed
from agent_analytics.insights._prometheus.configuration import SKETCHES_PATH
from agent_analytics.insights._promql import rollups
from agent_analytics.insights._promql.scopes import SKETCH_JOB
from agent_analytics.insights._promql.windows import RawPeriod
from agent_analytics.insights._report.answers import figures
from agent_analytics.insights._report.answers.history import DAY, History
from agent_analytics.insights._report.known.times import clock, time_of, utc
from agent_analytics.insights._yaml import is_mapping, mappings
from agent_analytics.processor import catalogue

_LEVEL: Final = rollups.level(catalogue.INVOCATIONS.name)
_NOT_SCRAPED: Final = "Prometheus does not scrape the sketches (/metrics/sketches)"
_NAMELESS: Final = "invocations name no tenant"
#: Newborn sketches are held back so long at least.
_HELD_SECONDS: Final = 60
_UNITS: Final = {"ms": 0.001, "s": 1, "m": 60, "h": 3_600, "d": 86_400}
_PART: Final = re.compile(r"(\d+)(ms|[smhd])")
_LONGEST_TIME: Final = 8
_LONGEST_ERROR: Final = 200


def missing(client: PrometheusClient, history: History, of_all: figures.Fields) -> list[str]:
    """Return in sentences what is missing of some figures, and why.

    Args:
        client: Prometheus.
        history: What the figures are read from.
        of_all: The figures.
    """
    found = [*history.notes(), *_rollups(client, history)]
    if of_all.get("unique_tenants") is None and of_all.get("total_invocations"):
        found.append(_tenants(client, history))
    if of_all.get("active_installs") is None:
        found.append("Active installs are not known: they need a state directory or a callback.")
    unpriced = of_all.get("unpriced_tokens")
    if unpriced:
        found.append(f"Model cost is incomplete: {unpriced:,} tokens have no known price.")
    return found


def _rollups(client: PrometheusClient, history: History) -> list[str]:
    """Return why raw series are read, where they are."""
    if not isinstance(history.period, RawPeriod):
        return []
    if history.recorded is not None:
        return [
            (
                f"Read from raw series until recorded roll-ups, which begin"
                f" {utc(history.recorded):%Y-%m-%d %H:%M} UTC, reach back far enough."
            )
        ]
    due = _level_due(client, history.at) if history.now else None
    if due is None:
        return [
            (
                "Read from raw series, because recorded roll-ups do not reach back as far; periods"
                " longer than a few days need the recording rules of agent-analytics."
            )
        ]
    if not due:
        return [
            (
                "Read from raw series, because Prometheus has not loaded the recording rules of"
                " agent-analytics (rollups.yml); load them for periods longer than a few days."
            )
        ]
    return [
        (
            "Read from raw series, because roll-ups are not recorded yet: their rules run by"
            f" {clock(due)} UTC."
        )
    ]


def _level_due(client: PrometheusClient, now: float) -> float | None:
    """Return when roll-ups are recorded next; 0 where the rules are missing, None if not known."""
    try:
        groups = client.rule_groups()
    except QueryFailed:
        return None
    for group in groups:
        for rule in mappings(group.get("rules")):
            if rule.get("name") == _LEVEL:
                interval = group.get("interval")
                seconds = min(float(interval), DAY) if isinstance(interval, int | float) else 0.0
                last = _unix(rule.get("lastEvaluation"))
                return max(now, (now if last is None else last) + seconds)
    return 0.0


def _tenants(client: PrometheusClient, history: History) -> str:
    """Return why no tenants are known."""
    either = f"Tenants are not counted: {_NOT_SCRAPED}, or {_NAMELESS}."
    if not history.now:
        return either
    try:
        targets = [each for each in client.targets() if _of_sketches(each)]
    except QueryFailed:
        return either
    if not targets:
        return f"Tenants are not counted: {_NOT_SCRAPED}."
    begun = history.since if history.begun is None else history.begun
    waiting = [
        due
        for each in targets
        if each.get("health") != "down"
        and (due := _next_scrape(each, begun + _HELD_SECONDS, history.at)) is not None
    ]
    if waiting:
        return (
            "Tenants are not counted yet: the sketches are scraped every"
            f" {targets[0].get('scrapeInterval')}, next by {clock(max(waiting))} UTC."
        )
    down = [each for each in targets if each.get("health") == "down"]
    if len(down) == len(targets):
        error = " ".join(str(down[0].get("lastError", "")).split())[:_LONGEST_ERROR]
        return f"Tenants are not counted: the scrape of the sketches fails: {error.rstrip('.')}."
    return f"Tenants are not counted: {_NAMELESS}."


def _of_sketches(target: Mapping[str, object]) -> bool:
    labels = target.get("labels")
    job = labels.get("job") if is_mapping(labels) else None
    url = str(target.get("scrapeUrl", "")).partition("?")[0]
    return job == SKETCH_JOB or url.rstrip("/").endswith(SKETCHES_PATH)


def _next_scrape(target: Mapping[str, object], held: float, now: float) -> float | None:
    """Return when a target is scraped next, where it was not since a time; else None."""
    last = _unix(target.get("lastScrape"))
    if last is not None and last > held:
        return None
    interval = sum(
        int(number) * _UNITS[unit]
        for number, unit in _PART.findall(str(target.get("scrapeInterval", ""))[:_LONGEST_TIME])
    )
    due = (now if last is None else last) + interval
    # A newborn sketch that is still held back at that scrape waits for the one after.
    return due if due > held or not interval else due + interval


def _unix(value: object) -> float | None:
    """Return the Unix time of an answer; None for never, or for what is no time."""
    time = time_of(value)
    return None if time is None else time.timestamp()
