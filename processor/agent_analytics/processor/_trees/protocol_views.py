"""Views of one tool call that goes over a protocol: of the caller, the client and the server."""

from bisect import bisect_right
from typing import Final

from agent_analytics.instrumentation import vocabulary as v
from agent_analytics.processor import _dialects as d
from agent_analytics.processor._count.core import Node
from agent_analytics.processor._runs.foreign_span import ForeignSpan
from agent_analytics.processor._spans import marks
from agent_analytics.processor._trees.tree import end, merge_failure, started
from agent_analytics.processor._trees.tree_index import NONE, Order, key_of

#: Siblings that are looked at for the framework's view of a call, the last to start.
_MOST_BESIDE: Final = 256
#: Spans round a run, counted before, that are looked at.
_MOST_OUTSIDE: Final = 256

#: The nearest span above that is no step, and whether one between speaks a protocol.
_Around = tuple[Node | None, bool]


def merge_protocol_calls(order: Order) -> None:
    """Count a call over a protocol where it begins, with what its other spans say of it.

    Those are of a framework or a decorator, of client and server, and of the server's function.
    """
    if order.parts[0].parent is None and not any(map(_over_protocol, order.parts)):
        return
    around: list[_Around] = []
    beside = _Beside()
    for _, up, part in order.downwards():
        around.append(_outside(part) if up == NONE else _inside(order.parts[up], around[up]))
        if part.role != d.TOOL or part.ended is None:
            continue
        outer = _round_protocol(around[-1], part.ended.facts) or beside.find(part)
        if outer is None:
            continue
        part.role = d.OTHER
        if isinstance(outer, ForeignSpan) and outer.ended is not None:
            facts, inner = outer.ended.facts, part.ended
            facts.name = facts.name or inner.facts.name
            merge_failure(outer, part)
            if v.OUTCOME in inner.attributes:
                outer.ended.attributes.setdefault(v.OUTCOME, inner.attributes[v.OUTCOME])


def _over_protocol(part: ForeignSpan) -> bool:
    return part.ended is not None and part.ended.facts.protocol


def _inside(parent: ForeignSpan, around: _Around) -> _Around:
    if parent.role != d.OTHER:
        return parent, False
    outer, over = around
    return outer, over or (parent.ended is not None and parent.ended.facts.protocol)


def _outside(top: ForeignSpan) -> _Around:
    """Return what is round the topmost span of a run."""
    over, outer = False, top.parent
    for _ in range(_MOST_OUTSIDE):
        if outer is None:
            break
        if isinstance(outer, ForeignSpan):
            if outer.role != d.OTHER:
                return outer, over
            over = over or (outer.ended is not None and outer.ended.facts.protocol)
        elif outer.kind != d.OTHER:
            return outer, over
        outer = outer.parent
    return None, over


def _round_protocol(around: _Around, facts: d.Facts) -> Node | None:
    """Return the span round a tool's of the same call, across a protocol."""
    outer, over = around
    if outer is None:
        return None
    name, is_tool = outer.name, outer.kind == marks.TOOL
    if isinstance(outer, ForeignSpan):
        is_tool = outer.role == d.TOOL
        if outer.ended is not None:
            name = outer.ended.facts.name
            over = over or outer.ended.facts.protocol
    over = over or facts.protocol
    return outer if is_tool and over and d.same_tool(name, facts.name) else None


class _Beside:
    """The tools of each span that are called over no protocol, in the order of their starts."""

    def __init__(self) -> None:
        self._tools: dict[int, list[ForeignSpan]] = {}

    def find(self, part: ForeignSpan) -> ForeignSpan | None:
        """Return the framework's view of a call over a protocol, started in the same span.

        It goes on for as long as the call; of several that do, the last to start is it.
        """
        parent, ended = part.parent, part.ended
        if ended is None or not ended.facts.protocol or not isinstance(parent, ForeignSpan):
            return None
        tools = self._tools.get(id(parent))
        if tools is None:
            tools = self._tools[id(parent)] = sorted(
                (
                    one
                    for one in parent.children
                    if one.role == d.TOOL and one.ended is not None and not one.ended.facts.protocol
                ),
                key=started,
            )
        last = bisect_right(tools, started(part), key=started)
        names: dict[object, bool] = {}
        for one in reversed(tools[max(0, last - _MOST_BESIDE) : last]):
            if one.role != d.TOOL or one.source == part.source or end(one) < end(part):
                continue
            name = key_of(one.ended.facts.name) if one.ended is not None else None
            if name not in names and one.ended is not None:
                names[name] = d.same_tool(one.ended.facts.name, ended.facts.name)
            if names.get(name):
                return one
        return None
