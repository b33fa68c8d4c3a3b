"""The insights of this package, as data, and the rule files that are made of them.

Each insight is asked more than once from one definition: by on-call over minutes (``dense``
traffic, and ``sparse`` traffic over a longer window), and by the publisher over a period. The
smallest floors are chosen so that crossing the threshold takes at least three bad observations:
one failed call of a quiet agent is silent.
"""

from typing import Final

from agent_analytics.insights import queries
from agent_analytics.insights._model import (
    Audience,
    Definition,
    Form,
    Rule,
    Threshold,
    annotations,
    labels,
)
from agent_analytics.insights._yaml import Yaml, dump

#: The publisher's period. It is read from raw counters, which a day of is affordable.
PERIOD: Final = "1d"
#: How often the rules for on-call are evaluated.
ONCALL_INTERVAL: Final = "5s"
#: How often the insights are evaluated.
INSIGHT_INTERVAL: Final = "1m"

_WHO = "{{ $labels.agent_id }} of {{ $labels.publisher_id }}"

ERROR_RATE: Final = Definition(
    slug="error-rate",
    alert="AgentErrorRateHigh",
    severity="critical",
    category="reliability",
    title="Error rate above 5 %",
    description=(
        "{{ $value | humanizePercentage }} of the invocations of "
        f"{_WHO} failed in the last {{window}}; the limit is 5%."
    ),
    recommendation=(
        "Look at the commonest failures by error type first, then at the tools that the agent"
        " calls, and retry what fails only now and then."
    ),
    measure=queries.error_rate,
    observations=queries.judged_invocations,
    threshold=Threshold(comparison=">", value=0.05),
    unit="share",
    what="% of invocations failed",
    forms=(
        Form(audience="oncall", traffic="dense", window="1m", floor=60, hold="5s", keep="1m"),
        Form(
            audience="oncall",
            traffic="sparse",
            window="30m",
            floor=40,
            still="5m",
            dense=("1m", 60),
            hold="15s",
            keep="5m",
        ),
        Form(audience="publisher", traffic="period", window=PERIOD, floor=40),
    ),
)

RESPONSE_TIME: Final = Definition(
    slug="response-time",
    alert="AgentResponsesSlow",
    severity="warning",
    category="performance",
    title="p95 response time above 10 s",
    description=(
        "{{ $value | humanizePercentage }} of the responses of "
        f"{_WHO} took longer than 10 s in the last {{window}}; with more than 5% the p95"
        " response time is above 10 s."
    ),
    recommendation=(
        "Answer simple queries with a faster model, and stream the answer so that the first"
        " words arrive early."
    ),
    measure=queries.slow_share,
    observations=queries.responses,
    threshold=Threshold(comparison=">", value=0.05),
    unit="share",
    what="% of responses over 10 s",
    forms=(
        Form(audience="oncall", traffic="dense", window="5m", floor=60, hold="15s", keep="2m"),
        Form(
            audience="oncall",
            traffic="sparse",
            window="1h",
            floor=40,
            still="15m",
            dense=("5m", 60),
            hold="1m",
            keep="15m",
        ),
        Form(audience="publisher", traffic="period", window=PERIOD, floor=40),
    ),
)

SATISFACTION: Final = Definition(
    slug="satisfaction",
    alert="AgentRatingLow",
    severity="warning",
    category="quality",
    title="Mean rating below 3.5 of 5",
    description=(
        'Tenants rated {{ $labels.agent_id }} of {{ $labels.publisher_id }} {{ printf "%.2f"'
        " $value }} of 5 on average in the last {window}; the limit is 3.5."
    ),
    recommendation=(
        "Read the conversations with low ratings, revise the system prompt, and add the tools"
        " that tenants ask for and the agent does not have."
    ),
    measure=queries.mean_rating,
    observations=queries.ratings,
    threshold=Threshold(comparison="<", value=3.5),
    unit="rating",
    what="mean rating of 5",
    forms=(
        # Ratings are rare even for busy agents: there is no denser form than an hour.
        Form(audience="oncall", traffic="dense", window="1h", floor=20, hold="1m", keep="15m"),
        Form(audience="publisher", traffic="period", window=PERIOD, floor=10),
    ),
)

TOOL_FAILURES: Final = Definition(
    slug="tool-failures",
    alert="AgentToolFailing",
    severity="warning",
    category="reliability",
    title="A tool fails more than 10 % of its calls",
    description=(
        "{{ $value | humanizePercentage }} of the calls of tool {{ $labels.tool }} by "
        f"{_WHO} failed in the last {{window}}; the limit is 10%."
    ),
    recommendation=(
        "Check that tool's configuration, its credentials and limits, and the health of the API"
        " behind it."
    ),
    measure=queries.tool_failure_rate,
    observations=queries.judged_tool_calls,
    threshold=Threshold(comparison=">", value=0.10),
    unit="share",
    what="% of calls failed",
    by=queries.TOOL.by,
    forms=(
        Form(audience="oncall", traffic="dense", window="5m", floor=30, hold="15s", keep="2m"),
        Form(
            audience="oncall",
            traffic="sparse",
            window="1h",
            floor=20,
            still="15m",
            dense=("5m", 30),
            hold="1m",
            keep="15m",
        ),
        Form(audience="publisher", traffic="period", window=PERIOD, floor=20),
    ),
)

#: Every insight that has a measure, most severe first.
DEFINITIONS: Final = (ERROR_RATE, RESPONSE_TIME, SATISFACTION, TOOL_FAILURES)

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
    """Return every rule for an audience."""
    made = [rule for definition in DEFINITIONS for rule in definition.rules(audience)]
    return [*made, *TELEMETRY_ABSENT] if audience == "oncall" else made


def render_rules(
    *, oncall_interval: str = ONCALL_INTERVAL, insight_interval: str = INSIGHT_INTERVAL
) -> dict[str, str]:
    """Return the rule files by name.

    Args:
        oncall_interval: How often Prometheus evaluates the rules for on-call.
        insight_interval: How often it evaluates the insights, which read a whole period.
    """
    files: tuple[tuple[str, Audience, str], ...] = (
        ("oncall.yml", "oncall", oncall_interval),
        ("insights.yml", "publisher", insight_interval),
    )
    return {name: _file(audience, interval) for name, audience, interval in files}


def _file(audience: Audience, interval: str) -> str:
    rules: list[Yaml] = [rule.yaml() for rule in rules_for(audience)]
    group: dict[str, Yaml] = {
        "name": f"agent-analytics-{audience}",
        "interval": interval,
        "rules": rules,
    }
    return dump(
        {"groups": [group]},
        comment="Generated by `python -m agent_analytics.insights.generate`; do not edit.",
    )
