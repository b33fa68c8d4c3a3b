"""Insights about money that comes in."""

from typing import Final

from agent_analytics.insights._definitions.spec.asking import (
    DAY_SECONDS,
    MONTH,
    MONTH_BEFORE,
    SPOKEN,
    WEEK,
    WEEK_BEFORE,
    a_day,
)
from agent_analytics.insights._definitions.spec.causes import MODELS
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

_REVENUE_FLOOR: Final = 10
_CENTS: Final = 'printf "%.4f"'
#: Standard errors of the ratio of two counts.
_STANDARD_ERRORS: Final = 3.5
#: Fewer tenants than this carry a listing: what one of them does, shows.
FEW: Final = 5
_CARRIED_FLOOR: Final = 25

_TREND: Final = quantities.revenue_trend(WEEK)
_LOST: Final = f"({quantities.revenue(WEEK_BEFORE)} - {quantities.revenue(WEEK)})"
_CHANCE: Final = f"sqrt(1 / {quantities.successes(WEEK)} + 1 / {quantities.successes(WEEK_BEFORE)})"

REVENUE_FALLING: Final = Spec(
    slug="revenue-falling",
    fades="days",
    alert="AgentRevenueFalling",
    severity="warning",
    category="revenue",
    title="Revenue fell by more than a fifth in a week",
    what="% revenue, in a week",
    when="a fifth less than the week before",
    description=(
        f"{WHO} earned {{now}} dollars in the last 7 days after {{before}} in the 7 days"
        f" before: {value(PERCENT)}."
    ),
    recommendation=(
        "See whether fewer tenants came, each came less, or calls failed; ask the tenants that"
        " stopped what they miss."
    ),
    first_look=(
        (
            "sum by (outcome) "
            '(last_over_time(marketplace_agent_invocations_total:growth_7d{publisher_id="P", '
            'agent_id="A"}[35m]))'
        ),
        (
            "sum by (outcome) "
            "(last_over_time(marketplace_agent_invocations_total:growth_7d_7d_ago"
            '{publisher_id="P", agent_id="A"}[35m]))'
        ),
    ),
    questions=(
        Question(
            audience="publisher",
            traffic="week",
            measure=_TREND,
            threshold=Threshold(comparison="<", value=-0.2),
            conditions=(
                f"and {quantities.revenue(WEEK_BEFORE)} >= {_REVENUE_FLOOR}",
                # A listing that nobody used at all divides by zero here, and is told as dead.
                f"and {_TREND} < -{_STANDARD_ERRORS} * {_CHANCE}",
                accounting.since(WEEK_BEFORE),
            ),
            worth=a_day(_LOST, WEEK),
            numbers={
                "now": asked(quantities.revenue(WEEK, THIS), DOLLARS),
                "before": asked(quantities.revenue(WEEK_BEFORE, THIS), DOLLARS),
            },
        ),
    ),
)

_PER_TENANT: Final = quantities.revenue_per_tenant(MONTH)

FEW_TENANTS: Final = Spec(
    slug="few-tenants",
    alert="AgentFewTenants",
    severity="info",
    category="revenue",
    title="A few tenants carry the listing",
    what="tenants",
    when="fewer than 5 tenants, who pay what they paid or more",
    description=(
        f"{WHO} was used by about {value(WHOLE)}"
        " tenants in the last 30 days, who paid {each} dollars each, after {before} in the 30"
        " days before."
    ),
    recommendation=(
        "Win further tenants before one of these leaves: offer a trial, look at what these few use"
        " it for, and describe that on the listing's page."
    ),
    first_look=('listing_unique_tenants:30d{publisher_id="P", agent_id="A"}',),
    questions=(
        Question(
            audience="publisher",
            traffic="period",
            measure=quantities.unique_tenants(MONTH),
            threshold=Threshold(comparison="<", value=FEW),
            conditions=(
                f"and {quantities.revenue(MONTH)} >= {_CARRIED_FLOOR}",
                # Revenue per tenant holds or rises: fewer tenants who also pay less is a listing
                # that is going, which other insights tell.
                f"and {_PER_TENANT} >= 0.9 * {quantities.revenue_per_tenant(MONTH_BEFORE)}",
                accounting.since(MONTH_BEFORE),
            ),
            worth=a_day(_PER_TENANT, MONTH),
            numbers={
                "each": asked(quantities.revenue_per_tenant(MONTH, THIS), DOLLARS),
                "before": asked(quantities.revenue_per_tenant(MONTH_BEFORE, THIS), DOLLARS),
            },
        ),
    ),
)

_COST_FLOOR: Final = 1
_FEWEST_SUCCESSES: Final = 100

PRICE_BELOW_BREAK_EVEN: Final = Spec(
    slug="price-below-break-even",
    alert="AgentPriceBelowBreakEven",
    severity="warning",
    category="revenue",
    title="The price does not pay for what a success costs",
    what="% of its cost earned",
    when="less earned after fees than the model calls of invocations that did not fail cost",
    description=(
        f"A success of {WHO} brought {{earned}} dollars in the last {{window}}, which after fees is"
        f" {value(PERCENT)} of what its model calls cost; it would break even at {{price}}. That"
        " counts neither refunds nor invocations that failed."
    ),
    recommendation=(
        "Raise the price above that, or bring the cost of an invocation below what is left of the"
        " price: fewer failures alone will not do."
    ),
    causes=(MODELS,),
    first_look=(
        (
            "last_over_time(marketplace_agent_revenue_usd_total:growth_7d"
            '{publisher_id="P", agent_id="A"}[35m])'
        ),
        (
            "last_over_time(marketplace_agent_model_cost_usd_total:growth_7d"
            '{publisher_id="P", agent_id="A"}[35m])'
        ),
    ),
    questions=tuple(
        Question(
            audience="publisher",
            traffic=traffic,
            measure=quantities.cost_recovered(period),
            threshold=Threshold(comparison="<", value=1),
            conditions=(
                # What is given away is not meant to earn.
                f"and {quantities.revenue(period)} > 0",
                f"and {quantities.needed_cost(period)} >= {_COST_FLOOR}",
                f"and {quantities.successes(period)} >= {_FEWEST_SUCCESSES}",
            ),
            window=SPOKEN[period],
            seconds=period.days * DAY_SECONDS,
            worth=a_day(
                f"({quantities.needed_cost(period)} - {quantities.after_fees(period)})", period
            ),
            numbers={
                "earned": asked(quantities.revenue_per_success(period, THIS), _CENTS),
                "price": asked(quantities.break_even_price(period, THIS), _CENTS),
            },
        )
        for traffic, period in (("period", MONTH), ("week", WEEK))
    ),
)

SPECS: Final = (REVENUE_FALLING, FEW_TENANTS, PRICE_BELOW_BREAK_EVEN)
