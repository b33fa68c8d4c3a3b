"""What the publisher's dashboard selects, when it colours, and its tables."""

from typing import Final

from grafana_foundation_sdk.builders import table

from agent_analytics.insights import queries
from agent_analytics.insights._model import Definition
from agent_analytics.insights._panels import COUNT, Column, Place, Steps, instant, rows
from agent_analytics.insights.rules import (
    DEFINITIONS,
    ERROR_RATE,
    PERIOD,
    SATISFACTION,
    TOOL_FAILURES,
)
from agent_analytics.processor import catalogue

#: What the variables at the top select, together.
ALL: Final = queries.Scope((), ('publisher_id=~"$publisher"', 'agent_id=~"$agent"'))
LISTING: Final = ALL.over(*catalogue.LISTING_LABELS)
TOOL: Final = ALL.over(*catalogue.LISTING_LABELS, "tool")
LEGEND: Final = "{{publisher_id}} / {{agent_id}}"
RANGE: Final = "$__range"
RATE: Final = "$__rate_interval"

FAILURES: Final[Steps] = (
    (None, "green"),
    (ERROR_RATE.threshold.value / 2, "orange"),
    (ERROR_RATE.threshold.value, "red"),
)
TOOL_STEPS: Final[Steps] = (
    (None, "green"),
    (TOOL_FAILURES.threshold.value / 2, "orange"),
    (TOOL_FAILURES.threshold.value, "red"),
)
SECONDS: Final[Steps] = ((None, "green"), (queries.SLOW_SECONDS, "orange"))
RATING: Final[Steps] = ((None, "orange"), (SATISFACTION.threshold.value, "green"))
SEVERITIES: Final = (("critical", "red"), ("warning", "orange"), ("info", "blue"))


def _insight_rows(definition: Definition) -> str:
    """Return one series per firing insight: its labels, its texts and its measured number."""
    measure = definition.measure(PERIOD)
    if definition.unit == "share":
        measure = f"100 * {measure}"
    told = queries.firing_insights(ALL.within(f'insight="{definition.slug}"'))
    # ALERTS is 1 while an alert fires: times the measure it is the number, with both's labels.
    expr = f"{told} * on ({', '.join(definition.by)}) group_left () ({measure})"
    for label, text in (
        ("title", definition.title),
        ("what", definition.what),
        ("limit", definition.limit),
        ("recommendation", definition.recommendation),
    ):
        expr = f'label_replace({expr}, "{label}", "{text}", "", "")'
    return expr


def insights(place: Place) -> table.Panel:
    """Return the table of firing insights with their numbers and recommendations."""
    return rows(
        "What to do next",
        f"What is wrong over the last {PERIOD}, and what helps. An empty table is good news.",
        [instant("\nor ".join(_insight_rows(item) for item in DEFINITIONS), rows=True)],
        place,
        columns={
            "severity": Column(name="Severity", width=90, colours=SEVERITIES),
            "publisher_id": Column(name="Publisher", width=110),
            "agent_id": Column(name="Agent", width=120),
            "tool": Column(name="Tool", width=90),
            "title": Column(name="Insight", width=250, wrap=True),
            "Value": Column(name="Measured", decimals=2, width=90),
            "what": Column(name="of what", width=190),
            "limit": Column(name="Limit", width=120),
            "recommendation": Column(name="Recommendation", wrap=True),
        },
        hidden=["alertname", "alertstate", "audience", "category", "insight", "traffic"],
        # By name, "critical" happens to come first.
        sort="Severity",
        descending=False,
    )


def tools(place: Place) -> table.Panel:
    """Return the table of tools: how often, how reliable, how slow."""
    return rows(
        "Tools",
        "The tools that the agents call: how often, how reliable, how slow."
        f" An insight is raised {TOOL_FAILURES.limit}.",
        [
            instant(queries.tool_calls(RANGE, TOOL), ref="A", rows=True),
            instant(queries.tool_failure_rate(RANGE, TOOL), ref="B", rows=True),
            instant(queries.mean_tool_time(RANGE, TOOL), ref="C", rows=True),
        ],
        place,
        columns={
            "publisher_id": Column(name="Publisher", width=120),
            "agent_id": Column(name="Agent", width=130),
            "tool": Column(name="Tool", width=140),
            "Value #A": Column(name="Calls", unit=COUNT, decimals=0, width=85),
            "Value #B": Column(
                name="Failed", unit="percentunit", decimals=2, width=85, steps=TOOL_STEPS
            ),
            "Value #C": Column(name="Mean time", unit="s", decimals=2, width=100),
        },
        sort="Calls",
    )


def agents(place: Place) -> table.Panel:
    """Return the table of listings with their figures."""
    return rows(
        "Agents",
        "Every agent with its figures for the time range.",
        [
            instant(queries.invocations(RANGE, LISTING), ref="A", rows=True),
            instant(queries.unique_tenants(RANGE, LISTING), ref="B", rows=True),
            instant(queries.error_rate(RANGE, LISTING), ref="C", rows=True),
            instant(queries.response_time_quantile(0.95, RANGE, LISTING), ref="D", rows=True),
            instant(queries.mean_rating(RANGE, LISTING), ref="E", rows=True),
            instant(queries.revenue(RANGE, LISTING), ref="F", rows=True),
            instant(queries.installs(RANGE, LISTING), ref="G", rows=True),
            instant(queries.uninstalls(RANGE, LISTING), ref="H", rows=True),
        ],
        place,
        columns={
            "publisher_id": Column(name="Publisher", width=150),
            "agent_id": Column(name="Agent", width=150),
            "Value #A": Column(name="Invocations", unit=COUNT, decimals=0, width=130),
            "Value #B": Column(name="Tenants", unit=COUNT, decimals=0, width=130),
            "Value #C": Column(
                name="Error rate", unit="percentunit", decimals=2, steps=FAILURES, width=130
            ),
            "Value #D": Column(name="p95", unit="s", decimals=2, steps=SECONDS, width=130),
            "Value #E": Column(name="Rating", unit="none", decimals=2, steps=RATING, width=130),
            "Value #F": Column(name="Revenue", unit="currencyUSD", decimals=2, width=130),
            "Value #G": Column(name="Installs", unit=COUNT, decimals=0, width=130),
            "Value #H": Column(name="Uninstalls", unit=COUNT, decimals=0, width=130),
        },
        sort="Invocations",
    )
