"""Named PromQL over minutes and hours, read from levels and from the series of each hour.

What a listing did lately is compared here with the same hours of the weeks before: its median and
its scaled median absolute deviation over four weeks, which one odd week does not move. Every
function returns an expression that can stand inside a larger one without parentheses.
"""

from typing import Final

from agent_analytics.insights._promql import accounting, recorded, rollups
from agent_analytics.insights._promql.queries import FAILED, JUDGED, LISTING, Scope, one_of, select
from agent_analytics.processor import catalogue

_INVOCATIONS: Final = catalogue.INVOCATIONS.name
_BUCKETS: Final = f"{catalogue.INVOCATION_DURATION.name}_bucket"
#: Weeks before of which a share is known at least, with as many trials each as there are now.
_WEEKS_KNOWN: Final = 3
#: Stands for a share of 0, of which there is no logarithm.
_SMALLEST: Final = 1e-9
#: Makes a median absolute deviation an estimate of the standard deviation.
_MAD_SCALE: Final = 1.4826


def growth(sample: str, window: str, scope: Scope, *matchers: str) -> str:
    """What the counters of a sample name grew by in minutes or hours, to the last level.

    Up to an hour stale where nothing was scraped; counters that began anew do not matter.
    """
    level = select(rollups.level(sample), scope, *matchers)
    last = f"last_over_time({level}[1h])"
    first = f"(last_over_time({level}[1d] offset {window}) or {last} * 0)"
    drops = f"sum_over_time({select(rollups.drop(sample), scope, *matchers)}[{window}])"
    return f"{scope.aggregate('sum')} ({last} - {first} + ({drops} or {last} * 0))"


def growth_of_hour(sample: str, hours_ago: int, scope: Scope) -> str:
    """What the counters of a sample name grew by in the hour that ended so many hours ago.

    Only counters that were there throughout; one that began anew in that hour counts for nothing.
    """
    level = select(rollups.level(sample), scope)
    ends = (f"last_over_time({level}[1h] offset {hours}h)" for hours in (hours_ago, hours_ago + 1))
    return f"{scope.aggregate('sum')} (clamp_min({' - '.join(ends)}, 0))"


def _recently(window: str, scope: Scope, outcomes: tuple[str, ...]) -> str:
    name = recorded.grown_recently(_INVOCATIONS, window)
    return f"{scope.aggregate('sum')} ({select(name, scope, one_of('outcome', *outcomes))})"


def judged_invocations(window: str, scope: Scope = LISTING) -> str:
    """Invocations that succeeded or failed in one of the windows of an error budget."""
    return _recently(window, scope, JUDGED)


def error_rate(window: str, scope: Scope = LISTING) -> str:
    """Share of failed invocations in one of the windows of an error budget, 0 to 1."""
    failed = _recently(window, scope, FAILED)
    return f"({failed} / ({judged_invocations(window, scope)} > 0))"


# --- the same hours of the weeks before ----------------------------------------------------------


def _hours(sample: str, hours: int, week: int, scope: Scope, *matchers: str) -> str:
    """Growth in the hours that ended some weeks ago; a missed hour counts as the mean of others."""
    offset = f" offset {week}w" if week else ""
    # A minute less, so that the evaluation at the window's very start is not in it as well.
    window = f"{hours * 60 - 1}m"
    mean = f"avg_over_time({select(recorded.hour(sample), scope, *matchers)}[{window}]{offset})"
    return f"{scope.aggregate('sum')} ({mean}) * {hours}"


def judged_in_hours(hours: int, week: int = 0, scope: Scope = LISTING) -> str:
    """Invocations that succeeded or failed in the hours that ended some weeks ago."""
    return f"({_hours(_INVOCATIONS, hours, week, scope, one_of('outcome', *JUDGED))})"


def error_rate_in_hours(hours: int, week: int, fewest: int, scope: Scope = LISTING) -> str:
    """Share of failed invocations in the hours that ended some weeks ago, where so many did."""
    failed = _hours(_INVOCATIONS, hours, week, scope, one_of("outcome", *FAILED))
    return f"({failed} / ({judged_in_hours(hours, week, scope)} >= {fewest}))"


def responses_in_hours(hours: int, week: int = 0, scope: Scope = LISTING) -> str:
    """Successful invocations in the hours that ended some weeks ago."""
    return f"({_hours(_BUCKETS, hours, week, scope, one_of('le', '+Inf'))})"


def response_time_in_hours(
    quantile: float, hours: int, week: int = 0, scope: Scope = LISTING
) -> str:
    """Quantile of the response time in seconds in the hours that ended some weeks ago."""
    buckets = _hours(_BUCKETS, hours, week, scope.over(*scope.by, "le"))
    return f"histogram_quantile({quantile}, {buckets})"


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
    now = this_week(quantity, hours)
    before = f"clamp_min({usual(quantity, hours)}, {_SMALLEST})"
    mean = f"({now} + {_WEEKS_KNOWN} * {before}) / {_WEEKS_KNOWN + 1}"
    later = f"{now} * ln(clamp_min({now}, {_SMALLEST}) / ({mean}))"
    earlier = f"{_WEEKS_KNOWN} * {before} * ln({before} / ({mean}))"
    return f"{trials} * ({later} + {earlier})"


def this_week(quantity: str, hours: int, scope: Scope = LISTING) -> str:
    """The recorded quantity of the hours until now."""
    now = select(recorded.weeks(quantity, hours), scope, 'week="0"')
    return f"{scope.aggregate('max')} ({now})"


def usual(quantity: str, hours: int, scope: Scope = LISTING) -> str:
    """The recorded median of a quantity in the same hours of the weeks before."""
    return select(recorded.usual(quantity, hours), scope)


def deviation(quantity: str, hours: int, scope: Scope = LISTING) -> str:
    """The recorded deviation of a quantity in the same hours of the weeks before."""
    return select(recorded.deviation(quantity, hours), scope)


# --- whether there is telemetry ------------------------------------------------------------------


def unseen_seconds(scope: Scope = LISTING) -> str:
    """Seconds since a listing was last scraped, for listings seen within a week."""
    seen = f"max_over_time({select(recorded.LAST_SEEN, scope)}[7d])"
    return f"(time() - {scope.aggregate('max')} ({seen}))"


def silent_seconds(scope: Scope = LISTING) -> str:
    """Seconds since a span ended in any process that serves a listing."""
    target = ("job", "instance")
    here = f"group by ({', '.join((*scope.by, *target))}) ({select(_INVOCATIONS, scope)})"
    last = f"max by ({', '.join(target)}) ({catalogue.LAST_SPAN.name})"
    latest = f"{here} * on ({', '.join(target)}) group_left () {last}"
    return f"(time() - {scope.aggregate('max')} ({latest}))"
