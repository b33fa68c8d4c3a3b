"""The table of insights: what is wrong, by how much, what it costs, and what helps."""

from collections.abc import Mapping
from typing import Final

from grafana_foundation_sdk.builders import table

from agent_analytics.insights._dashboards.parts.frame import AGENT
from agent_analytics.insights._dashboards.parts.panels import AGO, DAYS, SHARE, USD, instant
from agent_analytics.insights._dashboards.parts.scopes import SEVERITIES
from agent_analytics.insights._dashboards.parts.tables import Column, rows
from agent_analytics.insights._promql import now
from agent_analytics.insights._promql import recorded as _recorded
from agent_analytics.insights._promql.scopes import LISTING, Scope, select
from agent_analytics.processor import catalogue

#: How the windows that insights are asked over are called.
_OVER: Final = (("period", "30 days", ""), ("week", "7 days", ""), ("day", "1 day", ""))
#: How severities are shown, and what was not evaluated.
SHOWN: Final = (("0", "unknown", "purple"), *SEVERITIES)
#: What is recorded at each evaluation of the insights, and in which time three of them are; and
#: what is recorded for them every quarter of an hour.
_EVALUATED: Final = _recorded.grown(catalogue.INVOCATIONS.name, _recorded.DAY)
_LATELY: Final = "15m"
_LONG_WINDOWS: Final = _recorded.grown(catalogue.INVOCATIONS.name, _recorded.MONTH)
#: What queries say where nobody knows, and what columns show of it: no query has sentences in it.
_NOBODY_KNOWS: Final = "not-evaluated"
TITLES: Final = ((_NOBODY_KNOWS, "Insights are not evaluated (yet)", ""),)
_NOT_KNOWN: Final = "not-known"
_WHATS: Final = (
    (_NOBODY_KNOWS, f"evaluations in {_LATELY}", ""),
    (_NOT_KNOWN, "not known yet", ""),
)
_ADVICE: Final = (
    (
        _NOBODY_KNOWS,
        (
            "Nobody knows whether one fires: wait 20 minutes after the first call, then run"
            " agent-analytics doctor."
        ),
        "",
    ),
    (
        _NOT_KNOWN,
        (
            "It looks up what rules had not recorded then, and cannot fire until it is known."
            " agent-analytics rules backfill fills that past."
        ),
        "",
    ),
)
#: Words are of insights, and of no publisher.
_EVERYBODY: Final = Scope(())
_KEYS: Final = "publisher_id, agent_id, tool, insight, traffic"


def _words(scope: Scope) -> str:
    """Return the words of each insight as labels, and how many times its number is shown.

    One of the words that are recorded, as two are while rules of another version are replaced; its
    short name where none are.
    """
    shares = select(_recorded.INFO, _EVERYBODY, 'what=~"%.*"')
    known = f"topk by (insight) (1, 100 * {shares} or {_recorded.INFO})"
    raised = f"group by (insight) ({select(_recorded.MEASURE, scope)})"
    return f'({known} or on (insight) label_join({raised}, "title", "", "insight"))'


def measured(scope: Scope) -> str:
    """Return the measured number of each insight that is firing, with its words as labels."""
    firing = now.firing_insights(scope)
    measure = (
        f"{select(_recorded.MEASURE, scope)} * on ({_KEYS}) group_left (severity) {firing}"
        f" * on (insight) group_left (title, what, recommendation) {_words(scope)}"
    )
    return ranked(f"({measure})")


def ranked(expr: str) -> str:
    """Return an expression with the rank of its severity as a label, to sort by."""
    for rank, severity, _ in SEVERITIES:
        expr = labelled(expr, {"rank": rank}, "severity", severity)
    return expr


def contributors(scope: Scope) -> str:
    """Return the share of what each insight mostly comes from, with its name as a label."""
    first = select(_recorded.CONTRIBUTOR, scope, 'place="1"')
    named = f'label_join({first}, "cause", " ", "dimension", "contributor")'
    return f"max by ({_KEYS}, cause) ({named})"


def opened(scope: Scope) -> str:
    """Return since when each insight that is raised is open, in milliseconds of Unix time."""
    raised = f"group by ({_KEYS}) ({select(_recorded.MEASURE, scope)})"
    of = "publisher_id, agent_id, tool, insight"
    return f"{raised} * on ({of}) group_left () (1000 * {select(_recorded.SINCE, scope)})"


def not_evaluated(scope: Scope) -> str:
    """Return a row for each listing whose insights were not evaluated lately, or one for all.

    An insight is evaluated from what is recorded in the same evaluation and shortly before, so
    where either is missing an empty table says nothing.
    """
    on = f"on ({', '.join(LISTING.by)})"
    recorded = (
        f"(last_over_time({select(_EVALUATED, scope)}[{_LATELY}])"
        f" and {on} {_recorded.lately(select(_LONG_WINDOWS, scope))})"
    )
    running = LISTING.aggregate("group") + f" ({select(catalogue.INVOCATIONS.name, scope)})"
    listings = f"({running} unless {on} {recorded})"
    # Where nothing runs either, nobody has been evaluated.
    nobody = f"(group (absent({recorded})) unless on () {running})"
    texts = {**dict.fromkeys(("title", "what", "recommendation"), _NOBODY_KNOWS), "rank": "0"}
    return labelled(f"0 * ({listings} or {nobody})", texts)


def not_known() -> str:
    """Return a row for each insight that is not known yet: in how many days it is."""
    words = f"group by (insight, title) (topk by (insight) (1, {_recorded.INFO}))"
    days = f"({now.not_known()} - time()) / 86400 * on (insight) group_left (title) {words}"
    return labelled(days, {"what": _NOT_KNOWN, "recommendation": _NOT_KNOWN, "rank": "0"})


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
        " what it mostly comes from, and what helps. A listing whose insights were not evaluated"
        " lately has a row that says so, and so has an insight that is not known yet: an empty"
        " table means: evaluated, and none fires.",
        [
            instant(f"{measured(scope)} or {not_evaluated(scope)}", ref="A", rows=True),
            instant(select(_recorded.WORTH, scope), ref="B", rows=True),
            instant(contributors(scope), ref="C", rows=True),
            instant(opened(scope), ref="D", rows=True),
            instant(not_known(), ref="E", rows=True),
        ],
        columns={
            "rank": Column(name="Severity", width=90, texts=SHOWN),
            "publisher_id": Column(name="Publisher", width=110),
            "agent_id": Column(name="Agent", width=150, link=to_agent("Agent", "Publisher")),
            "tool": Column(name="Tool", width=120),
            "title": Column(name="Insight", width=220, wrap=True, texts=TITLES),
            "traffic": Column(name="Over", width=80, texts=_OVER),
            "Value #A": Column(name="Measured", decimals=2, width=90),
            "what": Column(name="of what", width=180, texts=_WHATS),
            "cause": Column(name="Top contributor", width=180, wrap=True),
            "Value #C": Column(name="Its share", unit=SHARE, decimals=0, width=90),
            "Value #E": Column(name="Known in", unit=DAYS, decimals=0, width=90),
            "Value #B": Column(name="Worth a day", unit=USD, decimals=2, width=110),
            "Value #D": Column(name="Open since", unit=AGO, width=110),
            "recommendation": Column(name="Recommendation", wrap=True, texts=_ADVICE),
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
