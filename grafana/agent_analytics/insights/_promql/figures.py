"""Named PromQL that only insights ask for, composed of periods.

Every function takes a period and a scope, as those of :mod:`._promql.periods` do.
"""

from typing import Final

from agent_analytics.insights._promql import periods, rollups
from agent_analytics.insights._promql.queries import (
    JUDGED,
    LISTING,
    SLOW_SECONDS,
    SUCCESS,
    TOOL,
    Scope,
    edge,
    one_of,
)
from agent_analytics.insights._promql.windows import AnyPeriod, At, growth
from agent_analytics.processor import catalogue

_OF_LISTING: Final = f"on ({', '.join(LISTING.by)}) group_left ()"


def per_listing(quantity: str, whole: str) -> str:
    """Divide what a listing has several of by what it has one of."""
    return f"({quantity} / {_OF_LISTING} ({whole} > 0))"


def _listing(scope: Scope) -> Scope:
    """Return the scope of the listings whose tools another scope is about."""
    where = (matcher for matcher in scope.where if not matcher.startswith("tool"))
    return Scope(LISTING.by, tuple(where))


def successes(period: AnyPeriod, scope: Scope = LISTING) -> str:
    """Invocations that succeeded in the period."""
    return growth(catalogue.INVOCATIONS.name, period, scope, one_of("outcome", SUCCESS))


def responses(period: AnyPeriod, scope: Scope = LISTING) -> str:
    """Successful invocations in the period whose time was taken."""
    name = f"{catalogue.INVOCATION_DURATION.name}_count"
    return growth(name, period, scope, one_of("outcome", SUCCESS))


def slow_share(period: AnyPeriod, scope: Scope = LISTING) -> str:
    """Share of responses that took longer than 10 s, 0 to 1: counted at an edge."""
    metric = catalogue.INVOCATION_DURATION
    name, outcome = f"{metric.name}_bucket", one_of("outcome", SUCCESS)
    quick = growth(name, period, scope, outcome, edge(metric, SLOW_SECONDS))
    return f"(1 - {quick} / ({responses(period, scope)} > 0))"


def invocation_seconds(period: AnyPeriod, scope: Scope = LISTING) -> str:
    """Seconds that invocations took together, however they ended."""
    name = f"{catalogue.INVOCATION_DURATION.name}_sum"
    return growth(name, period, scope)


def failures(period: AnyPeriod, scope: Scope = LISTING) -> str:
    """Failed invocations in the period."""
    return f"({periods.judged_invocations(period, scope)} - {successes(period, scope)})"


def missed_revenue(period: AnyPeriod, scope: Scope = LISTING) -> str:
    """US dollars that failed invocations would have brought, had they succeeded as others did."""
    price = f"({periods.revenue(period, scope)} / ({successes(period, scope)} > 0))"
    return f"({failures(period, scope)} * {price})"


def judged_tool_calls(period: AnyPeriod, scope: Scope = TOOL) -> str:
    """Tool calls that succeeded or failed in the period."""
    return growth(catalogue.TOOL_CALLS.name, period, scope, one_of("outcome", *JUDGED))


def calls_per_invocation(period: AnyPeriod, scope: Scope = TOOL) -> str:
    """Calls of a tool per invocation of the listing."""
    whole = periods.invocations(period, _listing(scope))
    return per_listing(periods.tool_calls(period, scope), whole)


def tool_time_share(period: AnyPeriod, scope: Scope = TOOL) -> str:
    """Seconds in a tool by seconds of all invocations; calls in parallel may exceed 1."""
    whole = invocation_seconds(period, _listing(scope))
    return per_listing(periods.tool_seconds(period, scope), whole)


def mean_tool_time(period: AnyPeriod, scope: Scope = TOOL) -> str:
    """Mean time of a tool call in seconds."""
    return f"({periods.tool_seconds(period, scope)} / ({periods.tool_calls(period, scope)} > 0))"


def tool_known(period: AnyPeriod, scope: Scope = TOOL) -> str:
    """Series of a tool that there were when the period began, called or not."""
    level = rollups.level(catalogue.TOOL_CALLS.name)
    known = period.over("last_over_time", level, scope, "1d", at=At.START)
    return f"{scope.aggregate('count')} ({known})"


def tokens_per_invocation(period: AnyPeriod, scope: Scope = LISTING, *, least: str = "> 0") -> str:
    """Input and output tokens per invocation, where there are enough invocations."""
    tokens = f"({periods.input_tokens(period, scope)} + {periods.output_tokens(period, scope)})"
    return f"({tokens} / ({periods.invocations(period, scope)} {least}))"


def input_tokens_per_invocation(period: AnyPeriod, scope: Scope = LISTING) -> str:
    """Input tokens per invocation."""
    whole = periods.invocations(period, scope)
    return f"({periods.input_tokens(period, scope)} / ({whole} > 0))"


def wasted_share(period: AnyPeriod, scope: Scope = LISTING) -> str:
    """Share of the model cost that went into invocations that failed, 0 to 1."""
    whole = periods.model_cost(period, scope)
    return f"({periods.wasted_cost(period, scope)} / ({whole} > 0))"


def surplus_uninstalls(period: AnyPeriod, scope: Scope = LISTING) -> str:
    """Uninstalls less installs in the period."""
    return f"({periods.uninstalls(period, scope)} - {periods.installs(period, scope)})"
