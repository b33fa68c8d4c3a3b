"""The publisher's dashboard: how its agents are used, how good they are, what they earn."""

from collections.abc import Iterator
from typing import Final

from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.builders import stat, table, timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard

from agent_analytics.insights import queries
from agent_analytics.insights._panels import (
    COUNT,
    DATASOURCE,
    Place,
    lines,
    number,
    query,
)
from agent_analytics.insights._provisioning import DATASOURCE_UID
from agent_analytics.insights._publisher_tables import (
    ALL,
    FAILURES,
    LEGEND,
    LISTING,
    RANGE,
    RATE,
    RATING,
    SECONDS,
    TOOL,
    agents,
    insights,
    tools,
)
from agent_analytics.insights.rules import (
    ERROR_RATE,
    RESPONSE_TIME,
    SATISFACTION,
    STALE_SECONDS,
    TOOL_FAILURES,
)
from agent_analytics.processor import catalogue

UID: Final = "agent-analytics-publisher"
Panel = stat.Panel | timeseries.Panel | table.Panel


def publisher_dashboard() -> str:
    """Return the dashboard as JSON text that ends in a newline."""
    made = (
        builders.Dashboard("Agents of a publisher")
        .uid(UID)
        .description(
            "Usage, quality, revenue and tools of a publisher's agents, and what to do next."
            " Figures are for the time range at the top right."
        )
        .tags(["agent-analytics"])
        .timezone("browser")
        .time("now-24h", "now")
        .refresh("30s")
        .editable()
        .tooltip(dashboard.DashboardCursorSync.CROSSHAIR)
        .with_variable(
            builders.DatasourceVariable("datasource")
            .label("Data source")
            .type("prometheus")
            .current(dashboard.VariableOption(text="agent-analytics", value=DATASOURCE_UID))
        )
        .with_variable(
            _variable(
                "publisher",
                "Publisher",
                f"label_values({catalogue.INVOCATIONS.name}, publisher_id)",
            )
        )
        .with_variable(
            _variable(
                "agent",
                "Agent",
                f'label_values({catalogue.INVOCATIONS.name}{{publisher_id=~"$publisher"}},'
                " agent_id)",
            )
        )
    )
    for panel in _panels():
        made = made.with_panel(panel)
    return JSONEncoder(sort_keys=True, indent=2).encode(made.build()) + "\n"


def _variable(name: str, label: str, values: str) -> builders.QueryVariable:
    return (
        builders.QueryVariable(name)
        .label(label)
        .datasource(DATASOURCE)
        .query(values)
        .multi(True)  # noqa: FBT003 - the SDK's signature
        .include_all(True)  # noqa: FBT003
        .all_value(".*")
        .refresh(dashboard.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(dashboard.VariableSort.ALPHABETICAL_ASC)
        .current(dashboard.VariableOption(text=["All"], value=["$__all"]))
    )


def _panels() -> Iterator[Panel]:
    yield from _headline()
    yield from _money()
    yield insights(Place(id=13, x=0, y=8, w=24, h=8))
    yield from _over_time()
    yield tools(Place(id=20, x=0, y=40, w=12, h=9))
    yield _tool_failures(Place(id=21, x=12, y=40, w=12, h=9))
    yield agents(Place(id=22, x=0, y=49, w=24, h=9))


def _headline() -> Iterator[Panel]:
    yield number(
        "Invocations",
        "How often the agents were called, whatever came of it.",
        queries.invocations(RANGE, ALL),
        Place(id=1, x=0, y=0, w=4, h=4),
        unit=COUNT,
        decimals=0,
    )
    yield number(
        "Unique tenants",
        "How many different customers used the agents. An estimate, within about 3 %.",
        queries.unique_tenants(RANGE, ALL),
        Place(id=2, x=4, y=0, w=4, h=4),
        unit=COUNT,
        decimals=0,
    )
    yield number(
        "Error rate",
        "Share of calls that failed or timed out. Calls that the customer cancelled are left out."
        f" An insight is raised {ERROR_RATE.limit}.",
        queries.error_rate(RANGE, ALL),
        Place(id=3, x=8, y=0, w=4, h=4),
        unit="percentunit",
        decimals=2,
        thresholds=FAILURES,
    )
    yield number(
        "p95 response time",
        "19 of 20 successful calls were answered within this time.",
        queries.response_time_quantile(0.95, RANGE, ALL),
        Place(id=4, x=12, y=0, w=4, h=4),
        unit="s",
        decimals=2,
        thresholds=SECONDS,
    )
    yield number(
        "Mean response time",
        "Mean time from a call to its answer, for successful calls.",
        queries.mean_response_time(RANGE, ALL),
        Place(id=5, x=16, y=0, w=4, h=4),
        unit="s",
        decimals=2,
        thresholds=SECONDS,
    )
    yield number(
        "Satisfaction",
        f"Mean rating by customers, 1 to 5. An insight is raised {SATISFACTION.limit}.",
        queries.mean_rating(RANGE, ALL),
        Place(id=6, x=20, y=0, w=4, h=4),
        unit="none",
        decimals=2,
        thresholds=RATING,
    )


def _money() -> Iterator[Panel]:
    yield number(
        "Revenue",
        "What customers were charged, before refunds and the marketplace's fees.",
        queries.revenue(RANGE, ALL),
        Place(id=7, x=0, y=4, w=4, h=4),
        unit="currencyUSD",
        decimals=2,
    )
    yield number(
        "Revenue per tenant",
        "Revenue divided by the number of different customers.",
        queries.revenue_per_tenant(RANGE, ALL),
        Place(id=8, x=4, y=4, w=4, h=4),
        unit="currencyUSD",
        decimals=2,
    )
    yield number(
        "Model cost",
        "What the calls of language models cost you.",
        queries.model_cost(RANGE, ALL),
        Place(id=9, x=8, y=4, w=4, h=4),
        unit="currencyUSD",
        decimals=2,
    )
    yield number(
        "Installs",
        "New installs. A customer who installs again counts again.",
        queries.installs(RANGE, ALL),
        Place(id=10, x=12, y=4, w=4, h=4),
        unit=COUNT,
        decimals=0,
    )
    yield number(
        "Active installs",
        "Installs at this moment, where the marketplace keeps that number.",
        queries.active_installs(ALL),
        Place(id=11, x=16, y=4, w=4, h=4),
        unit=COUNT,
        decimals=0,
    )
    yield number(
        "Age of the data",
        "Time since the last activity of any agent of the marketplace was recorded. When this"
        " is large, the figures on this page are old.",
        queries.data_age(queries.Scope(())),
        Place(id=12, x=20, y=4, w=4, h=4),
        unit="s",
        decimals=0,
        thresholds=((None, "green"), (STALE_SECONDS, "red")),
    )


def _over_time() -> Iterator[Panel]:
    yield lines(
        "Invocations per minute",
        "Calls of the agents by how they ended.",
        [query(f"60 * {queries.invocation_rate(RATE, ALL.over('outcome'))}", "{{outcome}}")],
        Place(id=14, x=0, y=16, w=12, h=8),
        unit=COUNT,
        bars=True,
        colours=(
            ("success", "green"),
            ("error", "red"),
            ("timeout", "orange"),
            ("cancelled", "text"),
        ),
    )
    yield lines(
        "Error rate by agent",
        "Share of calls that failed. On-call is paged above the dashed line.",
        [query(queries.error_rate(RATE, LISTING), LEGEND)],
        Place(id=15, x=12, y=16, w=12, h=8),
        unit="percentunit",
        limit=ERROR_RATE.threshold.value,
    )
    yield lines(
        "p95 response time by agent",
        "19 of 20 successful calls were answered within this time."
        f" {RESPONSE_TIME.title} raises an insight.",
        [query(queries.response_time_quantile(0.95, RATE, LISTING), LEGEND)],
        Place(id=16, x=0, y=24, w=12, h=8),
        unit="s",
        limit=queries.SLOW_SECONDS,
    )
    yield lines(
        "Satisfaction by agent",
        "Mean rating by customers in the hour before, 1 to 5.",
        [query(queries.mean_rating("1h", LISTING), LEGEND)],
        Place(id=17, x=12, y=24, w=12, h=8),
        unit="none",
        limit=SATISFACTION.threshold.value,
    )
    yield lines(
        "Revenue and model cost",
        "What customers paid, what models cost you, and the part of that cost that went into"
        " failed calls: US dollars in the hour before.",
        [
            query(queries.revenue("1h", ALL), "revenue", ref="A"),
            query(queries.model_cost("1h", ALL), "model cost", ref="B"),
            query(queries.wasted_cost("1h", ALL), "wasted cost", ref="C"),
        ],
        Place(id=18, x=0, y=32, w=12, h=8),
        unit="currencyUSD",
        colours=(("revenue", "green"), ("model cost", "blue"), ("wasted cost", "red")),
    )
    yield lines(
        "Tokens by model",
        "Tokens that went to and came from language models in the hour before.",
        [
            query(queries.input_tokens("1h", ALL.over("model")), "{{model}} in", ref="A"),
            query(queries.output_tokens("1h", ALL.over("model")), "{{model}} out", ref="B"),
        ],
        Place(id=19, x=12, y=32, w=12, h=8),
        unit=COUNT,
    )


def _tool_failures(place: Place) -> Panel:
    return lines(
        "Tool failure rate",
        f"Share of each tool's calls that failed. An insight is raised {TOOL_FAILURES.limit}.",
        [query(queries.tool_failure_rate(RATE, TOOL), f"{LEGEND} / {{{{tool}}}}")],
        place,
        unit="percentunit",
        limit=TOOL_FAILURES.threshold.value,
    )
