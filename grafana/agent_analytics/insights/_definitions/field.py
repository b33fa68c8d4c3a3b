"""The four insights of the field, which on-call and publishers are told alike.

Error rate above 5 %, p95 response time above 10 s, mean rating below 3.5, a tool that fails more
than 10 % of its calls: these bounds are exact. The smallest floors are chosen so that crossing
one takes at least three bad observations: one failed call of a quiet agent is silent.
"""

from typing import Final

from agent_analytics.insights._definitions.spec.asking import Form, of_oncall, of_publishers
from agent_analytics.insights._definitions.spec.causes import (
    ERROR_TYPES,
    FAILED_TRACES,
    FAILING_TOOLS,
    OUTCOMES,
    SLOW_TOOLS,
    SLOW_TRACES,
)
from agent_analytics.insights._definitions.spec.model import Spec, Threshold
from agent_analytics.insights._definitions.spec.texts import WHO
from agent_analytics.insights._promql import counts as _counts
from agent_analytics.insights._promql import quantities, scopes

#: How each is asked of on-call.
FORMS: Final[dict[str, tuple[Form, ...]]] = {
    "error-rate": (
        Form(traffic="dense", window="1m", floor=60, hold="5s", keep="1m"),
        Form(
            traffic="sparse",
            window="30m",
            floor=40,
            still="5m",
            dense=("1m", 60),
            hold="15s",
            keep="5m",
        ),
    ),
    "response-time": (
        Form(traffic="dense", window="5m", floor=60, hold="15s", keep="2m"),
        Form(
            traffic="sparse",
            window="1h",
            floor=40,
            still="15m",
            dense=("5m", 60),
            hold="1m",
            keep="15m",
        ),
    ),
    "satisfaction": (
        # Ratings are rare even for busy agents: there is no denser form than an hour.
        Form(traffic="dense", window="1h", floor=20, hold="1m", keep="15m"),
    ),
    "tool-failures": (
        Form(traffic="dense", window="5m", floor=30, hold="15s", keep="2m"),
        Form(
            traffic="sparse",
            window="1h",
            floor=20,
            still="15m",
            dense=("5m", 30),
            hold="1m",
            keep="15m",
        ),
    ),
}

_ERROR_RATE_BOUND: Final = Threshold(comparison=">", value=0.05, unit="share")
ERROR_RATE: Final = Spec(
    slug="error-rate",
    alert="AgentErrorRateHigh",
    severity="critical",
    category="reliability",
    title="Error rate above {limit}",
    what="% of calls failed",
    when="more than 5 % of invocations fail",
    description=(
        "{{ $value | humanizePercentage }} of the invocations of "
        f"{WHO} failed in the last {{window}}; the limit is {{limit}}."
    ),
    recommendation=(
        "Look at the commonest failures by error type first, then at the tools that the agent"
        " calls, and retry what fails only now and then."
    ),
    causes=(ERROR_TYPES, FAILING_TOOLS),
    traces=FAILED_TRACES,
    first_look=(
        (
            "topk(5, sum by (error_type) "
            '(increase(marketplace_agent_invocation_errors_total{publisher_id="P", '
            'agent_id="A"}[15m])))'
        ),
        (
            'sum by (tool) (increase(marketplace_agent_tool_calls_total{publisher_id="P", '
            'agent_id="A", outcome=~"error|timeout"}[15m]))'
        ),
        (
            "sum by (model) "
            '(increase(marketplace_agent_inference_calls_total{publisher_id="P", '
            'agent_id="A", outcome!="success"}[15m]))'
        ),
    ),
    questions=(
        *of_oncall(
            "error-rate", _counts.FAILED_INVOCATIONS, _ERROR_RATE_BOUND, *FORMS["error-rate"]
        ),
        *of_publishers(
            quantities.error_rate,
            _ERROR_RATE_BOUND,
            floor=(quantities.judged_invocations, 40),
            worth=quantities.missed_revenue,
        ),
    ),
)

_RESPONSE_TIME_BOUND: Final = Threshold(comparison=">", value=0.05, unit="share")
RESPONSE_TIME: Final = Spec(
    slug="response-time",
    alert="AgentResponsesSlow",
    severity="warning",
    category="performance",
    title="p95 response time above 10 s",
    what="% of responses over 10 s",
    when="p95 response time above 10 s",
    description=(
        "{{ $value | humanizePercentage }} of the responses of "
        f"{WHO} took longer than 10 s in the last {{window}}; with more than {{limit}} the p95"
        " response time is above 10 s."
    ),
    recommendation=(
        "Answer simple queries with a faster model, and stream the answer so that the first"
        " words arrive early."
    ),
    causes=(SLOW_TOOLS,),
    traces=SLOW_TRACES,
    first_look=(
        (
            "sum by (tool) "
            '(rate(marketplace_agent_tool_call_duration_seconds_sum{publisher_id="P", '
            'agent_id="A"}[15m])) / sum by (tool) '
            '(rate(marketplace_agent_tool_call_duration_seconds_count{publisher_id="P", '
            'agent_id="A"}[15m]))'
        ),
        (
            'sum by (model) (rate(marketplace_agent_output_tokens_total{publisher_id="P", '
            'agent_id="A"}[15m]))'
        ),
        ('sum (marketplace_agent_invocations_in_progress{publisher_id="P", agent_id="A"})'),
    ),
    questions=(
        *of_oncall(
            "response-time", _counts.SLOW_RESPONSES, _RESPONSE_TIME_BOUND, *FORMS["response-time"]
        ),
        *of_publishers(
            quantities.slow_share, _RESPONSE_TIME_BOUND, floor=(quantities.responses, 40)
        ),
    ),
)

_SATISFACTION_BOUND: Final = Threshold(comparison="<", value=3.5, unit="rating")
SATISFACTION: Final = Spec(
    slug="satisfaction",
    observed="ratings",
    alert="AgentRatingLow",
    severity="warning",
    category="quality",
    title="Mean rating below {limit} of 5",
    what="of 5, mean rating",
    when="mean rating below 3.5 of 5",
    description=(
        'Tenants rated {{ $labels.agent_id }} of {{ $labels.publisher_id }} {{ printf "%.2f"'
        " $value }} of 5 on average in the last {window}; the limit is {limit}."
    ),
    recommendation=(
        "Read the conversations with low ratings, revise the system prompt, and add the tools"
        " that tenants ask for and the agent does not have."
    ),
    first_look=(
        (
            "sum by (le) "
            '(increase(marketplace_agent_feedback_rating_bucket{publisher_id="P", '
            'agent_id="A"}[1d]))'
        ),
    ),
    questions=(
        *of_oncall("satisfaction", _counts.RATINGS, _SATISFACTION_BOUND, *FORMS["satisfaction"]),
        *of_publishers(quantities.mean_rating, _SATISFACTION_BOUND, floor=(quantities.ratings, 10)),
    ),
)

_TOOL_FAILURES_BOUND: Final = Threshold(comparison=">", value=0.10, unit="share")
TOOL_FAILURES: Final = Spec(
    slug="tool-failures",
    observed="tool_calls",
    alert="AgentToolFailing",
    severity="warning",
    category="reliability",
    title="A tool fails more than {limit} of its calls",
    what="% of calls failed",
    when="a tool fails more than 10 % of its calls",
    description=(
        "{{ $value | humanizePercentage }} of the calls of tool {{ $labels.tool }} by "
        f"{WHO} failed in the last {{window}}; the limit is {{limit}}."
    ),
    recommendation=(
        "Check that tool's configuration, its credentials and limits, and the health of the API"
        " behind it."
    ),
    by=scopes.TOOL.by,
    causes=(OUTCOMES,),
    first_look=(
        (
            "sum by (outcome) "
            '(increase(marketplace_agent_tool_calls_total{publisher_id="P", agent_id="A", '
            'tool="T"}[15m]))'
        ),
        (
            "sum by (agent_id) "
            '(increase(marketplace_agent_tool_calls_total{publisher_id="P", tool="T", '
            'outcome=~"error|timeout"}[15m]))'
        ),
    ),
    questions=(
        *of_oncall(
            "tool-failures", _counts.FAILED_CALLS, _TOOL_FAILURES_BOUND, *FORMS["tool-failures"]
        ),
        *of_publishers(
            quantities.tool_failure_rate,
            _TOOL_FAILURES_BOUND,
            floor=(quantities.judged_tool_calls, 20),
        ),
    ),
)

SPECS: Final = (ERROR_RATE, RESPONSE_TIME, SATISFACTION, TOOL_FAILURES)
