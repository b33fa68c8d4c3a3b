"""The publisher's overview: how its agents are used, how good they are, what they earn."""

from collections.abc import Iterator

from agent_analytics.insights._dashboards.parts import frame
from agent_analytics.insights._dashboards.parts.frame import Page, Row
from agent_analytics.insights._dashboards.parts.insights import insights
from agent_analytics.insights._dashboards.parts.listings import agents, tools
from agent_analytics.insights._dashboards.parts.panels import (
    COUNT,
    SHARE,
    USD,
    Panel,
    change,
    lines,
    number,
    query,
)
from agent_analytics.insights._dashboards.parts.scopes import (
    DAY,
    FAILURES,
    FRESH,
    LEGEND,
    LISTINGS,
    MARKET,
    OUTCOMES,
    PERIOD,
    PROFIT,
    PUBLISHER,
    RATING,
    SECONDS,
)
from agent_analytics.insights._definitions import ERROR_RATE, RESPONSE_TIME, SATISFACTION
from agent_analytics.insights._promql import now, quantities, scopes
from agent_analytics.insights._promql.windows import UTC_DAY
from agent_analytics.processor import catalogue


def publisher_dashboard() -> str:
    """Return the dashboard as JSON text."""
    return Page(
        uid=frame.PUBLISHER,
        title="Publisher overview",
        description=(
            "Usage, quality, revenue and tools of a publisher's agents, and what to do next."
            " Figures are for the period chosen at the top; graphs show a point a day, UTC."
        ),
        rows=[
            Row(4, list(_usage())),
            Row(4, list(_quality())),
            Row(8, [insights(PUBLISHER)]),
            Row(8, list(_use_by_day())),
            Row(8, list(_quality_by_day())),
            Row(8, list(_money_by_day())),
            Row(9, [agents()]),
            Row(9, [tools()]),
        ],
        variables=[
            frame.choice("publisher", "Publisher", many=True),
            frame.period(),
        ],
        annotations=[frame.alerts(PUBLISHER, "publisher"), frame.releases(LISTINGS)],
        links=frame.OF_PUBLISHERS,
        since="now-30d",
        refresh="5m",
    ).json()


def _usage() -> Iterator[Panel]:
    yield number(
        "Invocations",
        "How often the agents were called in the period, whatever came of it.",
        quantities.invocations(PERIOD, PUBLISHER),
        unit=COUNT,
        decimals=0,
    )
    yield change(
        "Calls trend", "the number of calls", quantities.invocations_trend(PERIOD, PUBLISHER)
    )
    yield number(
        "Unique tenants",
        "How many different tenants used the agents. An estimate, within about 3 %.",
        quantities.unique_tenants(PERIOD, PUBLISHER),
        unit=COUNT,
        decimals=0,
    )
    yield number(
        "Active installs",
        "Installs at this moment, where the marketplace keeps that number.",
        quantities.active_installs(PERIOD, PUBLISHER),
        unit=COUNT,
        decimals=0,
    )
    yield number(
        "Revenue",
        "What tenants were charged, before refunds and the marketplace's fees.",
        quantities.revenue(PERIOD, PUBLISHER),
        unit=USD,
        decimals=2,
    )
    yield change("Sales trend", "the revenue", quantities.revenue_trend(PERIOD, PUBLISHER))
    yield number(
        "Revenue/tenant",
        "Revenue divided by the number of different tenants.",
        quantities.revenue_per_tenant(PERIOD, PUBLISHER),
        unit=USD,
        decimals=2,
    )
    yield number(
        "Margin",
        "What is left of the revenue after refunds, fees and the cost of language models.",
        quantities.margin(PERIOD, PUBLISHER),
        unit=USD,
        decimals=2,
        thresholds=PROFIT,
    )


def _quality() -> Iterator[Panel]:
    yield number(
        "Satisfaction",
        f"Mean rating by tenants, 1 to 5. An insight is raised {SATISFACTION.limit}.",
        quantities.mean_rating(PERIOD, PUBLISHER),
        unit="none",
        decimals=2,
        thresholds=RATING,
    )
    yield number(
        "Error rate",
        "Share of calls that failed or timed out. Calls that the tenant cancelled are left out."
        f" An insight is raised {ERROR_RATE.limit}.",
        quantities.error_rate(PERIOD, PUBLISHER),
        unit=SHARE,
        decimals=2,
        thresholds=FAILURES,
    )
    yield number(
        "p95 response time",
        "19 of 20 successful calls were answered within this time.",
        quantities.response_time_quantile(0.95, PERIOD, PUBLISHER),
        unit="s",
        decimals=2,
        thresholds=SECONDS,
    )
    yield number(
        "Mean response time",
        "Mean time from a call to its answer, for successful calls.",
        quantities.mean_response_time(PERIOD, PUBLISHER),
        unit="s",
        decimals=2,
        thresholds=SECONDS,
    )
    yield number(
        "Model cost",
        "What the calls of language models cost you.",
        quantities.model_cost(PERIOD, PUBLISHER),
        unit=USD,
        decimals=2,
    )
    yield freshness(PUBLISHER)


def freshness(scope: scopes.Scope) -> Panel:
    """Return the number that says how old the newest figures of a dashboard are."""
    return number(
        "Age of the data",
        "How long ago the newest figures on this page were measured. When this is large, or not"
        " available, they are old.",
        now.scrape_age(scope),
        unit="s",
        decimals=0,
        thresholds=FRESH,
    )


def last_activity() -> Panel:
    """Return the number that says how long ago anything was measured at all."""
    return number(
        "Last activity",
        "How long ago any agent last did anything. When this is large, the page is blind.",
        now.data_age(MARKET),
        unit="s",
        decimals=0,
        thresholds=FRESH,
    )


def _use_by_day() -> Iterator[Panel]:
    by_outcome = PUBLISHER.over("outcome")
    calls = UTC_DAY.grown(catalogue.INVOCATIONS.name, by_outcome)
    yield lines(
        "Invocations a day",
        "Calls of the agents on each day, by how they ended.",
        [query(calls, "{{outcome}}", step=DAY)],
        unit=COUNT,
        bars=True,
        colours=OUTCOMES,
    )
    yield lines(
        "Tenants a day",
        "How many different tenants used each agent on each day.",
        [query(quantities.unique_tenants(UTC_DAY, LISTINGS), LEGEND, step=DAY)],
        unit=COUNT,
    )


def _quality_by_day() -> Iterator[Panel]:
    yield lines(
        "Error rate by agent",
        "Share of each day's calls that failed; an insight is raised above the dashed line.",
        [query(quantities.error_rate(UTC_DAY, LISTINGS), LEGEND, step=DAY)],
        unit=SHARE,
        limit=ERROR_RATE.threshold.value,
    )
    yield lines(
        "p95 response time by agent",
        "19 of 20 successful calls of each day were answered within this time."
        f" {RESPONSE_TIME.title} raises an insight.",
        [query(quantities.response_time_quantile(0.95, UTC_DAY, LISTINGS), LEGEND, step=DAY)],
        unit="s",
        limit=scopes.SLOW_SECONDS,
    )


def _money_by_day() -> Iterator[Panel]:
    revenue = UTC_DAY.grown(catalogue.REVENUE.name, PUBLISHER)
    cost = UTC_DAY.grown(catalogue.MODEL_COST.name, PUBLISHER)
    wasted = UTC_DAY.grown(catalogue.WASTED_COST.name, PUBLISHER)
    yield lines(
        "Revenue and model cost a day",
        "What tenants paid, what models cost you, and the part of that cost that went into"
        " failed calls.",
        [
            query(revenue, "revenue", ref="A", step=DAY),
            query(cost, "model cost", ref="B", step=DAY),
            query(wasted, "wasted cost", ref="C", step=DAY),
        ],
        unit=USD,
        colours=(("revenue", "green"), ("model cost", "blue"), ("wasted cost", "red")),
    )
    yield lines(
        "Satisfaction by agent",
        "Mean rating by tenants on each day, 1 to 5; an insight is raised below the dashed line.",
        [query(quantities.mean_rating(UTC_DAY, LISTINGS), LEGEND, step=DAY)],
        unit="none",
        limit=SATISFACTION.threshold.value,
    )
