"""Insights about time: slower than usual, and a tool that takes most of it."""

from typing import Final

from agent_analytics.insights._definitions.spec.asking import DAY_SECONDS, SPOKEN, WEEK
from agent_analytics.insights._definitions.spec.causes import (
    SLOW_TOOLS,
    SLOW_TRACES,
    TOOL_TRACES,
)
from agent_analytics.insights._definitions.spec.model import Question, Spec, Threshold
from agent_analytics.insights._definitions.spec.texts import (
    PERCENT,
    SHORT,
    THIS,
    THIS_TOOL,
    WHO,
    asked,
    value,
)
from agent_analytics.insights._promql import quantities, recorded, weeks
from agent_analytics.insights._promql.scopes import TOOL
from agent_analytics.insights._promql.windows import Hours

#: Half as much again as usual.
_SLOWER: Final = 0.5
_LEAST_SECONDS: Final = 0.5
_DEVIATIONS: Final = 3
_FEWEST_RESPONSES: Final = 100


def _slower(hours: int) -> Question:
    now, usual = weeks.this_week(recorded.P95, hours), weeks.usual(recorded.P95, hours)
    more = f"({now} - {usual})"
    return Question(
        audience="publisher",
        traffic=f"{hours}h",
        measure=f"({now} / {usual} - 1)",
        threshold=Threshold(comparison=">", value=_SLOWER),
        conditions=(
            f"and {more} > {_DEVIATIONS} * {weeks.deviation(recorded.P95, hours)}",
            f"and {more} > {_LEAST_SECONDS}",
            f"and {quantities.responses(Hours(hours))} >= {_FEWEST_RESPONSES}",
        ),
        window="hour" if hours == 1 else f"{hours} hours",
        numbers={
            "now": asked(weeks.this_week(recorded.P95, hours, THIS), 'printf "%.1f"', after=" s"),
            "usual": asked(weeks.usual(recorded.P95, hours, THIS), 'printf "%.1f"', after=" s"),
        },
    )


LATENCY_REGRESSION: Final = Spec(
    slug="latency-regression",
    fades="weeks",
    alert="AgentSlowerThanUsual",
    severity="warning",
    category="performance",
    title="Slower than at this time of other weeks",
    what="% slower",
    when="p95 half above that of the same hours of four weeks, beyond their spread",
    description=(
        f"The p95 response time of {WHO} was {{now}} in the last {{window}}, {value(PERCENT)}"
        " more than the {usual} of the same {window} in the four weeks before."
    ),
    recommendation=(
        "See which tool or model call grew with it, and what was changed since last week: a"
        " version, a longer prompt, a larger model."
    ),
    causes=(SLOW_TOOLS,),
    traces=SLOW_TRACES,
    first_look=(
        (
            "sum by (tool) "
            '(increase(marketplace_agent_tool_call_duration_seconds_sum{publisher_id="P", '
            'agent_id="A"}[6h])) / sum by (tool) '
            '(increase(marketplace_agent_tool_call_duration_seconds_count{publisher_id="P", '
            'agent_id="A"}[6h]))'
        ),
    ),
    questions=tuple(_slower(hours) for hours in recorded.COMPARED_HOURS),
)

TOOL_LATENCY: Final = Spec(
    slug="tool-latency",
    alert="AgentToolDominatesLatency",
    severity="info",
    category="performance",
    title="One tool takes most of the response time",
    what="% of the time",
    when="a tool takes more than half of the time",
    description=(
        f"Tool {{{{ $labels.tool }}}} took {value(PERCENT)} of the time of {WHO} in the last"
        " {window}, {mean} a call."
    ),
    recommendation=(
        "Make that tool faster, cache what it answers, call it beside the model instead of before"
        " it, or give it a shorter timeout."
    ),
    by=TOOL.by,
    traces=TOOL_TRACES,
    first_look=(
        (
            "histogram_quantile(0.95, sum by (le) "
            '(increase(marketplace_agent_tool_call_duration_seconds_bucket{publisher_id="P", '
            'agent_id="A", tool="T"}[1d])))'
        ),
    ),
    questions=(
        Question(
            audience="publisher",
            traffic="week",
            measure=quantities.tool_time_share(WEEK),
            threshold=Threshold(comparison=">", value=0.5),
            conditions=(
                f"and {quantities.tool_calls(WEEK)} >= {_FEWEST_RESPONSES}",
                f"and {quantities.seconds_per_call(WEEK)} >= {_LEAST_SECONDS}",
            ),
            window=SPOKEN[WEEK],
            seconds=WEEK.days * DAY_SECONDS,
            numbers={
                "mean": asked(quantities.seconds_per_call(WEEK, THIS_TOOL), SHORT, after=" s"),
            },
        ),
    ),
)

SPECS: Final = (LATENCY_REGRESSION, TOOL_LATENCY)
