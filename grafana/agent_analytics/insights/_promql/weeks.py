"""The same hours of the weeks before: their median and their scaled median absolute deviation.

One odd week of four does not move either. Hours are recorded once an hour, so that all of this is
recorded every quarter of an hour at one moment, and looked up in between. Every function returns an
expression that can stand inside a larger one without parentheses.
"""

from typing import Final

from agent_analytics.insights._promql import accounting, recorded
from agent_analytics.insights._promql.scopes import LISTING, Scope, select

#: Weeks before of which a share is known at least, with as many trials each as there are now.
_WEEKS_KNOWN: Final = 3
#: Stands for a share of 0, of which there is no logarithm.
_SMALLEST: Final = 1e-9
#: Makes a median absolute deviation an estimate of the standard deviation.
_MAD_SCALE: Final = 1.4826


def same_rules(hours: int, week: int) -> str:
    """Return the end of a condition: counted by the rules of now.

    Args:
        hours: Length of the hours that are compared.
        week: How many weeks ago they were.
    """
    return f" {accounting.unless_changed(f'{week * 168 + hours}h')}" if week else ""


def median_of_weeks(quantity: str, hours: int, fewest: int) -> str:
    """Median of the weeks before, where at least so many of them are known."""
    before = select(recorded.weeks(quantity, hours), LISTING, 'week!="0"')
    enough = f"{LISTING.aggregate('count')} ({before}) >= {fewest}"
    return f"{LISTING.aggregate('quantile')} (0.5, {before})\nand {enough}"


def deviation_of_weeks(quantity: str, hours: int) -> str:
    """Median absolute deviation of the weeks before, scaled to a standard deviation."""
    before = select(recorded.weeks(quantity, hours), LISTING, 'week!="0"')
    labels = ", ".join(LISTING.by)
    middle = recorded.usual(quantity, hours)
    apart = f"abs({before} - on ({labels}) group_left () {middle})"
    return f"{_MAD_SCALE} * {LISTING.aggregate('quantile')} (0.5, {apart})"


def evidence_of_change(quantity: str, trials: str, hours: int) -> str:
    """How much speaks against a share being that of the weeks before: a log-likelihood ratio.

    Chance brings so many events into the hours until now with a probability below ``exp(-x)``,
    where nothing has changed (Chernoff's bound for a binomial distribution).

    Args:
        quantity: The share.
        trials: What it is a share of, in the hours until now.
        hours: Their number.
    """
    now = _now(quantity, hours, LISTING)
    before = f"clamp_min({recorded.usual(quantity, hours)}, {_SMALLEST})"
    mean = f"({now} + {_WEEKS_KNOWN} * {before}) / {_WEEKS_KNOWN + 1}"
    later = f"{now} * ln(clamp_min({now}, {_SMALLEST}) / ({mean}))"
    earlier = f"{_WEEKS_KNOWN} * {before} * ln({before} / ({mean}))"
    return f"{trials} * ({later} + {earlier})"


def this_week(quantity: str, hours: int, scope: Scope = LISTING) -> str:
    """The quantity of the hours until now, as it was recorded last."""
    return _now(quantity, hours, scope, recorded.JUST_NOW)


def usual(quantity: str, hours: int, scope: Scope = LISTING) -> str:
    """The median of a quantity in the same hours of the weeks before, as it was recorded last."""
    return _last(recorded.usual(quantity, hours), scope)


def deviation(quantity: str, hours: int, scope: Scope = LISTING) -> str:
    """The deviation of a quantity in the same hours of the weeks before, as recorded last."""
    return _last(recorded.deviation(quantity, hours), scope)


def evidence(quantity: str, hours: int, scope: Scope = LISTING) -> str:
    """How much speaks against a share being that of the weeks before, as it was recorded last."""
    return _last(recorded.evidence(quantity, hours), scope)


def _now(quantity: str, hours: int, scope: Scope, window: str = "") -> str:
    now = select(recorded.weeks(quantity, hours), scope, 'week="0"')
    if window:
        now = f"last_over_time({now}[{window}])"
    return f"{scope.aggregate('max')} ({now})"


def _last(name: str, scope: Scope) -> str:
    return f"last_over_time({select(name, scope)}[{recorded.JUST_NOW}])"
