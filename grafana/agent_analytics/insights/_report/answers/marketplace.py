"""What the operator asks."""

from collections.abc import Mapping
from typing import Final

from agent_analytics.insights._prometheus.client import PrometheusClient, Sample
from agent_analytics.insights._promql import quantities
from agent_analytics.insights._promql.scopes import LISTING, Scope
from agent_analytics.insights._promql.windows import Period
from agent_analytics.insights._report.answers import closed, figures
from agent_analytics.insights._report.answers.daily import daily
from agent_analytics.insights._report.answers.history import find_history, freshness
from agent_analytics.insights._report.answers.model import MarketplaceDashboard, Ranked
from agent_analytics.insights._report.answers.not_yet import missing
from agent_analytics.insights._report.answers.publisher import (
    check_days,
    firing,
    found_insights,
    warned,
)
from agent_analytics.insights._report.known.bounds import Own
from agent_analytics.insights._report.known.evaluation import Insights, find_evaluation

_ALL: Final = Scope(())
_PUBLISHER: Final = Scope(("publisher_id",))


class MarketplaceAnalytics:
    """The figures of the whole marketplace, from one Prometheus.

    Args:
        prometheus_url: Such as ``http://localhost:9090``; a user and password in it are sent as
            basic authentication.
        timeout: Seconds that one query may take.
        headers: Sent with every request, such as ``{"Authorization": "Bearer …"}``.

    Raises:
        ValueError: If the address is not one of HTTP.
    """

    def __init__(
        self,
        prometheus_url: str,
        *,
        timeout: float = 30.0,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self._client = PrometheusClient(prometheus_url, timeout=timeout, headers=headers)

    def dashboard(self, period_days: int = 30, *, at: float | None = None) -> MarketplaceDashboard:
        """Return every figure of the marketplace for a period.

        Args:
            period_days: Length of the period in days.
            at: Unix time at which it ends; None for now. Insights are always those of now.

        Raises:
            PrometheusUnreachable: Nothing answers.
            QueryFailed: Prometheus refused.
            NoData: Prometheus knows no listing at all.
            ValueError: If the period is shorter than a day.
        """
        check_days(period_days)
        history = find_history(self._client, days=period_days, at=at)
        period = history.period
        evaluation = find_evaluation(self._client, _ALL)
        exprs = figures.asked(period, _ALL, comparable=history.comparable, tools=False)
        exprs |= figures.asked_of_registers(period, _ALL, comparable=history.comparable)
        exprs |= {
            "active_publishers": quantities.active_publishers(period),
            "active_listings": f"count ({quantities.invocations(period)} > 0)",
            "known_listings": f"count ({quantities.invocations(period)})",
            **_ranking("publisher", period, _PUBLISHER),
            **_ranking("listing", period, LISTING),
            "publisher unique_tenants": quantities.unique_tenants(period, _PUBLISHER),
            "own bounds": Own.query(_ALL),
        }
        if history.comparable:
            exprs[GMV_BEFORE] = gmv_before(period)
        answers = self._client.query_many(exprs, at=history.at)
        of_all = figures.fields(answers | figures.distinct(answers))
        own = Own.read(answers["own bounds"])
        found = firing(self._client, None)
        return MarketplaceDashboard(
            period_days=period_days,
            gmv_trend=_gmv_trend(of_all, _one(answers.get(GMV_BEFORE))),
            active_publishers=_count(answers["active_publishers"]),
            active_listings=_count(answers["active_listings"]),
            known_listings=_count(answers["known_listings"]),
            publishers=_ranked("publisher", answers, _PUBLISHER, own),
            listings=_ranked("listing", answers, LISTING, own),
            in_trouble=tuple(found),
            ended=found.ended,
            daily=daily(self._client, history, _ALL),
            freshness=freshness(self._client, history, _ALL),
            weeks=closed.weeks(self._client, history, _ALL),
            months=closed.months(self._client, history, _ALL),
            partial=(*missing(self._client, history, of_all), *warned(self._client)),
            evaluation=evaluation,
            bounds=own.several(),
            **of_all,
        )

    def insights(self) -> Insights:
        """Return the insights that are firing now, of all publishers, most severe first.

        Whether an empty list says anything is in its ``evaluation``; where not every insight was
        evaluated, that is logged as a warning besides.

        Raises:
            PrometheusUnreachable: Nothing answers.
            QueryFailed: Prometheus refused.
        """
        return found_insights(self._client, None)


#: What publishers and listings are ranked by, and what stands beside it.
RANKED: Final[dict[str, figures.Quantity]] = {
    "total_invocations": quantities.invocations,
    "total_revenue": quantities.revenue,
    "refunds": quantities.refunds,
    "fees": quantities.fees,
    "error_rate": quantities.error_rate,
    "avg_satisfaction": quantities.mean_rating,
}


#: Under which name the gross merchandise value of the period before is asked.
GMV_BEFORE: Final = "gmv before"


def gmv_before(period: Period) -> str:
    """Return the query for what the gross merchandise value is compared with."""
    return period.comparable(quantities.gmv(period.before, _ALL), _ALL)


def _gmv_trend(of_all: figures.Fields, before: float | None) -> float | None:
    revenue, refunds = of_all.get("total_revenue"), of_all.get("refunds")
    if revenue is None or refunds is None or before is None or before <= 0:
        return None
    return figures.rounded((revenue - refunds) / before - 1, 6)


def _ranking(whose: str, period: Period, scope: Scope) -> dict[str, str]:
    return {f"{whose} {name}": quantity(period, scope) for name, quantity in RANKED.items()}


def _ranked(
    whose: str, answers: Mapping[str, list[Sample]], scope: Scope, own: Own
) -> tuple[Ranked, ...]:
    found: dict[tuple[str, ...], dict[str, list[Sample]]] = {}
    for name in (*RANKED, "unique_tenants"):
        for sample in answers.get(f"{whose} {name}", []):
            key = tuple(sample.labels.get(label, "") for label in scope.by)
            found.setdefault(key, {})[name] = [sample]
    rows = (
        _row(dict(zip(scope.by, key, strict=True)), of_one, own) for key, of_one in found.items()
    )
    return tuple(
        sorted(
            rows,
            key=lambda row: (
                -(row.revenue or 0), -(row.invocations or 0), row.publisher_id, row.agent_id
            ),
        )
    )  # fmt: skip


def _row(labels: Mapping[str, str], of_one: Mapping[str, list[Sample]], own: Own) -> Ranked:
    told = figures.fields(of_one)
    publisher, agent = labels["publisher_id"], labels.get("agent_id", "")
    return Ranked(
        publisher_id=publisher,
        agent_id=agent,
        bounds=own.listing(publisher, agent) if agent else own.several(publisher),
        invocations=told.get("total_invocations"),
        revenue=told.get("total_revenue"),
        refunds=told.get("refunds"),
        fees=told.get("fees"),
        error_rate=told.get("error_rate"),
        avg_satisfaction=told.get("avg_satisfaction"),
        unique_tenants=told.get("unique_tenants"),
    )


def _one(samples: list[Sample] | None) -> float | None:
    return figures.rounded(samples[0].value, 6) if samples else None


def _count(samples: list[Sample]) -> int | None:
    value = _one(samples)
    return None if value is None else int(value)
