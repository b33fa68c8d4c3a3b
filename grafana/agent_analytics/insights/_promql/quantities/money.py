"""What comes in, what goes out, and what it is spent on."""

from agent_analytics.insights._promql.quantities.usage import (
    failed_invocations,
    invocations,
    share,
    successes,
    trend,
    unique_tenants,
)
from agent_analytics.insights._promql.scopes import LISTING, Scope
from agent_analytics.insights._promql.windows import Past, Tenants, Window
from agent_analytics.processor import catalogue


def revenue(window: Window, scope: Scope = LISTING) -> str:
    """US dollars that tenants were charged in the window, refunds not taken off."""
    return window.grown(catalogue.REVENUE.name, scope)


def revenue_trend(window: Past, scope: Scope = LISTING) -> str:
    """Relative change of the revenue against the window before."""
    return window.comparable(trend(revenue(window, scope), revenue(window.before, scope)), scope)


def refunds(window: Window, scope: Scope = LISTING) -> str:
    """US dollars that tenants were given back in the window."""
    return window.grown(catalogue.REFUNDS.name, scope)


def gmv(window: Window, scope: Scope = LISTING) -> str:
    """Gross merchandise value: revenue less refunds."""
    return f"({revenue(window, scope)} - {refunds(window, scope)})"


def gmv_trend(window: Past, scope: Scope = LISTING) -> str:
    """Relative change of the gross merchandise value against the window before."""
    return window.comparable(trend(gmv(window, scope), gmv(window.before, scope)), scope)


def fees(window: Window, scope: Scope = LISTING) -> str:
    """The marketplace's share of the revenue, in US dollars."""
    return window.grown(catalogue.FEES.name, scope)


def revenue_per_tenant(window: Tenants, scope: Scope = LISTING) -> str:
    """US dollars charged per distinct tenant of the window."""
    return f"({revenue(window, scope)} / {unique_tenants(window, scope)})"


def missed_revenue(window: Window, scope: Scope = LISTING) -> str:
    """US dollars that failed invocations would have brought, had they succeeded as others did."""
    price = share(window, revenue(window, scope), successes(window, scope))
    return f"({failed_invocations(window, scope)} * {price})"


def model_cost(window: Window, scope: Scope = LISTING) -> str:
    """US dollars that model calls cost the publisher in the window."""
    return window.grown(catalogue.MODEL_COST.name, scope)


def wasted_cost(window: Window, scope: Scope = LISTING) -> str:
    """The part of the model cost that went into invocations that failed, in US dollars."""
    return window.grown(catalogue.WASTED_COST.name, scope)


def wasted_share(window: Window, scope: Scope = LISTING) -> str:
    """Share of the model cost that went into invocations that failed, 0 to 1."""
    return share(window, wasted_cost(window, scope), model_cost(window, scope))


def margin(window: Window, scope: Scope = LISTING) -> str:
    """Revenue less refunds, fees and model cost, in US dollars."""
    return (
        f"({revenue(window, scope)} - {refunds(window, scope)}"
        f" - {fees(window, scope)} - {model_cost(window, scope)})"
    )


def after_fees(window: Window, scope: Scope = LISTING) -> str:
    """Revenue less fees, in US dollars: what prices bring, refunds not taken off."""
    return f"({revenue(window, scope)} - {fees(window, scope)})"


def needed_cost(window: Window, scope: Scope = LISTING) -> str:
    """Model cost in US dollars without what went into invocations that failed."""
    return f"({model_cost(window, scope)} - {wasted_cost(window, scope)})"


def cost_recovered(window: Window, scope: Scope = LISTING) -> str:
    """What prices bring by what the invocations that bring it cost: 1 where they break even."""
    return share(window, after_fees(window, scope), needed_cost(window, scope))


def break_even_price(window: Window, scope: Scope = LISTING) -> str:
    """US dollars per successful invocation from which prices would bring what they cost."""
    each = share(window, needed_cost(window, scope), successes(window, scope))
    return f"({each} * {revenue(window, scope)} / ({after_fees(window, scope)} > 0))"


def revenue_per_success(window: Window, scope: Scope = LISTING) -> str:
    """US dollars charged per successful invocation."""
    return share(window, revenue(window, scope), successes(window, scope))


def cost_per_success(window: Window, scope: Scope = LISTING) -> str:
    """US dollars of model cost per successful invocation."""
    return share(window, model_cost(window, scope), successes(window, scope))


# --- tokens --------------------------------------------------------------------------------------


def input_tokens(window: Window, scope: Scope = LISTING) -> str:
    """Tokens sent to models in the window."""
    return window.grown(catalogue.INPUT_TOKENS.name, scope)


def output_tokens(window: Window, scope: Scope = LISTING) -> str:
    """Tokens received from models in the window."""
    return window.grown(catalogue.OUTPUT_TOKENS.name, scope)


def cached_share(window: Window, scope: Scope = LISTING) -> str:
    """Share of the input tokens that came from the model's prompt cache, 0 to 1."""
    cached = window.grown(catalogue.CACHED_INPUT_TOKENS.name, scope)
    return share(window, cached, input_tokens(window, scope))


def tokens_per_invocation(window: Window, scope: Scope = LISTING, *, least: str = "> 0") -> str:
    """Input and output tokens per invocation, where there are enough invocations."""
    tokens = f"({input_tokens(window, scope)} + {output_tokens(window, scope)})"
    return f"({tokens} / ({invocations(window, scope)} {least}))"


def output_tokens_per_invocation(
    window: Window, scope: Scope = LISTING, *, least: str = "> 0"
) -> str:
    """Output tokens per invocation, where there are enough invocations."""
    return f"({output_tokens(window, scope)} / ({invocations(window, scope)} {least}))"


def model_calls(window: Window, scope: Scope = LISTING) -> str:
    """Calls of models in the window, whatever came of them."""
    return window.grown(catalogue.INFERENCE_CALLS.name, scope)


def cost_per_call(window: Window, scope: Scope = LISTING, *, least: str = "> 0") -> str:
    """US dollars of model cost per call of a model, where there are enough calls."""
    return f"({model_cost(window, scope)} / ({model_calls(window, scope)} {least}))"


def input_tokens_per_invocation(window: Window, scope: Scope = LISTING) -> str:
    """Input tokens per invocation."""
    return share(window, input_tokens(window, scope), invocations(window, scope))
