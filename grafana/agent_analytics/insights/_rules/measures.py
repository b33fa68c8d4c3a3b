"""The recording rules that insights read: of each hour, and of this evaluation."""

from typing import Final

from agent_analytics.insights._entries import Recording
from agent_analytics.insights._promql import quantities, recorded, weeks
from agent_analytics.insights._promql.scopes import LISTING, Scope
from agent_analytics.insights._promql.windows import Hours, Levels, RulePeriod
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
            expr=Levels("1h").grown(sample, Scope(recorded.labels_of(sample)), *matchers),
        )
        for sample, matchers in recorded.HOURLY.items()
    ]


def growths(*, seldom: bool) -> list[Recording]:
    """Return the rules that record what counters grew by, once for all insights.

    Args:
        seldom: Those of windows longer than a day, or those that insights are evaluated with.
    """
    found = [
        Recording(
            record=recorded.grown(sample, window),
            expr=RulePeriod(*window).grown(
                sample, Scope(recorded.labels_of(sample)), *recorded.ONLY.get(sample, ())
            ),
        )
        for sample, windows in recorded.GROWTHS.items()
        for window in windows
        if recorded.seldom(window) is seldom
    ]
    if seldom:
        return found
    name = catalogue.INVOCATIONS.name
    scope = Scope(recorded.labels_of(name))
    found += [
        Recording(
            record=recorded.grown_recently(name, window),
            expr=Levels(window).grown(name, scope),
        )
        for window in recorded.BUDGET_WINDOWS
    ]
    return found


def same_hours() -> list[Recording]:
    """Return the rules that compare hours with the same hours of the weeks before."""
    found: list[Recording] = []
    for hours in recorded.COMPARED_HOURS:
        for quantity, of in ((recorded.ERROR_RATES, _error_rate), (recorded.P95, _response_time)):
            found += [
                *(
                    Recording(
                        record=recorded.weeks(quantity, hours),
                        expr=f"{of(hours, week)}{weeks.same_rules(hours, week)}",
                        labels={"week": str(week)},
                    )
                    for week in range(recorded.COMPARED_WEEKS + 1)
                ),
                Recording(
                    record=recorded.usual(quantity, hours),
                    expr=weeks.median_of_weeks(quantity, hours, _KNOWN_WEEKS),
                ),
                Recording(
                    record=recorded.deviation(quantity, hours),
                    expr=weeks.deviation_of_weeks(quantity, hours),
                ),
            ]
        found.append(
            Recording(
                record=recorded.evidence(recorded.ERROR_RATES, hours),
                expr=weeks.evidence_of_change(
                    recorded.ERROR_RATES, quantities.judged_invocations(Hours(hours)), hours
                ),
            )
        )
    return found


def _error_rate(hours: int, week: int) -> str:
    return quantities.error_rate(Hours(hours, week, _JUDGED_FLOOR))


def _response_time(hours: int, week: int) -> str:
    time = quantities.response_time_quantile(_QUANTILE, Hours(hours, week))
    return f"{time} and {quantities.responses(Hours(hours, week))} >= {_RESPONSE_FLOOR}"
