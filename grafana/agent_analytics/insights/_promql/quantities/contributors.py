"""Which part of a whole is the largest: the one that most of an insight comes from."""

from agent_analytics.insights._promql.quantities.money import fees, model_cost, refunds
from agent_analytics.insights._promql.scopes import LISTING, Scope
from agent_analytics.insights._promql.windows import Window
from agent_analytics.processor import catalogue


def largest(parts: str, whole: str, label: str, scope: Scope = LISTING) -> str:
    """The largest part of a whole, as its share from 0 to 1, named by the label ``contributor``.

    Args:
        parts: What a label tells apart, besides the labels of the scope.
        whole: What they add up to.
        label: That label.
        scope: Of what there is one answer each.
    """
    on = f"on ({', '.join(scope.by)})"
    first = f"{scope.aggregate('topk')} (1, {parts} > 0)"
    # Parts may be of a moment after the whole: never more than all of it.
    share = f"clamp_max({first} / {on} group_left () ({whole} > 0), 1)"
    named = f'label_replace({share}, "contributor", "$1", "{label}", "(.+)")'
    return f"{scope.aggregate('max', 'contributor')} ({named})"


def tokens_of_models(window: Window, scope: Scope = LISTING) -> str:
    """Input and output tokens in the window by model."""
    by = scope.over(*scope.by, "model")
    sent, received = (
        window.grown(metric.name, by)
        for metric in (catalogue.INPUT_TOKENS, catalogue.OUTPUT_TOKENS)
    )
    return f"({sent} + {received})"


def expenses(window: Window, scope: Scope = LISTING) -> str:
    """What is taken off the revenue in the window, in US dollars, by the label ``expense``."""
    kinds = {
        "model calls": model_cost(window, scope),
        "refunds": refunds(window, scope),
        "fees": fees(window, scope),
    }
    each = (
        f'label_replace({amount}, "expense", "{kind}", "", "")' for kind, amount in kinds.items()
    )
    return f"({' or '.join(each)})"
