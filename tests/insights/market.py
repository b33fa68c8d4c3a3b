"""Two months of a marketplace as Prometheus would have them, roll-ups included, as OpenMetrics.

Nothing here happens at random and no process restarts: every counter grows evenly, so that what is
recorded can be written down without evaluating rules. Some publishers are told *in full*; of the
others there is every series, with few samples where nothing but an index needs them.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Final

from agent_analytics.insights._definitions import OF_PUBLISHERS
from agent_analytics.insights._promql import closed, recorded, releases, rollups, scopes
from agent_analytics.processor import catalogue
from agent_analytics.processor.catalogue import Metric

#: A Sunday, 16:00 UTC, after a full hour: when the marketplace is looked at.
END: Final = 1_750_003_200
DAYS: Final = 62
_DAY: Final = 86_400
_START: Final = END - DAYS * _DAY
_FIRST_MIDNIGHT: Final = -(-_START // _DAY) * _DAY
_MIDNIGHTS: Final = range(_FIRST_MIDNIGHT, END, _DAY)
#: When a period of thirty days ends, begins, and the one before it begins.
_MOMENTS: Final = (END, END - 30 * _DAY, END - 60 * _DAY)
#: Counters that a marketplace's own dashboard reads of every listing.
_READ: Final = frozenset(
    metric.name
    for metric in (
        catalogue.INVOCATIONS,
        catalogue.REVENUE,
        catalogue.REFUNDS,
        catalogue.FEES,
        catalogue.INSTALLS,
        catalogue.UNINSTALLS,
    )
)

Labels = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """What there is.

    Attributes:
        listings: How many, spread evenly over the publishers.
        publishers: How many.
        full: How many publishers are told in full.
        registers: How many registers of a sketch a listing told in full uses.
    """

    listings: int
    publishers: int
    full: int
    registers: int


@dataclass(frozen=True, slots=True)
class Counter:
    """A sample that grows: its metric, name, labels, and by how much a day."""

    metric: Metric
    name: str
    labels: Labels
    daily: float


def publisher(index: int) -> str:
    """Return the name of a publisher."""
    return f"publisher-{index:03}"


def counters(
    own: Labels,
    daily: float,
    tools: Sequence[str] = ("search", "mail"),
    models: Sequence[str] = ("atlas-4",),
) -> Iterator[Counter]:
    """Yield every counter of a listing.

    Args:
        own: Labels of the listing.
        daily: Invocations a day.
        tools: Names of its tools.
        models: Names of its models.
    """
    shares = {"success": 0.95, "error": 0.03, "timeout": 0.01, "cancelled": 0.01}
    money = {
        catalogue.REVENUE: 0.05,
        catalogue.REFUNDS: 0.002,
        catalogue.FEES: 0.0075,
        catalogue.MODEL_COST: 0.01,
        catalogue.WASTED_COST: 0.001,
        catalogue.INSTALLS: 0.02,
        catalogue.UNINSTALLS: 0.01,
    }
    for outcome, share in shares.items():
        labels = {**own, "outcome": outcome}
        yield _one(catalogue.INVOCATIONS, labels, share * daily)
        for model in models:
            of_model = {**own, "model": model, "outcome": outcome}
            yield _one(catalogue.INFERENCE_CALLS, of_model, share * daily)
        yield from _histogram(catalogue.INVOCATION_DURATION, labels, share * daily)
    for kind in ("TimeoutError", "ValueError"):
        yield _one(catalogue.INVOCATION_ERRORS, {**own, "error_type": kind}, 0.02 * daily)
    for metric, each in money.items():
        yield _one(metric, own, each * daily)
    for tool in tools:
        of_tool = {**own, "tool": tool}
        for outcome, share in shares.items():
            yield _one(catalogue.TOOL_CALLS, {**of_tool, "outcome": outcome}, share * daily)
        yield from _histogram(catalogue.TOOL_CALL_DURATION, of_tool, daily)
    for metric, each in (
        (catalogue.INPUT_TOKENS, 900),
        (catalogue.OUTPUT_TOKENS, 150),
        (catalogue.CACHED_INPUT_TOKENS, 400),
        (catalogue.REASONING_TOKENS, 30),
        (catalogue.UNPRICED_TOKENS, 0),
    ):
        for model in models:
            yield _one(metric, {**own, "model": model}, each * daily)
    yield from _histogram(catalogue.TIME_TO_FIRST_CHUNK, own, daily)
    yield from _histogram(catalogue.FEEDBACK_RATING, own, 0.1 * daily)
    yield from _histogram(catalogue.EVALUATION_SCORE, {**own, "evaluation": "tone"}, daily)


def _one(metric: Metric, labels: Labels, daily: float) -> Counter:
    return Counter(metric, metric.name, labels, daily)


def _histogram(metric: Metric, labels: Labels, daily: float) -> Iterator[Counter]:
    """Yield a histogram whose observations are spread evenly over its finite buckets."""
    edges = len(metric.buckets)
    for index, edge in enumerate(metric.buckets, 1):
        share = index / edges
        yield Counter(metric, f"{metric.name}_bucket", {**labels, "le": repr(edge)}, share * daily)
    yield Counter(metric, f"{metric.name}_bucket", {**labels, "le": "+Inf"}, daily)
    middle = sum(metric.buckets) / edges
    yield Counter(metric, f"{metric.name}_sum", labels, middle * daily)
    yield Counter(metric, f"{metric.name}_count", labels, daily)


class _Files:
    """Lines of each family of metrics, which have to stand together."""

    def __init__(self) -> None:
        self._lines: dict[tuple[str, str], list[str]] = {}

    def put(
        self,
        family: tuple[str, str],
        name: str,
        labels: Labels,
        points: Iterable[tuple[int, float]],
    ) -> None:
        """Add a series."""
        inside = ",".join(f'{key}="{text}"' for key, text in labels.items())
        prefix = f"{name}{{{inside}}} "
        self._lines.setdefault(family, []).extend(
            f"{prefix}{value!r} {time}\n" for time, value in points
        )

    def gauge(self, name: str, labels: Labels, points: Iterable[tuple[int, float]]) -> None:
        """Add a series whose family is its name."""
        self.put((name, "gauge"), name, labels, points)

    def write(self, path: Path) -> None:
        """Write everything as one file."""
        with path.open("w", encoding="utf-8") as file:
            for (name, kind), lines in self._lines.items():
                file.write(f"# TYPE {name} {kind}\n")
                file.writelines(lines)
            file.write("# EOF\n")


def _grid(step: int, length: int, ends: Sequence[int]) -> list[int]:
    """Return times a step apart, of stretches of a length that end at some times, ascending."""
    return sorted({end - back for end in ends for back in range(0, length + 1, step)})


_DENSE: Final = [END - _DAY, *_grid(15, 1800, [END])]
_LEVELS: Final = [time - 240 for time in _grid(300, _DAY, _MOMENTS)]
_MARKS: Final = [time + 60 for time in _MIDNIGHTS]
_HOURS: Final = [
    time + 60
    for time in _grid(3600, 2 * _DAY, [END, *(m + _DAY for m in _MOMENTS[1:])])
    if time <= END - 3600
]
_HOURLY: Final = [time + 60 - 3600 for time in _grid(3600, _DAY, _MOMENTS)]
_MINUTES: Final = [time - 240 for time in _grid(300, 7200, [END])]


def write_market(market: Market, path: Path) -> None:
    """Write a marketplace as OpenMetrics."""
    files = _Files()
    for index in range(market.listings):
        own_publisher = index % market.publishers
        own = {"publisher_id": publisher(own_publisher), "agent_id": f"listing-{index:04}"}
        _listing(files, own, 300.0 + 40 * (index % 7), full=own_publisher < market.full)
        used = market.registers if own_publisher < market.full else min(60, market.registers)
        _tenants(files, rollups.OF_LISTING, own)
        _sketch(files, rollups.OF_LISTING, own, used, full=own_publisher < market.full)
    for index in range(market.publishers):
        labels = {"publisher_id": publisher(index)}
        full = index < market.full
        used = min(2 * market.registers, catalogue.SKETCH_REGISTERS) if full else 60
        _tenants(files, rollups.OF_PUBLISHER, labels)
        _sketch(files, rollups.OF_PUBLISHER, labels, used, full=full)
    _tenants(files, rollups.OF_MARKETPLACE, {})
    for weeks in rollups.COHORTS:
        labels = {"weeks": str(weeks)}
        shares = [(time, 1 - 0.1 * weeks) for time in _MARKS]
        files.gauge(rollups.OF_MARKETPLACE.returned, labels, shares)
    _sketch(files, rollups.OF_MARKETPLACE, {}, min(2 * market.registers, 1024), full=True)
    _closed(files, market)
    _insights(files)
    _health(files)
    files.write(path)


def _listing(files: _Files, own: Labels, daily: float, *, full: bool) -> None:
    target = {"job": scopes.JOB, "instance": "apps-1:9464"}
    for counter in counters(own, daily):
        labels = {**counter.labels, **target}
        kind = (counter.metric.family, counter.metric.kind)
        read = full or counter.name in _READ
        files.put(kind, counter.name, labels, _grown(counter, _DENSE if full else (END,)))
        if not rollups.has_levels(counter.name, labels):
            continue
        few = [moment - 240 for moment in _MOMENTS]
        files.gauge(rollups.level(counter.name), labels, _grown(counter, _LEVELS if read else few))
        hours = _HOURLY if read else few
        files.gauge(rollups.hourly(counter.name), labels, _grown(counter, hours))
        marks = _MARKS if read else _MARKS[::15]
        files.gauge(rollups.day(counter.name), labels, _grown(counter, marks))
    every = Counter(catalogue.INVOCATIONS, rollups.EVERY_INVOCATION, own, daily)
    for name, times in ((rollups.level, _LEVELS), (rollups.hourly, _HOURLY), (rollups.day, _MARKS)):
        files.gauge(name(every.name), {**own, **target}, _grown(every, times))
    for window in (recorded.MONTH, recorded.DAY):
        evaluated = recorded.grown(catalogue.INVOCATIONS.name, window)
        files.gauge(evaluated, {**own, "outcome": scopes.SUCCESS}, [(END, window[0] * daily)])
    times = _DENSE if full else [END]
    for metric, value in ((catalogue.ACTIVE_INSTALLS, 57), (catalogue.INVOCATIONS_IN_PROGRESS, 2)):
        at = (*sorted(_MOMENTS)[:-1], *times) if metric is catalogue.ACTIVE_INSTALLS else times
        files.gauge(metric.name, {**own, **target}, [(time, value) for time in at])
    info = {**own, "agent_name": own["agent_id"].title(), "agent_version": "1.0.0", **target}
    files.gauge(catalogue.INFO.name, info, [(time, 1) for time in times])
    if full:
        newer = {**info, "agent_version": "1.1.0"}
        files.gauge(catalogue.INFO.name, newer, [(time, 1) for time in times[-20:]])
        for version, some in (("1.0.0", _MINUTES[:-3]), ("1.1.0", _MINUTES[-3:])):
            current = [(time, float(some[0])) for time in some]
            files.gauge(releases.CURRENT, {**own, "version": version}, current)


def _grown(counter: Counter, times: Iterable[int]) -> Iterator[tuple[int, float]]:
    return ((time, counter.daily * (time - _START) / _DAY) for time in times)


@cache
def hash_of(register: int) -> float:
    """Return the hash that a register has."""
    digest = hashlib.blake2b(str(register).encode(), digest_size=6).digest()
    return (int.from_bytes(digest, "big") + 0.5) / 2**48


def _sketch(files: _Files, union: rollups.Union, labels: Labels, used: int, *, full: bool) -> None:
    """Write the registers of a union: each has one tenant, who is away on one day in six."""
    for kind in (catalogue.SKETCH_TENANTS, catalogue.SKETCH_CONVERSATIONS):
        for register in range(used):
            every = {**labels, "kind": kind, "register": str(register)}
            value = hash_of(register)
            hours, days, minutes = _HOURS, _MARKS, _MINUTES
            if not full:
                hours, days, minutes = _HOURS[-1:], _MARKS[::15], _MINUTES[-1:]
            files.gauge(union.minutes, every, [(time, value) for time in minutes])
            files.gauge(union.hours, every, [(time, value) for time in hours])
            files.gauge(
                union.days,
                every,
                [(time, value) for time in days if (time // _DAY + register) % 6],
            )


def _tenants(files: _Files, union: rollups.Union, labels: Labels) -> None:
    """Write how many tenants there were on each day."""
    files.gauge(union.tenants, labels, [(time, 50 + time // _DAY % 6) for time in _MARKS])


def _closed(files: _Files, market: Market) -> None:
    """Write what is recorded of weeks and months that have ended."""
    mondays = [time + 4 * 3600 for time in _MIDNIGHTS if (time // _DAY + 3) % 7 == 0]
    firsts = [time + 3 * 3600 for time in _MIDNIGHTS if datetime.fromtimestamp(time, UTC).day == 1]
    everybody = rollups.OF_MARKETPLACE
    for movement in (closed.tenants.NEW, closed.tenants.KEPT, "returned", "churned"):
        labels = {"movement": movement}
        files.gauge(closed.tenants.moved(everybody), labels, [(time, 20.0) for time in mondays])
    for months in closed.tenants.MONTHS:
        labels = {"months": str(months)}
        files.gauge(closed.tenants.returned(everybody), labels, [(time, 0.7) for time in firsts])
    for index in range(market.publishers):
        own = {"publisher_id": publisher(index)}
        _compared(files, own, mondays)
        for months in closed.tenants.MONTHS:
            labels = {**own, "months": str(months)}
            files.gauge(closed.tenants.PUBLISHED_RETURNED, labels, [(time, 0.6) for time in firsts])
        for movement in ("kept", "came", "churned"):
            labels = {**own, "movement": movement}
            files.gauge(closed.tenants.PUBLISHED_MOVED, labels, [(time, 12.0) for time in mondays])
        for movement in closed.listings.MOVEMENTS:
            labels = {**own, "movement": movement}
            files.gauge(closed.listings.REVENUE_MOVED, labels, [(time, 3.0) for time in mondays])
    for index in range(market.listings):
        own = {"publisher_id": publisher(index % market.publishers)}
        own["agent_id"] = f"listing-{index:04}"
        for figure in (closed.listings.INSTALLS, closed.listings.REVENUE):
            files.gauge(figure, own, [(time, 7.0) for time in mondays])


def _compared(files: _Files, own: Labels, mondays: Sequence[int]) -> None:
    """Write what a publisher is compared by with others of a group."""
    of = {**own, "group": "legal"}
    for measure in closed.groups.MEASURES:
        files.gauge(measure.own, of, [(time, 0.02) for time in mondays])
        for label in closed.groups.QUARTILES:
            quartile = {**of, "quartile": label}
            files.gauge(measure.quartile, quartile, [(time, 0.03) for time in mondays])


def _insights(files: _Files) -> None:
    """Write an insight of every kind, for the first publisher, and a page."""
    own = {"publisher_id": publisher(0), "agent_id": "listing-0000"}
    for finding in OF_PUBLISHERS:
        tool = {"tool": "mail"} if "tool" in finding.by else {}
        told = {**own, **tool, "insight": finding.slug}
        alert = {
            "alertname": finding.alert,
            "alertstate": "firing",
            "severity": finding.severity,
            "category": finding.category,
        }
        way = {"traffic": finding.asked_of("publisher")[0].traffic}
        files.gauge(recorded.MEASURE, {**told, **way}, [(END, 0.25)])
        files.gauge("ALERTS", {**told, **way, **alert, "audience": "publisher"}, [(END, 1)])
        words = {"title": finding.usual_title, "what": finding.what}
        words["recommendation"] = finding.recommendation
        files.gauge(recorded.INFO, {"insight": finding.slug, **words}, [(END, 1)])
        for place, cause in enumerate(finding.causes, 1):
            top = {"dimension": cause.dimension, "of": cause.of, "contributor": "mail"}
            where = {"place": str(place), "over": "7 days"}
            files.gauge(recorded.CONTRIBUTOR, {**told, **way, **top, **where}, [(END, 0.5)])
        files.gauge(recorded.SINCE, told, [(END, END - 3 * _DAY)])
        if finding.asked_of("publisher")[0].worth:
            files.gauge(recorded.WORTH, told, [(END, 3.5)])
    files.gauge(recorded.KNOWN_BY, {"insight": "few-tenants"}, [(END, END + 9 * _DAY)])
    page = {"alertname": "AgentErrorRateHigh", "alertstate": "firing", "severity": "critical"}
    more = {"category": "reliability", "insight": "error-rate", "traffic": "dense"}
    files.gauge("ALERTS", {**own, **page, **more, "audience": "oncall"}, [(END, 1)])


def _health(files: _Files) -> None:
    """Write what agent-analytics and Prometheus say of themselves."""
    target = {"job": scopes.JOB, "instance": "apps-1:9464"}
    values = {"kind": "invocation", "cause": "tool", "scope": "litellm", "revision": "2"}
    values["of"] = "bytes"
    for metric in catalogue.HEALTH_METRICS:
        labels = {label: values[label] for label in metric.labels} | target
        if metric is catalogue.LAST_SPAN:
            points = [(time, float(time - 7)) for time in _DENSE]
        elif metric is catalogue.ACCOUNTING:
            points = [(time, 1.0) for time in _DENSE]
        else:
            points = [(time, (time - _START) / 3600) for time in _DENSE]
        files.put((metric.family, metric.kind), metric.name, labels, points)
    group = {"rule_group": "/etc/prometheus/rules/rollups.yml;agent-analytics-levels"}
    of_itself = {"job": "prometheus", "instance": "localhost:9090", **group}
    for name, labels, value in (
        ("up", target, 1.0),
        ("scrape_duration_seconds", target, 0.031),
        ("scrape_samples_post_metric_relabeling", target, 4100.0),
        ("prometheus_rule_group_last_duration_seconds", of_itself, 0.12),
    ):
        files.gauge(name, labels, [(time, value) for time in _DENSE])
    missed = "prometheus_rule_group_iterations_missed"
    files.put((missed, "counter"), f"{missed}_total", of_itself, [(time, 0.0) for time in _DENSE])
