"""The recording rules of distinct tenants and of retention, evaluated every hour.

The registers of a week are merged once and recorded, and read once for what is counted of them:
two numbers are packed into one sum. What was recorded is looked up, by the week before and by
earlier windows, and never computed again: `or` would evaluate both sides. Until there is such a
past there is no answer.

Weeks end with the last hour that is recorded, and months begin with the first day that is.
"""

from typing import Final

from agent_analytics.insights._entries import Recording
from agent_analytics.insights._promql import recorded
from agent_analytics.insights._promql.rollups import OF_LISTING
from agent_analytics.insights._promql.scopes import LISTING
from agent_analytics.processor import catalogue

_KIND: Final = f'kind="{catalogue.SKETCH_TENANTS}"'
_HOURS: Final = f"{OF_LISTING.hours}{{{_KIND}}}"
_DAYS: Final = f"{OF_LISTING.days}{{{_KIND}}}"
#: 168 evaluations of an hour, whether a window has both of its ends or not.
_WEEK: Final = "167h30m"
#: A day less: today is in the week.
_MONTH: Final = "29d"
#: Registers of a sketch. Numbers up to it, and parts of it, are packed by twice as much.
_M: Final = catalogue.SKETCH_REGISTERS
_BASE: Final = 2 * _M


def tenants() -> list[Recording]:
    """Return the rules, in order: what is counted of a week is read by its retention."""
    found = [
        Recording(record=recorded.WEEK_REGISTERS, expr=f"min_over_time({_HOURS}[{_WEEK}])"),
    ]
    # `or` drops what has the same labels on the left: a label tells a week from days.
    week = f'label_replace({recorded.WEEK_REGISTERS}, "part", "week", "", "")'
    month = f"{LISTING.aggregate('min', 'register')} (min_over_time({_DAYS}[{_MONTH}]) or {week})"
    for window, registers in ((recorded.WEEK, recorded.WEEK_REGISTERS), (recorded.MONTH, month)):
        packed = recorded.packed_tenants(window)
        found += [
            Recording(
                record=packed,
                expr=f"{LISTING.aggregate('sum')} ({_BASE + 1} - {registers})",
            ),
            Recording(record=recorded.tenants(window), expr=_distinct(packed)),
        ]
    found += [
        _earlier(recorded.tenants((days, 0)), recorded.tenants((days, ago)), ago)
        for days, ago in recorded.TENANTS
        if ago
    ]
    found += _retention()
    found += [
        _earlier(recorded.retention((days, 0)), recorded.retention((days, ago)), ago)
        for days, ago in recorded.RETENTIONS
        if ago
    ]
    return found


def _looked_up(name: str, days: int) -> str:
    return f"last_over_time({name}[2h] offset {days}d)"


def _earlier(name: str, record: str, days: int) -> Recording:
    """Return the rule for what was recorded some days ago."""
    return Recording(record=record, expr=_looked_up(name, days))


def _used(packed: str) -> str:
    """How many numbers were added up: registers in use."""
    return f"({packed} - {packed} % {_BASE}) / {_BASE}"


def _distinct(packed: str) -> str:
    """How many distinct tenants registers have seen: the maximum-likelihood estimate.

    What is left of the sum is how far registers are below 1, together.
    """
    return f"{_M} * ({_used(packed)}) / ({_M} - {packed} % {_BASE})"


def _retention() -> list[Recording]:
    """Return the rules for the share of a week's tenants that came back in the next one.

    The share of equal registers among all of both weeks is J, the Jaccard index; who is in both is
    J / (1 + J) of the two weeks' tenants together.
    """
    week, same = recorded.WEEK_REGISTERS, recorded.SAME_REGISTERS
    now = recorded.packed_tenants(recorded.WEEK)
    then = _looked_up(now, 7)
    none = f"0 * {then}"
    equal = f"({same} % {_BASE} or {none})"
    every = f"({_used(now)} or {none}) + {_used(then)} - ({_used(same)} or {none})"
    count, before = recorded.tenants(recorded.WEEK), f"({_distinct(then)})"
    together = f"(({count} or {none}) + {before})"
    return [
        Recording(
            record=same,
            expr=(f"{LISTING.aggregate('sum')} ({_BASE} + ({week} == bool {_looked_up(week, 7)}))"),
        ),
        Recording(
            record=recorded.retention(recorded.WEEK),
            expr=f"{equal} * {together} / ({every} + {equal}) / {before}",
        ),
    ]
