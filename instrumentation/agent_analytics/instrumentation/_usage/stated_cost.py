"""What an answer states that it cost: routers, proxies and agents' clients tell it beside usage.

It is believed as what an instrumentation states on a span is: after one's own table of prices, and
before the public list. In US dollars alone, and a 0 is unknown.
"""

from decimal import Decimal
from typing import Final

from agent_analytics.instrumentation._strangers.plain_data import is_plain, plain
from agent_analytics.instrumentation._usage.fields import word
from agent_analytics.instrumentation.exact import exact
from agent_analytics.instrumentation.money import NANO_PER_USD, nano_usd
from agent_analytics.instrumentation.spellings import Path

#: In a usage object: OpenRouter's, Perplexity's, DeepInfra's, and that of Claude's agents by model.
_IN: Final[tuple[Path, ...]] = (
    ("cost", "total_cost"),
    ("cost",),
    ("estimated_cost",),
    ("costUSD",),
    ("cost_usd",),
)
#: Beside it: that of Claude's agents, LiteLLM's.
_ROUND: Final[tuple[Path, ...]] = (
    ("total_cost_usd",),
    ("_hidden_params", "response_cost"),
)
#: xAI states its cost as a number of ticks, of which a nano-dollar has ten.
_TICKS: Final = "cost_in_usd_ticks"
_TICKS_PER_NANO: Final = 10
_MOST_TICKS: Final = 1_000_000 * NANO_PER_USD * _TICKS_PER_NANO
#: With a key of one's own OpenRouter's cost is its fee; what the model costs stands beside it.
_OWN_KEY: Final = "is_byok"
_UPSTREAM: Final[Path] = ("cost_details", "upstream_inference_cost")
_CURRENCY: Final = "currency"
_DOLLARS: Final = ("USD", "usd")


def stated_in(usage: object) -> int | None:
    """Return what a usage object states, in nano-dollars, or ``None``."""
    ticks = plain(usage, _TICKS)
    if type(ticks) is int and 0 < ticks <= _MOST_TICKS:
        return (ticks + _TICKS_PER_NANO // 2) // _TICKS_PER_NANO
    if plain(usage, _CURRENCY) is not None and word(usage, _CURRENCY) not in _DOLLARS:
        return None
    cost = _first(usage, _IN)
    if plain(usage, _OWN_KEY) is True:
        upstream = _amount(usage, _UPSTREAM)
        return None if upstream is None else upstream + (cost or 0)
    return cost


def stated_round(source: object) -> int | None:
    """Return what stands beside a usage object, for all that it speaks of, or ``None``."""
    return _first(source, _ROUND)


def _first(source: object, paths: tuple[Path, ...]) -> int | None:
    return next((found for path in paths if (found := _amount(source, path)) is not None), None)


def _amount(source: object, path: Path) -> int | None:
    for key in path:
        if is_plain(source):
            return None
        source = plain(source, key)
    amount = exact(source)
    if not is_plain(amount) and type(amount) is not Decimal:
        return None
    try:
        return nano_usd(amount) or None
    except ValueError:
        return None
