"""One agent in detail: what it does at this moment, and in the period."""

from collections.abc import Iterator

from agent_analytics.insights._dashboards.parts import frame
from agent_analytics.insights._dashboards.parts.frame import Page, Row
from agent_analytics.insights._dashboards.parts.insights import insights
from agent_analytics.insights._dashboards.parts.panels import (
    COUNT,
    SHARE,
    USD,
    Panel,
    bands,
    change,
    gauges,
    instant,
    lines,
    number,
    query,
    traced,
)
from agent_analytics.insights._dashboards.parts.scopes import (
    AGENT,
    AGENT_TOOLS,
    FAILURES,
    OUTCOMES,
    PERIOD,
    RATE_WINDOW,
    RATING,
    SECONDS,
    TOOL_STEPS,
)
from agent_analytics.insights._dashboards.parts.tables import Column, rows
from agent_analytics.insights._dashboards.publisher import freshness
from agent_analytics.insights._definitions import ERROR_RATE, SATISFACTION, TOOL_FAILURES
from agent_analytics.insights._promql import now, quantities, scopes
from agent_analytics.insights._promql.windows import Live
from agent_analytics.processor import catalogue

_NOW = Live("5m")
_A_DAY = Live("1d")
_HOUR = Live("1h")


def agent_dashboard() -> str:
    """Return the dashboard as JSON text."""
    return Page(
        uid=frame.AGENT,
        title="One agent",
        description=(
            "One agent in detail. The figures in the second row are for the period chosen at the"
            " top; everything else is of this moment, or of the time range at the top right."
        ),
        rows=[
            Row(4, list(_now())),
            Row(4, list(_period())),
            Row(7, [insights(AGENT)]),
            Row(8, list(_calls())),
            Row(9, list(_latency())),
            Row(8, list(_tools())),
            Row(8, list(_money())),
            Row(7, [_ratings(), _versions()]),
        ],
        variables=[
            frame.choice("publisher", "Publisher", many=False),
            frame.choice("agent", "Agent", 'publisher_id="$publisher"', many=False),
            frame.period(),
            frame.traces(),
        ],
        annotations=[
            frame.alerts(AGENT, "publisher"),
            frame.releases(AGENT.over(*catalogue.LISTING_LABELS)),
        ],
        links=frame.OF_PUBLISHERS,
        since="now-6h",
        refresh="30s",
    ).json()


def _now() -> Iterator[Panel]:
    yield number(
        "In progress now",
        "Calls that have begun and not ended.",
        now.in_progress(AGENT),
        unit=COUNT,
        decimals=0,
    )
    yield number(
        "Calls a minute now",
        "Calls that ended in the last five minutes, a minute.",
        f"60 * {quantities.invocation_rate(_NOW, AGENT)}",
        unit="none",
        decimals=1,
    )
    yield number(
        "Error rate now",
        "Share of the calls of the last five minutes that failed or timed out.",
        quantities.error_rate(_NOW, AGENT),
        unit=SHARE,
        decimals=2,
        thresholds=FAILURES,
    )
    yield number(
        "p95 response time now",
        "19 of 20 successful calls of the last five minutes were answered within this time.",
        quantities.response_time_quantile(0.95, _NOW, AGENT),
        unit="s",
        decimals=2,
        thresholds=SECONDS,
    )
    yield number(
        "Active installs",
        "Installs at this moment, where the marketplace keeps that number.",
        quantities.active_installs(_NOW, AGENT),
        unit=COUNT,
        decimals=0,
    )
    yield freshness(AGENT)


def _period() -> Iterator[Panel]:
    yield number(
        "Invocations",
        "How often the agent was called in the period, whatever came of it.",
        quantities.invocations(PERIOD, AGENT),
        unit=COUNT,
        decimals=0,
    )
    yield change("Calls trend", "the number of calls", quantities.invocations_trend(PERIOD, AGENT))
    yield number(
        "Unique tenants",
        "How many different tenants used the agent. An estimate, within about 3 %.",
        quantities.unique_tenants(PERIOD, AGENT),
        unit=COUNT,
        decimals=0,
    )
    yield number(
        "Error rate",
        f"Share of the period's calls that failed. An insight is raised {ERROR_RATE.limit}.",
        quantities.error_rate(PERIOD, AGENT),
        unit=SHARE,
        decimals=2,
        thresholds=FAILURES,
    )
    yield number(
        "p95 response time",
        "19 of 20 successful calls of the period were answered within this time.",
        quantities.response_time_quantile(0.95, PERIOD, AGENT),
        unit="s",
        decimals=2,
        thresholds=SECONDS,
    )
    yield number(
        "Satisfaction",
        f"Mean rating by tenants, 1 to 5. An insight is raised {SATISFACTION.limit}.",
        quantities.mean_rating(PERIOD, AGENT),
        unit="none",
        decimals=2,
        thresholds=RATING,
    )
    yield number(
        "Revenue",
        "What tenants were charged in the period, before refunds and fees.",
        quantities.revenue(PERIOD, AGENT),
        unit=USD,
        decimals=2,
    )
    yield change("Sales trend", "the revenue", quantities.revenue_trend(PERIOD, AGENT))


def _calls() -> Iterator[Panel]:
    yield lines(
        "Invocations a minute",
        "Calls of the agent by how they ended.",
        [
            query(
                f"60 * {quantities.invocation_rate(RATE_WINDOW, AGENT.over('outcome'))}",
                "{{outcome}}",
            )
        ],
        unit="none",
        bars=True,
        colours=OUTCOMES,
    )
    yield lines(
        "Failures a minute by type",
        "Calls that failed, by the type of the error. The commonest is where to begin.",
        [query(f"60 * {quantities.failures_by_type(RATE_WINDOW, AGENT)}", "{{error_type}}")],
        unit="none",
        bars=True,
    )


def _latency() -> Iterator[Panel]:
    yield bands(
        "Response times",
        "How many successful calls took how long: the darker, the more. Dots are single calls;"
        " click one to open its trace, where traces are kept.",
        traced(quantities.responses_up_to(RATE_WINDOW, AGENT), "{{le}}"),
        unit="s",
    )
    yield lines(
        "Typical and slow response times",
        "Half of the successful calls were answered within p50, 19 of 20 within p95. The first"
        " chunk is when a streamed answer begins.",
        [
            traced(quantities.response_time_quantile(0.95, RATE_WINDOW, AGENT), "p95", ref="A"),
            query(quantities.response_time_quantile(0.5, RATE_WINDOW, AGENT), "p50", ref="B"),
            query(
                quantities.first_chunk_quantile(0.95, RATE_WINDOW, AGENT),
                "first chunk p95",
                ref="C",
            ),
        ],
        unit="s",
        limit=scopes.SLOW_SECONDS,
        colours=(("p95", "orange"), ("p50", "blue"), ("first chunk p95", "purple")),
    )


def _tools() -> Iterator[Panel]:
    yield rows(
        "Tools",
        "The tools that the agent called in the period: how often, how reliable, how slow. 19 of"
        f" 20 calls of the last day took at most p95. An insight is raised {TOOL_FAILURES.limit}.",
        [
            instant(quantities.tool_calls(PERIOD, AGENT_TOOLS), ref="A", rows=True),
            instant(quantities.tool_failure_rate(PERIOD, AGENT_TOOLS), ref="B", rows=True),
            instant(quantities.mean_tool_time(PERIOD, AGENT_TOOLS), ref="C", rows=True),
            instant(quantities.tool_time_quantile(0.95, _A_DAY, AGENT_TOOLS), ref="D", rows=True),
        ],
        columns={
            "tool": Column(name="Tool"),
            "Value #A": Column(name="Calls", unit=COUNT, decimals=0, width=100),
            "Value #B": Column(name="Failed", unit=SHARE, decimals=2, width=90, steps=TOOL_STEPS),
            "Value #C": Column(name="Mean time", unit="s", decimals=2, width=110),
            "Value #D": Column(name="p95, last day", unit="s", decimals=2, width=130),
        },
        sort="Calls",
    )
    yield lines(
        "Tool failure rate",
        f"Share of each tool's calls that failed. An insight is raised {TOOL_FAILURES.limit}.",
        [query(quantities.tool_failure_rate(RATE_WINDOW, AGENT_TOOLS), "{{tool}}")],
        unit=SHARE,
        limit=TOOL_FAILURES.threshold.value,
    )


def _money() -> Iterator[Panel]:
    yield lines(
        "Revenue and model cost",
        "What tenants paid, what models cost you, and the part of that cost that went into"
        " failed calls: US dollars in the hour before.",
        [
            query(quantities.revenue(_HOUR, AGENT), "revenue", ref="A"),
            query(quantities.model_cost(_HOUR, AGENT), "model cost", ref="B"),
            query(quantities.wasted_cost(_HOUR, AGENT), "wasted cost", ref="C"),
        ],
        unit=USD,
        colours=(("revenue", "green"), ("model cost", "blue"), ("wasted cost", "red")),
    )
    yield lines(
        "Tokens by model",
        "Tokens that went to and came from language models in the hour before.",
        [
            query(quantities.input_tokens(_HOUR, AGENT.over("model")), "{{model}} in", ref="A"),
            query(quantities.output_tokens(_HOUR, AGENT.over("model")), "{{model}} out", ref="B"),
        ],
        unit=COUNT,
    )


def _ratings() -> Panel:
    stars = [int(edge) for edge in catalogue.RATINGS]
    return gauges(
        "Ratings",
        "How many tenants gave how many stars in the period.",
        [
            instant(quantities.ratings_of(star, PERIOD, AGENT), f"{star} ★", ref=chr(64 + star))
            for star in reversed(stars)
        ],
        unit=COUNT,
    )


def _versions() -> Panel:
    labels = ("agent_name", "agent_version")
    return rows(
        "Versions running",
        "Versions of the agent that are running now. Two may for a while, during a roll-out; when"
        " one appears for the first time, graphs are marked.",
        [instant(now.versions(AGENT.over(*labels)), rows=True)],
        columns={
            "agent_name": Column(name="Name"),
            "agent_version": Column(name="Version"),
            "Value": Column(name="Processes", unit=COUNT, decimals=0, width=110),
        },
        sort="Version",
    )
