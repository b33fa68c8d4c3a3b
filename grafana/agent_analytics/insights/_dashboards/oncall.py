"""The dashboard for on-call: what is wrong at this moment, and where to read what to do."""

from collections.abc import Iterator

from grafana_foundation_sdk.builders import dashboard as builders

from agent_analytics.insights._dashboards.parts import frame
from agent_analytics.insights._dashboards.parts.frame import Page, Row
from agent_analytics.insights._dashboards.parts.insights import ranked, to_agent
from agent_analytics.insights._dashboards.parts.panels import (
    COUNT,
    SHARE,
    Panel,
    instant,
    lines,
    number,
    query,
)
from agent_analytics.insights._dashboards.parts.scopes import (
    FAILURES,
    LEGEND,
    MARKET,
    RATE_WINDOW,
    SECONDS,
    SEVERITIES,
)
from agent_analytics.insights._dashboards.parts.tables import Column, rows
from agent_analytics.insights._dashboards.publisher import last_activity
from agent_analytics.insights._definitions import ERROR_RATE
from agent_analytics.insights._definitions.spec.model import RUNBOOKS
from agent_analytics.insights._promql import health, now, quantities, scopes
from agent_analytics.insights._promql.scopes import LISTING
from agent_analytics.insights._promql.windows import Live

_NOW = Live("5m")
_WORST = 5


def oncall_dashboard() -> str:
    """Return the dashboard as JSON text."""
    return Page(
        uid=frame.ONCALL,
        title="On-call",
        description=(
            "Pages that are firing, and error rate, response time and calls in progress of every"
            " listing at this moment."
        ),
        rows=[
            Row(4, list(_headline())),
            Row(7, [_pages()]),
            Row(8, list(_worst())),
            Row(11, [_listings()]),
        ],
        variables=[
            builders.TextBoxVariable("runbooks").label("Runbooks at").default_value(f"/{RUNBOOKS}")
        ],
        annotations=[frame.alerts(MARKET, "oncall"), frame.releases(LISTING)],
        links=frame.OF_OPERATORS,
        since="now-1h",
        refresh="5s",
    ).json()


def _headline() -> Iterator[Panel]:
    yield number(
        "Pages firing",
        "Alerts for on-call that are firing now.",
        f"(count ({now.firing_pages(MARKET)}) or vector(0))",
        unit=COUNT,
        decimals=0,
        thresholds=((None, "green"), (1, "red")),
    )
    yield number(
        "Error rate now",
        "Share of the calls of the last five minutes that failed, of all agents.",
        quantities.error_rate(_NOW, MARKET),
        unit=SHARE,
        decimals=2,
        thresholds=FAILURES,
    )
    yield number(
        "p95 response time now",
        "19 of 20 successful calls of the last five minutes were answered within this time.",
        quantities.response_time_quantile(0.95, _NOW, MARKET),
        unit="s",
        decimals=2,
        thresholds=SECONDS,
    )
    yield number(
        "In progress now",
        "Calls that have begun and not ended, of all agents.",
        now.in_progress(MARKET),
        unit=COUNT,
        decimals=0,
    )
    yield number(
        "Endpoints that answer",
        "Share of the metrics endpoints that Prometheus could read.",
        health.targets_up(),
        unit=SHARE,
        decimals=0,
        thresholds=((None, "red"), (1, "green")),
    )
    yield last_activity()


def _pages() -> Panel:
    runbook = "${runbooks}/${__data.fields.Runbook}.md"
    return rows(
        "Firing pages",
        "Every alert for on-call that is firing. Click its runbook to read what to do, or its"
        " agent to look at it.",
        [instant(ranked(now.firing_pages(MARKET)), rows=True)],
        columns={
            "rank": Column(name="Severity", width=100, texts=SEVERITIES),
            "alertname": Column(name="Alert", width=220),
            "publisher_id": Column(name="Publisher", width=150),
            "agent_id": Column(name="Agent", width=200, link=to_page_agent()),
            "tool": Column(name="Tool", width=150),
            "cause": Column(name="Cause", width=120),
            "instance": Column(name="Endpoint", width=160),
            "insight": Column(name="Runbook", link=(runbook, "Read the runbook")),
        },
        hidden=[
            "Value",
            "severity",
            "alertstate",
            "audience",
            "category",
            "traffic",
            "job",
            "__name__",
        ],
        sort="Severity",
        descending=False,
    )


def to_page_agent() -> tuple[str, str]:
    """Return the link to an agent from a dashboard without a period."""
    url, title = to_agent("Agent", "Publisher")
    return url.replace("&${period:queryparam}", ""), title


def _worst() -> Iterator[Panel]:
    yield lines(
        f"Error rate, the worst {_WORST}",
        "Share of calls that failed, by listing. On-call is paged above the dashed line.",
        [query(f"topk({_WORST}, {quantities.error_rate(RATE_WINDOW, LISTING)} > 0)", LEGEND)],
        unit=SHARE,
        limit=ERROR_RATE.threshold.value,
    )
    yield lines(
        f"p95 response time, the slowest {_WORST}",
        "19 of 20 successful calls were answered within this time, by listing.",
        [
            query(
                f"topk({_WORST}, {quantities.response_time_quantile(0.95, RATE_WINDOW, LISTING)})",
                LEGEND,
            )
        ],
        unit="s",
        limit=scopes.SLOW_SECONDS,
    )


def _listings() -> Panel:
    return rows(
        "Listings now",
        "Every listing that was called in the last five minutes.",
        [
            instant(f"60 * {quantities.invocation_rate(_NOW, LISTING)} > 0", ref="A", rows=True),
            instant(quantities.error_rate(_NOW, LISTING), ref="B", rows=True),
            instant(quantities.response_time_quantile(0.95, _NOW, LISTING), ref="C", rows=True),
            instant(now.in_progress(LISTING), ref="D", rows=True),
        ],
        columns={
            "publisher_id": Column(name="Publisher", width=180),
            "agent_id": Column(name="Agent", link=to_page_agent()),
            "Value #A": Column(name="Calls a minute", unit="none", decimals=1, width=150),
            "Value #B": Column(
                name="Error rate", unit=SHARE, decimals=2, width=130, steps=FAILURES
            ),
            "Value #C": Column(name="p95 time", unit="s", decimals=2, width=130, steps=SECONDS),
            "Value #D": Column(name="In progress", unit=COUNT, decimals=0, width=130),
        },
        sort="Error rate",
    )
