"""Insights about how a listing is wired: its tools, and its telemetry."""

from typing import Final

from agent_analytics.insights._definitions.spec.asking import (
    DAY_SECONDS,
    FOUR_WEEKS_BEFORE,
    MONTH,
    PERIODS,
    SPOKEN,
    WEEK,
)
from agent_analytics.insights._definitions.spec.causes import TOOL_TRACES
from agent_analytics.insights._definitions.spec.model import Question, Spec, Threshold
from agent_analytics.insights._definitions.spec.texts import (
    ONE_PLACE,
    PERCENT,
    THIS_TOOL,
    WHO,
    WHOLE,
    asked,
    value,
)
from agent_analytics.insights._promql import accounting, quantities
from agent_analytics.insights._promql.scopes import LISTING, TOOL
from agent_analytics.insights._promql.windows import Period

_FEWEST_INVOCATIONS: Final = 50
_FEWEST_BEFORE: Final = 100
_MORE_CALLS: Final = 0.5
_THEN: Final = quantities.calls_per_invocation(FOUR_WEEKS_BEFORE)
_OF_LISTING: Final = f"on ({', '.join(LISTING.by)})"


def _looping(traffic: str, period: Period) -> Question:
    now = quantities.calls_per_invocation(period)
    return Question(
        audience="publisher",
        traffic=traffic,
        measure=f"({now} / {_THEN})",
        threshold=Threshold(comparison=">", value=2),
        known=quantities.invocations(period),
        conditions=(
            f"and ({now} - {_THEN}) > {_MORE_CALLS}",
            f"and {_OF_LISTING} {quantities.invocations(period)} >= {_FEWEST_INVOCATIONS}",
            f"and {_OF_LISTING} {quantities.invocations(FOUR_WEEKS_BEFORE)} >= {_FEWEST_BEFORE}",
            accounting.since(FOUR_WEEKS_BEFORE),
        ),
        window=SPOKEN[period],
        numbers={
            "now": asked(quantities.calls_per_invocation(period, THIS_TOOL), ONE_PLACE),
            "before": asked(
                quantities.calls_per_invocation(FOUR_WEEKS_BEFORE, THIS_TOOL), ONE_PLACE
            ),
        },
    )


TOOL_LOOPS: Final = Spec(
    slug="tool-loops",
    fades="days",
    alert="AgentToolRetried",
    severity="warning",
    category="integration",
    title="A tool is called again and again",
    what="times as many calls",
    when="twice the calls of a tool an invocation",
    description=(
        f"{WHO} called tool {{{{ $labels.tool }}}} {{now}} times an invocation in the last"
        " {window}, after {before} times in the four weeks before."
    ),
    recommendation=(
        "Look at the arguments of repeated calls: say in the tool's description what it needs,"
        " let it answer errors that the model can act on, and cap the calls of one invocation."
    ),
    by=TOOL.by,
    first_look=(
        (
            "sum by (outcome) "
            '(increase(marketplace_agent_tool_calls_total{publisher_id="P", agent_id="A", '
            'tool="T"}[1d]))'
        ),
    ),
    questions=tuple(_looping(*item) for item in PERIODS.items() if item[1] != MONTH),
)

_UNUSED_FLOOR: Final = 200
#: Calls that the earlier use of a tool would have led to expect.
_EXPECTED_CALLS: Final = 20
_EXPECTED: Final = (
    f"({_THEN} * {_OF_LISTING} group_left () {quantities.invocations(WEEK)}"
    f" {accounting.since(FOUR_WEEKS_BEFORE)})"
)

TOOL_UNUSED: Final = Spec(
    slug="tool-unused",
    alert="AgentToolNeverCalled",
    severity="info",
    category="integration",
    title="A tool is never called",
    what="calls without it",
    when="a tool without a call in a week",
    description=(
        f"{WHO} has not called tool {{{{ $labels.tool }}}} once in its {value(WHOLE)} invocations"
        " of the last 7 days."
    ),
    recommendation=(
        "Take the tool out, which makes every prompt shorter, or say in its description when to"
        " use it."
    ),
    by=TOOL.by,
    first_look=(
        (
            "sum by (outcome) "
            '(last_over_time(marketplace_agent_tool_calls_total:growth_30d{publisher_id="P", '
            'agent_id="A", tool="T"}[35m]))'
        ),
        (
            "sum by (tool) "
            '(last_over_time(marketplace_agent_tool_calls_total:growth_30d{publisher_id="P", '
            'agent_id="A"}[35m]))'
        ),
    ),
    questions=(
        Question(
            audience="publisher",
            traffic="week",
            measure=(
                f"(0 * {quantities.tool_calls(WEEK)}"
                f" + {_OF_LISTING} group_left () {quantities.invocations(WEEK)})"
            ),
            threshold=Threshold(comparison=">", value=_UNUSED_FLOOR),
            conditions=(
                f"and {quantities.tool_calls(WEEK)} == 0",
                f"and {quantities.tool_known(Period(7))}",
                # Never in a month, or so often before that a week without is no accident.
                f"and ({quantities.tool_calls(MONTH)} == 0 or {_EXPECTED} >= {_EXPECTED_CALLS})",
            ),
        ),
    ),
)

_FEWEST_CALLS: Final = 100

TOOL_REPEATS: Final = Spec(
    slug="tool-repeats",
    observed="tool_calls",
    alert="AgentRepeatsToolCalls",
    severity="warning",
    category="integration",
    title="A tool is asked the same again",
    what="% of calls repeated",
    when="more than 20 % of a tool's calls repeat one of their invocation",
    description=(
        f"{value(PERCENT)} of the calls of tool {{{{ $labels.tool }}}} by {WHO} in the last"
        " {window}, {repeated} of {calls}, had the arguments of an earlier call of the same"
        " invocation."
    ),
    recommendation=(
        "Keep in the prompt what the tool has answered, answer a repeated call from memory, and"
        " let the tool's errors say what another call has to do otherwise."
    ),
    by=TOOL.by,
    traces=TOOL_TRACES,
    first_look=(
        (
            "sum by (tool) "
            '(increase(marketplace_agent_repeated_tool_calls_total{publisher_id="P", '
            'agent_id="A", tool="T"}[1d]))'
        ),
        (
            "sum by (outcome) "
            '(increase(marketplace_agent_tool_calls_total{publisher_id="P", agent_id="A", '
            'tool="T"}[1d]))'
        ),
    ),
    questions=(
        Question(
            audience="publisher",
            traffic="week",
            measure=quantities.repeated_share(WEEK),
            threshold=Threshold(comparison=">", value=0.2),
            conditions=(f"and {quantities.tool_calls(WEEK)} >= {_FEWEST_CALLS}",),
            window=SPOKEN[WEEK],
            seconds=WEEK.days * DAY_SECONDS,
            numbers={
                "repeated": asked(quantities.repeated_tool_calls(WEEK, THIS_TOOL), WHOLE),
                "calls": asked(quantities.tool_calls(WEEK, THIS_TOOL), WHOLE),
            },
        ),
    ),
)

LARGE_TOOL_RESULTS: Final = Spec(
    slug="large-tool-results",
    observed="tool_calls",
    alert="AgentToolResultsLarge",
    severity="warning",
    category="integration",
    title="A tool returns more than a prompt should hold",
    what="bytes a result",
    when="a tool's results are above 32,000 bytes on average",
    description=(
        f"Tool {{{{ $labels.tool }}}} of {WHO} returned {value(WHOLE)} bytes a call in the last"
        " {window}: about {tokens} tokens, which every further model call of an invocation reads"
        " again."
    ),
    recommendation=(
        "Let the tool return what was asked for and not all it found: a page, the best matches, an"
        " extract; and give it an argument for more."
    ),
    by=TOOL.by,
    traces=TOOL_TRACES,
    first_look=(
        (
            "histogram_quantile(0.95, sum by (le) "
            '(increase(marketplace_agent_tool_result_size_bytes_bucket{publisher_id="P", '
            'agent_id="A", tool="T"}[1d])))'
        ),
    ),
    questions=(
        Question(
            audience="publisher",
            traffic="week",
            measure=quantities.mean_result_size(WEEK),
            threshold=Threshold(comparison=">", value=32_000),
            conditions=(f"and {quantities.tool_results(WEEK)} >= {_FEWEST_CALLS}",),
            window=SPOKEN[WEEK],
            seconds=WEEK.days * DAY_SECONDS,
            # Four bytes a token, as texts in English have.
            numbers={
                "tokens": asked(f"{quantities.mean_result_size(WEEK, THIS_TOOL)} / 4", WHOLE),
            },
        ),
    ),
)

SPECS: Final = (TOOL_LOOPS, TOOL_UNUSED, TOOL_REPEATS, LARGE_TOOL_RESULTS)
