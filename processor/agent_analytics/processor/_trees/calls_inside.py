"""What instrumentations record of a model call inside another's span of it."""

from agent_analytics.processor._runs.foreign_span import ForeignSpan
from agent_analytics.processor._spans import marks
from agent_analytics.processor._trees.tree_index import NONE, Order


class CallsInside:
    """The flags of what was recorded inside each span; spans are left from below.

    What is below through a tool or an agent is another call, not another view of the one above.

    Attributes:
        flags: By the place of the span.
    """

    __slots__ = ("_order", "flags")

    def __init__(self, order: Order) -> None:
        self._order = order
        self.flags = [0] * len(order.parts)

    def leave(self, place: int) -> None:
        """Let the span above one see what that one is by now, and what is inside."""
        up, part = self._order.up[place], self._order.parts[place]
        if up != NONE:
            self.flags[up] |= _seen(part, self.flags[place])


def _seen(part: ForeignSpan, inside: int) -> int:
    if part.kind == marks.OTHER:
        return inside
    if part.kind != marks.INFERENCE or part.ended is None:
        return 0
    flags = inside | marks.CALL_BELOW
    tokens = part.ended.facts.tokens
    if tokens is not None and tokens.is_whole():
        flags |= marks.MODEL_TOKENS_BELOW
    return flags | part.flags & (marks.COST_BELOW | marks.PRICED_BELOW)
