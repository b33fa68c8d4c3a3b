"""The publisher's dashboard: how its agents are used, how good they are, what they earn."""

from collections.abc import Iterator
from typing import Final

from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.builders import stat, table, timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard

from agent_analytics.insights import queries
from agent_analytics.insights._model import Definition
from agent_analytics.insights._panels import (
    DATASOURCE,
    Column,
    Place,
    Steps,
    instant,
    lines,
    number,
    query,
    rows,
)
from agent_analytics.insights._provisioning import DATASOURCE_UID
from agent_analytics.insights.rules import (
    DEFINITIONS,
    ERROR_RATE,
    PERIOD,
    RESPONSE_TIME,
    SATISFACTION,
    STALE_SECONDS,
    TOOL_FAILURES,
)
from agent_analytics.processor import catalogue

UID: Final = "agent-analytics-publisher"
Panel = stat.Panel | timeseries.Panel | table.Panel

#: What the variables at the top select, together.
_ALL: Final = queries.Scope((), ('publisher_id=~"$publisher"', 'agent_id=~"$agent"'))
_LISTING: Final = _ALL.over(*catalogue.LISTING_LABELS)
_TOOL: Final = _ALL.over(*catalogue.LISTING_LABELS, "tool")
_AGENT: Final = _ALL.over("agent_id")
_RANGE: Final = "$__range"
_RATE: Final = "$__rate_interval"

_FAILURES: Final[Steps] = (
    (None, "green"),
    (ERROR_RATE.threshold.value / 2, "orange"),
    (ERROR_RATE.threshold.value, "red"),
)
_TOOL_FAILURES: Final[Steps] = (
    (None, "green"),
    (TOOL_FAILURES.threshold.value / 2, "orange"),
    (TOOL_FAILURES.threshold.value, "red"),
)
_SECONDS: Final[Steps] = ((None, "green"), (queries.SLOW_SECONDS, "orange"))
_RATING: Final[Steps] = ((None, "orange"), (SATISFACTION.threshold.value, "green"))
_SEVERITIES: Final = (("critical", "red"), ("warning", "orange"), ("info", "blue"))


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
    yield _insights(Place(id=13, x=0, y=8, w=24, h=7))
    yield from _over_time()
    yield _tools(Place(id=20, x=0, y=39, w=12, h=9))
    yield _tool_failures(Place(id=21, x=12, y=39, w=12, h=9))
    yield _agents(Place(id=22, x=0, y=48, w=24, h=9))


def _headline() -> Iterator[Panel]:
    yield number(
        "Invocations",
        "How often the agents were called, whatever came of it.",
        queries.invocations(_RANGE, _ALL),
        Place(id=1, x=0, y=0, w=4, h=4),
        unit="short",
        decimals=0,
    )
    yield number(
        "Unique tenants",
        "How many different customers used the agents. An estimate, within about 3 %.",
        queries.unique_tenants(_RANGE, _ALL),
        Place(id=2, x=4, y=0, w=4, h=4),
        unit="short",
        decimals=0,
    )
    yield number(
        "Error rate",
        "Share of calls that failed or timed out. Calls that the customer cancelled are left out."
        f" An insight is raised {ERROR_RATE.limit}.",
        queries.error_rate(_RANGE, _ALL),
        Place(id=3, x=8, y=0, w=4, h=4),
        unit="percentunit",
        decimals=2,
        thresholds=_FAILURES,
    )
    yield number(
        "p95 response time",
        "19 of 20 successful calls were answered within this time.",
        queries.response_time_quantile(0.95, _RANGE, _ALL),
        Place(id=4, x=12, y=0, w=4, h=4),
        unit="s",
        decimals=2,
        thresholds=_SECONDS,
    )
    yield number(
        "Mean response time",
        "Mean time from a call to its answer, for successful calls.",
        queries.mean_response_time(_RANGE, _ALL),
        Place(id=5, x=16, y=0, w=4, h=4),
        unit="s",
        decimals=2,
        thresholds=_SECONDS,
    )
    yield number(
        "Satisfaction",
        f"Mean rating by customers, 1 to 5. An insight is raised {SATISFACTION.limit}.",
        queries.mean_rating(_RANGE, _ALL),
        Place(id=6, x=20, y=0, w=4, h=4),
        unit="none",
        decimals=2,
        thresholds=_RATING,
    )


def _money() -> Iterator[Panel]:
    yield number(
        "Revenue",
        "What customers were charged, before refunds and the marketplace's fees.",
        queries.revenue(_RANGE, _ALL),
        Place(id=7, x=0, y=4, w=4, h=4),
        unit="currencyUSD",
        decimals=2,
    )
    yield number(
        "Revenue per tenant",
        "Revenue divided by the number of different customers.",
        queries.revenue_per_tenant(_RANGE, _ALL),
        Place(id=8, x=4, y=4, w=4, h=4),
        unit="currencyUSD",
        decimals=2,
    )
    yield number(
        "Model cost",
        "What the calls of language models cost you.",
        queries.model_cost(_RANGE, _ALL),
        Place(id=9, x=8, y=4, w=4, h=4),
        unit="currencyUSD",
        decimals=2,
    )
    yield number(
        "Installs",
        "New installs. A customer who installs again counts again.",
        queries.installs(_RANGE, _ALL),
        Place(id=10, x=12, y=4, w=4, h=4),
        unit="short",
        decimals=0,
    )
    yield number(
        "Active installs",
        "Installs at this moment, where the marketplace keeps that number.",
        queries.active_installs(_ALL),
        Place(id=11, x=16, y=4, w=4, h=4),
        unit="short",
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


def _insight_rows(definition: Definition) -> str:
    """Return one series per firing insight: its labels, its texts and its measured number."""
    scope = _TOOL if "tool" in definition.measure(PERIOD) else _LISTING
    measure = definition.measure(PERIOD)
    if definition.unit == "share":
        measure = f"100 * {measure}"
    told = queries.firing_insights(_ALL.within(f'insight="{definition.slug}"'))
    # ALERTS is 1 while an alert fires: times the measure it is the number, with both's labels.
    expr = f"{told} * on ({', '.join(scope.by)}) group_left () ({measure})"
    for label, text in (
        ("title", definition.title),
        ("limit", definition.limit),
        ("recommendation", definition.recommendation),
    ):
        expr = f'label_replace({expr}, "{label}", "{text}", "", "")'
    return expr


def _insights(place: Place) -> Panel:
    return rows(
        "What to do next",
        f"What is wrong over the last {PERIOD}, and what helps. An empty table is good news.",
        [instant("\nor ".join(_insight_rows(item) for item in DEFINITIONS), rows=True)],
        place,
        columns={
            "severity": Column(name="Severity", width=100, colours=_SEVERITIES),
            "publisher_id": Column(name="Publisher", width=120),
            "agent_id": Column(name="Agent", width=140),
            "tool": Column(name="Tool", width=120),
            "title": Column(name="Insight", width=280),
            "Value": Column(name="Measured", decimals=2, width=100),
            "limit": Column(name="Limit", width=110),
            "recommendation": Column(name="Recommendation"),
        },
        hidden=["alertname", "alertstate", "audience", "category", "insight", "traffic"],
        sort="Severity",
    )


def _over_time() -> Iterator[Panel]:
    yield lines(
        "Invocations per minute",
        "Calls of the agents by how they ended.",
        [query(f"60 * {queries.invocation_rate(_RATE, _ALL.over('outcome'))}", "{{outcome}}")],
        Place(id=14, x=0, y=15, w=12, h=8),
        unit="short",
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
        [query(queries.error_rate(_RATE, _AGENT), "{{agent_id}}")],
        Place(id=15, x=12, y=15, w=12, h=8),
        unit="percentunit",
        limit=ERROR_RATE.threshold.value,
    )
    yield lines(
        "p95 response time by agent",
        "19 of 20 successful calls were answered within this time."
        f" {RESPONSE_TIME.title} raises an insight.",
        [query(queries.response_time_quantile(0.95, _RATE, _AGENT), "{{agent_id}}")],
        Place(id=16, x=0, y=23, w=12, h=8),
        unit="s",
        limit=queries.SLOW_SECONDS,
    )
    yield lines(
        "Satisfaction by agent",
        "Mean rating by customers in the hour before, 1 to 5.",
        [query(queries.mean_rating("1h", _AGENT), "{{agent_id}}")],
        Place(id=17, x=12, y=23, w=12, h=8),
        unit="none",
        limit=SATISFACTION.threshold.value,
    )
    yield lines(
        "Revenue and model cost",
        "What customers paid, what models cost you, and the part of that cost that went into"
        " failed calls: US dollars in the hour before.",
        [
            query(queries.revenue("1h", _ALL), "revenue", ref="A"),
            query(queries.model_cost("1h", _ALL), "model cost", ref="B"),
            query(queries.wasted_cost("1h", _ALL), "wasted cost", ref="C"),
        ],
        Place(id=18, x=0, y=31, w=12, h=8),
        unit="currencyUSD",
        colours=(("revenue", "green"), ("model cost", "blue"), ("wasted cost", "red")),
    )
    yield lines(
        "Tokens by model",
        "Tokens that went to and came from language models in the hour before.",
        [
            query(queries.input_tokens("1h", _ALL.over("model")), "{{model}} in", ref="A"),
            query(queries.output_tokens("1h", _ALL.over("model")), "{{model}} out", ref="B"),
        ],
        Place(id=19, x=12, y=31, w=12, h=8),
        unit="short",
    )


def _tools(place: Place) -> Panel:
    return rows(
        "Tools",
        "The tools that the agents call: how often, how reliable, how slow."
        f" An insight is raised {TOOL_FAILURES.limit}.",
        [
            instant(queries.tool_calls(_RANGE, _TOOL), ref="A", rows=True),
            instant(queries.tool_failure_rate(_RANGE, _TOOL), ref="B", rows=True),
            instant(queries.mean_tool_time(_RANGE, _TOOL), ref="C", rows=True),
        ],
        place,
        columns={
            "publisher_id": Column(name="Publisher"),
            "agent_id": Column(name="Agent"),
            "tool": Column(name="Tool"),
            "Value #A": Column(name="Calls", unit="short", decimals=0, width=90),
            "Value #B": Column(
                name="Failed", unit="percentunit", decimals=2, width=90, steps=_TOOL_FAILURES
            ),
            "Value #C": Column(name="Mean time", unit="s", decimals=2, width=100),
        },
        sort="Calls",
    )


def _tool_failures(place: Place) -> Panel:
    return lines(
        "Tool failure rate",
        f"Share of each tool's calls that failed. An insight is raised {TOOL_FAILURES.limit}.",
        [
            query(
                queries.tool_failure_rate(_RATE, _ALL.over("agent_id", "tool")),
                "{{agent_id}}: {{tool}}",
            )
        ],
        place,
        unit="percentunit",
        limit=TOOL_FAILURES.threshold.value,
    )


def _agents(place: Place) -> Panel:
    return rows(
        "Agents",
        "Every agent with its figures for the time range.",
        [
            instant(queries.invocations(_RANGE, _LISTING), ref="A", rows=True),
            instant(queries.unique_tenants(_RANGE, _LISTING), ref="B", rows=True),
            instant(queries.error_rate(_RANGE, _LISTING), ref="C", rows=True),
            instant(queries.response_time_quantile(0.95, _RANGE, _LISTING), ref="D", rows=True),
            instant(queries.mean_rating(_RANGE, _LISTING), ref="E", rows=True),
            instant(queries.revenue(_RANGE, _LISTING), ref="F", rows=True),
            instant(queries.installs(_RANGE, _LISTING), ref="G", rows=True),
            instant(queries.uninstalls(_RANGE, _LISTING), ref="H", rows=True),
        ],
        place,
        columns={
            "publisher_id": Column(name="Publisher"),
            "agent_id": Column(name="Agent"),
            "Value #A": Column(name="Invocations", unit="short", decimals=0),
            "Value #B": Column(name="Tenants", unit="short", decimals=0),
            "Value #C": Column(name="Error rate", unit="percentunit", decimals=2, steps=_FAILURES),
            "Value #D": Column(name="p95", unit="s", decimals=2, steps=_SECONDS),
            "Value #E": Column(name="Rating", unit="none", decimals=2, steps=_RATING),
            "Value #F": Column(name="Revenue", unit="currencyUSD", decimals=2),
            "Value #G": Column(name="Installs", unit="short", decimals=0),
            "Value #H": Column(name="Uninstalls", unit="short", decimals=0),
        },
        sort="Invocations",
    )
