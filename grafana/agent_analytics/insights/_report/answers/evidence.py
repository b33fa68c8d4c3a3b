"""A trace that shows what an insight is about, from the exemplars that Prometheus keeps."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from agent_analytics.insights._prometheus.client import Exemplar, PrometheusClient, QueryFailed
from agent_analytics.insights._rules.alerts import Insight
from agent_analytics.insights._rules.runbooks import traces

#: How far back a trace is looked for, in seconds.
_LATELY: Final = 86_400
#: How many are asked for, by the first insights: each is a request of its own.
_MOST: Final = 20
#: Insights about time: their trace is the longest, not the last one.
_LONGEST: Final = frozenset({"response-time", "latency-regression", "tool-latency"})


def with_traces(client: PrometheusClient, insights: Sequence[Insight]) -> list[Insight]:
    """Return insights with a trace each, where Prometheus keeps exemplars.

    Raises:
        PrometheusUnreachable: Nothing answers.
    """
    if not insights:
        return []
    now = client.now()
    known: dict[str, list[Exemplar]] = {}
    found: list[Insight] = []
    for insight in insights:
        series = traces(insight.name, insight.publisher_id, insight.agent_id, insight.tool)
        if series and series not in known and len(known) < _MOST:
            known[series] = _asked(client, series, now)
        found.append(replace(insight, trace_id=_best(insight, known.get(series, []))))
    return found


def _asked(client: PrometheusClient, series: str, now: float) -> list[Exemplar]:
    try:
        return client.exemplars(series, start=now - _LATELY, end=now)
    except QueryFailed:
        # What stands in front of Prometheus, or in its place, may know no exemplars.
        return []


def _best(insight: Insight, exemplars: Sequence[Exemplar]) -> str:
    longest = insight.name in _LONGEST
    best = max(exemplars, key=lambda each: each.value if longest else each.time, default=None)
    return best.trace_id if best else ""
