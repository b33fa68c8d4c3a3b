"""The health of agent-analytics itself: whether it sees everything, and what it costs."""

from collections.abc import Iterator

from agent_analytics.insights._dashboards.parts import frame
from agent_analytics.insights._dashboards.parts.frame import Page, Row
from agent_analytics.insights._dashboards.parts.panels import (
    COUNT,
    SHARE,
    Panel,
    lines,
    number,
    query,
)
from agent_analytics.insights._dashboards.parts.scopes import MARKET, NONE_WANTED, RATE
from agent_analytics.insights._dashboards.publisher import last_activity
from agent_analytics.insights._promql import health
from agent_analytics.insights._promql.scopes import Scope
from agent_analytics.processor import catalogue

_CAUSE = Scope(("cause",))
_LAST = "1d"


def health_dashboard() -> str:
    """Return the dashboard as JSON text."""
    return Page(
        uid=frame.HEALTH,
        title="Health of agent-analytics",
        description=(
            "Whether the figures of the other dashboards can be trusted: what was read, what was"
            " refused or lost, how fresh it is, and what measuring costs."
        ),
        rows=[
            Row(4, list(_headline())),
            Row(4, list(_lost())),
            Row(8, list(_read())),
            Row(8, list(_refused())),
            Row(8, list(_cost())),
        ],
        annotations=[frame.alerts(MARKET, "oncall"), frame.releases(MARKET)],
        links=frame.OF_OPERATORS,
        since="now-6h",
        refresh="30s",
    ).json()


def _headline() -> Iterator[Panel]:
    yield last_activity()
    yield number(
        "Endpoints that answer",
        "Share of the metrics endpoints that Prometheus could read.",
        health.targets_up(),
        unit=SHARE,
        decimals=0,
        thresholds=((None, "red"), (1, "green")),
    )
    yield number(
        "Spans a second",
        "Spans that were read in the last five minutes.",
        health.rate(catalogue.SPANS, "5m"),
        unit="none",
        decimals=1,
    )
    yield number(
        "Open spans",
        "Spans that have started, not ended, and are being followed.",
        f"sum ({catalogue.OPEN_SPANS.name})",
        unit=COUNT,
        decimals=0,
    )
    yield number(
        "Unattributed",
        "Share of the spans of the last day that no listing could be credited with.",
        health.unattributed_share(_LAST),
        unit=SHARE,
        decimals=2,
        thresholds=((None, "green"), (0.001, "orange"), (0.05, "red")),
    )
    yield number(
        "Internal errors in a day",
        "Errors of agent-analytics itself; the agents did not notice them.",
        health.total(catalogue.INTERNAL_ERRORS, _LAST),
        unit=COUNT,
        decimals=0,
        thresholds=((None, "green"), (1, "red")),
    )


def _lost() -> Iterator[Panel]:
    told: tuple[tuple[str, str, catalogue.Metric], ...] = (
        (
            "Never recorded in a day",
            "Calls that the decorator saw and that were not recorded: a sampler drops them.",
            catalogue.UNRECORDED_INVOCATIONS,
        ),
        (
            "Given up in a day",
            "Spans that had not ended when they were given up.",
            catalogue.GIVEN_UP_SPANS,
        ),
        (
            "Names refused in a day",
            "Label values beyond a cap, counted together with others.",
            catalogue.REFUSED_SERIES,
        ),
        (
            "Values refused in a day",
            "Attributes of spans that made no sense: wrong type, negative, absurdly large.",
            catalogue.REFUSED_VALUES,
        ),
    )
    for title, description, metric in told:
        yield number(
            title,
            description,
            health.total(metric, _LAST),
            unit=COUNT,
            decimals=0,
            thresholds=NONE_WANTED,
        )
    yield number(
        "Counted once in a day",
        "Events that came more than once under the same id, and were counted once.",
        health.total(catalogue.DUPLICATE_EVENTS, _LAST),
        unit=COUNT,
        decimals=0,
    )
    yield number(
        "Rules left out in a day",
        "Evaluations of rules that were skipped, because the one before had not finished.",
        health.missed_evaluations(_LAST),
        unit=COUNT,
        decimals=0,
        thresholds=NONE_WANTED,
    )


def _read() -> Iterator[Panel]:
    yield lines(
        "Spans by kind",
        "Spans that were read a second, by what they were taken for.",
        [query(health.spans(RATE), "{{kind}}")],
        unit="none",
        stacked=True,
        bars=True,
    )
    yield lines(
        "Open spans",
        "Spans that have started and not ended, by endpoint. A line that only rises is a leak.",
        [query(health.open_spans(), "{{instance}}")],
        unit=COUNT,
    )
    yield lines(
        "Room in an exposition",
        "Part that is taken of the samples and bytes of an exposition, and of the share of the "
        "publisher that has most of it. Where a line is at 100 %, new names go under _other.",
        [
            query(health.filled(), "{{of}} {{instance}}", ref="A"),
            query(health.fullest(), "fullest publisher {{instance}}", ref="B"),
        ],
        unit=SHARE,
    )


def _refused() -> Iterator[Panel]:
    by_kind = Scope(("kind",))
    yield lines(
        "Unattributed spans a minute",
        "Spans that no listing could be credited with, by what they were.",
        [query(f"60 * {health.rate(catalogue.UNATTRIBUTED_SPANS, RATE, by_kind)}", "{{kind}}")],
        unit="none",
        bars=True,
    )
    yield lines(
        "Refused a minute",
        "Names and values that were refused, by why.",
        [
            query(
                f"60 * {health.rate(catalogue.REFUSED_SERIES, RATE, _CAUSE)}",
                "name: {{cause}}",
                ref="A",
            ),
            query(
                f"60 * {health.rate(catalogue.REFUSED_VALUES, RATE, _CAUSE)}",
                "value: {{cause}}",
                ref="B",
            ),
        ],
        unit="none",
        bars=True,
    )


def _cost() -> Iterator[Panel]:
    yield lines(
        "Scrape duration",
        "How long Prometheus took to read each endpoint.",
        [query(health.scrape_seconds(), "{{job}} {{instance}}")],
        unit="s",
    )
    yield lines(
        "Samples a scrape",
        "How many series each endpoint shows.",
        [query(health.scraped_samples(), "{{job}} {{instance}}")],
        unit=COUNT,
    )
    yield lines(
        "Revision of the rules of counting",
        "How many endpoints count by which revision. Figures of two revisions do not compare.",
        [query(health.revisions(), "revision {{revision}}")],
        unit=COUNT,
    )
    yield lines(
        "Rule evaluation time",
        "How long Prometheus took to evaluate each group of rules.",
        [query(health.rule_seconds(), "{{rule_group}}")],
        unit="s",
    )
