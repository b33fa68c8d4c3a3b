"""What spans say of tokens, as the conventions count it, whatever an instrumentation leaves out."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from agent_analytics.instrumentation._figures import Basis, Figures, settle
from agent_analytics.processor._dialects._basis import Scope, meaning_of
from agent_analytics.processor._dialects._facts import Facts
from agent_analytics.processor._values import MAX_TOKENS


class _Told(NamedTuple):
    """In the order of the reader's places."""

    sent: Any
    received: Any
    cached: Any
    reasoning: Any
    written: Any
    brief: Any
    hour: Any
    tool_prompt: Any
    total: Any


_RANKS: Final = {Basis.WITHIN: 2, Basis.BESIDE: 1}


def tell_tokens(facts: Facts, values: Sequence[Any], scope: Scope) -> bool:
    """Add what a span says of tokens to its facts; tell whether it says anything.

    Args:
        facts: The model and the provider are there already.
        values: What was found of each quantity.
        scope: The instrumentation.
    """
    told = _Told(*values)
    if told.sent is None and told.received is None:
        return False
    means = meaning_of(scope, facts.provider, facts.response_model or facts.model)
    facts.follows_convention = _RANKS.get(means.basis, 0)
    counts = _Told(*map(_count, told))
    written, hour = counts.written, counts.hour
    if counts.brief is not None or hour is not None:
        written = max(written or 0, (counts.brief or 0) + (hour or 0))
    settled = settle(
        Figures(
            counts.sent,
            counts.received,
            counts.cached,
            written,
            hour,
            counts.reasoning,
            counts.tool_prompt,
            counts.total,
        ),
        means.basis,
        reasoning_beside=means.reasoning_beside,
    )
    if settled.contradicted:
        facts.follows_convention = -1
    facts.tokens = (
        _kept(told.sent, counts.sent, settled.input),
        _kept(told.received, counts.received, settled.output),
        _kept(told.cached, counts.cached, settled.cached),
        _kept(told.reasoning, counts.reasoning, settled.reasoning),
    )
    facts.cache_write = _kept(told.written, written, settled.written)
    facts.cache_write_1h = _kept(told.hour, hour, settled.written_1h)
    return True


def _count(value: Any) -> int | None:
    """Return a number of tokens that may be believed, or ``None``."""
    if type(value) is int:
        return value if 0 <= value <= MAX_TOKENS else None
    if type(value) is float and value.is_integer() and 0 <= value <= MAX_TOKENS:
        return int(value)  # JSON encoders of other languages know doubles only
    return None


def _kept(told: Any, count: int | None, settled: int) -> Any:
    """Return the settled count; as it is what is no count, for the counter to refuse."""
    if told is not None and count is None:
        return told
    return settled if settled or count is not None else None
