"""What spans say of tokens, as the conventions count it, whatever an instrumentation leaves out."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from agent_analytics.instrumentation import spellings
from agent_analytics.instrumentation.figures import Basis, Figures, settle
from agent_analytics.processor._dialects._shared.basis import Scope, meaning_of
from agent_analytics.processor._dialects._shared.usage_texts import first
from agent_analytics.processor._dialects.dialect import Dialect
from agent_analytics.processor._dialects.facts import Facts, Tokens
from agent_analytics.processor._dialects.registry import DIALECTS, joined
from agent_analytics.processor._spans.values import MAX_TOKENS


class Quantities(NamedTuple):
    """Values of the quantities of ``COUNTS``, in that order."""

    sent: Any = None
    received: Any = None
    cached: Any = None
    reasoning: Any = None
    written: Any = None
    brief: Any = None
    hour: Any = None
    tool_prompt: Any = None
    total: Any = None
    fresh: Any = None
    reasoning_beside: Any = None
    more_sent: Any = None
    more_received: Any = None


_SPELLINGS: Final = Quantities(
    spellings.INPUT,
    spellings.OUTPUT,
    spellings.CACHED,
    spellings.REASONING,
    spellings.WRITTEN,
    spellings.WRITTEN_5M,
    spellings.WRITTEN_1H,
    spellings.TOOL_PROMPT,
    spellings.TOTAL,
    spellings.FRESH,
    spellings.REASONING_BESIDE,
    spellings.MORE_INPUT,
    spellings.MORE_OUTPUT,
)


def _with_those_of(dialects: Iterable[Dialect]) -> Iterator[spellings.Spelling]:
    """Yield how each quantity is spelled, last by those who have words of their own for it."""
    for name, spelling in zip(Quantities._fields, _SPELLINGS, strict=True):
        more = (key for dialect in dialects for key in (dialect.tokens or {}).get(name, ()))
        yield spelling._replace(attributes=(*spelling.attributes, *more))


#: How the quantities are spelled, the places in the reader's list.
COUNTS: Final = Quantities(*_with_those_of(DIALECTS))
#: Scopes of tracers that know texts alone.
_TEXTS_ALONE: Final[tuple[str, ...]] = joined("texts_alone")
_MOST_DIGITS: Final = len(str(MAX_TOKENS))
#: Input beside which its parts are counted, or may be.
_APART: Final = (Basis.BESIDE, Basis.DOUBTFUL)
_RANKS: Final = {Basis.WITHIN: 2, Basis.BESIDE: 1}


def note_tokens(facts: Facts, values: Sequence[Any], scope: Scope) -> bool:
    """Add what a span says of tokens to its facts; tell whether it says anything.

    Args:
        facts: The model and the provider are there already.
        values: What was found of each quantity, in the order of ``COUNTS``.
        scope: The instrumentation.
    """
    if scope.name.startswith(_TEXTS_ALONE):
        values = [_number(value) for value in values]
    if values[0] is None and values[1] is None:
        return _note_parts(facts, Quantities(*values))
    means = meaning_of(scope, facts.provider, facts.response_model or facts.model)
    facts.follows_convention = _RANKS.get(means.basis, 0)
    rest = len(values) - values.count(None)
    if rest == (values[0] is not None) + (
        values[1] is not None
    ):  # nothing that could change what they mean
        sent, received, *_ = values
        facts.tokens = Tokens(sent, received)
        return True
    facts.tokens = _plain(values, rest, means.basis)
    if facts.tokens is not None:
        return True
    stated = Quantities(*values)
    counts = Quantities(*[None if value is None else _count(value) for value in values])
    reasoning = counts.reasoning if counts.reasoning_beside is None else counts.reasoning_beside
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
            reasoning,
            counts.tool_prompt,
            counts.total,
            counts.fresh,
        ),
        means.basis,
        reasoning_beside=counts.reasoning_beside is not None,
        rest_is_input=means.rest_is_input,
    )
    if settled.contradicted:
        facts.follows_convention = -1
    sent = stated.sent is not None or settled.input > 0
    received = stated.received is not None or settled.output > 0
    facts.tokens = Tokens(
        _kept(stated.sent, counts.sent, settled.input + (counts.more_sent or 0)),
        _kept(stated.received, counts.received, settled.output + (counts.more_received or 0)),
        # A part whose whole is not stated is as it stands.
        _kept(stated.cached, counts.cached, settled.cached) if sent else counts.cached,
        _kept(stated.reasoning, reasoning, settled.reasoning) if received else reasoning,
    )
    facts.cache_write = _kept(stated.written, written, settled.written) if sent else written
    facts.cache_write_1h = _kept(stated.hour, hour, settled.written_1h)
    return True


def _plain(values: Sequence[Any], known: int, basis: Basis) -> Tokens | None:
    """Return tokens that mean what they say, as most do; ``None`` for what has to be settled.

    Args:
        values: What was found of each quantity.
        known: How many of these were found.
        basis: What the input contains.
    """
    sent, received, cached, reasoning, _, _, _, _, total, *_ = values
    if basis in _APART or not (type(sent) is int and type(received) is int):
        return None
    if not (0 <= sent <= MAX_TOKENS and 0 <= received <= MAX_TOKENS):
        return None
    known -= 2
    if total is not None:
        if type(total) is not int or total != sent + received:
            return None
        known -= 1
    if cached is not None:
        if type(cached) is not int or not 0 <= cached <= sent:
            return None
        known -= 1
    if reasoning is not None:
        if type(reasoning) is not int or not 0 <= reasoning <= received:
            return None
        known -= 1
    return None if known else Tokens(sent, received, cached, reasoning)


def _note_parts(facts: Facts, stated: Quantities) -> bool:
    """Add what is stated of parts alone, for a call whose whole another span may state."""
    if stated.cached is None and stated.reasoning is None and stated.written is None:
        return False
    facts.tokens = Tokens(cached=stated.cached, reasoning=stated.reasoning)
    facts.cache_write, facts.cache_write_1h = stated.written, stated.hour
    return True


def note_usage(facts: Facts, usage: Mapping[str, Any], scope: Scope) -> None:
    """Add what a usage object says that a span holds, where it says anything."""
    note_tokens(facts, [first(usage, spelling) for spelling in COUNTS], scope)


def _number(value: Any) -> Any:
    """Return the number that digits spell; anything else as it is."""
    if type(value) is str and len(value) <= _MOST_DIGITS and value.isascii() and value.isdigit():
        return int(value)
    return value


def _count(value: Any) -> int | None:
    """Return a number of tokens that may be believed, or ``None``."""
    if type(value) is int:
        return value if 0 <= value <= MAX_TOKENS else None
    if type(value) is float and value.is_integer() and 0 <= value <= MAX_TOKENS:
        return int(value)  # JSON encoders of other languages know doubles only
    return None


def _kept(stated: Any, count: int | None, settled: int) -> Any:
    """Return the settled count; as it is what is no count, for the counter to refuse."""
    if stated is not None and count is None:
        return stated
    return settled if settled or count is not None else None
