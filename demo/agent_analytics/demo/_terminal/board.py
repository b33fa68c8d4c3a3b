"""What the demo shows, read from Prometheus and from nowhere else."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from agent_analytics.demo._run.prometheus import Prometheus
from agent_analytics.insights import Insight
from agent_analytics.insights.promql import Live, Scope, quantities
from agent_analytics.processor import catalogue as c

_WINDOW: Final = "1m"
_RATE_WINDOW: Final = "30s"
_RATING_WINDOW: Final = "1h"
_MINUTES_AN_HOUR: Final = 60
_WEIGHT: Final = {"critical": 0, "warning": 1, "info": 2}

Listing = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Row:
    """The figures of one listing; None where Prometheus has no answer.

    Attributes:
        listing: Publisher and agent.
        rate: Invocations a second.
        error_rate: Share of failed invocations, 0 to 1.
        p95: 95th percentile of the response time, in seconds.
        rating: Mean rating, 1 to 5.
        usd_per_hour: Revenue at the rate of the last minute.
        installs: Installs less uninstalls.
        severity: Of the worst thing that is firing about it, or empty.
    """

    listing: Listing
    rate: float | None
    error_rate: float | None
    p95: float | None
    rating: float | None
    usd_per_hour: float | None
    installs: float | None
    severity: str


@dataclass(frozen=True, slots=True)
class Board:
    """Everything that is shown at one moment, most troubled and busiest listings first."""

    rows: Sequence[Row]
    insights: Sequence[Insight]
    tenants: float | None

    @property
    def rate(self) -> float:
        """Invocations a second over all listings."""
        return sum(row.rate or 0.0 for row in self.rows)

    @property
    def usd_per_hour(self) -> float:
        """Revenue an hour over all listings."""
        return sum(row.usd_per_hour or 0.0 for row in self.rows)


def read_board(prometheus: Prometheus, *, window_seconds: float) -> Board:
    """Ask Prometheus for everything that is shown.

    Args:
        prometheus: Whom to ask.
        window_seconds: Age of the marketplace, for the number of its tenants.

    Raises:
        QueryError: Prometheus does not answer.
    """
    insights = distinct_insights(prometheus.insights())
    worst: dict[Listing, str] = {}
    for insight in insights:
        worst.setdefault((insight.publisher_id, insight.agent_id), insight.severity)
    rate = prometheus.by_listing(quantities.invocation_rate(Live(_RATE_WINDOW)))
    errors = prometheus.by_listing(quantities.error_rate(Live(_WINDOW)))
    p95 = prometheus.by_listing(quantities.response_time_quantile(0.95, Live(_WINDOW)))
    rating = prometheus.by_listing(quantities.mean_rating(Live(_RATING_WINDOW)))
    usd = prometheus.by_listing(quantities.revenue(Live(_WINDOW)))
    by = "sum by (publisher_id, agent_id)"
    installs = prometheus.by_listing(f"{by} ({c.INSTALLS.name}) - {by} ({c.UNINSTALLS.name})")
    rows = [
        Row(
            listing,
            _number(rate.get(listing)),
            _number(errors.get(listing)),
            _number(p95.get(listing)),
            _number(rating.get(listing)),
            None if (hour := _number(usd.get(listing))) is None else hour * _MINUTES_AN_HOUR,
            _number(installs.get(listing)),
            worst.get(listing, ""),
        )
        for listing in sorted({*rate, *installs})
    ]
    rows.sort(key=lambda row: (_WEIGHT.get(row.severity, 3), -(row.rate or 0.0)))
    window = f"{max(60, int(window_seconds))}s"
    everyone = prometheus.query(quantities.unique_tenants(Live(window), Scope(())))
    return Board(rows, insights, everyone[0].value if everyone else None)


def distinct_insights(insights: Sequence[Insight]) -> list[Insight]:
    """Return one insight of each kind, listing and tool, most severe and newest first.

    The same condition may be up for on-call and for the publisher; on-call's is shown, as its
    window is the shorter one.
    """
    found: dict[tuple[str, str, str, str], Insight] = {}
    for insight in sorted(insights, key=lambda each: each.audience != "oncall"):
        key = (insight.name, insight.publisher_id, insight.agent_id, insight.tool)
        found.setdefault(key, insight)
    newest_first = sorted(
        found.values(),
        key=lambda each: each.since.timestamp() if each.since else 0.0,
        reverse=True,
    )
    return sorted(newest_first, key=lambda each: _WEIGHT[each.severity])


def _number(value: float | None) -> float | None:
    """Return None for NaN: Prometheus' word for "nothing to divide by"."""
    return None if value is None or value != value else value  # noqa: PLR0124 - NaN
