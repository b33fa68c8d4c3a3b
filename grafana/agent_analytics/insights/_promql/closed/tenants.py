"""Tenants of ISO weeks and of months that have ended: who is new, kept, came back, or is gone.

Registers are merged once when a week or a month is over; what is counted of them is looked up
since. Who is in two weeks is found by registers that are equal (:func:`rollups.in_both`).

The operator reads what is recorded of publishers and of the marketplace. Publishers read what is
*published*: the same, where nothing that is told or follows from it is of fewer than :data:`K`
tenants.
"""

from typing import Final

from agent_analytics.insights._entries import Recording
from agent_analytics.insights._promql import moments, rollups
from agent_analytics.insights._promql.moments import Moment
from agent_analytics.insights._promql.rollups import OF_MARKETPLACE, OF_PUBLISHER, Union
from agent_analytics.processor import catalogue

#: Figures of fewer tenants are shown to no publisher.
K: Final = 5
#: Bounds of estimates, rounded; of those that no count of registers bears out, twice as much.
_ESTIMATED: Final = K - 0.5
_ESTIMATED_ALONE: Final = 2 * K - 0.5
#: What became of a week's tenants; ``came`` are the new and the returned ones together, and
#: ``active`` all of them.
NEW: Final = "new"
KEPT: Final = "kept"
RETURNED: Final = "returned"
CHURNED: Final = "churned"
CAME: Final = "came"
ACTIVE: Final = "active"
#: How many months before a month are those whose tenants are looked for in it.
MONTHS: Final = (1, 2, 3)

_OF: Final = (OF_PUBLISHER, OF_MARKETPLACE)
_TENANTS: Final = f'{{kind="{catalogue.SKETCH_TENANTS}"}}'
_DAY: Final = 24 * 60
#: Days before a week in which somebody who is in it may have been before.
_EARLIER: Final = "84d"
#: Of how many days there has to be a past to tell who is new from who has come back.
_TOLD_APART: Final = 28
#: How many days ago, at least, a month ended whose end is one, two or three months ago; five days
#: later all such ends are.
_MONTHS_AGO: Final = {1: 27, 2: 58, 3: 88}
_LENGTHS: Final = (28, 29, 30, 31)
#: How long the month is that ended at the midnight at which a subquery of days has its step.
_LENGTH: Final = "days_in_month(vector(time() - 86400))"


def week_registers(union: Union) -> str:
    """Return the name of the merged registers of an ISO week."""
    return f"{union.name}_registers:iso_week"


def month_registers(union: Union) -> str:
    """Return the name of the merged registers of a month."""
    return f"{union.name}_registers:month"


def moved(union: Union) -> str:
    """Return the name of how many of a week's tenants are new, kept, returned and churned."""
    return f"{union.name}_tenants_moved:iso_week"


def returned(union: Union) -> str:
    """Return the name of the share of an earlier month's tenants who were there in a month."""
    return f"{union.name}_returned:month"


#: What publishers are shown of both.
PUBLISHED_MOVED: Final = "published_tenants_moved:iso_week"
PUBLISHED_RETURNED: Final = "published_returned:month"


def _tenants(union: Union) -> str:
    return f"{union.name}_tenants:iso_week"


def _kept(union: Union) -> str:
    return f"{union.name}_tenants_kept:iso_week"


def _known(union: Union) -> str:
    """Who was there in any of the weeks before."""
    return f"{union.name}_tenants_known:iso_week"


_USED: Final = "publisher_registers_used:iso_week"
_SAME: Final = "publisher_registers_same:iso_week"
_USED_THEN: Final = "publisher_registers_used:month"
_SAME_THEN: Final = "publisher_registers_same:month"

#: Every series that is recorded here, with its labels.
RECORDED: Final[dict[str, tuple[str, ...]]] = {
    **{
        name(union): (*union.labels, "kind", "register")
        for union in _OF
        for name in (week_registers, month_registers)
    },
    **{name(union): union.labels for union in _OF for name in (_tenants, _kept, _known)},
    **{moved(union): (*union.labels, "movement") for union in _OF},
    **{returned(union): (*union.labels, "months") for union in _OF},
    **dict.fromkeys((_USED, _SAME), OF_PUBLISHER.labels),
    **dict.fromkeys((_USED_THEN, _SAME_THEN, PUBLISHED_RETURNED), (*OF_PUBLISHER.labels, "months")),
    PUBLISHED_MOVED: (*OF_PUBLISHER.labels, "movement"),
}


def weeks() -> list[Recording]:
    """Return the rules of weeks, to be evaluated every hour."""
    return [
        *(_merged(union) for union in _OF),
        *(rule for union in _OF for rule in _counted(union)),
        *_registers_of_weeks(),
        *(rule for union in _OF for rule in _moved(union)),
        *_published_weeks(),
    ]


def months() -> list[Recording]:
    """Return the rules of months, to be evaluated every hour."""
    return [
        *(_month(union) for union in _OF),
        *(rule for union in _OF for rule in _returned(union)),
        *_registers_of_months(),
        _published_months(),
    ]


# --- weeks ---------------------------------------------------------------------------------------


def _merged(union: Union) -> Recording:
    at = moments.week(1)
    registers = at.read("min_over_time", f"{union.days}{_TENANTS}", "7d")
    # Of a week in which recording began there is no figure.
    whole = at.read("last_over_time", OF_MARKETPLACE.tenants, "2d", ago=5 * _DAY)
    return Recording(record=week_registers(union), expr=at.once(f"{registers} and on () {whole}"))


def _counted(union: Union) -> list[Recording]:
    at = moments.week(2)
    name = week_registers(union)
    now, before = at.latest(name), at.latest(name, days=7)
    earlier = at.read("min_over_time", name, _EARLIER, ago=_DAY)
    found = {
        _tenants(union): rollups.distinct(now, union.labels),
        _kept(union): rollups.in_both(now, before, union.labels),
        _known(union): rollups.in_both(now, earlier, union.labels),
    }
    return [Recording(record=record, expr=at.once(expr)) for record, expr in found.items()]


def _registers_of_weeks() -> list[Recording]:
    at = moments.week(2)
    name = week_registers(OF_PUBLISHER)
    now, before = at.latest(name), at.latest(name, days=7)
    return [
        Recording(record=_USED, expr=at.once(f"count by (publisher_id) ({now})")),
        Recording(record=_SAME, expr=at.once(_equal(now, before))),
    ]


def _equal(now: str, then: str) -> str:
    return f"count by (publisher_id) ({now} == on (publisher_id, register) {then})"


def _moved(union: Union) -> list[Recording]:
    at = moments.week(3)
    kept, now, before, known = (
        at.latest(_kept(union)),
        at.latest(_tenants(union)),
        at.latest(_tenants(union), days=7),
        at.latest(_known(union)),
    )
    past = at.read("last_over_time", _tenants(OF_MARKETPLACE), "84d", ago=_TOLD_APART * _DAY)
    found = {
        KEPT: kept,
        CHURNED: f"clamp_min({before} - ({kept} or {before} * 0), 0)",
        NEW: f"clamp_min({now} - ({known} or {now} * 0), 0) and on () {past}",
        RETURNED: f"clamp_min({known} - ({kept} or {known} * 0), 0) and on () {past}",
    }
    return [
        Recording(record=moved(union), expr=at.once(expr), labels={"movement": movement})
        for movement, expr in found.items()
    ]


def _published_weeks() -> list[Recording]:
    at = moments.week(4)
    of = moved(OF_PUBLISHER)

    def recorded(movement: str) -> str:
        return at.latest(f'{of}{{movement="{movement}"}}')

    active, used = at.latest(_tenants(OF_PUBLISHER)), at.latest(_USED)
    same, before = at.latest(_SAME), at.latest(_USED, days=7)
    came = f"({active} - on (publisher_id) {recorded(KEPT)})"
    # Each is published only where all are enough: who knows all and one of two knows the other.
    enough = (
        f"and on (publisher_id) ({same} >= {K})"
        f" and on (publisher_id) ({used} - {same} >= {K})"
        f" and on (publisher_id) ({before} - {same} >= {K})"
        f" and on (publisher_id) ({came} >= {_ESTIMATED})"
        f" and on (publisher_id) ({recorded(CHURNED)} >= {_ESTIMATED})"
    )
    apart = " ".join(
        f"and on (publisher_id) ({recorded(movement)} >= {_ESTIMATED_ALONE})"
        for movement in (NEW, RETURNED)
    )
    found = {
        ACTIVE: f"{active} and on (publisher_id) ({used} >= {K})",
        KEPT: f"{recorded(KEPT)} {enough}",
        CHURNED: f"{recorded(CHURNED)} {enough}",
        CAME: f"{came} {enough}",
        NEW: f"{recorded(NEW)} {enough} {apart}",
        RETURNED: f"{recorded(RETURNED)} {enough} {apart}",
    }
    return [
        Recording(record=PUBLISHED_MOVED, expr=at.once(expr), labels={"movement": movement})
        for movement, expr in found.items()
    ]


# --- months --------------------------------------------------------------------------------------


def _on_the_first(at: Moment, expr: str) -> str:
    return at.once(f"({expr}) and on () (day_of_month() == 1)")


def _month(union: Union) -> Recording:
    at = moments.day(1)
    days = f"{union.days}{_TENANTS}"
    least, *longer = _LENGTHS
    parts = [at.read("min_over_time", days, f"{least}d")]
    for length in longer:
        one = at.read("last_over_time", days, "1d", ago=(length - 1) * _DAY)
        parts.append(f"({one} and on () ({_LENGTH} >= {length}))")
    merged = " or ".join(
        f'label_replace({part}, "part", "{number}", "", "")' for number, part in enumerate(parts)
    )
    # Of a month in which recording began there is no figure.
    whole = " or ".join(
        f"({at.read('last_over_time', OF_MARKETPLACE.tenants, '2d', ago=(length - 2) * _DAY)}"
        f" and on () ({_LENGTH} == {length}))"
        for length in _LENGTHS
    )
    expr = f"min by ({union.by}) ({merged}) and on () ({whole})"
    return Recording(record=month_registers(union), expr=_on_the_first(at, expr))


def _now_and_then(union: Union, number: int) -> tuple[Moment, str, str]:
    at = moments.day(2)
    name = month_registers(union)
    then = at.read("last_over_time", name, "5d", ago=_MONTHS_AGO[number] * _DAY)
    return at, at.latest(name), then


def _returned(union: Union) -> list[Recording]:
    found: list[Recording] = []
    for number in MONTHS:
        at, now, then = _now_and_then(union, number)
        # Where nobody is recorded now, nothing is known.
        here = f"count ({now})"
        share = f"{rollups.returned(now, then, union.labels)} and on () {here}"
        found.append(
            Recording(
                record=returned(union),
                expr=_on_the_first(at, share),
                labels={"months": str(number)},
            )
        )
    return found


def _registers_of_months() -> list[Recording]:
    found: list[Recording] = []
    for number in MONTHS:
        at, now, then = _now_and_then(OF_PUBLISHER, number)
        for record, expr in (
            (_USED_THEN, f"count by (publisher_id) ({then})"),
            (_SAME_THEN, _equal(now, then)),
        ):
            found.append(
                Recording(
                    record=record, expr=_on_the_first(at, expr), labels={"months": str(number)}
                )
            )
    return found


def _published_months() -> Recording:
    at = moments.day(3)
    on = "on (publisher_id, months)"
    share = at.latest(returned(OF_PUBLISHER))
    same, used = at.latest(_SAME_THEN), at.latest(_USED_THEN)
    enough = f"and {on} ({same} >= {K}) and {on} ({used} - {same} >= {K})"
    return Recording(record=PUBLISHED_RETURNED, expr=_on_the_first(at, f"{share} {enough}"))
