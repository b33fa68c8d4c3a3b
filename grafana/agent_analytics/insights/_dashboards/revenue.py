"""Revenue and adoption of a publisher's agents: what they earn, and who stays."""

from collections.abc import Iterator

from agent_analytics.insights._dashboards.parts import frame
from agent_analytics.insights._dashboards.parts.closed import (
    against_others,
    funnel,
    month_cohorts,
    movements,
    revenue_movements,
)
from agent_analytics.insights._dashboards.parts.frame import Page, Row
from agent_analytics.insights._dashboards.parts.listings import money
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
    LEGEND,
    LISTINGS,
    PERIOD,
    PROFIT,
    PUBLISHER,
)
from agent_analytics.insights._dashboards.publisher import freshness
from agent_analytics.insights._promql import quantities
from agent_analytics.insights._promql.closed import groups, shown
from agent_analytics.insights._promql.windows import UTC_DAY
from agent_analytics.processor import catalogue


def revenue_dashboard() -> str:
    """Return the dashboard as JSON text."""
    return Page(
        uid=frame.REVENUE,
        title="Revenue and adoption",
        description=(
            "What a publisher's agents earn and cost, who installs them and who comes back."
            " Figures are for the period chosen at the top; graphs show a point a day, UTC."
        ),
        rows=[
            Row(4, list(_earned()), (4, 3, 3, 3, 4, 4, 3)),
            Row(4, list(_spent())),
            Row(4, list(_adopted())),
            Row(8, list(_money_by_day())),
            Row(8, [money()]),
            Row(8, list(_adoption_by_day())),
            Row(
                9,
                [movements(PUBLISHER, "the agents"), revenue_movements(PUBLISHER)],
                (12, 12),
            ),
            Row(
                7,
                [month_cohorts(PUBLISHER, "the agents"), funnel(PUBLISHER, "the agents")],
                (12, 12),
            ),
            *(Row(6, [against_others(measure, PUBLISHER)]) for measure in groups.MEASURES),
        ],
        variables=[frame.choice("publisher", "Publisher", many=True), frame.period()],
        annotations=[frame.alerts(PUBLISHER, "publisher"), frame.releases(LISTINGS)],
        links=frame.OF_PUBLISHERS,
        since="now-30d",
        refresh="5m",
    ).json()


def _earned() -> Iterator[Panel]:
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
        "Refunds",
        "What tenants were given back.",
        quantities.refunds(PERIOD, PUBLISHER),
        unit=USD,
        decimals=2,
    )
    yield number(
        "Fees",
        "The marketplace's share of the revenue.",
        quantities.fees(PERIOD, PUBLISHER),
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
    yield freshness(PUBLISHER)


def _spent() -> Iterator[Panel]:
    yield number(
        "Model cost",
        "What the calls of language models cost you.",
        quantities.model_cost(PERIOD, PUBLISHER),
        unit=USD,
        decimals=2,
    )
    yield number(
        "Wasted cost",
        "The part of the model cost that went into calls that failed.",
        quantities.wasted_cost(PERIOD, PUBLISHER),
        unit=USD,
        decimals=2,
    )
    yield number(
        "Model cost per success",
        "What models cost you for each call that succeeded.",
        quantities.cost_per_success(PERIOD, PUBLISHER),
        unit=USD,
        decimals=4,
    )
    yield number(
        "Input read from cache",
        "Share of the input tokens that came from the model's cache, which is cheaper.",
        quantities.cached_share(PERIOD, PUBLISHER),
        unit=SHARE,
        decimals=1,
    )
    yield number(
        "Conversations",
        "How many different conversations there were. An estimate, within about 3 %.",
        quantities.conversations(PERIOD, PUBLISHER),
        unit=COUNT,
        decimals=0,
    )
    yield number(
        "Turns per conversation",
        "Calls divided by conversations.",
        quantities.turns_per_conversation(PERIOD, PUBLISHER),
        unit="none",
        decimals=1,
    )


def _adopted() -> Iterator[Panel]:
    yield number(
        "Installs",
        "New installs in the period. A tenant who installs again counts again.",
        quantities.installs(PERIOD, PUBLISHER),
        unit=COUNT,
        decimals=0,
    )
    yield number(
        "Uninstalls",
        "Installs that were taken back in the period.",
        quantities.uninstalls(PERIOD, PUBLISHER),
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
        "Install churn",
        "Uninstalls in the period, by the active installs when it began.",
        quantities.install_churn(PERIOD, PUBLISHER),
        unit=SHARE,
        decimals=1,
    )
    yield number(
        "Unique tenants",
        "How many different tenants used the agents. An estimate, within about 3 %.",
        quantities.unique_tenants(PERIOD, PUBLISHER),
        unit=COUNT,
        decimals=0,
    )
    yield number(
        "Weekly retention",
        "Of the tenants of an ISO week, how many came back in the next one, the last that ended,"
        " whatever period is chosen. Left out where fewer than five did, or fewer than five did"
        " not. An estimate, within about 3 points.",
        shown.tenants_stayed(PUBLISHER),
        unit=SHARE,
        decimals=0,
    )


def _money_by_day() -> Iterator[Panel]:
    parts = (
        (catalogue.REVENUE, "revenue", "green"),
        (catalogue.MODEL_COST, "model cost", "blue"),
        (catalogue.FEES, "fees", "purple"),
        (catalogue.REFUNDS, "refunds", "orange"),
    )
    yield lines(
        "Revenue, and where it goes, a day",
        "What tenants were charged, what models cost, the marketplace's share, and what was"
        " given back.",
        [
            query(UTC_DAY.grown(metric.name, PUBLISHER), name, ref=chr(65 + index), step=DAY)
            for index, (metric, name, _) in enumerate(parts)
        ],
        unit=USD,
        colours=[(name, colour) for _, name, colour in parts],
    )
    yield lines(
        "Revenue by agent a day",
        "What tenants were charged for each agent.",
        [query(UTC_DAY.grown(catalogue.REVENUE.name, LISTINGS), LEGEND, step=DAY)],
        unit=USD,
        bars=True,
    )


def _adoption_by_day() -> Iterator[Panel]:
    yield lines(
        "Installs and uninstalls a day",
        "How many tenants installed an agent on each day, and how many took it back.",
        [
            query(
                UTC_DAY.grown(catalogue.INSTALLS.name, PUBLISHER),
                "installs",
                ref="A",
                step=DAY,
            ),
            query(
                UTC_DAY.grown(catalogue.UNINSTALLS.name, PUBLISHER),
                "uninstalls",
                ref="B",
                step=DAY,
            ),
        ],
        unit=COUNT,
        colours=(("installs", "green"), ("uninstalls", "red")),
    )
    yield lines(
        "Tenants a day",
        "How many different tenants used any of the agents on each day.",
        [query(quantities.unique_tenants(UTC_DAY, PUBLISHER), "tenants", step=DAY)],
        unit=COUNT,
        bars=True,
        colours=(("tenants", "blue"),),
    )
