"""Figures beyond the bound that an insight has, whether or not the insight fires.

An insight waits for enough observations, and for its next evaluation. A figure that is beyond its
bound in the meantime is no reason to say that all is well.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from agent_analytics.insights._definitions import (
    ERROR_RATE,
    RESPONSE_TIME,
    SATISFACTION,
    TOOL_FAILURES,
)
from agent_analytics.insights._definitions.cost import NEGATIVE_MARGIN
from agent_analytics.insights._prometheus.client import Sample
from agent_analytics.insights._promql import recorded, scopes
from agent_analytics.insights._promql.scopes import Scope, select
from agent_analytics.insights._rules.alerts import Insight

#: The bound of each insight whose figure is shown, where a listing has none of its own.
USUAL: Final[Mapping[str, float]] = MappingProxyType(
    {
        ERROR_RATE.slug: ERROR_RATE.threshold.value,
        RESPONSE_TIME.slug: scopes.SLOW_SECONDS * 1000.0,
        SATISFACTION.slug: SATISFACTION.threshold.value,
        TOOL_FAILURES.slug: TOOL_FAILURES.threshold.value,
        NEGATIVE_MARGIN.slug: 0.0,
    }
)
_LEAST: Final = frozenset({SATISFACTION.slug, NEGATIVE_MARGIN.slug})
#: A listing's own bound of these is one of another figure than the one that is shown.
_OTHERWISE: Final = frozenset({RESPONSE_TIME.slug})


@dataclass(frozen=True, slots=True, kw_only=True)
class Beyond:
    """A figure beyond its bound.

    Attributes:
        insight: Short name of the insight that has the bound, such as ``error-rate``.
        value: The figure, in the unit of the dashboards.
        bound: The bound, in the same unit.
        publisher_id: Whose figure it is; None for the marketplace's.
        agent_id: The listing; None for the figure of several.
        tool: The tool; None for a figure of no tool.
    """

    insight: str
    value: float
    bound: float
    publisher_id: str | None = None
    agent_id: str | None = None
    tool: str | None = None

    def told_by(self, insights: Iterable[Insight]) -> bool:
        """Return whether any of some insights is about this figure, or about a part of it."""
        return any(
            insight.name == self.insight
            and self.publisher_id in {None, insight.publisher_id}
            and self.agent_id in {None, insight.agent_id}
            and self.tool in {None, insight.tool}
            for insight in insights
        )


def crossed(insight: str, value: float | None, bounds: Mapping[str, float]) -> bool:
    """Return whether a figure is beyond the bound that an insight has."""
    bound = bounds.get(insight)
    if value is None or bound is None:
        return False
    return value < bound if insight in _LEAST else value > bound


@dataclass(frozen=True, slots=True)
class Own:
    """The bounds that listings have of their own, by publisher and listing."""

    of: Mapping[tuple[str, str], Mapping[str, float]]

    @staticmethod
    def query(scope: Scope) -> str:
        """Return the PromQL that asks for them."""
        every = scope.over("publisher_id", "agent_id", "insight")
        return f"{every.aggregate('max')} ({select(recorded.THRESHOLD, every)})"

    @classmethod
    def read(cls, samples: Iterable[Sample]) -> "Own":
        """Return the bounds in an answer."""
        found: dict[tuple[str, str], dict[str, float]] = {}
        for sample in samples:
            labels = sample.labels
            key = labels.get("publisher_id", ""), labels.get("agent_id", "")
            found.setdefault(key, {})[labels.get("insight", "")] = sample.value
        return cls(found)

    def listing(self, publisher_id: str, agent_id: str) -> Mapping[str, float]:
        """Return the bounds of a listing."""
        own = self.of.get((publisher_id, agent_id), {})
        return {
            slug: own.get(slug, usual)
            for slug, usual in USUAL.items()
            if slug not in own or slug not in _OTHERWISE
        }

    def several(self, publisher_id: str | None = None) -> Mapping[str, float]:
        """Return the bounds of a publisher's figures, or of all publishers' for None.

        An insight of which any of the listings has a bound of its own has none here.
        """
        own = {
            slug
            for (publisher, _), bounds in self.of.items()
            if publisher_id in {None, publisher}
            for slug in bounds
        }
        return {slug: usual for slug, usual in USUAL.items() if slug not in own}


def coarsest_last(groups: Iterable[Iterable[Beyond]]) -> tuple[Beyond, ...]:
    """Return what is beyond its bound, given finest first: sums only where no part is beyond."""
    found: list[Beyond] = []
    for group in groups:
        known = tuple(found)
        found += (
            each
            for each in group
            if not any(
                part.insight == each.insight
                and each.publisher_id in {None, part.publisher_id}
                and each.agent_id in {None, part.agent_id}
                and each.tool in {None, part.tool}
                for part in known
            )
        )
    return tuple(found)
