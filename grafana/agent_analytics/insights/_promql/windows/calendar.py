"""UTC days, for graphs with a point a day.

Every expression is to be evaluated at midnight UTC, as a dashboard does with a step of a day, and
reads what is recorded once a day: a graph of ninety days reads ninety samples a series. What is
recorded of a day stands in the hour after its end; where it was too early for the last counters, it
stands there once more, up to five minutes later.
"""

from dataclasses import dataclass
from typing import Final

from agent_analytics.insights._promql import rollups
from agent_analytics.insights._promql.scopes import Scope, select
from agent_analytics.insights._promql.windows.protocol import Counted
from agent_analytics.processor import catalogue


@dataclass(frozen=True, slots=True)
class Day(Counted):
    """The UTC day that begins at the time of evaluation."""

    def grown(self, sample: str, scope: Scope, *matchers: str) -> str:
        """Return what the counters of a sample name grew by."""
        day = select(rollups.day(sample), scope, *matchers)
        last = f"last_over_time({day}[1d] offset -25h5m)"
        first = f"last_over_time({day}[3d] offset -65m)"
        fell = f"sum_over_time({select(rollups.drop(sample), scope, *matchers)}[1d] offset -1d)"
        drops = f'label_replace({fell}, "part", "drop", "", "")'
        return f"{scope.aggregate('sum')} ({last} - {first} or {last} or {drops})"

    def tenants(self, scope: Scope) -> str:
        """Return how many distinct tenants were seen."""
        union = rollups.union_of(scope)
        if scope.by == union.labels:
            recorded = f"last_over_time({select(union.tenants, scope)}[1d] offset -25h)"
            return f"{scope.aggregate('max')} ({recorded})"
        days = select(union.days, scope, f'kind="{catalogue.SKETCH_TENANTS}"')
        merged = f"{scope.aggregate('min', 'register')} (last_over_time({days}[1d] offset -25h))"
        return rollups.distinct(merged, scope.by)


UTC_DAY: Final = Day()


def week_overlap(weeks: int) -> str:
    """Share of the tenants of a week who came back in the one before the time of evaluation.

    Of the whole marketplace, as it is recorded every day. The week that is come back to is the
    seven UTC days before the evaluation; the cohort is the week that ended ``weeks`` before it.
    """
    recorded = f'{rollups.OF_MARKETPLACE.returned}{{weeks="{weeks}"}}'
    return f"max (last_over_time({recorded}[1d] offset -1h))"
