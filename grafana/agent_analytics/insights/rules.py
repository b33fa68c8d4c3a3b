"""The rule files: insights for on-call and for publishers, and what they are read from.

The insights of the field are asked more than once from one definition: by on-call over minutes
(``dense`` traffic, and ``sparse`` traffic over a longer window), and by the publisher over 30
days, a week and a day. What else publishers are told is in :mod:`._definitions`, by category.
"""

from collections.abc import Sequence
from typing import Final

from agent_analytics.insights import _measures, queries, rollups
from agent_analytics.insights._definitions import (
    DEFINITIONS,
    ERROR_BUDGET_PAGES,
    ERROR_RATE,
    FINDINGS,
    RESPONSE_TIME,
    SATISFACTION,
    TOOL_FAILURES,
)
from agent_analytics.insights._model import (
    Audience,
    Recording,
    Rule,
    annotations,
    labels,
)
from agent_analytics.insights._yaml import Yaml, dump

__all__ = [
    "DEFINITIONS",
    "ERROR_RATE",
    "FINDINGS",
    "INSIGHT_INTERVAL",
    "ONCALL_INTERVAL",
    "RESPONSE_TIME",
    "SATISFACTION",
    "STALE_SECONDS",
    "TELEMETRY_ABSENT",
    "TENANT_INTERVAL",
    "TOOL_FAILURES",
    "recordings",
    "render_rules",
    "rules_for",
]

#: How often the rules for on-call are evaluated.
ONCALL_INTERVAL: Final = "5s"
#: How often the insights are evaluated: no sooner than there are new levels.
INSIGHT_INTERVAL: Final = rollups.LEVEL_INTERVAL
#: How often distinct tenants are recorded for them.
TENANT_INTERVAL: Final = rollups.HOUR_INTERVAL

#: Seconds without a span of any agent after which telemetry is stale.
STALE_SECONDS: Final = 900
_TELEMETRY: Final = "TelemetryAbsent"
_UP: Final = f'up{{job="{queries.JOB}"}}'
_OF_JOB: Final = queries.Scope(("job", "instance"), (f'job="{queries.JOB}"',))


def _telemetry(cause: str, expr: str, hold: str, title: str, description: str) -> Rule:
    return Rule(
        alert=_TELEMETRY,
        expr=expr,
        hold=hold,
        keep="30s",
        labels=labels(
            audience="oncall",
            severity="critical" if cause in {"target_down", "no_target"} else "warning",
            category="integration",
            insight="telemetry-absent",
            cause=cause,
        ),
        annotations=annotations(
            slug="telemetry-absent",
            title=title,
            description=description,
            recommendation=(
                "Nothing can be said about the agents until this is mended: check that the"
                " process runs, that Prometheus reaches its port, and that spans are recorded."
            ),
        ),
    )


#: Rules that say that the other rules are blind.
TELEMETRY_ABSENT: Final = (
    _telemetry(
        "target_down",
        f"{_UP} == 0",
        "15s",
        "A metrics endpoint does not answer",
        "Prometheus cannot scrape {{ $labels.instance }} of job {{ $labels.job }}.",
    ),
    _telemetry(
        "no_target",
        f"absent({_UP})",
        "1m",
        "Prometheus scrapes no metrics endpoint",
        "Job {{ $labels.job }} has no target at all.",
    ),
    _telemetry(
        "stale",
        f"{queries.data_age(_OF_JOB)} > {STALE_SECONDS}\nand on (job, instance) {_UP} == 1",
        "30s",
        "No span of an agent for a quarter of an hour",
        "The last span at {{ $labels.instance }} ended {{ $value | humanizeDuration }} ago,"
        " although the endpoint answers.",
    ),
    _telemetry(
        "no_spans",
        f"{_UP} == 1\nunless on (job, instance) {queries.data_age(_OF_JOB)}",
        "15m",
        "A metrics endpoint has never seen a span of an agent",
        "{{ $labels.instance }} answers, and no span of an agent has ended there.",
    ),
)


def rules_for(audience: Audience) -> list[Rule]:
    """Return every alert for an audience."""
    if audience == "publisher":
        return [rule for finding in FINDINGS for rule in finding.rules()]
    made = [rule for definition in DEFINITIONS for rule in definition.rules()]
    return [*made, *ERROR_BUDGET_PAGES, *TELEMETRY_ABSENT]


def recordings() -> list[Recording]:
    """Return what is recorded for insights at each of their evaluations, in order."""
    return [
        *_measures.growths(),
        *_measures.weeks(),
        *(rule for finding in FINDINGS for rule in finding.measures()),
        *(rule for finding in FINDINGS for rule in finding.worths()),
    ]


def render_rules(
    *,
    oncall_interval: str = ONCALL_INTERVAL,
    insight_interval: str = INSIGHT_INTERVAL,
    level_interval: str = rollups.LEVEL_INTERVAL,
    hour_interval: str = rollups.HOUR_INTERVAL,
) -> dict[str, str]:
    """Return the rule files by name.

    Of the recording rules, those in ``rollups.yml`` are the ones that need a past: windows are
    read from what they recorded at the time. Those in ``insights.yml`` are read as they are.

    Args:
        oncall_interval: How often Prometheus evaluates the rules for on-call.
        insight_interval: How often it evaluates the insights, which read a whole period.
        level_interval: How often it records the levels of counters.
        hour_interval: How often it records hours, and distinct tenants.
    """
    oncall = _group("oncall", oncall_interval, rules_for("oncall"))
    tenants = _group("tenants", hour_interval, _measures.tenants())
    publisher = _group("publisher", insight_interval, [*recordings(), *rules_for("publisher")])
    rolled = rollups.groups(
        level_interval=level_interval,
        hour_interval=hour_interval,
        levels=[_measures.last_seen().yaml()],
        hours=[rule.yaml() for rule in _measures.hours()],
    )
    return {
        "oncall.yml": _file([oncall]),
        "insights.yml": _file([tenants, publisher]),
        "rollups.yml": _file(rolled),
    }


def _group(name: str, interval: str, rules: Sequence[Rule | Recording]) -> Yaml:
    return {
        "name": f"agent-analytics-{name}",
        "interval": interval,
        "rules": [rule.yaml() for rule in rules],
    }


def _file(groups: Sequence[Yaml]) -> str:
    return dump(
        {"groups": groups},
        comment="Generated by `python -m agent_analytics.insights.generate`; do not edit.",
    )
