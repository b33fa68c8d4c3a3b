"""Names of the figures that are recorded for the insights, and the windows that they have.

Several insights ask for the same growth of the same counter: it is read from the roll-ups once an
evaluation, added up over the processes of a listing, and recorded. Windows longer than a day move
little in a quarter of an hour: they are recorded so often, and looked up in between. What is
recorded here needs no past; the hourly series do, so they are evaluated with the roll-ups.
"""

from typing import Final

from agent_analytics.processor import catalogue
from agent_analytics.processor.catalogue import LISTING_LABELS, Metric

#: A window in days: its length, and how many days ago it ended.
Days = tuple[int, int]

MONTH: Final[Days] = (30, 0)
WEEK: Final[Days] = (7, 0)
DAY: Final[Days] = (1, 0)
MONTH_BEFORE: Final[Days] = (30, 30)
WEEK_BEFORE: Final[Days] = (7, 7)
#: Two weeks ago.
WEEK_EARLIER: Final[Days] = (7, 14)
#: The four weeks in front of the last one.
FOUR_WEEKS_BEFORE: Final[Days] = (28, 7)

_PERIODS: Final = (MONTH, WEEK, DAY)
_AGAINST: Final = (*_PERIODS, FOUR_WEEKS_BEFORE)
_MONEY: Final = (MONTH, WEEK)
_DURATION: Final = catalogue.INVOCATION_DURATION.name
_RATING: Final = catalogue.FEEDBACK_RATING.name
_SUCCESS: Final = 'outcome="success"'

#: Windows in days of which the growth of a sample is recorded.
GROWTHS: Final[dict[str, tuple[Days, ...]]] = {
    catalogue.INVOCATIONS.name: (*_AGAINST, WEEK_BEFORE),
    f"{_DURATION}_bucket": _PERIODS,
    f"{_DURATION}_count": _PERIODS,
    f"{_DURATION}_sum": (WEEK,),
    f"{_RATING}_sum": _AGAINST,
    f"{_RATING}_count": _AGAINST,
    catalogue.TOOL_CALLS.name: _AGAINST,
    f"{catalogue.TOOL_CALL_DURATION.name}_sum": (WEEK,),
    f"{catalogue.TOOL_RESULT_SIZE.name}_sum": (WEEK,),
    f"{catalogue.TOOL_RESULT_SIZE.name}_count": (WEEK,),
    catalogue.REPEATED_TOOL_CALLS.name: (WEEK,),
    catalogue.INFERENCE_CALLS.name: (WEEK, FOUR_WEEKS_BEFORE),
    catalogue.INPUT_TOKENS.name: (WEEK, DAY, FOUR_WEEKS_BEFORE),
    catalogue.OUTPUT_TOKENS.name: (WEEK, DAY, FOUR_WEEKS_BEFORE),
    catalogue.CACHED_INPUT_TOKENS.name: (WEEK,),
    catalogue.REVENUE.name: (*_PERIODS, WEEK_BEFORE, MONTH_BEFORE),
    catalogue.REFUNDS.name: _MONEY,
    catalogue.FEES.name: _MONEY,
    catalogue.MODEL_COST.name: (*_MONEY, DAY, FOUR_WEEKS_BEFORE),
    catalogue.WASTED_COST.name: _MONEY,
    catalogue.INSTALLS.name: _MONEY,
    catalogue.UNINSTALLS.name: _MONEY,
    **{sample: (WEEK, MONTH) for metric in catalogue.RELEASE_METRICS for sample in metric.samples},
}
#: How far back is looked for what is recorded every quarter of an hour: one time may be left out.
LATELY: Final = "35m"
#: The same of what is absent where it means nothing: no time is left out, so that it is not there
#: for longer than until the second evaluation after.
JUST_NOW: Final = "20m"
#: Which of a sample's series are recorded, where not all are.
ONLY: Final[dict[str, tuple[str, ...]]] = {
    f"{_DURATION}_bucket": (_SUCCESS, 'le="10.0"'),
    f"{_DURATION}_count": (_SUCCESS,),
}
#: Windows of an error budget, of which the growth of the invocations is recorded.
BUDGET_WINDOWS: Final = ("5m", "30m", "1h", "6h", "3d")
#: Samples of which each hour is recorded, and which of their series.
HOURLY: Final[dict[str, tuple[str, ...]]] = {
    catalogue.INVOCATIONS.name: (),
    f"{_DURATION}_bucket": (_SUCCESS,),
}
#: Windows in days of which the distinct tenants are recorded, and those of the retention.
TENANTS: Final = (MONTH, MONTH_BEFORE, WEEK, WEEK_BEFORE, WEEK_EARLIER)
RETENTIONS: Final = (WEEK, WEEK_BEFORE)
#: The merged registers of a listing's tenants of a week.
WEEK_REGISTERS: Final = "listing_registers:week"
#: How many registers of a week and of the one before are in both, and how many are equal: packed.
SAME_REGISTERS: Final = "listing_tenants_same:7d"
#: Hours over which a listing is compared with the same hours of the weeks before.
COMPARED_HOURS: Final = (1, 6, 24)
#: How many weeks back.
COMPARED_WEEKS: Final = 4
ERROR_RATES: Final = "listing_error_rate"
P95: Final = "listing_response_time_p95"

#: Counts of on-call's windows, of a listing and of its tools.
FAILED_INVOCATIONS: Final = "listing_failed_invocations"
JUDGED_INVOCATIONS: Final = "listing_judged_invocations"
QUICK_RESPONSES: Final = "listing_quick_responses"
RESPONSES: Final = "listing_responses"
STARS: Final = "listing_rating_stars"
RATINGS: Final = "listing_ratings"
FAILED_CALLS: Final = "listing_failed_tool_calls"
JUDGED_CALLS: Final = "listing_judged_tool_calls"
#: The windows of each that on-call asks for.
INCREASES: Final[dict[str, tuple[str, ...]]] = {
    FAILED_INVOCATIONS: ("1m", "5m", "30m"),
    JUDGED_INVOCATIONS: ("1m", "5m", "30m"),
    QUICK_RESPONSES: ("5m", "15m", "1h"),
    RESPONSES: ("5m", "15m", "1h"),
    STARS: ("1h",),
    RATINGS: ("1h",),
    FAILED_CALLS: ("5m", "15m", "1h"),
    JUDGED_CALLS: ("5m", "15m", "1h"),
}

#: Windows in days of which the error type that most failures of a listing are of is recorded, and
#: the model that takes most of its tokens: what no growth above tells apart.
TOP: Final[dict[str, tuple[Days, ...]]] = {"error type": _PERIODS, "model": (WEEK,)}

#: When a listing was last scraped, as Unix time.
LAST_SEEN: Final = "listing_last_seen_timestamp_seconds"
#: Since when a listing is counted, as Unix time.
COUNTING_SINCE: Final = "listing_counting_since_timestamp_seconds"
#: The number of an insight that is raised, by its name; what the alert's value is.
MEASURE: Final = "marketplace_insight_measure"
#: What an insight that is raised is worth, in US dollars a day.
WORTH: Final = "marketplace_insight_worth_usd_per_day"
#: What most of an insight that is raised comes from: its share, 0 to 1.
CONTRIBUTOR: Final = "marketplace_insight_contributor"
#: 1 where an insight is raised, or where the one that stands for it is.
RAISED: Final = "marketplace_insight_raised"
#: How often an insight was raised after it had not been for a day.
OPENINGS: Final = "marketplace_insight_openings"
#: Since when it is open, or was when it was open last, as Unix time.
SINCE: Final = "marketplace_insight_since_timestamp_seconds"
#: When it was raised last, as Unix time.
LAST_RAISED: Final = "marketplace_insight_last_raised_timestamp_seconds"
#: The traffic of the window in which it was raised: as much is to pass before it counts as fixed.
TOOK: Final = "marketplace_insight_took"
#: 1 where as much traffic has passed since as it took to raise it.
PROVEN: Final = "marketplace_insight_proven"
#: When that was first so, as Unix time.
FIXED: Final = "marketplace_insight_fixed_timestamp_seconds"
#: What it was worth a day at its worst while it was open, and what it is worth once it is fixed.
WORTH_BEFORE: Final = "marketplace_insight_worth_before_usd_per_day"
WORTH_AFTER: Final = "marketplace_insight_worth_after_usd_per_day"
OF_LIFECYCLES: Final = (
    RAISED, OPENINGS, SINCE, LAST_RAISED, TOOK, PROVEN, FIXED, WORTH_BEFORE, WORTH_AFTER,
)  # fmt: skip
#: 1 for each insight that is open or was, with how it stands in the label ``state``.
STATE: Final = "marketplace_insight_state"
#: 1 for each insight, with the words that it is shown in as labels, for who shows it to join.
INFO: Final = "marketplace_insight_info"
#: Since when a series that rules look up is recorded without a gap, as Unix time, by its name.
RECORDED_SINCE: Final = "marketplace_recorded_since_timestamp_seconds"
#: By when an insight is known that looks up what was not recorded then, as Unix time; not there
#: for an insight that is known.
KNOWN_BY: Final = "marketplace_insight_known_by_timestamp_seconds"
#: A listing's own threshold of an insight, instead of the one that the insight has. Nothing here
#: records it: it comes from a rule file or a text file of whoever runs the marketplace.
THRESHOLD: Final = "marketplace_insight_threshold"


def span(window: Days) -> str:
    """Return a window's name: ``7d``, or ``7d_7d_ago``."""
    days, ago = window
    return f"{days}d_{ago}d_ago" if ago else f"{days}d"


def grown(sample: str, window: Days) -> str:
    """Return the name under which the growth of a sample in a window of days is recorded.

    Raises:
        ValueError: It is not recorded.
    """
    if window not in GROWTHS.get(sample, ()):
        message = f"the growth of {sample} over {span(window)} is not recorded"
        raise ValueError(message)
    return f"{sample}:growth_{span(window)}"


def seldom(window: Days) -> bool:
    """Return whether a window's growth is recorded every quarter of an hour, not with insights."""
    return window != DAY


def lately(selector: str) -> str:
    """Return what was recorded last of what is recorded every quarter of an hour."""
    return f"last_over_time({selector}[{LATELY}])"


def grown_recently(sample: str, window: str) -> str:
    """Return the name under which the growth in minutes or hours is recorded."""
    return f"{sample}:growth_{window}"


def top_contributor(window: Days) -> str:
    """Return the name of the largest share that one of a listing's error types or models has."""
    return f"listing_top_contributor:{span(window)}"


def increase(count: str, window: str) -> str:
    """Return the name under which a count of one of on-call's windows is recorded.

    Raises:
        ValueError: It is not recorded.
    """
    if window not in INCREASES[count]:
        message = f"{count} over {window} is not recorded"
        raise ValueError(message)
    return f"{count}:increase_{window}"


def hour(sample: str) -> str:
    """Return the name under which the growth of each hour is recorded."""
    return f"{sample}:hour"


def tenants(window: Days) -> str:
    """Return the name of the distinct tenants of a listing in a window.

    Raises:
        ValueError: They are not recorded.
    """
    return _one_of("listing_unique_tenants", window, TENANTS)


def packed_tenants(window: Days) -> str:
    """Return the name of how many registers tenants have used, and how far: packed."""
    return f"listing_tenants_packed:{span(window)}"


#: What is recorded of a series at the same moment, wherever the series is, and costs less to find.
STANDS_FOR: Final = {WEEK_REGISTERS: packed_tenants(WEEK)}


def retention(window: Days) -> str:
    """Return the name of a listing's retention in a window.

    Raises:
        ValueError: It is not recorded.
    """
    return _one_of("listing_retention", window, RETENTIONS)


def _one_of(name: str, window: Days, windows: tuple[Days, ...]) -> str:
    if window not in windows:
        message = f"{name} over {span(window)} is not recorded"
        raise ValueError(message)
    return f"{name}:{span(window)}"


def weeks(quantity: str, hours: int) -> str:
    """Return the name of a quantity now (week 0) and in the same hours of the weeks before."""
    return f"{quantity}:weeks_{hours}h"


def usual(quantity: str, hours: int) -> str:
    """Return the name of the median of the weeks before."""
    return f"{quantity}:usual_{hours}h"


def deviation(quantity: str, hours: int) -> str:
    """Return the name of the scaled median absolute deviation of the weeks before."""
    return f"{quantity}:deviation_{hours}h"


def evidence(quantity: str, hours: int) -> str:
    """Return the name of how much speaks against a share being that of the weeks before."""
    return f"{quantity}:evidence_{hours}h"


def labels_of(sample: str) -> tuple[str, ...]:
    """Return the labels of what is recorded of a sample: models are added up."""
    metric = _metric(sample)
    edge = ("le",) if sample.endswith("_bucket") else ()
    return (*(label for label in metric.labels if label != "model"), *edge)


def _metric(sample: str) -> Metric:
    return next(metric for metric in catalogue.LISTING_METRICS if sample in metric.samples)


#: Every series that is recorded for insights, or read by them, with its labels.
RECORDED: Final[dict[str, tuple[str, ...]]] = {
    **{
        grown(sample, window): labels_of(sample)
        for sample, windows in GROWTHS.items()
        for window in windows
    },
    **{
        grown_recently(catalogue.INVOCATIONS.name, window): labels_of(catalogue.INVOCATIONS.name)
        for window in BUDGET_WINDOWS
    },
    **{hour(sample): labels_of(sample) for sample in HOURLY},
    **{
        increase(count, window): (
            *LISTING_LABELS,
            *(("tool",) if count in {FAILED_CALLS, JUDGED_CALLS} else ()),
        )
        for count, windows in INCREASES.items()
        for window in windows
    },
    **{tenants(window): LISTING_LABELS for window in TENANTS},
    **{retention(window): LISTING_LABELS for window in RETENTIONS},
    **{packed_tenants(window): LISTING_LABELS for window in (WEEK, MONTH)},
    SAME_REGISTERS: LISTING_LABELS,
    WEEK_REGISTERS: (*LISTING_LABELS, "kind", "register"),
    **{
        name(quantity, hours): (*LISTING_LABELS, *(("week",) if name is weeks else ()))
        for quantity in (ERROR_RATES, P95)
        for hours in COMPARED_HOURS
        for name in (weeks, usual, deviation)
    },
    **{evidence(ERROR_RATES, hours): LISTING_LABELS for hours in COMPARED_HOURS},
    **{
        top_contributor(window): (*LISTING_LABELS, "dimension", "contributor")
        for windows in TOP.values()
        for window in windows
    },
    LAST_SEEN: LISTING_LABELS,
    MEASURE: (*LISTING_LABELS, "tool", "insight", "traffic"),
    WORTH: (*LISTING_LABELS, "tool", "insight", "traffic"),
    CONTRIBUTOR: (
        *LISTING_LABELS,
        "tool",
        "insight",
        "traffic",
        "dimension",
        "contributor",
        "of",
        "over",
        "place",
    ),
    **dict.fromkeys(OF_LIFECYCLES, (*LISTING_LABELS, "tool", "insight")),
    STATE: (*LISTING_LABELS, "tool", "insight", "state"),
    INFO: ("insight", "title", "what", "recommendation"),
    RECORDED_SINCE: ("recorded",),
    KNOWN_BY: ("insight",),
    THRESHOLD: (*LISTING_LABELS, "insight"),
}
