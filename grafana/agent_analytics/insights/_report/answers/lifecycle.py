"""Since when insights are open, and what became of those that are not: asked once for all."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from agent_analytics.insights._definitions import OF_PUBLISHERS
from agent_analytics.insights._prometheus.client import PrometheusClient, Sample, number
from agent_analytics.insights._promql import recorded
from agent_analytics.insights._promql.scopes import Scope, select
from agent_analytics.insights._report.known.times import utc
from agent_analytics.insights._rules.alerts import Insight
from agent_analytics.insights._rules.ended import Ended

Key = tuple[str, str, str, str]

_SPECS: Final = {spec.slug: spec for spec in OF_PUBLISHERS}
_ASKED: Final = (
    recorded.STATE, recorded.SINCE, recorded.LAST_RAISED, recorded.FIXED, recorded.OPENINGS,
    recorded.WORTH_BEFORE, recorded.WORTH_AFTER,
)  # fmt: skip
_TOO_LITTLE: Final = "Too little was observed since to tell."
_FADES: Final = "It compares with its own past, which moves on, so silence does not say."
_CENTS: Final = 2


class Lifecycles:
    """What is recorded of the insights of a scope.

    Args:
        client: Prometheus.
        scope: Whose insights.

    Raises:
        PrometheusUnreachable: Nothing answers.
        QueryFailed: A query was refused.
    """

    def __init__(self, client: PrometheusClient, scope: Scope) -> None:
        found = client.query_many({name: select(name, scope) for name in _ASKED}, at=client.now())
        self._states = {_key(each.labels): each.labels["state"] for each in found[recorded.STATE]}
        self._values = {name: _values(samples) for name, samples in found.items()}

    def opened(self, insights: Sequence[Insight]) -> list[Insight]:
        """Return insights with when they were opened, and whether that was once more."""
        return [self._opened(each) for each in insights]

    def _opened(self, insight: Insight) -> Insight:
        key = (insight.publisher_id, insight.agent_id, insight.tool, insight.name)
        since = self._time(recorded.SINCE, key)
        return replace(
            insight,
            since=insight.since if since is None else since,
            reopened=self._states.get(key) == "reopened",
        )

    def ended(self) -> tuple[Ended, ...]:
        """Return what is not raised any more: fixed ones first, those with most at stake first."""
        found = [
            self._ended(key, state)
            for key, state in self._states.items()
            if state in {"fixed", "not_known"}
        ]
        found.sort(
            key=lambda each: (
                each.state, -(each.worth_before_usd_day or 0), each.publisher_id, each.agent_id,
                each.name, each.tool,
            )
        )  # fmt: skip
        return tuple(found)

    def _ended(self, key: Key, state: str) -> Ended:
        publisher, agent, tool, name = key
        spec = _SPECS.get(name)
        fixed = state == "fixed"
        fades = spec is not None and spec.fades == "days"
        return Ended(
            name=name,
            title=spec.usual_title if spec else name,
            publisher_id=publisher,
            agent_id=agent,
            tool=tool,
            state="fixed" if fixed else "not_known",
            opened=self._time(recorded.SINCE, key),
            last_raised=self._time(recorded.LAST_RAISED, key),
            fixed=self._time(recorded.FIXED, key) if fixed else None,
            openings=round(self._values[recorded.OPENINGS].get(key, 1)),
            worth_before_usd_day=self._dollars(recorded.WORTH_BEFORE, key),
            worth_after_usd_day=self._dollars(recorded.WORTH_AFTER, key) if fixed else None,
            why="" if fixed else _FADES if fades else _TOO_LITTLE,
        )

    def _time(self, name: str, key: Key) -> datetime | None:
        value = self._values[name].get(key)
        return None if value is None else utc(value)

    def _dollars(self, name: str, key: Key) -> float | None:
        value = self._values[name].get(key)
        return None if value is None else round(value, _CENTS)


def _values(samples: Sequence[Sample]) -> dict[Key, float]:
    return {
        _key(sample.labels): sample.value for sample in samples if number(sample.value) is not None
    }


def _key(labels: Mapping[str, str]) -> Key:
    return (
        labels.get("publisher_id", ""),
        labels.get("agent_id", ""),
        labels.get("tool", ""),
        labels.get("insight", ""),
    )
