"""A marketplace of any size as Prometheus has it after sixty days, for what rules read.

A listing has 3.8 tools and 1.7 models on average, and 6,000 tenants a month divided by its rank to
the power of 0.7; their registers are all that its sketch uses in a month. It has two versions, and
most invocations are of the later one. Counters grow evenly. Raw series are there as scraped every
five seconds, for as far back as a rule reads them; what roll-ups recorded is there at each moment
that a rule looks at.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from math import exp
from typing import Final

from benchmarks.remote_write import constant, samples, series
from tests.insights.market import END, Counter, Labels, counters, hash_of

from agent_analytics.insights._promql import accounting, recorded, releases, rollups, scopes
from agent_analytics.processor import catalogue

_DAY: Final = 86_400
_HOUR: Final = 3_600
_START: Final = END - 70 * _DAY
_TOOLS: Final = (2, 3, 4, 5, 5)
_MODELS: Final = (1, 2, 2, 1, 2, 2, 1, 2, 2, 2)
#: Versions of a listing, with their share of its invocations and since how many days each is known.
_VERSIONS: Final = {"1.0.0": (0.4, 40), "2.0.0": (0.6, 5)}
_A_TARGET: Final = 30
_OUTCOMES: Final = {"success": 0.95, "error": 0.03, "timeout": 0.01, "cancelled": 0.01}
#: Raw series that rules for on-call read as far as an hour back.
_LONG: Final = frozenset(
    {
        catalogue.INVOCATIONS.name,
        catalogue.TOOL_CALLS.name,
        f"{catalogue.INVOCATION_DURATION.name}_count",
        f"{catalogue.FEEDBACK_RATING.name}_sum",
        f"{catalogue.FEEDBACK_RATING.name}_count",
    }
)
#: When windows of days end and begin, in days before the end.
_DAYS: Final = (0, 1, 7, 14, 21, 28, 30, 35, 60)

_NOW: Final = range(END - 360, END + 1, 5)
_LAST_HOUR: Final = range(END - _HOUR - 60, END + 1, 5)


def _around(step: int, length: int, days: Iterable[int]) -> list[int]:
    """Return times a step apart in the stretches that end some days ago, ascending."""
    ends = [END - day * _DAY for day in days]
    return sorted({end - back for end in ends for back in range(step, length + 1, step)})


_MINUTES: Final = range(END - 4_200, END + 1, 300)
_LEVELS: Final = sorted({*_around(300, _DAY, (0,)), *_around(300, 4_500, _DAYS[1:])})
#: The windows of error budgets, and the hour before each hour, look a day back from days ago.
_LONG_LEVELS: Final = sorted({*_LEVELS, *_around(300, 5 * _DAY, (0,))})
_HOURLY: Final = _around(_HOUR, _DAY, _DAYS)
_WEEKS: Final = _around(_HOUR, 2 * _DAY, (0, 7, 14, 21, 28))
_MIDNIGHTS: Final = [time + 60 for time in range((END - 61 * _DAY) // _DAY * _DAY, END, _DAY)]
_WEEKS_BEFORE: Final = _around(_HOUR, 2 * _HOUR, (7, 14, 30))
_REGISTER_HOURS: Final = _around(_HOUR, _DAY, (0, 6, 7, 13, 14, 20, 21, 29, 30, 36, 37, 59, 60))


@dataclass(frozen=True, slots=True)
class RulesMarket:
    """What there is.

    Attributes:
        listings: How many, ten a publisher.
        oncall_only: Leave out what only other rules than those for on-call read.
    """

    listings: int
    oncall_only: bool = False

    def messages(self) -> Iterator[bytes]:
        """Yield every series as a message for Prometheus."""
        for number in range(self.listings):
            yield from self._listing(number)
        for target in range(-(-self.listings // _A_TARGET)):
            yield from _target(target)
        if not self.oncall_only:
            yield from self._registers()

    def _listing(self, number: int) -> Iterator[bytes]:
        own = _own(number)
        target = _instance(number // _A_TARGET)
        daily = 2_000.0 + 400 * (number % 7)
        tools = [f"tool-{index}" for index in range(_TOOLS[number % len(_TOOLS)])]
        models = [f"model-{index}" for index in range(_MODELS[number % len(_MODELS)])]
        for counter in counters(own, daily, tools, models):
            labels = {**counter.labels, **target}
            long = counter.name in _LONG or labels.get("le") == "10.0"
            yield series(counter.name, labels, _grown(counter.daily, long=long))
            if not self.oncall_only and rollups.has_levels(counter.name, labels):
                yield from _rolled(counter, labels)
        info = {**own, "agent_name": own["agent_id"], "agent_version": "1.0.0", **target}
        for name, labels in (
            (catalogue.INFO.name, info),
            (catalogue.INVOCATIONS_IN_PROGRESS.name, {**own, **target}),
            (catalogue.ACTIVE_INSTALLS.name, {**own, **target}),
        ):
            yield series(name, labels, _constant(30.0, "now"))
        if self.oncall_only:
            return
        every = Counter(catalogue.INVOCATIONS, rollups.EVERY_INVOCATION, own, daily)
        yield from _rolled(every, {**own, **target})
        yield from _releases(own, daily, target)
        revision = {**own, "revision": "2"}
        yield series(accounting.LEVEL, revision, _own_times("levels"))
        yield series(accounting.DAY, revision, _own_times("midnights"))
        yield series(recorded.COUNTING_SINCE, own, _constant(float(_START), "levels"))
        yield series(recorded.LAST_SEEN, own, _own_times("levels"))

    def _registers(self) -> Iterator[bytes]:
        """Yield the registers of listings, of publishers and of the marketplace."""
        shares: dict[tuple[str, str], float] = {}
        for number in range(self.listings):
            own = _own(number)
            share = 6_000 / (number + 1) ** 0.7
            yield from _sketch(rollups.OF_LISTING, own, share, _instance(number // _A_TARGET))
            yield from _tenants(own, share)
            owner = ("publisher_id", own["publisher_id"])
            shares[owner] = shares.get(owner, 0) + share
        for (label, name), share in shares.items():
            yield from _sketch(rollups.OF_PUBLISHER, {label: name}, share, {})
        yield from _sketch(rollups.OF_MARKETPLACE, {}, sum(shares.values()), {})


def _own(number: int) -> dict[str, str]:
    return {"publisher_id": f"publisher-{number // 10:03}", "agent_id": f"listing-{number:04}"}


def _instance(target: int) -> dict[str, str]:
    return {"job": scopes.JOB, "instance": f"apps-{target}:9464"}


def _target(number: int) -> Iterator[bytes]:
    """Yield what a scrape says of its target."""
    target = _instance(number)
    yield series("up", target, _constant(1.0, "hour"))
    yield series(catalogue.LAST_SPAN.name, target, _own_times("now"))
    yield series(catalogue.ACCOUNTING.name, {**target, "revision": "2"}, _constant(1.0, "now"))
    spans = {**target, "kind": "invocation"}
    yield series(catalogue.SPANS.name, spans, _grown(90_000.0, long=False))


def _releases(own: Labels, daily: float, target: Labels) -> Iterator[bytes]:
    """Yield what is counted of each version, its roll-ups, and which versions are compared."""
    for version, (share, _) in _VERSIONS.items():
        of_version = {**own, "version": version, **target}
        for metric in catalogue.RELEASE_METRICS:
            outcomes = _OUTCOMES if "outcome" in metric.labels else {"": 1.0}
            for outcome, part in outcomes.items():
                labels = {**of_version, "outcome": outcome}
                counter = Counter(metric, metric.name, labels, daily * share * part)
                yield series(counter.name, labels, _grown(counter.daily, long=False))
                yield from _rolled(counter, labels)
    for name, (version, (_, days)) in zip(
        (releases.PREVIOUS, releases.CURRENT), _VERSIONS.items(), strict=True
    ):
        since = float(END - days * _DAY)
        yield series(name, {**own, "version": version}, _constant(since, "levels"))


def _rolled(counter: Counter, labels: Labels) -> Iterator[bytes]:
    long = counter.name in {catalogue.INVOCATIONS.name, rollups.EVERY_INVOCATION}
    for name, times in (
        (rollups.level, "long levels" if long else "levels"),
        (rollups.hourly, "hourly"),
        (rollups.day, "midnights"),
    ):
        yield series(name(counter.name), labels, _at(counter.daily, times))
    matchers = recorded.HOURLY.get(counter.name)
    if matchers is not None and (not matchers or labels.get("outcome") == "success"):
        keys = recorded.labels_of(counter.name)
        kept = {key: text for key, text in labels.items() if key in keys}
        yield series(recorded.hour(counter.name), kept, _constant(counter.daily / 24, "weeks"))


_TIMES: Final[dict[str, Sequence[int]]] = {
    "now": _NOW,
    "hour": _LAST_HOUR,
    "levels": _LEVELS,
    "long levels": _LONG_LEVELS,
    "hourly": _HOURLY,
    "weeks": _WEEKS,
    "midnights": _MIDNIGHTS,
    "weeks before": _WEEKS_BEFORE,
}


@cache
def _at(daily: float, times: str) -> bytes:
    return samples((time, daily * (time - _START) / _DAY) for time in _TIMES[times])


def _grown(daily: float, *, long: bool) -> bytes:
    return _at(daily, "hour" if long else "now")


@cache
def _constant(value: float, times: str) -> bytes:
    return constant(value, _TIMES[times])


@cache
def _own_times(times: str) -> bytes:
    return samples((time, float(time)) for time in _TIMES[times])


def _sketch(
    union: rollups.Union, labels: Labels, a_month: float, target: Labels
) -> Iterator[bytes]:
    """Yield the registers of a union: each day a sixth of the month's ids, mostly others."""
    for kind, share in ((catalogue.SKETCH_TENANTS, 1.0), (catalogue.SKETCH_CONVERSATIONS, 1.5)):
        every = {**labels, "kind": kind}
        month, day = _used(share * a_month), _used(share * a_month / 6)
        for name, times, used in (
            (union.minutes, "minutes", day),
            (union.hours, "hours", _used(share * a_month / 60)),
            (union.days, "days", day),
        ):
            more: dict[str, str] = dict(target) if name == rollups.REGISTER else {}
            yield from _union(name, {**every, **more}, times, used, month, day)


def _tenants(own: Labels, a_month: float) -> Iterator[bytes]:
    """Yield what was recorded of a listing's tenants at the moments that are looked up."""
    used = _used(a_month / 2)
    week = recorded.WEEK
    weeks = {**own, "kind": catalogue.SKETCH_TENANTS}
    yield from _union(recorded.WEEK_REGISTERS, weeks, "weeks before", used, _used(a_month))
    packed = used * (2 * catalogue.SKETCH_REGISTERS + 0.5)
    yield series(recorded.packed_tenants(week), own, _constant(packed, "weeks before"))
    for window in (week, recorded.MONTH):
        yield series(recorded.tenants(window), own, _constant(a_month, "weeks before"))
    yield series(recorded.retention(week), own, _constant(0.5, "weeks before"))


def _used(ids: float) -> int:
    """Return how many registers so many ids use."""
    m = catalogue.SKETCH_REGISTERS
    return max(1, round(m * (1 - exp(-ids / m))))


def _union(name: str, labels: Labels, times: str, used: int, *among: int) -> Iterator[bytes]:
    for register, values in _moved(times, used, *among):
        yield series(name, {**labels, "register": str(register)}, values)


@cache
def _moved(times: str, used: int, month: int, day: int = 1) -> list[tuple[int, bytes]]:
    """Return the registers that are used at all, with their samples: others from day to day.

    Those of an hour are among those of its day, those of a day among those of its month, and half
    of those of a month are among those of the next one.

    Args:
        times: When samples were recorded.
        used: How many registers have one.
        month: How many are used in a month.
        day: How many are used in a day.
    """
    if times == "minutes":
        return [(each, constant(hash_of(each), _MINUTES)) for each in range(used)]
    if times == "weeks before":
        every = [(_first(END, month) + each) % month for each in range(used)]
        return [(each, constant(hash_of(each), _WEEKS_BEFORE)) for each in every]
    found: dict[int, list[int]] = {}
    for time in _MIDNIGHTS if times == "days" else _REGISTER_HOURS:
        first = _first(time, month)
        within = (time // _HOUR * 11, day) if times == "hours" else (0, used)
        months = (END - time) // (30 * _DAY)
        for each in range(used):
            of_day = (within[0] + each) % within[1]
            register = (first + of_day) % month + months * month // 2
            found.setdefault(register % catalogue.SKETCH_REGISTERS, []).append(time)
    return [(register, constant(hash_of(register), at)) for register, at in found.items()]


def _first(time: int, month: int) -> int:
    """Return the first of a month's registers that are used on a day."""
    return time // _DAY * 37 % month
