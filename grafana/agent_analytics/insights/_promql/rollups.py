"""Recording rules: what windows of days are read from, instead of raw series.

Counters are recorded as *levels*: the counter as it stands, per instance, every five minutes. The
growth of a window is the difference of two levels, found by two look-ups however long the window
is, and exact where `increase` extrapolates. Four kinds of series make that work:

- ``…:level``, the counter every five minutes;
- ``…:drop``, only when a counter has begun anew: the level that it had before (``…:fell``), or
  more, if scrapes have seen more. What a window grew by is its last level less its first, plus the
  drops in between;
- ``…:hourly``, once an hour: the last level, of instances that have vanished too. A window looks
  for its ends there, not among all levels;
- ``…:day``, once a day in the hour after midnight UTC: the last level as of 00:05.

Sketch registers are merged by minimum: per hour and per day for a listing, and every five minutes,
per hour and per day for a publisher and for the marketplace.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from agent_analytics.insights._promql.scopes import SUCCESS, Scope, one_of
from agent_analytics.insights._yaml import Yaml, dump
from agent_analytics.processor import catalogue

#: How often levels are recorded, and unions of sketches.
LEVEL_INTERVAL: Final = "5m"
LEVEL_MINUTES: Final = 5
#: How often registers are merged for good.
HOUR_INTERVAL: Final = "1h"

#: How far back the last level is looked for among levels, until it is among those of hours, and
#: among those of hours, until it is among those of days: with some time for rules that are slow.
LEVELS_BACK: Final = "70m"
HOURS_BACK: Final = "25h"
#: Five minutes and 65 that do not have both of their ends: a level of 00:05 is none of the
#: evaluation after 00:00, and five past one is not within 65 minutes of midnight.
_FIVE_MINUTES: Final = "4m59s999ms"
_LONG_HOUR: Final = "64m59s999ms"

#: Histograms of tools: windows ask for means, and the buckets are left out.
_OF_TOOLS: Final = (catalogue.TOOL_CALL_DURATION, catalogue.TOOL_RESULT_SIZE)
#: Counters and histograms that windows of days ask for.
LEVELLED: Final = tuple(
    metric
    for metric in catalogue.LISTING_METRICS
    if metric.kind != "gauge"
    and metric not in _OF_TOOLS
    and metric not in catalogue.RELEASE_METRICS
)
_TOOL_SAMPLES: Final = tuple(
    f"{metric.name}_{sample}" for metric in _OF_TOOLS for sample in ("sum", "count")
)


#: Samples of releases: in a group of their own, so that what all others take is seen apart.
RELEASE_SAMPLES: Final = tuple(
    sample for metric in catalogue.RELEASE_METRICS for sample in metric.samples
)

#: Every sample name that has levels, but for those of releases.
LEVEL_SAMPLES: Final = (
    *(sample for metric in LEVELLED for sample in metric.samples),
    *_TOOL_SAMPLES,
)


#: Invocations whatever came of them, as if there was a counter of them: a process begins all its
#: outcomes anew at once, so that their sum is a counter too. What is read of every listing of a
#: marketplace is a quarter as much.
EVERY_INVOCATION: Final = "marketplace_agent_invocations_of_any_outcome"


#: Where not all series of a sample have levels, the label and the value of those that do. Windows
#: ask how long answers took: buckets of other outcomes are three quarters of all, read by nothing.
ONLY: Final[dict[str, tuple[str, str]]] = {
    f"{catalogue.INVOCATION_DURATION.name}_bucket": ("outcome", SUCCESS),
}


def has_levels(sample: str, labels: Mapping[str, str]) -> bool:
    """Return whether the levels of a series are recorded, by its name and its labels."""
    if sample not in (*LEVEL_SAMPLES, *RELEASE_SAMPLES):
        return False
    label, value = ONLY.get(sample, ("", ""))
    return labels.get(label, "") == value


def _raw(sample: str) -> str:
    """Return the selector of those series of a sample that have levels."""
    return f"{sample}{{{one_of(*ONLY[sample])}}}" if sample in ONLY else sample


def level(sample: str) -> str:
    """Return the name under which the levels of a counter are recorded."""
    return f"{sample}:level"


def drop(sample: str) -> str:
    """Return the name under which levels before a counter began anew are recorded."""
    return f"{sample}:drop"


def fell(sample: str) -> str:
    """Return the name under which last levels are recorded that are above what a counter has."""
    return f"{sample}:fell"


def hourly(sample: str) -> str:
    """Return the name under which the last level of each hour is recorded."""
    return f"{sample}:hourly"


def day(sample: str) -> str:
    """Return the name under which the last level of each day is recorded."""
    return f"{sample}:day"


@dataclass(frozen=True, slots=True)
class Union:
    """Whose registers are merged.

    Attributes:
        name: Prefix of the recorded series.
        labels: Labels that are kept beside ``kind`` and ``register``.
    """

    name: str
    labels: tuple[str, ...]

    @property
    def minutes(self) -> str:
        """Name of the registers of the moment; a listing's are the raw ones."""
        return f"{self.name}_registers:level" if self.name != "listing" else REGISTER

    @property
    def hours(self) -> str:
        """Name of the registers of an hour, recorded at its end."""
        return f"{self.name}_registers:hour"

    @property
    def days(self) -> str:
        """Name of the registers of a UTC day, recorded after its end."""
        return f"{self.name}_registers:day"

    @property
    def tenants(self) -> str:
        """Name of the distinct tenants of a UTC day, recorded after its end."""
        return f"{self.name}_tenants:day"

    @property
    def returned(self) -> str:
        """Name of the share of an earlier week's tenants who came back, recorded every day."""
        return f"{self.name}_returned:week"

    @property
    def by(self) -> str:
        """The labels that a register is told apart by."""
        return ", ".join((*self.labels, "kind", "register"))


REGISTER: Final = catalogue.SKETCH_REGISTER.name
OF_LISTING: Final = Union("listing", catalogue.LISTING_LABELS)
OF_PUBLISHER: Final = Union("publisher", ("publisher_id",))
OF_MARKETPLACE: Final = Union("marketplace", ())
UNIONS: Final = (OF_LISTING, OF_PUBLISHER, OF_MARKETPLACE)


def union_of(scope: Scope) -> Union:
    """Return the union whose registers a scope is answered from: the coarsest that can."""
    if scope.by == () and not scope.where:
        return OF_MARKETPLACE
    by_publisher = scope.by in {(), ("publisher_id",)}
    only_publisher = all(matcher.startswith("publisher_id") for matcher in scope.where)
    return OF_PUBLISHER if by_publisher and only_publisher else OF_LISTING


#: How many weeks before a week are those whose tenants are looked for in it.
COHORTS: Final = (1, 2, 3, 4)

#: Every recorded series, with the labels that it has beside those of the scrape.
RECORDED: Final[dict[str, tuple[str, ...]]] = {
    **{
        name(sample): (*metric.labels, *(("le",) if sample.endswith("_bucket") else ()))
        for metric in (*LEVELLED, *_OF_TOOLS, *catalogue.RELEASE_METRICS)
        for sample in metric.samples
        if sample in {*LEVEL_SAMPLES, *RELEASE_SAMPLES}
        for name in (level, drop, fell, hourly, day)
    },
    **{
        name: (*union.labels, "kind", "register")
        for union in UNIONS
        for name in (union.minutes, union.hours, union.days)
        if name != REGISTER
    },
    **{union.tenants: union.labels for union in UNIONS},
    OF_MARKETPLACE.returned: ("weeks",),
    **{name(EVERY_INVOCATION): catalogue.LISTING_LABELS for name in (level, drop, hourly, day)},
}


def distinct(registers: str, by: Sequence[str]) -> str:
    """How many distinct ids merged registers have seen: the maximum-likelihood estimate."""
    m = catalogue.SKETCH_REGISTERS
    return f"({m} * {_by('count', by)} ({registers}) / ({m} - {_below_one(registers, by)}))"


def in_both(now: str, then: str, by: Sequence[str], known: str = "") -> str:
    """How many distinct ids two sets of merged registers share.

    The share of equal registers among all of both is the Jaccard index of the two sets of ids.

    Args:
        now: Merged registers.
        then: Merged registers of the other set.
        by: Labels that one set is told apart by from those of others.
        known: What is recorded wherever ``then`` is, as a cheap look-up.
    """
    match = ", ".join((*by, "register"))
    same = f"{_by('count', by)} ({now} == on ({match}) {then})"
    # The smaller of the two where both have the register: `or` alone would keep the left one.
    lower = (
        f'(label_replace({now}, "part", "now", "", "")'
        f' or label_replace({then}, "part", "then", "", ""))'
    )
    both = f"min by ({match}) ({lower})"
    none = known or f"{_by('count', by)} ({then})"
    equal = f"({same} or 0 * {none})"
    # The share that is equal, times how many there are in both. The number of registers stands
    # in one's denominator and in the other's numerator, and need not be read.
    m = catalogue.SKETCH_REGISTERS
    return f"({m} * {equal} / ({m} - {_below_one(both, by)}))"


def returned(now: str, then: str, by: Sequence[str], before: str = "") -> str:
    """Share of the ids of one set of merged registers, ``then``, that are in another as well.

    Args:
        now: Merged registers.
        then: Merged registers of the set before.
        by: Labels that one set is told apart by from those of others.
        before: Where the number of ``then`` is recorded at the same moment, which spares three of
            seven readings of registers; else it is computed.
    """
    return f"({in_both(now, then, by, before)} / {before or distinct(then, by)})"


def _by(operator: str, by: Sequence[str]) -> str:
    return f"{operator} by ({', '.join(by)})" if by else operator


def _below_one(registers: str, by: Sequence[str]) -> str:
    """How far registers are below 1, together: their number less their sum, read once."""
    return f"{_by('sum', by)} (1 - {registers})"


def _after_midnight(minutes: int) -> str:
    return f"on () (hour() == 0 and minute() < {minutes})"


def _level_rules(sample: str) -> list[Yaml]:
    # A process may be away for hours before its counters begin anew.
    counter = _raw(sample)
    last = (
        f"last_over_time({level(sample)}[{LEVELS_BACK}])"
        f" or last_over_time({hourly(sample)}[{HOURS_BACK}])"
    )
    # Asked once, and looked up: it reads all series thrice, and hardly ever finds one.
    rules: list[Yaml] = [{"record": fell(sample), "expr": f"({last}) > {counter}"}]
    # Recorded at this evaluation: what is left of an earlier one, as Prometheus was restarted,
    # would be counted twice.
    begun = f"({fell(sample)} and timestamp({fell(sample)}) == time())"
    # Before the level moves on. What it had before is the last level, or what scrapes have seen
    # since.
    dropped = f"(max_over_time({counter}[{LEVEL_INTERVAL}]) > {begun}) or {begun}"
    recorded = {sample: (dropped, counter)}
    if sample == catalogue.INVOCATIONS.name:
        recorded[EVERY_INVOCATION] = (
            f"sum without (outcome) ({dropped})",
            f"sum without (outcome) ({counter})",
        )
    rules += [{"record": drop(name), "expr": expr} for name, (expr, _) in recorded.items()]
    rules += [{"record": level(name), "expr": expr} for name, (_, expr) in recorded.items()]
    return rules


def _day_rule(sample: str) -> Yaml:
    """Return the rule for the last level as of 00:05 UTC, which the evaluation after 00:00 made.

    An evaluation in the first five minutes may be too early for it, and is mended an hour later. A
    subquery with a step of a day has a step at midnight alone: at other hours nothing is read,
    which `and` would not spare. Series are looked for all the same: of levels alone half as many.
    """
    levels = f"last_over_time({level(sample)}[{HOURS_BACK}] offset -{_FIVE_MINUTES})"
    return {"record": day(sample), "expr": f"last_over_time(({levels})[{_LONG_HOUR}:1d])"}


def _union_rules() -> list[Yaml]:
    # A publisher's registers are merged of its listings', and the marketplace's of publishers'.
    return [
        {"record": union.minutes, "expr": f"min by ({union.by}) ({parts.minutes})"}
        for parts, union in pairwise(UNIONS)
    ]


def _hour_rules(samples: Sequence[str]) -> list[Yaml]:
    every = (*samples, *((EVERY_INVOCATION,) if catalogue.INVOCATIONS.name in samples else ()))
    rules: list[Yaml] = [
        {"record": hourly(sample), "expr": f"last_over_time({level(sample)}[{HOUR_INTERVAL}])"}
        for sample in every
    ]
    rules += [_day_rule(sample) for sample in every]
    kind = f'kind="{catalogue.SKETCH_TENANTS}"'
    for union in UNIONS:
        merged = f"min_over_time({union.minutes}[{HOUR_INTERVAL}])"
        if union is OF_LISTING:  # of several processes
            merged = f"min by ({union.by}) ({merged})"
        rules.append({"record": union.hours, "expr": merged})
        rules.append(
            {
                "record": union.days,
                # One evaluation an hour: the one in the first hour closes the day before.
                "expr": f"min_over_time({union.hours}[1d]) and {_after_midnight(60)}",
            }
        )
        rules.append(
            {
                "record": union.tenants,
                "expr": (
                    f"{distinct(f'{union.days}{{{kind}}}', union.labels)} and {_after_midnight(60)}"
                ),
            }
        )
    week = f"min_over_time({OF_MARKETPLACE.days}{{{kind}}}[7d]"
    for weeks in COHORTS:
        now, then = (
            f"min by (register) ({week}{offset}))" for offset in ("", f" offset {7 * weeks}d")
        )
        rules.append(
            {
                "record": OF_MARKETPLACE.returned,
                "expr": f"{returned(now, then, ())} and {_after_midnight(60)}",
                "labels": {"weeks": str(weeks)},
            }
        )
    return rules


def groups(
    samples: Sequence[str] = LEVEL_SAMPLES,
    *,
    level_interval: str = LEVEL_INTERVAL,
    hour_interval: str = HOUR_INTERVAL,
    before: Sequence[Yaml] = (),
    levels: Sequence[Yaml] = (),
    hours: Sequence[Yaml] = (),
    releases: Sequence[Yaml] = (),
    closed: Sequence[Yaml] = (),
    limit: int = 0,
) -> list[Yaml]:
    """Return the rule groups of the roll-ups.

    Args:
        samples: Names of the samples to record levels of.
        releases: Rules that are evaluated after the levels of releases; without, these have none.
        level_interval: How often levels and unions of sketches are recorded.
        hour_interval: How often registers are merged for good.
        before: Further rules that are evaluated in front of the levels.
        levels: Further rules that are evaluated after them.
        hours: Further rules that are evaluated every hour.
        closed: Rules that look every hour whether a week or a month has ended.
        limit: Most series that a rule may record; 0 for any number.
    """
    of_releases = RELEASE_SAMPLES if releases else ()
    most: dict[str, Yaml] = {"limit": limit} if limit else {}
    return [
        {
            "name": "agent-analytics-levels",
            "interval": level_interval,
            **most,
            "rules": [
                *before,
                *(rule for sample in samples for rule in _level_rules(sample)),
                *levels,
            ],
        },
        *(
            {
                "name": "agent-analytics-releases",
                "interval": level_interval,
                **most,
                "rules": [rule for sample in of_releases for rule in _level_rules(sample)]
                + list(rules),
            }
            for rules in (releases,)
            if rules
        ),
        {
            "name": "agent-analytics-unions",
            "interval": level_interval,
            **most,
            "rules": _union_rules(),
        },
        {
            "name": "agent-analytics-hours",
            "interval": hour_interval,
            **most,
            "rules": [*_hour_rules((*samples, *of_releases)), *hours],
        },
        *(
            {
                "name": "agent-analytics-closed",
                "interval": hour_interval,
                **most,
                "rules": list(rules),
            }
            for rules in (closed,)
            if rules
        ),
    ]


def render_rollups(samples: Sequence[str] = LEVEL_SAMPLES) -> str:
    """Return the rule file of the roll-ups alone.

    Args:
        samples: Names of the samples to record levels of.
    """
    return dump({"groups": groups(samples)})
