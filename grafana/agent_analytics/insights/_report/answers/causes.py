"""What firing insights come from: asked once for all of them."""

import math
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from agent_analytics.insights._prometheus.client import PrometheusClient
from agent_analytics.insights._promql import quantities, recorded
from agent_analytics.insights._promql.scopes import Scope, select
from agent_analytics.insights._promql.windows import RecordedPeriod
from agent_analytics.insights._rules.alerts import Insight
from agent_analytics.insights._rules.contributors import Contributor, contributor

#: What one answer is told from another by.
_KEYS: Final = ("publisher_id", "agent_id", "tool", "insight", "traffic")


def with_causes(
    client: PrometheusClient, scope: Scope, insights: Sequence[Insight]
) -> list[Insight]:
    """Return insights with what each mostly comes from, where that is recorded.

    Raises:
        PrometheusUnreachable: Nothing answers.
        QueryFailed: The query was refused.
    """
    if not insights:
        return []
    found: dict[tuple[str, ...], list[tuple[str, Contributor]]] = {}
    for sample in client.query(select(recorded.CONTRIBUTOR, scope), at=client.now()):
        if math.isfinite(sample.value):
            labels = sample.labels
            found.setdefault(_key(labels), []).append(
                (labels.get("place", ""), contributor(labels, sample.value))
            )
    return [
        replace(
            each, contributors=tuple(one for _, one in sorted(found.get(_of(each), ()), key=_place))
        )
        for each in insights
    ]


def _key(labels: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(labels.get(label, "") for label in _KEYS)


def _of(insight: Insight) -> tuple[str, ...]:
    return (insight.publisher_id, insight.agent_id, insight.tool, insight.name, insight.traffic)


def _place(placed: tuple[str, Contributor]) -> str:
    return placed[0]


def enough_tenants(client: PrometheusClient, scope: Scope, least: int) -> set[str]:
    """Return the listings that at least so many tenants are known to have used in 30 days.

    Raises:
        PrometheusUnreachable: Nothing answers.
        QueryFailed: The query was refused.
    """
    tenants = quantities.unique_tenants(RecordedPeriod(*recorded.MONTH), scope)
    found = client.query(f"{tenants} >= {least}", at=client.now())
    return {sample.labels.get("agent_id", "") for sample in found}


def without_causes(insights: Iterable[Insight], agents: Container[str] | None) -> list[Insight]:
    """Return insights without causes and traces, of some listings or of all (None)."""
    return [
        replace(each, contributors=(), trace_id="")
        if agents is None or each.agent_id in agents
        else each
        for each in insights
    ]
