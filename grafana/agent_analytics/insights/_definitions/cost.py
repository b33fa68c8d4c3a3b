"""Insights about money that goes out."""

from typing import Final

from agent_analytics.insights._definitions.finding import (
    DAY,
    DAY_SECONDS,
    FOUR_WEEKS_BEFORE,
    MONTH,
    PERIODS,
    SPOKEN,
    WEEK,
    Finding,
    Way,
    a_day,
)
from agent_analytics.insights._definitions.model import Threshold
from agent_analytics.insights._definitions.texts import (
    DOLLARS,
    PERCENT,
    THIS,
    WHO,
    WHOLE,
    asked,
    value,
)
from agent_analytics.insights._promql import accounting, figures, periods
from agent_analytics.insights._promql.windows import Period

_COST_FLOOR: Final = 1
_FEWEST_FAILURES: Final = 10
_FEWEST_INVOCATIONS: Final = 100
_LONG: Final = {traffic: period for traffic, period in PERIODS.items() if period != DAY}
_RECENT: Final = {traffic: period for traffic, period in PERIODS.items() if period != MONTH}

NEGATIVE_MARGIN: Final = Finding(
    slug="negative-margin",
    alert="AgentLosesMoney",
    severity="critical",
    category="cost",
    title="Costs more than it earns",
    description=(
        f"{WHO} ended the last {{window}} at {value(DOLLARS)} dollars: {{revenue}} charged, less"
        " refunds, fees and {cost} for model calls."
    ),
    recommendation=(
        "Raise the price, or use a cheaper model, a shorter prompt or the prompt cache; every"
        " invocation loses money until then."
    ),
    ways=tuple(
        Way(
            traffic=traffic,
            measure=periods.margin(period),
            threshold=Threshold(comparison="<", value=0),
            conditions=(
                # What is given away is not meant to earn.
                f"and {periods.revenue(period)} > 0",
                f"and {periods.model_cost(period)} >= {_COST_FLOOR}",
            ),
            window=SPOKEN[period],
            seconds=period.days * DAY_SECONDS,
            worth=a_day(f"-1 * {periods.margin(period)}", period),
            numbers={
                "revenue": asked(periods.revenue(period, THIS), DOLLARS),
                "cost": asked(periods.model_cost(period, THIS), DOLLARS),
            },
        )
        for traffic, period in _LONG.items()
    ),
)

WASTED_SPEND: Final = Finding(
    slug="wasted-spend",
    alert="AgentWastesSpend",
    severity="warning",
    category="cost",
    title="Money goes into invocations that fail",
    description=(
        f"{value(PERCENT)} of what {WHO} spent on model calls in the last {{window}}, {{wasted}}"
        " dollars, went into invocations that failed."
    ),
    recommendation=(
        "Check what can fail before the expensive calls, stop a failing invocation early, and cap"
        " the tokens and retries of one invocation."
    ),
    ways=tuple(
        Way(
            traffic=traffic,
            measure=figures.wasted_share(period),
            threshold=Threshold(comparison=">", value=0.1),
            conditions=(
                f"and {periods.model_cost(period)} >= {_COST_FLOOR}",
                f"and {figures.failures(period)} >= {_FEWEST_FAILURES}",
            ),
            window=SPOKEN[period],
            seconds=period.days * DAY_SECONDS,
            worth=a_day(periods.wasted_cost(period), period),
            numbers={"wasted": asked(periods.wasted_cost(period, THIS), DOLLARS)},
        )
        for traffic, period in _LONG.items()
    ),
)


def _growing(traffic: str, period: Period) -> Way:
    now = figures.tokens_per_invocation(period)
    before = figures.tokens_per_invocation(FOUR_WEEKS_BEFORE)
    less_failing = (
        f"({periods.error_rate(FOUR_WEEKS_BEFORE)} - {periods.error_rate(period)}) > 0.01"
    )
    better_liked = (
        f"({periods.mean_rating(period)} - {periods.mean_rating(FOUR_WEEKS_BEFORE)}) > 0.2"
    )
    return Way(
        traffic=traffic,
        measure=periods.trend(now, before),
        threshold=Threshold(comparison=">", value=0.3),
        conditions=(
            f"and {periods.invocations(period)} >= {_FEWEST_INVOCATIONS}",
            f"and {periods.invocations(FOUR_WEEKS_BEFORE)} >= {_FEWEST_INVOCATIONS}",
            f"unless {less_failing}",
            f"unless {better_liked}",
            accounting.since(FOUR_WEEKS_BEFORE),
        ),
        window=SPOKEN[period],
        worth=a_day(f"{periods.model_cost(period)} * (1 - {before} / {now})", period),
        numbers={
            "now": asked(figures.tokens_per_invocation(period, THIS), WHOLE),
            "before": asked(figures.tokens_per_invocation(FOUR_WEEKS_BEFORE, THIS), WHOLE),
        },
    )


TOKEN_GROWTH: Final = Finding(
    slug="token-growth",
    alert="AgentTokensGrow",
    severity="warning",
    category="cost",
    title="More tokens, and no better for it",
    description=(
        f"An invocation of {WHO} took {{now}} tokens in the last {{window}}, {value(PERCENT)} more"
        " than the {before} of the four weeks before; neither its failures nor its ratings are"
        " better."
    ),
    recommendation=(
        "See what was added to the prompt or what tools return into it, and take back what did"
        " not help."
    ),
    ways=tuple(_growing(*item) for item in _RECENT.items()),
)

#: From here on a prompt is long enough for a cache to matter.
_LONG_INPUT: Final = 2000
_INPUT_FLOOR: Final = 1_000_000

PROMPT_CACHE: Final = Finding(
    slug="prompt-cache",
    alert="AgentPromptCacheUnused",
    severity="info",
    category="cost",
    title="Long prompts are paid for in full each time",
    description=(
        f"{value(PERCENT)} of the {{tokens}} input tokens of {WHO} in the last {{window}} came from"
        " the model's prompt cache, at {each} tokens an invocation."
    ),
    recommendation=(
        "Put what is the same in each call (instructions, tools, examples) first and what changes"
        " last, and switch the model's prompt cache on."
    ),
    ways=(
        Way(
            traffic="week",
            measure=periods.cached_share(WEEK),
            threshold=Threshold(comparison="<", value=0.2),
            conditions=(
                f"and {periods.input_tokens(WEEK)} >= {_INPUT_FLOOR}",
                f"and {figures.input_tokens_per_invocation(WEEK)} >= {_LONG_INPUT}",
            ),
            window=SPOKEN[WEEK],
            seconds=WEEK.days * DAY_SECONDS,
            numbers={
                "tokens": asked(periods.input_tokens(WEEK, THIS), "humanize"),
                "each": asked(figures.input_tokens_per_invocation(WEEK, THIS), WHOLE),
            },
        ),
    ),
)

FINDINGS: Final = (NEGATIVE_MARGIN, WASTED_SPEND, TOKEN_GROWTH, PROMPT_CACHE)
