"""Named PromQL over windows of days, read from roll-ups.

The counterpart of :mod:`._promql.queries` for a publisher's period: 1, 7, 30, 90
days. Every function takes a window of :mod:`._promql.windows` and a scope, and
returns an expression that can stand inside a larger one without parentheses.
"""

from agent_analytics.insights._promql import recorded, rollups
from agent_analytics.insights._promql.accounting import comparable
from agent_analytics.insights._promql.queries import (
    FAILED,
    JUDGED,
    LISTING,
    SUCCESS,
    TOOL,
    Scope,
    edge,
    one_of,
    select,
)
from agent_analytics.insights._promql.windows import AnyPeriod, At, Period, growth
from agent_analytics.processor import catalogue
from agent_analytics.processor.catalogue import Metric


def _count(metric: Metric, period: AnyPeriod, scope: Scope, *matchers: str) -> str:
    return growth(metric.name, period, scope, *matchers)


def _mean(metric: Metric, period: AnyPeriod, scope: Scope, *matchers: str) -> str:
    total = growth(f"{metric.name}_sum", period, scope, *matchers)
    return f"({total} / ({growth(f'{metric.name}_count', period, scope, *matchers)} > 0))"


def share(part: str, whole: str) -> str:
    """A part of a whole, and nothing where the whole is 0."""
    return f"({part} / ({whole} > 0))"


def trend(quantity: str, before: str) -> str:
    """Relative change of a quantity against the period before: 0.1 is 10 % more."""
    return f"({quantity} / ({before} > 0) - 1)"


# --- usage ---------------------------------------------------------------------------------------


def invocations(period: AnyPeriod, scope: Scope = LISTING) -> str:
    """Invocations that ended in the period, cancelled ones included."""
    of_levels = not (isinstance(period, Period) and (period.raw or period.recorded))
    if of_levels and "outcome" not in scope.by:
        return growth(rollups.EVERY_INVOCATION, period, scope)
    return _count(catalogue.INVOCATIONS, period, scope)


def invocations_trend(period: AnyPeriod, scope: Scope = LISTING) -> str:
    """Relative change of the invocations against the period before."""
    change = trend(invocations(period, scope), invocations(period.before, scope))
    return comparable(change, period, scope)


def judged_invocations(period: AnyPeriod, scope: Scope = LISTING) -> str:
    """Invocations that succeeded or failed in the period."""
    return _count(catalogue.INVOCATIONS, period, scope, one_of("outcome", *JUDGED))


def installs(period: AnyPeriod, scope: Scope = LISTING) -> str:
    """Installs in the period; a reinstall is a second install."""
    return _count(catalogue.INSTALLS, period, scope)


def uninstalls(period: AnyPeriod, scope: Scope = LISTING) -> str:
    """Uninstalls in the period."""
    return _count(catalogue.UNINSTALLS, period, scope)


# --- distinct tenants ----------------------------------------------------------------------------


def union_of(scope: Scope) -> rollups.Union:
    """Return the union whose registers a scope is answered from: the coarsest that can."""
    if scope.by == () and not scope.where:
        return rollups.OF_MARKETPLACE
    by_publisher = scope.by in {(), ("publisher_id",)}
    only_publisher = all(matcher.startswith("publisher_id") for matcher in scope.where)
    return rollups.OF_PUBLISHER if by_publisher and only_publisher else rollups.OF_LISTING


def registers(
    period: AnyPeriod, scope: Scope = LISTING, kind: str = catalogue.SKETCH_TENANTS
) -> str:
    """The merged registers of a period: one answer a register, its smallest hash.

    Days in the middle, hours at the edges, the moment at the end. Merging what overlaps twice
    changes nothing, so the parts need not meet exactly.
    """
    of_kind, least = f'kind="{kind}"', "min_over_time"
    if isinstance(period, Period) and period.raw is not None:
        name, window = catalogue.SKETCH_REGISTER.name, f"{period.raw.seconds}s"
        seen = period.over(least, name, scope, window, of_kind)
        return f"{scope.aggregate('min', 'register')} ({seen})"
    union = union_of(scope)
    parts = [
        period.over(least, union.minutes, scope, "70m" if period.rest else "1d", of_kind),
    ]
    if period.rest:
        parts += [
            period.over(least, union.hours, scope, "1d", of_kind),
            period.over(least, union.days, scope, period.rest, of_kind),
            period.over(least, union.hours, scope, "1d", of_kind, at=At.FIRST_DAY),
        ]
    # `or` drops what has the same labels on the left, so each part is told apart by a label.
    merged = " or ".join(
        f'label_replace({part}, "part", "{number}", "", "")' for number, part in enumerate(parts)
    )
    return f"{scope.aggregate('min', 'register')} ({merged})"


def distinct(registers_: str, scope: Scope = LISTING) -> str:
    """How many distinct ids merged registers have seen: the maximum-likelihood estimate."""
    return rollups.distinct(registers_, scope.by)


def unique_tenants(period: AnyPeriod, scope: Scope = LISTING) -> str:
    """Distinct tenants that used it in the period."""
    if isinstance(period, Period) and period.recorded:
        return _hourly(recorded.tenants((period.days, period.ago)), scope)
    return distinct(registers(period, scope), scope)


def tenants_trend(period: AnyPeriod, scope: Scope = LISTING) -> str:
    """Relative change of the distinct tenants against the period before."""
    change = trend(unique_tenants(period, scope), unique_tenants(period.before, scope))
    return comparable(change, period, scope)


def mean_tenants_a_day(period: AnyPeriod, scope: Scope = LISTING) -> str:
    """Mean of the distinct tenants of each UTC day that ended in the period."""
    name = union_of(scope).tenants
    return f"{scope.aggregate('max')} ({period.over('avg_over_time', name, scope, period.whole)})"


def conversations(period: AnyPeriod, scope: Scope = LISTING) -> str:
    """Distinct conversations in the period."""
    return distinct(registers(period, scope, catalogue.SKETCH_CONVERSATIONS), scope)


def retention(period: AnyPeriod, scope: Scope = LISTING) -> str:
    """Tenants active in the period and in the one before, by those active in the one before."""
    if isinstance(period, Period) and period.recorded:
        return _hourly(recorded.retention((period.days, period.ago)), scope)
    return comparable(retention_whenever(period, scope), period, scope)


def retention_whenever(period: AnyPeriod, scope: Scope = LISTING, before: str = "") -> str:
    """Retention, also across two revisions of the rules of counting, as it is recorded.

    Args:
        period: The period whose tenants are compared with those of the one before.
        scope: Which series.
        before: Where the distinct tenants of the period before are recorded at the same moment.
    """
    now, then = registers(period, scope), registers(period.before, scope)
    return rollups.returned(now, then, scope.by, before)


def _hourly(name: str, scope: Scope) -> str:
    """Return what is recorded every hour, which an instant selector does not see for so long."""
    return f"{scope.aggregate('max')} (last_over_time({select(name, scope)}[2h]))"


def turns_per_conversation(period: AnyPeriod, scope: Scope = LISTING) -> str:
    """Invocations per distinct conversation."""
    return f"({invocations(period, scope)} / {conversations(period, scope)})"


# --- quality -------------------------------------------------------------------------------------


def error_rate(period: AnyPeriod, scope: Scope = LISTING) -> str:
    """Share of failed invocations: (error + timeout) / (success + error + timeout), 0 to 1."""
    failed = _count(catalogue.INVOCATIONS, period, scope, one_of("outcome", *FAILED))
    return share(failed, judged_invocations(period, scope))


def mean_response_time(period: AnyPeriod, scope: Scope = LISTING) -> str:
    """Mean time of a successful invocation, in seconds."""
    return _mean(catalogue.INVOCATION_DURATION, period, scope, one_of("outcome", SUCCESS))


def response_time_quantile(quantile: float, period: AnyPeriod, scope: Scope = LISTING) -> str:
    """Quantile of the time of successful invocations in seconds, interpolated in its bucket."""
    name = f"{catalogue.INVOCATION_DURATION.name}_bucket"
    by_edge = scope.over(*scope.by, "le")
    buckets = growth(name, period, by_edge, one_of("outcome", SUCCESS))
    return f"histogram_quantile({quantile}, {buckets})"


def mean_rating(period: AnyPeriod, scope: Scope = LISTING) -> str:
    """Mean rating, 1 to 5."""
    return _mean(catalogue.FEEDBACK_RATING, period, scope)


def ratings(period: AnyPeriod, scope: Scope = LISTING) -> str:
    """Ratings that tenants gave in the period."""
    return growth(f"{catalogue.FEEDBACK_RATING.name}_count", period, scope)


def ratings_up_to(period: AnyPeriod, scope: Scope = LISTING) -> str:
    """Ratings by upper edge (``le``), cumulative: the distribution of satisfaction."""
    return growth(f"{catalogue.FEEDBACK_RATING.name}_bucket", period, scope.over(*scope.by, "le"))


def ratings_of(rating: int, period: AnyPeriod, scope: Scope = LISTING) -> str:
    """Ratings of exactly so many stars, 1 to 5."""
    name = f"{catalogue.FEEDBACK_RATING.name}_bucket"
    metric = catalogue.FEEDBACK_RATING
    upper = growth(name, period, scope, edge(metric, rating))
    if rating == min(metric.buckets):
        return upper
    return f"({upper} - {growth(name, period, scope, edge(metric, rating - 1))})"


# --- money ---------------------------------------------------------------------------------------


def revenue(period: AnyPeriod, scope: Scope = LISTING) -> str:
    """US dollars that tenants were charged in the period, refunds not taken off."""
    return _count(catalogue.REVENUE, period, scope)


def revenue_trend(period: AnyPeriod, scope: Scope = LISTING) -> str:
    """Relative change of the revenue against the period before."""
    return comparable(trend(revenue(period, scope), revenue(period.before, scope)), period, scope)


def refunds(period: AnyPeriod, scope: Scope = LISTING) -> str:
    """US dollars that tenants were given back in the period."""
    return _count(catalogue.REFUNDS, period, scope)


def gmv(period: AnyPeriod, scope: Scope = LISTING) -> str:
    """Gross merchandise value: revenue less refunds."""
    return f"({revenue(period, scope)} - {refunds(period, scope)})"


def gmv_trend(period: AnyPeriod, scope: Scope = LISTING) -> str:
    """Relative change of the gross merchandise value against the period before."""
    return comparable(trend(gmv(period, scope), gmv(period.before, scope)), period, scope)


def fees(period: AnyPeriod, scope: Scope = LISTING) -> str:
    """The marketplace's share of the revenue, in US dollars."""
    return _count(catalogue.FEES, period, scope)


def revenue_per_tenant(period: AnyPeriod, scope: Scope = LISTING) -> str:
    """US dollars charged per distinct tenant of the period."""
    return f"({revenue(period, scope)} / {unique_tenants(period, scope)})"


def model_cost(period: AnyPeriod, scope: Scope = LISTING) -> str:
    """US dollars that model calls cost the publisher in the period."""
    return _count(catalogue.MODEL_COST, period, scope)


def wasted_cost(period: AnyPeriod, scope: Scope = LISTING) -> str:
    """The part of the model cost that went into invocations that failed, in US dollars."""
    return _count(catalogue.WASTED_COST, period, scope)


def margin(period: AnyPeriod, scope: Scope = LISTING) -> str:
    """Revenue less refunds, fees and model cost, in US dollars."""
    return (
        f"({revenue(period, scope)} - {refunds(period, scope)}"
        f" - {fees(period, scope)} - {model_cost(period, scope)})"
    )


def cost_per_success(period: AnyPeriod, scope: Scope = LISTING) -> str:
    """US dollars of model cost per successful invocation."""
    succeeded = _count(catalogue.INVOCATIONS, period, scope, one_of("outcome", SUCCESS))
    return share(model_cost(period, scope), succeeded)


# --- tokens --------------------------------------------------------------------------------------


def input_tokens(period: AnyPeriod, scope: Scope = LISTING) -> str:
    """Tokens sent to models in the period."""
    return _count(catalogue.INPUT_TOKENS, period, scope)


def output_tokens(period: AnyPeriod, scope: Scope = LISTING) -> str:
    """Tokens received from models in the period."""
    return _count(catalogue.OUTPUT_TOKENS, period, scope)


def cached_share(period: AnyPeriod, scope: Scope = LISTING) -> str:
    """Share of the input tokens that came from the model's prompt cache, 0 to 1."""
    cached = _count(catalogue.CACHED_INPUT_TOKENS, period, scope)
    return share(cached, input_tokens(period, scope))


# --- tools ---------------------------------------------------------------------------------------


def tool_calls(period: AnyPeriod, scope: Scope = TOOL) -> str:
    """Tool calls that ended in the period, cancelled ones included."""
    return _count(catalogue.TOOL_CALLS, period, scope)


def tool_failure_rate(period: AnyPeriod, scope: Scope = TOOL) -> str:
    """Share of failed tool calls: (error + timeout) / (success + error + timeout), 0 to 1."""
    failed = _count(catalogue.TOOL_CALLS, period, scope, one_of("outcome", *FAILED))
    judged = _count(catalogue.TOOL_CALLS, period, scope, one_of("outcome", *JUDGED))
    return share(failed, judged)


def tool_seconds(period: AnyPeriod, scope: Scope = TOOL) -> str:
    """Seconds spent in tool calls in the period."""
    return growth(f"{catalogue.TOOL_CALL_DURATION.name}_sum", period, scope)


def mean_tool_time(period: AnyPeriod, scope: Scope = TOOL) -> str:
    """Mean time of a tool call in seconds."""
    return _mean(catalogue.TOOL_CALL_DURATION, period, scope)


# --- adoption ------------------------------------------------------------------------------------


def active_installs(period: AnyPeriod, scope: Scope = LISTING) -> str:
    """Installs that had not been undone when the period ended; absent where that is not known."""
    name = catalogue.ACTIVE_INSTALLS.name
    return f"{scope.aggregate('sum')} ({period.over('last_over_time', name, scope, '5m')})"


def install_churn(period: AnyPeriod, scope: Scope = LISTING) -> str:
    """Uninstalls in the period by the active installs when it began."""
    return share(uninstalls(period, scope), active_installs(period.before, scope))


def active_publishers(period: AnyPeriod) -> str:
    """Publishers of whom any listing was used in the period."""
    return f"count ({invocations(period, Scope(('publisher_id',)))} > 0)"


def active_listings(period: AnyPeriod) -> str:
    """Listings that were used in the period."""
    return f"count ({invocations(period, LISTING)} > 0)"
