"""The four insights of the field, which on-call and publishers are told alike.

Error rate above 5 %, p95 response time above 10 s, mean rating below 3.5, a tool that fails more
than 10 % of its calls: these bounds are exact. The smallest floors are chosen so that crossing
one takes at least three bad observations: one failed call of a quiet agent is silent.
"""

from typing import Final

from agent_analytics.insights._definitions.model import Definition, Form, Threshold
from agent_analytics.insights._definitions.texts import WHO
from agent_analytics.insights._promql import counts as _counts
from agent_analytics.insights._promql import figures, periods, queries

ERROR_RATE: Final = Definition(
    slug="error-rate",
    alert="AgentErrorRateHigh",
    severity="critical",
    category="reliability",
    heading="Error rate above {limit}",
    description=(
        "{{ $value | humanizePercentage }} of the invocations of "
        f"{WHO} failed in the last {{window}}; the limit is {{limit}}."
    ),
    recommendation=(
        "Look at the commonest failures by error type first, then at the tools that the agent"
        " calls, and retry what fails only now and then."
    ),
    counts=_counts.FAILED_INVOCATIONS,
    over=periods.error_rate,
    observed=periods.judged_invocations,
    floor=40,
    threshold=Threshold(comparison=">", value=0.05),
    unit="share",
    what="% of invocations failed",
    worth=figures.missed_revenue,
    forms=(
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
)

RESPONSE_TIME: Final = Definition(
    slug="response-time",
    alert="AgentResponsesSlow",
    severity="warning",
    category="performance",
    heading="p95 response time above 10 s",
    description=(
        "{{ $value | humanizePercentage }} of the responses of "
        f"{WHO} took longer than 10 s in the last {{window}}; with more than {{limit}} the p95"
        " response time is above 10 s."
    ),
    recommendation=(
        "Answer simple queries with a faster model, and stream the answer so that the first"
        " words arrive early."
    ),
    counts=_counts.SLOW_RESPONSES,
    over=figures.slow_share,
    observed=figures.responses,
    floor=40,
    threshold=Threshold(comparison=">", value=0.05),
    unit="share",
    what="% of responses over 10 s",
    forms=(
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
)

SATISFACTION: Final = Definition(
    slug="satisfaction",
    alert="AgentRatingLow",
    severity="warning",
    category="quality",
    heading="Mean rating below {limit} of 5",
    description=(
        'Tenants rated {{ $labels.agent_id }} of {{ $labels.publisher_id }} {{ printf "%.2f"'
        " $value }} of 5 on average in the last {window}; the limit is {limit}."
    ),
    recommendation=(
        "Read the conversations with low ratings, revise the system prompt, and add the tools"
        " that tenants ask for and the agent does not have."
    ),
    counts=_counts.RATINGS,
    over=periods.mean_rating,
    observed=periods.ratings,
    floor=10,
    threshold=Threshold(comparison="<", value=3.5),
    unit="rating",
    what="mean rating of 5",
    forms=(
        # Ratings are rare even for busy agents: there is no denser form than an hour.
        Form(traffic="dense", window="1h", floor=20, hold="1m", keep="15m"),
    ),
)

TOOL_FAILURES: Final = Definition(
    slug="tool-failures",
    alert="AgentToolFailing",
    severity="warning",
    category="reliability",
    heading="A tool fails more than {limit} of its calls",
    description=(
        "{{ $value | humanizePercentage }} of the calls of tool {{ $labels.tool }} by "
        f"{WHO} failed in the last {{window}}; the limit is {{limit}}."
    ),
    recommendation=(
        "Check that tool's configuration, its credentials and limits, and the health of the API"
        " behind it."
    ),
    counts=_counts.FAILED_CALLS,
    over=periods.tool_failure_rate,
    observed=figures.judged_tool_calls,
    floor=20,
    threshold=Threshold(comparison=">", value=0.10),
    unit="share",
    what="% of calls failed",
    by=queries.TOOL.by,
    forms=(
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
)
