"""Insights about failures: an error budget that burns, and errors that are unusual."""

from typing import Final

from agent_analytics.insights._definitions.field import ERROR_RATE
from agent_analytics.insights._definitions.spec.asking import raised
from agent_analytics.insights._definitions.spec.causes import (
    ERROR_TYPES,
    FAILED_TRACES,
    FAILING_TOOLS,
)
from agent_analytics.insights._definitions.spec.model import Question, Spec, Threshold
from agent_analytics.insights._definitions.spec.texts import PERCENT, THIS, WHO, asked, bound, value
from agent_analytics.insights._promql import quantities, recorded, weeks
from agent_analytics.insights._promql.scopes import LISTING
from agent_analytics.insights._promql.windows import Hours, Lately

#: Share of the invocations that may fail: an objective of 95 %.
BUDGET: Final = 0.05
#: How many times faster than allowed a budget burns, over which windows that is asked, and the
#: fewest judged invocations of the longer window.
_BURNS: Final = (
    ("fast", 14.4, "1h", "5m", 20),
    ("slow", 6.0, "6h", "30m", 40),
    ("steady", 1.0, "3d", "6h", 60),
)
_SECONDS: Final = {"1h": 3_600, "6h": 21_600, "3d": 259_200}
_BUDGET_SLUG: Final = "error-budget"
_BUDGET_ALERT: Final = "AgentErrorBudgetBurning"
_LIMIT: Final = bound(_BUDGET_SLUG, PERCENT, otherwise="5%")
_BUDGET_DESCRIPTION: Final = (
    f"{value(PERCENT)} of the invocations of {WHO} failed in the last {{window}}, and"
    " {still} of them in the last {short}: {times} times or more what an error budget of"
    f" {_LIMIT} allows."
)
_BUDGET_ADVICE: Final = (
    "See what changed when it began (a version, a tool, a model), take it back, and hold further"
    " changes until the budget has recovered."
)


def _burning(factor: float, long: str, short: str, floor: int) -> tuple[str, tuple[str, ...]]:
    """Return the measure of a burn rate and the conditions beside it."""
    threshold = Threshold(comparison=">", value=BUDGET, scale=factor)
    still = threshold.crossed(quantities.error_rate(Lately(short)), _BUDGET_SLUG)
    enough = f"and {quantities.judged_invocations(Lately(long))} >= {floor}"
    return quantities.error_rate(Lately(long)), (f"and {still}", enough)


def _numbers(factor: float, short: str) -> dict[str, str]:
    still = asked(quantities.error_rate(Lately(short), THIS), PERCENT)
    return {"short": short, "times": f"{factor:g}", "still": still}


def _told(traffic: str, factor: float, long: str, short: str, floor: int) -> Question:
    measure, conditions = _burning(factor, long, short, floor)
    return Question(
        audience="publisher",
        traffic=traffic,
        measure=measure,
        threshold=Threshold(comparison=">", value=BUDGET, scale=factor),
        # Who knows of the error rate knows that the budget is gone.
        conditions=(*conditions, f"unless on ({', '.join(LISTING.by)}) {raised(ERROR_RATE.slug)}"),
        window=long,
        seconds=_SECONDS[long],
        numbers=_numbers(factor, short),
    )


def _page(traffic: str, factor: float, long: str, short: str, floor: int) -> Question:
    measure, conditions = _burning(factor, long, short, floor)
    return Question(
        audience="oncall",
        traffic=traffic,
        severity="critical" if traffic == "fast" else "warning",
        measure=measure,
        threshold=Threshold(comparison=">", value=BUDGET, scale=factor),
        conditions=conditions,
        window=long,
        numbers=_numbers(factor, short),
        keep="5m",
    )


ERROR_BUDGET: Final = Spec(
    slug=_BUDGET_SLUG,
    covered_by=ERROR_RATE.slug,
    alert=_BUDGET_ALERT,
    severity="warning",
    category="reliability",
    title="The error budget is burning",
    what="% of calls failed",
    when=(
        "an objective of 95 % burns 14.4 times (1 h and 5 min), 6 times (6 h and 30"
        " min) or once (3 d and 6 h) too fast"
    ),
    description=_BUDGET_DESCRIPTION,
    recommendation=_BUDGET_ADVICE,
    causes=(ERROR_TYPES, FAILING_TOOLS),
    traces=FAILED_TRACES,
    first_look=(
        (
            "topk(5, sum by (error_type) "
            '(increase(marketplace_agent_invocation_errors_total{publisher_id="P", '
            'agent_id="A"}[1h])))'
        ),
    ),
    # The steady burn is for publishers only: nobody is woken for it.
    questions=(*(_page(*burn) for burn in _BURNS[:2]), *(_told(*burn) for burn in _BURNS)),
)

#: Points of error rate above the usual from which errors are unusual.
_UNUSUAL: Final = 0.02
_FEWEST_JUDGED: Final = 60
#: So many deviations of the weeks before.
_DEVIATIONS: Final = 3
#: Chance that a rate which has not changed looks so different, at most, as a natural logarithm:
#: one in ten thousand. Every listing is looked at in every hour, in three windows. Standard errors
#: do not bound that chance: of 60 invocations of which 1 % fail, four fail once in 300 looks.
_EVIDENCE: Final = 9.21


def _unusual(hours: int) -> Question:
    rates = recorded.ERROR_RATES
    now, usual = weeks.this_week(rates, hours), weeks.usual(rates, hours)
    more = f"({now} - {usual})"
    spread = f"{_DEVIATIONS} * {weeks.deviation(rates, hours)}"
    judged = quantities.judged_invocations(Hours(hours))
    return Question(
        audience="publisher",
        traffic=f"{hours}h",
        measure=more,
        threshold=Threshold(comparison=">", value=_UNUSUAL),
        conditions=(
            f"and {more} > {spread}",
            f"and {weeks.evidence(rates, hours)} > {_EVIDENCE}",
            f"and {now} > 2 * {usual}",
            f"and {judged} >= {_FEWEST_JUDGED}",
        ),
        window="hour" if hours == 1 else f"{hours} hours",
        numbers={
            "now": asked(weeks.this_week(rates, hours, THIS), PERCENT),
            "usual": asked(weeks.usual(rates, hours, THIS), PERCENT),
        },
    )


ERROR_ANOMALY: Final = Spec(
    slug="error-anomaly",
    fades="weeks",
    alert="AgentErrorsUnusual",
    severity="warning",
    category="reliability",
    title="More errors than at this time of other weeks",
    what="% more of calls failed",
    when=(
        "2 points more errors than in the same hours of four weeks, beyond their spread and chance"
    ),
    description=(
        f"{{now}} of the invocations of {WHO} failed in the last {{window}}; in the same"
        " {window} of the four weeks before it was {usual}."
    ),
    recommendation=(
        "Compare the error types with last week's, and see what was changed since: a version, a"
        " prompt, a tool, the model behind it."
    ),
    causes=(ERROR_TYPES, FAILING_TOOLS),
    traces=FAILED_TRACES,
    first_look=(
        (
            "sum by (error_type) "
            '(increase(marketplace_agent_invocation_errors_total{publisher_id="P", '
            'agent_id="A"}[6h]))'
        ),
    ),
    questions=tuple(_unusual(hours) for hours in recorded.COMPARED_HOURS),
)

SPECS: Final = (ERROR_BUDGET, ERROR_ANOMALY)
