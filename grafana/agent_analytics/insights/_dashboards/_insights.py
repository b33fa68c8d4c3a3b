"""The table of insights: what is wrong, by how much, and what helps."""

from grafana_foundation_sdk.builders import table

from agent_analytics.insights import queries
from agent_analytics.insights._dashboards._frame import AGENT
from agent_analytics.insights._dashboards._panels import instant
from agent_analytics.insights._dashboards._scopes import SEVERITIES
from agent_analytics.insights._dashboards._tables import Column, rows
from agent_analytics.insights._model import Definition
from agent_analytics.insights.queries import Scope
from agent_analytics.insights.rules import DEFINITIONS, PERIOD


def _rows(definition: Definition, scope: Scope) -> str:
    """Return one series per firing insight: its labels, its texts and its measured number."""
    measure = definition.measure(PERIOD)
    if definition.unit == "share":
        measure = f"100 * {measure}"
    told = queries.firing_insights(scope.within(f'insight="{definition.slug}"'))
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


def insights(scope: Scope) -> table.Panel:
    """Return the table of firing insights with their numbers and recommendations."""
    return rows(
        "What to do next",
        f"What is wrong over the last {PERIOD}, and what helps. An empty table is good news.",
        [instant("\nor ".join(_rows(item, scope) for item in DEFINITIONS), rows=True)],
        columns={
            "severity": Column(name="Severity", width=90, colours=SEVERITIES),
            "publisher_id": Column(name="Publisher", width=110),
            "agent_id": Column(name="Agent", width=140, link=to_agent("Agent", "Publisher")),
            "tool": Column(name="Tool", width=110),
            "title": Column(name="Insight", width=230, wrap=True),
            "Value": Column(name="Measured", decimals=2, width=90),
            "what": Column(name="of what", width=190),
            "limit": Column(name="Limit", width=110),
            "recommendation": Column(name="Recommendation", wrap=True),
        },
        hidden=["alertname", "alertstate", "audience", "category", "insight", "traffic"],
        # By name, "critical" happens to come first.
        sort="Severity",
        descending=False,
    )


def to_agent(agent: str, publisher: str) -> tuple[str, str]:
    """Return the link from a row to its agent, by the names of the columns that say which."""
    url = (
        f"/d/{AGENT}?var-publisher=${{__data.fields.{publisher}}}"
        f"&var-agent=${{__data.fields.{agent}}}"
        "&${datasource:queryparam}&${period:queryparam}&${__url_time_range}"
    )
    return url, "Look at this agent"
