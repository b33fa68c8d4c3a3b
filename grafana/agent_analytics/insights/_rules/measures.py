"""The recording rules that insights read: of each hour, and of this evaluation."""

from typing import Final

from agent_analytics.insights._entries import Recording
from agent_analytics.insights._promql import periods, recent, recorded
from agent_analytics.insights._promql.queries import LISTING, Scope
from agent_analytics.insights._promql.windows import Period, growth
from agent_analytics.processor import catalogue

#: Fewest observations for the hours of a week to be compared with.
_JUDGED_FLOOR: Final = 30
_RESPONSE_FLOOR: Final = 50
#: Of four weeks, so many have to be known.
_KNOWN_WEEKS: Final = 3
_QUANTILE: Final = 0.95


def last_seen() -> Recording:
    """Return the rule that records when each listing was last scraped."""
    latest = f"timestamp({catalogue.INVOCATIONS.name})"
    return Recording(record=recorded.LAST_SEEN, expr=f"{LISTING.aggregate('max')} ({latest})")


def hours() -> list[Recording]:
    """Return the rules that record the growth of each hour."""
    return [
        Recording(
            record=recorded.hour(sample),
            expr=recent.growth(sample, "1h", Scope(recorded.labels_of(sample)), *matchers),
        )
        for sample, matchers in recorded.HOURLY.items()
    ]


def _before(window: recorded.Days) -> recorded.Days:
    days, ago = window
    return days, ago + days


def tenants() -> list[Recording]:
    """Return the rules that record distinct tenants and retention.

    Tenants come first: retention looks those of the period before up.
    """
    return [
        *(
            Recording(record=recorded.tenants(window), expr=periods.unique_tenants(Period(*window)))
            for window in recorded.TENANTS
        ),
        *(
            Recording(
                record=recorded.retention(window),
                expr=periods.retention_whenever(
                    Period(*window), before=recorded.tenants(_before(window))
                ),
            )
            for window in recorded.RETENTIONS
        ),
    ]


def growths() -> list[Recording]:
    """Return the rules that record what counters grew by, once for all insights."""
    found = [
        Recording(
            record=recorded.grown(sample, window),
            expr=growth(
                sample,
                Period(*window),
                Scope(recorded.labels_of(sample)),
                *recorded.ONLY.get(sample, ()),
            ),
        )
        for sample, windows in recorded.GROWTHS.items()
        for window in windows
    ]
    name = catalogue.INVOCATIONS.name
    scope = Scope(recorded.labels_of(name))
    found += [
        Recording(
            record=recorded.grown_recently(name, window),
            expr=recent.growth(name, window, scope),
        )
        for window in recorded.BUDGET_WINDOWS
    ]
    return found


def weeks() -> list[Recording]:
    """Return the rules that compare hours with the same hours of the weeks before."""
    ago = range(recorded.COMPARED_WEEKS + 1)
    found: list[Recording] = []
    for length in recorded.COMPARED_HOURS:
        rates = [recent.error_rate_in_hours(length, week) for week in ago]
        judged = [f"{recent.judged_in_hours(length, week)} >= {_JUDGED_FLOOR}" for week in ago]
        times = [recent.response_time_in_hours(_QUANTILE, length, week) for week in ago]
        answered = [
            f"{recent.responses_in_hours(length, week)} >= {_RESPONSE_FLOOR}" for week in ago
        ]
        for quantity, values, floors in (
            (recorded.ERROR_RATES, rates, judged),
            (recorded.P95, times, answered),
        ):
            found += [
                Recording(
                    record=recorded.weeks(quantity, length),
                    expr=recent.each_week(values, floors, length),
                ),
                Recording(
                    record=recorded.usual(quantity, length),
                    expr=recent.median_of_weeks(quantity, length, _KNOWN_WEEKS),
                ),
                Recording(
                    record=recorded.deviation(quantity, length),
                    expr=recent.deviation_of_weeks(quantity, length),
                ),
            ]
    return found
