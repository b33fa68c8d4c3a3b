"""What spans state that a call cost, under the names that instrumentations have for it.

None of the conventions defines such an attribute yet; each vendor has a name of its own for the
same amount. All of them are US dollars where no currency stands beside them.
"""

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Final, cast

from agent_analytics.processor._dialects.facts import StatedCost
from agent_analytics.processor._dialects.registry import joined

#: The whole cost, the most believed first, each with the attribute of its currency.
_TOTALS: Final[tuple[tuple[str, str | None], ...]] = (
    # the draft of the conventions (semantic-conventions-genai#443)
    ("gen_ai.usage.cost.amount", "gen_ai.usage.cost.currency"),
    ("gen_ai.cost.amount", "gen_ai.cost.currency"),
    # OpenLIT, and what Langfuse and Laminar read
    ("gen_ai.usage.cost", "gen_ai.usage.cost.currency"),
    # LiteLLM
    ("gen_ai.cost.total_cost", "gen_ai.cost.currency"),
    # pydantic-ai, Logfire
    ("operation.cost", "operation.cost.currency"),
    # OpenInference, Phoenix, Arize
    ("llm.cost.total", "llm.cost.currency"),
    # Sentry, Latitude, GitLab and others, who write their own spans
    ("gen_ai.usage.total_cost", "gen_ai.usage.cost.currency"),
    ("gen_ai.usage.cost.total", "gen_ai.usage.cost.currency"),
    ("gen_ai.usage.cost_usd", None),
    ("gen_ai.usage.cost.usd", None),
    ("gen_ai.usage.total_cost_usd", None),
    ("gen_ai.cost.total", "gen_ai.cost.currency"),
    ("gen_ai.cost.usd", None),
    ("gen_ai.cost.total_usd", None),
    ("gen_ai.response.cost", "gen_ai.cost.currency"),
    ("llm.usage.cost", "llm.cost.currency"),
    ("llm.usage.total_cost", "llm.cost.currency"),
    ("llm.usage.cost_usd", None),
    ("llm.cost.usd", None),
    ("llm.cost_usd", None),
    ("llm.response_cost", "llm.cost.currency"),
    ("ai.usage.cost", "ai.usage.cost.currency"),
    ("litellm.response_cost", None),
    *joined("costs"),
)
#: The costs of the input and of the output, where nothing states their sum.
_PARTS: Final[tuple[tuple[str, str, str | None], ...]] = (
    ("gen_ai.usage.input_cost", "gen_ai.usage.output_cost", "gen_ai.usage.cost.currency"),
    ("gen_ai.usage.cost.input", "gen_ai.usage.cost.output", "gen_ai.usage.cost.currency"),
    ("gen_ai.cost.input_cost", "gen_ai.cost.output_cost", "gen_ai.cost.currency"),
    ("llm.cost.prompt", "llm.cost.completion", "llm.cost.currency"),
    ("llm.cost.input", "llm.cost.output", "llm.cost.currency"),
)
#: xAI's client states ticks, of which a dollar has as many.
_TICKS: Final = "gen_ai.usage.cost_in_usd_ticks"
_TICKS_PER_DOLLAR: Final = 10**10
#: Texts that hold an object of JSON with costs.
_OBJECTS: Final[tuple[str, ...]] = joined("cost_objects")
_SUMS: Final = ("total", "total_cost", "cost")
_HALVES: Final = (("input", "output"), ("input_cost", "output_cost"), ("prompt", "completion"))
_LONGEST: Final = 2_000
#: Any attribute that holds a cost has this in its name: the rest of a span is not looked at.
SIGN: Final = "cost"
_DOLLARS: Final = frozenset({"USD", "US$", "$", "DOLLAR", "DOLLARS", "US DOLLAR", "US DOLLARS"})


def stated_cost(attributes: Mapping[str, Any]) -> StatedCost | None:
    """Return the cost that a span states, or ``None``.

    Of several the first in dollars that is not 0 is believed.
    """
    if not any(SIGN in key for key in attributes):
        return None
    first: StatedCost | None = None
    for cost in _costs(attributes):
        if cost.dollars and any(cost.amounts):
            return cost
        first = first or cost
    return first


def _costs(attributes: Mapping[str, Any]) -> Iterator[StatedCost]:
    """Yield every cost that a span states, the most believed first."""
    for key, unit in _TOTALS:
        value = attributes.get(key)
        if value is not None:
            yield StatedCost((value,), _is_dollars(attributes, unit))
    for sent, received, unit in _PARTS:
        amounts = (attributes.get(sent), attributes.get(received))
        if None not in amounts:
            yield StatedCost(amounts, _is_dollars(attributes, unit))
    ticks = attributes.get(_TICKS)
    if type(ticks) is int:
        yield StatedCost((Decimal(ticks) / _TICKS_PER_DOLLAR,))
    for key in _OBJECTS:
        amounts = _of_object(attributes.get(key))
        if amounts:
            yield StatedCost(amounts)


def _is_dollars(attributes: Mapping[str, Any], unit: str | None) -> bool:
    currency = None if unit is None else attributes.get(unit)
    return currency is None or (type(currency) is str and currency.strip().upper() in _DOLLARS)


def _of_object(text: object) -> tuple[Any, ...]:
    """Return the amounts of an object of JSON with costs; none where it is no such object."""
    if type(text) is not str or len(text) > _LONGEST:
        return ()
    try:
        found: object = json.loads(text, parse_float=str)
    except (ValueError, RecursionError):
        return ()
    if not isinstance(found, dict):
        return ()
    costs = cast("dict[str, Any]", found)
    for name in _SUMS:
        if name in costs:
            return (costs[name],)
    for halves in _HALVES:
        if all(half in costs for half in halves):
            return tuple(costs[half] for half in halves)
    return ()
