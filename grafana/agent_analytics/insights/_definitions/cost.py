"""Insights about money that goes out."""

from typing import Final

from agent_analytics.insights._definitions.spec.asking import (
    DAY,
    DAY_SECONDS,
    FOUR_WEEKS_BEFORE,
    MONTH,
    PERIODS,
    SPOKEN,
    WEEK,
    a_day,
    raised,
)
from agent_analytics.insights._definitions.spec.causes import (
    ERROR_TYPES,
    EXPENSES,
    FAILED_TRACES,
    MODELS,
)
from agent_analytics.insights._definitions.spec.model import Question, Spec, Threshold
from agent_analytics.insights._definitions.spec.texts import (
    DOLLARS,
    PERCENT,
    THIS,
    WHO,
    WHOLE,
    asked,
    value,
)
from agent_analytics.insights._promql import accounting, quantities
from agent_analytics.insights._promql.scopes import LISTING
from agent_analytics.insights._promql.windows import Period

_COST_FLOOR: Final = 1
_FEWEST_FAILURES: Final = 10
_FEWEST_INVOCATIONS: Final = 100
_LONG: Final = {traffic: period for traffic, period in PERIODS.items() if period != DAY}
_RECENT: Final = {traffic: period for traffic, period in PERIODS.items() if period != MONTH}

NEGATIVE_MARGIN: Final = Spec(
    slug="negative-margin",
    alert="AgentLosesMoney",
    severity="critical",
    category="cost",
    title="Costs more than it earns",
    what="dollars of margin",
    when="refunds, fees and model calls exceed the revenue",
    description=(
        f"{WHO} ended the last {{window}} at {value(DOLLARS)} dollars: {{revenue}} charged, less"
        " refunds, fees and {cost} for model calls."
    ),
    recommendation=(
        "Raise the price, or use a cheaper model, a shorter prompt or the prompt cache; every"
        " invocation loses money until then."
    ),
    causes=(EXPENSES, MODELS),
    first_look=(
        (
            "last_over_time(marketplace_agent_model_cost_usd_total:growth_7d"
            '{publisher_id="P", agent_id="A"}[35m])'
        ),
        (
            "sum by (model) "
            '(increase(marketplace_agent_unpriced_tokens_total{publisher_id="P", '
            'agent_id="A"}[1d]))'
        ),
    ),
    questions=tuple(
        Question(
            audience="publisher",
            traffic=traffic,
            measure=quantities.margin(period),
            threshold=Threshold(comparison="<", value=0),
            conditions=(
                # What is given away is not meant to earn.
                f"and {quantities.revenue(period)} > 0",
                f"and {quantities.model_cost(period)} >= {_COST_FLOOR}",
            ),
            window=SPOKEN[period],
            seconds=period.days * DAY_SECONDS,
            worth=a_day(f"-1 * {quantities.margin(period)}", period),
            numbers={
                "revenue": asked(quantities.revenue(period, THIS), DOLLARS),
                "cost": asked(quantities.model_cost(period, THIS), DOLLARS),
            },
        )
        for traffic, period in _LONG.items()
    ),
)

WASTED_SPEND: Final = Spec(
    slug="wasted-spend",
    alert="AgentWastesSpend",
    severity="warning",
    category="cost",
    title="Money goes into invocations that fail",
    what="% of model cost wasted",
    when="more than 10 % of the model cost went into failed invocations",
    description=(
        f"{value(PERCENT)} of what {WHO} spent on model calls in the last {{window}}, {{wasted}}"
        " dollars, went into invocations that failed."
    ),
    recommendation=(
        "Check what can fail before the expensive calls, stop a failing invocation early, and cap"
        " the tokens and retries of one invocation."
    ),
    causes=(ERROR_TYPES,),
    traces=FAILED_TRACES,
    first_look=(
        (
            "topk(5, sum by (error_type) "
            '(increase(marketplace_agent_invocation_errors_total{publisher_id="P", '
            'agent_id="A"}[1d])))'
        ),
    ),
    questions=tuple(
        Question(
            audience="publisher",
            traffic=traffic,
            measure=quantities.wasted_share(period),
            threshold=Threshold(comparison=">", value=0.1),
            conditions=(
                f"and {quantities.model_cost(period)} >= {_COST_FLOOR}",
                f"and {quantities.failed_invocations(period)} >= {_FEWEST_FAILURES}",
            ),
            window=SPOKEN[period],
            seconds=period.days * DAY_SECONDS,
            worth=a_day(quantities.wasted_cost(period), period),
            numbers={"wasted": asked(quantities.wasted_cost(period, THIS), DOLLARS)},
        )
        for traffic, period in _LONG.items()
    ),
)


def _growing(traffic: str, period: Period) -> Question:
    enough = f">= {_FEWEST_INVOCATIONS}"
    now = quantities.tokens_per_invocation(period, least=enough)
    before = quantities.tokens_per_invocation(FOUR_WEEKS_BEFORE, least=enough)
    less_failing = (
        f"({quantities.error_rate(FOUR_WEEKS_BEFORE)} - {quantities.error_rate(period)}) > 0.01"
    )
    better_liked = (
        f"({quantities.mean_rating(period)} - {quantities.mean_rating(FOUR_WEEKS_BEFORE)}) > 0.2"
    )
    return Question(
        audience="publisher",
        traffic=traffic,
        measure=quantities.trend(now, before),
        threshold=Threshold(comparison=">", value=0.3),
        known=quantities.invocations(period),
        conditions=(
            f"unless {less_failing}",
            f"unless {better_liked}",
            accounting.since(FOUR_WEEKS_BEFORE),
        ),
        window=SPOKEN[period],
        worth=a_day(f"{quantities.model_cost(period)} * (1 - {before} / {now})", period),
        numbers={
            "now": asked(quantities.tokens_per_invocation(period, THIS), WHOLE),
            "before": asked(quantities.tokens_per_invocation(FOUR_WEEKS_BEFORE, THIS), WHOLE),
        },
    )


TOKEN_GROWTH: Final = Spec(
    slug="token-growth",
    fades="days",
    alert="AgentTokensGrow",
    severity="warning",
    category="cost",
    title="More tokens, and no better for it",
    what="% more tokens a call",
    when="30 % more tokens an invocation, and no better for it",
    description=(
        f"An invocation of {WHO} took {{now}} tokens in the last {{window}}, {value(PERCENT)} more"
        " than the {before} of the four weeks before; neither its failures nor its ratings are"
        " better."
    ),
    recommendation=(
        "See what was added to the prompt or what tools return into it, and take back what did"
        " not help."
    ),
    causes=(MODELS,),
    first_look=(
        (
            "sum by (model) "
            '(increase(marketplace_agent_input_tokens_total{publisher_id="P", '
            'agent_id="A"}[1d]))'
        ),
    ),
    questions=tuple(_growing(*item) for item in _RECENT.items()),
)

#: From here on a prompt is long enough for a cache to matter.
_LONG_INPUT: Final = 2000
_INPUT_FLOOR: Final = 1_000_000

PROMPT_CACHE: Final = Spec(
    slug="prompt-cache",
    alert="AgentPromptCacheUnused",
    severity="info",
    category="cost",
    title="Long prompts are paid for in full each time",
    what="% of input from cache",
    when="less than 20 % of long prompts from the cache",
    description=(
        f"{value(PERCENT)} of the {{tokens}} input tokens of {WHO} in the last {{window}} came from"
        " the model's prompt cache, at {each} tokens an invocation."
    ),
    recommendation=(
        "Put what is the same in each call (instructions, tools, examples) first and what changes"
        " last, and switch the model's prompt cache on."
    ),
    causes=(MODELS,),
    first_look=(
        (
            "sum by (model) "
            '(increase(marketplace_agent_cached_input_tokens_total{publisher_id="P", '
            'agent_id="A"}[1d]))'
        ),
    ),
    questions=(
        Question(
            audience="publisher",
            traffic="week",
            measure=quantities.cached_share(WEEK),
            threshold=Threshold(comparison="<", value=0.2),
            conditions=(
                f"and {quantities.input_tokens(WEEK)} >= {_INPUT_FLOOR}",
                f"and {quantities.input_tokens_per_invocation(WEEK)} >= {_LONG_INPUT}",
            ),
            window=SPOKEN[WEEK],
            seconds=WEEK.days * DAY_SECONDS,
            numbers={
                "tokens": asked(quantities.input_tokens(WEEK, THIS), "humanize"),
                "each": asked(quantities.input_tokens_per_invocation(WEEK, THIS), WHOLE),
            },
        ),
    ),
)

#: Output tokens an invocation from which their number matters.
_LONG_OUTPUT: Final = 200
#: Ratings by which verbose answers are liked better.
_LIKED: Final = 0.2


def _verbose(traffic: str, period: Period) -> Question:
    enough = f">= {_FEWEST_INVOCATIONS}"
    now = quantities.output_tokens_per_invocation(period, least=enough)
    before = quantities.output_tokens_per_invocation(FOUR_WEEKS_BEFORE, least=enough)
    better_liked = (
        f"({quantities.mean_rating(period)} - {quantities.mean_rating(FOUR_WEEKS_BEFORE)})"
        f" > {_LIKED}"
    )
    return Question(
        audience="publisher",
        traffic=traffic,
        measure=quantities.trend(now, before),
        threshold=Threshold(comparison=">", value=0.5),
        known=quantities.invocations(period),
        conditions=(
            f"and {now} >= {_LONG_OUTPUT}",
            f"unless {better_liked}",
            f"unless on ({', '.join(LISTING.by)}) {raised(TOKEN_GROWTH.slug)}",
            accounting.since(FOUR_WEEKS_BEFORE),
        ),
        window=SPOKEN[period],
        numbers={
            "now": asked(quantities.output_tokens_per_invocation(period, THIS), WHOLE),
            "before": asked(
                quantities.output_tokens_per_invocation(FOUR_WEEKS_BEFORE, THIS), WHOLE
            ),
        },
    )


VERBOSE_OUTPUT: Final = Spec(
    slug="verbose-output",
    fades="days",
    covered_by=TOKEN_GROWTH.slug,
    alert="AgentAnswersVerbose",
    severity="info",
    category="cost",
    title="Answers have become longer, and are not liked better",
    what="% more output a call",
    when="half as many output tokens again an invocation, and not liked better",
    description=(
        f"The models behind {WHO} wrote {{now}} tokens an invocation in the last {{window}},"
        f" {value(PERCENT)} more than the {{before}} of the four weeks before; tenants do not"
        " rate it higher."
    ),
    recommendation=(
        "Ask for the length that you want in the prompt, cap the output tokens of a call, and let"
        " answers between tools be short or structured."
    ),
    causes=(MODELS,),
    first_look=(
        (
            "sum by (model) "
            '(increase(marketplace_agent_output_tokens_total{publisher_id="P", '
            'agent_id="A"}[1d]))'
        ),
    ),
    questions=tuple(_verbose(*item) for item in _RECENT.items()),
)

#: Calls of models from which a mean means something.
_FEWEST_CALLS: Final = 100
#: Part by which tokens a call may have grown for a higher cost to be one of prices.
_AS_LONG: Final = 0.1


def _longer(tokens: str, before: str) -> str:
    """Return where calls have more tokens than before."""
    calls, calls_before = (quantities.model_calls(period) for period in (WEEK, FOUR_WEEKS_BEFORE))
    then = f"({before} / ({calls_before} > 0))"
    return f"unless {quantities.trend(f'({tokens} / ({calls} > 0))', then)} > {_AS_LONG}"


_ENOUGH_CALLS: Final = f">= {_FEWEST_CALLS}"
_CALL_NOW: Final = quantities.cost_per_call(WEEK, least=_ENOUGH_CALLS)
_CALL_BEFORE: Final = quantities.cost_per_call(FOUR_WEEKS_BEFORE, least=_ENOUGH_CALLS)

MODEL_COST_DRIFT: Final = Spec(
    slug="model-cost-drift",
    fades="days",
    alert="AgentModelCallsCostMore",
    severity="warning",
    category="cost",
    title="A call of a model costs more, at the same length",
    what="% more a model call",
    when="20 % more model cost a call of a model, and no more tokens",
    description=(
        f"A model call of {WHO} cost {{now}} dollars in the last {{window}}, {value(PERCENT)} more"
        " than the {before} of the four weeks before, though it is no longer."
    ),
    recommendation=(
        "See whether another model or provider answers, its price was raised, or less of the"
        " prompt comes from its cache."
    ),
    causes=(MODELS,),
    first_look=(
        (
            "sum by (model) "
            '(increase(marketplace_agent_inference_calls_total{publisher_id="P", '
            'agent_id="A"}[1d]))'
        ),
        (
            "sum by (model) "
            '(increase(marketplace_agent_cached_input_tokens_total{publisher_id="P", '
            'agent_id="A"}[1d]))'
        ),
    ),
    questions=(
        Question(
            audience="publisher",
            traffic="week",
            measure=quantities.trend(_CALL_NOW, _CALL_BEFORE),
            threshold=Threshold(comparison=">", value=0.2),
            known=quantities.model_cost(WEEK),
            conditions=(
                f"and {quantities.model_cost(WEEK)} >= {_COST_FLOOR}",
                _longer(quantities.input_tokens(WEEK), quantities.input_tokens(FOUR_WEEKS_BEFORE)),
                _longer(
                    quantities.output_tokens(WEEK), quantities.output_tokens(FOUR_WEEKS_BEFORE)
                ),
                accounting.since(FOUR_WEEKS_BEFORE),
            ),
            window=SPOKEN[WEEK],
            worth=a_day(
                f"{quantities.model_cost(WEEK)} * (1 - {_CALL_BEFORE} / {_CALL_NOW})", WEEK
            ),
            numbers={
                "now": asked(quantities.cost_per_call(WEEK, THIS), 'printf "%.4f"'),
                "before": asked(quantities.cost_per_call(FOUR_WEEKS_BEFORE, THIS), 'printf "%.4f"'),
            },
        ),
    ),
)

SPECS: Final = (
    NEGATIVE_MARGIN,
    WASTED_SPEND,
    TOKEN_GROWTH,
    PROMPT_CACHE,
    VERBOSE_OUTPUT,
    MODEL_COST_DRIFT,
)
