"""Tables of listings, of tools, and of what comes back from week to week."""

from grafana_foundation_sdk.builders import table

from agent_analytics.insights._dashboards.parts.insights import to_agent
from agent_analytics.insights._dashboards.parts.panels import (
    COUNT,
    SHARE,
    USD,
    Steps,
    instant,
    query,
)
from agent_analytics.insights._dashboards.parts.scopes import (
    FAILURES,
    LISTING_TOOLS,
    LISTINGS,
    PERIOD,
    PROFIT,
    RATING,
    SECONDS,
    TOOL_STEPS,
)
from agent_analytics.insights._dashboards.parts.tables import Column, rows, weeks
from agent_analytics.insights._definitions import TOOL_FAILURES
from agent_analytics.insights._promql import quantities, rollups
from agent_analytics.insights._promql.windows.calendar import week_overlap

_RETURNED: Steps = (
    (None, "rgba(31,96,196,0.12)"),
    (0.2, "rgba(31,96,196,0.3)"),
    (0.4, "rgba(31,96,196,0.5)"),
    (0.6, "rgba(31,96,196,0.7)"),
    (0.8, "rgba(31,96,196,0.9)"),
)


def agents() -> table.Panel:
    """Return the table of the chosen publishers' listings with their figures."""
    return rows(
        "Agents",
        "Every agent with its figures for the period; tenants are those of a day, on average. Click"
        " an agent to see it in detail.",
        [
            instant(quantities.invocations(PERIOD, LISTINGS), ref="A", rows=True),
            instant(quantities.mean_tenants_a_day(PERIOD, LISTINGS), ref="B", rows=True),
            instant(quantities.error_rate(PERIOD, LISTINGS), ref="C", rows=True),
            instant(quantities.response_time_quantile(0.95, PERIOD, LISTINGS), ref="D", rows=True),
            instant(quantities.mean_rating(PERIOD, LISTINGS), ref="E", rows=True),
            instant(quantities.revenue(PERIOD, LISTINGS), ref="F", rows=True),
            instant(quantities.margin(PERIOD, LISTINGS), ref="G", rows=True),
        ],
        columns={
            "publisher_id": Column(name="Publisher", width=150),
            "agent_id": Column(name="Agent", width=200, link=to_agent("Agent", "Publisher")),
            "Value #A": Column(name="Invocations", unit=COUNT, decimals=0),
            "Value #B": Column(name="Tenants a day", unit=COUNT, decimals=0),
            "Value #C": Column(name="Error rate", unit=SHARE, decimals=2, steps=FAILURES),
            "Value #D": Column(name="p95 time", unit="s", decimals=2, steps=SECONDS),
            "Value #E": Column(name="Rating", unit="none", decimals=2, steps=RATING),
            "Value #F": Column(name="Revenue", unit=USD, decimals=2),
            "Value #G": Column(name="Margin", unit=USD, decimals=2, steps=PROFIT),
        },
        sort="Invocations",
    )


def tools() -> table.Panel:
    """Return the table of the chosen publishers' tools: how often, how reliable, how slow."""
    return rows(
        "Tools",
        "The tools that the agents called in the period: how often, how reliable, how slow."
        f" An insight is raised {TOOL_FAILURES.limit}.",
        [
            instant(quantities.tool_calls(PERIOD, LISTING_TOOLS), ref="A", rows=True),
            instant(quantities.tool_failure_rate(PERIOD, LISTING_TOOLS), ref="B", rows=True),
            instant(quantities.mean_tool_time(PERIOD, LISTING_TOOLS), ref="C", rows=True),
        ],
        columns={
            "publisher_id": Column(name="Publisher", width=150),
            "agent_id": Column(name="Agent", width=200, link=to_agent("Agent", "Publisher")),
            "tool": Column(name="Tool"),
            "Value #A": Column(name="Calls", unit=COUNT, decimals=0),
            "Value #B": Column(name="Failed", unit=SHARE, decimals=2, steps=TOOL_STEPS),
            "Value #C": Column(name="Mean time", unit="s", decimals=2),
        },
        sort="Calls",
    )


def cohorts() -> table.Panel:
    """Return the table of who came back to the marketplace from week to week, by weeks between.

    For the operator alone: publishers read months, which are withheld where they are of few.
    """
    names = [f"{count} week{'s' if count > 1 else ''} ago" for count in rollups.COHORTS]
    return weeks(
        "Tenants who came back",
        "Each row is a week: how many of those who were tenants of the marketplace one week before"
        " it,"
        " two weeks before it and so on were there again. An estimate, within about 3 points. The"
        " last eight weeks are shown, whatever period is chosen.",
        [
            query(week_overlap(count), name, ref=chr(64 + count), step="1w")
            for count, name in enumerate(names, 1)
        ],
        columns={
            "Time": Column(name="Week up to", unit="time:YYYY-MM-DD", width=120),
            **{
                name: Column(name=name, unit=SHARE, decimals=0, steps=_RETURNED, filled=True)
                for name in names
            },
        },
        span="56d",
    )


def money() -> table.Panel:
    """Return the table of what each of the chosen publishers' listings earns and costs."""
    return rows(
        "What each agent earns and costs",
        "Revenue, what was given back, the marketplace's share, what models cost, and what is"
        " left, for the period.",
        [
            instant(quantities.revenue(PERIOD, LISTINGS), ref="A", rows=True),
            instant(quantities.revenue_trend(PERIOD, LISTINGS), ref="B", rows=True),
            instant(quantities.refunds(PERIOD, LISTINGS), ref="C", rows=True),
            instant(quantities.fees(PERIOD, LISTINGS), ref="D", rows=True),
            instant(quantities.model_cost(PERIOD, LISTINGS), ref="E", rows=True),
            instant(quantities.wasted_cost(PERIOD, LISTINGS), ref="F", rows=True),
            instant(quantities.margin(PERIOD, LISTINGS), ref="G", rows=True),
        ],
        columns={
            "publisher_id": Column(name="Publisher", width=150),
            "agent_id": Column(name="Agent", width=200, link=to_agent("Agent", "Publisher")),
            "Value #A": Column(name="Revenue", unit=USD, decimals=2),
            "Value #B": Column(name="Change", unit=SHARE, decimals=1),
            "Value #C": Column(name="Refunds", unit=USD, decimals=2),
            "Value #D": Column(name="Fees", unit=USD, decimals=2),
            "Value #E": Column(name="Model cost", unit=USD, decimals=2),
            "Value #F": Column(name="Wasted", unit=USD, decimals=2),
            "Value #G": Column(name="Margin", unit=USD, decimals=2, steps=PROFIT),
        },
        sort="Revenue",
    )
