"""Whether two spans are views of one call: by the ids that models give, else by what they used."""

from typing import Final

from agent_analytics.processor._runs.foreign_span import ForeignSpan
from agent_analytics.processor._runs.span_end import SpanEnd
from agent_analytics.processor._spans.values import MAX_TOKENS
from agent_analytics.processor._trees.tree import NEAR, SLACK, end

#: How sure it is that two spans are of one call, the surest first; ``DIFFERENT`` for two calls.
SAME_ID: Final = 0
SAME_TOKENS: Final = 1
NEARLY_SAME: Final = 2
SAME_TIME: Final = 3
DIFFERENT: Final = 4
#: Instrumentations that count a stream's last piece differ by as many tokens.
_OFF: Final = 1


#: Input and output of a call, as far as they are known.
Used = tuple[int | None, int | None]


def known(count: object) -> int | None:
    """Return a number of tokens, or ``None`` for what is none."""
    return count if type(count) is int and 0 <= count <= MAX_TOKENS else None


def used(span: ForeignSpan) -> Used:
    """Return the input and output of a call, as far as they are known."""
    tokens = span.ended.facts.tokens if span.ended is not None else None
    return (None, None) if tokens is None else (known(tokens.sent), known(tokens.received))


def one_call(one: ForeignSpan, other: ForeignSpan, *, lonely: bool = False) -> int:
    """Return how sure it is that two spans are two instrumentations' views of one model call.

    Args:
        one: A span.
        other: Another.
        lonely: Whether they are the only model calls of one step.
    """
    if one.ended is None or other.ended is None or one.source == other.source:
        return DIFFERENT
    id_of_one, id_of_other = one.ended.facts.response_id, other.ended.facts.response_id
    if id_of_one is not None and id_of_other is not None:
        return SAME_ID if id_of_one == id_of_other else DIFFERENT
    apart = _apart(used(one), used(other))
    if apart is None:
        alike = _is_in(one, other) or _is_in(other, one)
        # One after the other, however near, are tries.
        alike = alike and overlap(one, other, 0) and _may_be_one_model(one.ended, other.ended)
        return SAME_TIME if lonely or alike else DIFFERENT
    if apart == 0:
        # Where the tokens are the same, either may see the call a little earlier than the other.
        return SAME_TOKENS if lonely or overlap(one, other, NEAR) else DIFFERENT
    if apart <= _OFF and (lonely or overlap(one, other, 0)):
        return NEARLY_SAME
    return DIFFERENT


def one_tool(one: ForeignSpan, other: ForeignSpan, *, lonely: bool = False) -> int:
    """Return how sure it is that two spans are views of one tool call."""
    del lonely
    first, second = one.ended, other.ended
    if first is None or second is None or first.facts.name != second.facts.name:
        return DIFFERENT
    if first.facts.call_id is not None and second.facts.call_id is not None:
        return SAME_ID if first.facts.call_id == second.facts.call_id else DIFFERENT
    return SAME_TIME if overlap(one, other, NEAR) else DIFFERENT


def near(one: Used, other: Used) -> bool:
    """Tell whether two numbers of tokens each are as good as the same."""
    apart = _apart(one, other)
    return apart is not None and apart <= _OFF


def _apart(one: Used, other: Used) -> int | None:
    """Return by how many tokens two calls differ; ``None`` where too little is known of them."""
    both = [
        abs(first - second)
        for first, second in zip(one, other, strict=True)
        if first is not None and second is not None
    ]
    return max(both, default=None)


def overlap(one: ForeignSpan, other: ForeignSpan, slack: int) -> bool:
    """Tell whether two spans go on at the same time; a busy process may see one call twice apart.

    Of those that do, the nearest are views of one call.
    """
    return max(one.start_ns, other.start_ns) <= min(end(one), end(other)) + slack


def _is_in(inner: ForeignSpan, outer: ForeignSpan) -> bool:
    return outer.start_ns - SLACK <= inner.start_ns and end(inner) <= end(outer) + SLACK


def _may_be_one_model(one: SpanEnd, other: SpanEnd) -> bool:
    """Tell whether no name of a model speaks against one call; a deployment's name may be any."""
    first, second = _models(one), _models(other)
    return (
        not first
        or not second
        or any(near in far or far in near for near in first for far in second)
        or any("azure" in (ended.facts.provider or "").lower() for ended in (one, other))
    )


def _models(ended: SpanEnd) -> set[str]:
    names = (ended.facts.model, ended.facts.response_model)
    return {
        name.rpartition("/")[2].replace(".", "-").lower() for name in names if type(name) is str
    }
