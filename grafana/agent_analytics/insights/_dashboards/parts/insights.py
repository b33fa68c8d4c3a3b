"""The table of insights: what is wrong, by how much, what it costs, and what helps."""

from collections.abc import Mapping
from typing import Final

from grafana_foundation_sdk.builders import table

from agent_analytics.insights._dashboards.parts.frame import AGENT
from agent_analytics.insights._dashboards.parts.panels import USD, instant
from agent_analytics.insights._dashboards.parts.scopes import SEVERITIES
from agent_analytics.insights._dashboards.parts.tables import Column, rows
from agent_analytics.insights._promql import queries
from agent_analytics.insights._promql import recorded as _recorded
from agent_analytics.insights._promql.queries import LISTING, Scope, one_of, select
from agent_analytics.insights._rules.rule_files import DEFINITIONS, FINDINGS
from agent_analytics.processor import catalogue

#: What the measured number of each insight is, in words that follow it. With a per cent sign in
#: front, the measure is a share, and is shown times a hundred.
MEASURED: Final = {
    "error-rate": "% of calls failed",
    "response-time": "% of responses over 10 s",
    "satisfaction": "of 5, mean rating",
    "tool-failures": "% of calls failed",
    "error-budget": "% of calls failed",
    "error-anomaly": "% more of calls failed",
    "latency-regression": "% slower",
    "tool-latency": "% of the time",
    "rating-falling": "of 5 lower than before",
    "revenue-falling": "% revenue, in a week",
    "few-tenants": "tenants",
    "negative-margin": "dollars of margin",
    "wasted-spend": "% of model cost wasted",
    "token-growth": "% more tokens a call",
    "prompt-cache": "% of input from cache",
    "install-churn": "more left than came",
    "retention-falling": "% fewer came back",
    "listing-dead": "calls in the weeks before",
    "tool-loops": "times as many calls",
    "tool-unused": "calls without it",
    "telemetry-absent": "seconds of silence",
}
#: How the windows that insights are asked over are called.
_OVER: Final = (("period", "30 days", ""), ("week", "7 days", ""), ("day", "1 day", ""))
#: How severities are shown, and what was not evaluated.
SHOWN: Final = (("0", "unknown", "purple"), *SEVERITIES)
#: What is recorded at each evaluation of the insights, and in which time three of them are.
_RECORDED: Final = _recorded.grown(catalogue.INVOCATIONS.name, _recorded.MONTH)
_LATELY: Final = "15m"
_NOT_EVALUATED: Final = "Insights are not evaluated (yet)"
_EVALUATIONS: Final = f"evaluations in {_LATELY}"
_WAIT: Final = (
    "Nobody knows whether one fires: wait ten minutes after the first call, then run"
    " agent-analytics doctor."
)
_KEYS: Final = "publisher_id, agent_id, tool, insight, traffic"


def _texts(expr: str) -> str:
    """Return an expression with the texts of each insight as labels."""
    titles = {
        **{finding.slug: finding.title for finding in FINDINGS},
        # The usual bound stands for a listing's own, which a label cannot look up.
        **{definition.slug: definition.title for definition in DEFINITIONS},
    }
    for finding in FINDINGS:
        texts = {
            "title": titles[finding.slug],
            "what": MEASURED[finding.slug],
            "recommendation": finding.recommendation,
        }
        expr = labelled(expr, texts, "insight", finding.slug)
    return expr


def _measured(scope: Scope) -> str:
    """Return the measured number of each insight that is firing, with its texts as labels."""
    shares = [slug for slug, what in MEASURED.items() if what.startswith("%")]
    others = [slug for slug, what in MEASURED.items() if not what.startswith("%")]
    name = _recorded.MEASURE
    measure = (
        f"(100 * {select(name, scope, one_of('insight', *shares))}"
        f" or {select(name, scope, one_of('insight', *others))})"
    )
    firing = queries.firing_insights(scope)
    return ranked(_texts(f"({measure} * on ({_KEYS}) group_left (severity) {firing})"))


def ranked(expr: str) -> str:
    """Return an expression with the rank of its severity as a label, to sort by."""
    for rank, severity, _ in SEVERITIES:
        expr = labelled(expr, {"rank": rank}, "severity", severity)
    return expr


def not_evaluated(scope: Scope) -> str:
    """Return a row for each listing whose insights were not evaluated lately, or one for all.

    An insight is evaluated from what is recorded in the same evaluation, so where that is missing
    an empty table says nothing.
    """
    recorded = f"last_over_time({select(_RECORDED, scope)}[{_LATELY}])"
    running = LISTING.aggregate("group") + f" ({select(catalogue.INVOCATIONS.name, scope)})"
    listings = f"({running} unless on ({', '.join(LISTING.by)}) {recorded})"
    # Where nothing runs either, nobody has been evaluated.
    nobody = f"(group (absent({recorded})) unless on () {running})"
    texts = {"title": _NOT_EVALUATED, "what": _EVALUATIONS, "recommendation": _WAIT, "rank": "0"}
    return labelled(f"0 * ({listings} or {nobody})", texts)


def labelled(expr: str, labels: Mapping[str, str], source: str = "", value: str = "") -> str:
    """Return an expression with labels of one value each, where ``source`` has ``value``."""
    for label, text in labels.items():
        expr = f'label_replace({expr}, "{label}", "{text}", "{source}", "{value}")'
    return expr


def insights(scope: Scope) -> table.Panel:
    """Return the table of firing insights with their numbers and recommendations."""
    return rows(
        "What to do next",
        "What is wrong, by how much, what it is worth in US dollars a day where that is known, and"
        " what helps. A listing whose insights were not evaluated lately has a row that says so, so"
        " an empty table means: evaluated, and none fires.",
        [
            instant(f"{_measured(scope)} or {not_evaluated(scope)}", ref="A", rows=True),
            instant(select(_recorded.WORTH, scope), ref="B", rows=True),
        ],
        columns={
            "rank": Column(name="Severity", width=90, texts=SHOWN),
            "publisher_id": Column(name="Publisher", width=110),
            "agent_id": Column(name="Agent", width=150, link=to_agent("Agent", "Publisher")),
            "tool": Column(name="Tool", width=120),
            "title": Column(name="Insight", width=220, wrap=True),
            "traffic": Column(name="Over", width=80, texts=_OVER),
            "Value #A": Column(name="Measured", decimals=2, width=90),
            "what": Column(name="of what", width=180),
            "Value #B": Column(name="Worth a day", unit=USD, decimals=2, width=110),
            "recommendation": Column(name="Recommendation", wrap=True),
        },
        hidden=["__name__", "insight", "severity"],
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
