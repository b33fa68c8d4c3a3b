"""Since when a listing is counted: a window of 30 days holds what was observed of it, not more.

The time is recorded with the levels, and found again in what was recorded before. Where there is no
record, as at the first evaluation, the past is probed: at a few moments, each with room for samples
that are sparse, and in the marks of whole days for listings that run now and then.
"""

from typing import Final

from agent_analytics.insights._entries import Recording
from agent_analytics.insights._promql import rollups
from agent_analytics.insights._promql.recorded import COUNTING_SINCE
from agent_analytics.insights._promql.scopes import LISTING, SUCCESS, one_of
from agent_analytics.processor import catalogue

#: Every series that is recorded here, with its labels.
RECORDED: Final[dict[str, tuple[str, ...]]] = {COUNTING_SINCE: LISTING.by}

_ON: Final = f"on ({', '.join(LISTING.by)})"
_MARK: Final = one_of("outcome", SUCCESS)
_COUNTER: Final = f"{catalogue.INVOCATIONS.name}{{{_MARK}}}"
_DAY: Final = f"{rollups.day(catalogue.INVOCATIONS.name)}{{{_MARK}}}"
_LEVEL: Final = f"{rollups.level(catalogue.INVOCATIONS.name)}{{{_MARK}}}"
#: Moments of the past that are probed, the earliest first: days, then shorter durations in seconds.
_DAYS: Final = (30, 21, 14, 7, 5, 3, 2)
_SHORTER: Final = {
    "1d": 86_400,
    "12h": 43_200,
    "6h": 21_600,
    "2h": 7_200,
    "1h": 3_600,
    "30m": 1_800,
}
#: A listing of which nothing was recorded for so long is forgotten.
_FORGOTTEN: Final = "60d"
#: What was observed for a shorter time, in seconds, is not worth anything a day yet: a day of some
#: minutes' failures is a guess of hundreds of times what was seen.
_LEAST: Final = 3_600


def _probed(there: str, seconds: int) -> str:
    return f"{LISTING.aggregate('group')} ({there}) * (time() - {seconds})"


def since() -> Recording:
    """Return the rule that records since when each listing is counted, as Unix time."""
    days = (
        _probed(
            f"last_over_time({_DAY}[1d] offset {number - 1}d)"
            f" or last_over_time({_COUNTER}[10m] offset {number}d)",
            number * 86_400,
        )
        for number in _DAYS
    )
    shorter = (
        _probed(f"last_over_time({_COUNTER}[10m] offset {duration})", seconds)
        for duration, seconds in _SHORTER.items()
    )
    # The first scrape, not this evaluation; it may be younger than the last step of the subquery.
    # Time is asked of the step, not of the sample: Prometheus reads a series from its beginning for
    # each step at which `timestamp` is asked.
    stamp = f"timestamp({_COUNTER})"
    born = (
        f"{LISTING.aggregate('min')} ({each})"
        for each in (f"min_over_time(({_COUNTER} * 0 + time())[30m:15s])", stamp)
    )
    kept = (
        f"(last_over_time({COUNTING_SINCE}[1d]) and {_ON}"
        f" (last_over_time({_LEVEL}[1d]) or last_over_time({_DAY}[{_FORGOTTEN}])))"
    )
    return Recording(
        record=COUNTING_SINCE, expr=f"\nor {_ON} ".join((kept, *days, *shorter, *born))
    )


def a_day(total: str, days: int) -> str:
    """Return what a total of a window of days is a day, of what was observed of the window.

    Nothing where less than an hour of a listing was observed.
    """
    age = f"(time() - {COUNTING_SINCE})"
    observed = f"clamp_max({age} / 86400 and {age} >= {_LEAST}, {days})"
    whole = f"(({total}) unless {_ON} {COUNTING_SINCE}) / {days}"
    return f"({total} / {_ON} group_left () {observed}\nor {whole})"
