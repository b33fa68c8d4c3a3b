"""The recording rules that insights read: of each hour, and of this evaluation."""

from typing import Final

from agent_analytics.insights._entries import Recording
from agent_analytics.insights._promql import recent, recorded
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
    found: list[Recording] = []
    for hours in recorded.COMPARED_HOURS:
        for quantity, of in ((recorded.ERROR_RATES, _error_rate), (recorded.P95, _response_time)):
            found += [
                *(
                    Recording(
                        record=recorded.weeks(quantity, hours),
                        expr=f"{of(hours, week)}{recent.same_rules(hours, week)}",
                        labels={"week": str(week)},
                    )
                    for week in range(recorded.COMPARED_WEEKS + 1)
                ),
                Recording(
                    record=recorded.usual(quantity, hours),
                    expr=recent.median_of_weeks(quantity, hours, _KNOWN_WEEKS),
                ),
                Recording(
                    record=recorded.deviation(quantity, hours),
                    expr=recent.deviation_of_weeks(quantity, hours),
                ),
            ]
        found.append(
            Recording(
                record=recorded.evidence(recorded.ERROR_RATES, hours),
                expr=recent.evidence_of_change(
                    recorded.ERROR_RATES, recent.judged_in_hours(hours), hours
                ),
            )
        )
    return found


def _error_rate(hours: int, week: int) -> str:
    return recent.error_rate_in_hours(hours, week, _JUDGED_FLOOR)


def _response_time(hours: int, week: int) -> str:
    time = recent.response_time_in_hours(_QUANTILE, hours, week)
    return f"{time} and {recent.responses_in_hours(hours, week)} >= {_RESPONSE_FLOOR}"
