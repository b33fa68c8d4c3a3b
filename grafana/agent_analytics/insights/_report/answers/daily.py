"""A period day by day, for charts and sparklines."""

from agent_analytics.insights._prometheus.client import PrometheusClient, Series
from agent_analytics.insights._promql import quantities
from agent_analytics.insights._promql.scopes import Scope
from agent_analytics.insights._report.answers.figures import DAILY, rounded
from agent_analytics.insights._report.answers.history import DAY, History
from agent_analytics.insights._report.answers.model import Daily
from agent_analytics.insights._report.known.times import utc

_PLACES = 6


def spans(history: History) -> list[float]:
    """Return when each day of the period ended, oldest first."""
    return [history.at - ago * DAY for ago in reversed(range(history.days))]


def _asked(client: PrometheusClient, history: History, expr: str) -> list[Series]:
    ends = spans(history)
    return client.query_range(expr, start=ends[0], end=ends[-1], step=DAY)


def _values(series: Series, ends: list[float], factor: float = 1.0) -> tuple[float | None, ...]:
    # Times come back to the millisecond.
    at = {round(time): value for time, value in series.points.items()}
    return tuple(
        None if (value := at.get(round(end))) is None else rounded(value * factor, _PLACES)
        for end in ends
    )


def _share(part: float | None, whole: float | None) -> float | None:
    if part is None or whole is None or whole <= 0:
        return None
    return rounded(part / whole, _PLACES)


def daily(client: PrometheusClient, history: History, scope: Scope) -> Daily:
    """Return the figures of a scope day by day."""
    ends = spans(history)
    nothing: tuple[float | None, ...] = (None,) * len(ends)
    found = {
        name: _values(series[0], ends, 1000.0 if name.endswith("_ms") else 1.0)
        for name, quantity in DAILY.items()
        if (series := _asked(client, history, quantity(history.day, scope)))
    }
    return Daily(
        ends=tuple(utc(end) for end in ends),
        invocations=found.get("invocations", nothing),
        error_rate=tuple(map(_share, found.get("failed", nothing), found.get("judged", nothing))),
        revenue=found.get("revenue", nothing),
        model_cost=found.get("model_cost", nothing),
        unique_tenants=found.get("unique_tenants", nothing),
        p95_response_time_ms=found.get("p95_response_time_ms", nothing),
    )


def by_agent(
    client: PrometheusClient, history: History, scope: Scope
) -> dict[str, tuple[float | None, ...]]:
    """Return the invocations of each listing of a scope day by day."""
    ends = spans(history)
    return {
        series.labels.get("agent_id", ""): _values(series, ends)
        for series in _asked(client, history, quantities.invocations(history.day, scope))
    }
