"""Views of one tool call that goes over a protocol: of the caller, the client and the server."""

from agent_analytics.instrumentation import vocabulary as v
from agent_analytics.processor import _dialects as d
from agent_analytics.processor import _nodes
from agent_analytics.processor._followed import Followed
from agent_analytics.processor._nodes import Node
from agent_analytics.processor._tree import end, merge_failure, started


def merge_protocol_calls(parts: list[Followed]) -> None:
    """Count a call over a protocol where it begins, with what its other spans tell of it.

    Those are of a framework or a decorator, of client and server, and of the server's function.
    """
    for part in parts:  # parents first
        if part.role != d.TOOL or part.told is None:
            continue
        outer = _round_protocol(part, part.told.facts) or _beside(part, part.told.facts)
        if outer is None:
            continue
        part.role = d.OTHER
        if isinstance(outer, Followed) and outer.told is not None:
            facts, inner = outer.told.facts, part.told
            facts.name = facts.name or inner.facts.name
            merge_failure(outer, part)
            if v.OUTCOME in inner.attributes:
                outer.told.attributes.setdefault(v.OUTCOME, inner.attributes[v.OUTCOME])


def _round_protocol(part: Followed, facts: d.Facts) -> Node | None:
    """Return the span round a tool's that tells of the same call, across a protocol."""
    over = facts.protocol
    outer = part.parent
    while outer is not None:
        name, kind, tool = outer.name, outer.kind, _nodes.TOOL
        if isinstance(outer, Followed):
            kind, tool = outer.role, d.TOOL
            if outer.told is not None:
                name = outer.told.facts.name
                over = over or outer.told.facts.protocol
        if kind == tool:
            return outer if over and d.same_tool(name, facts.name) else None
        if kind != d.OTHER:
            return None
        outer = outer.parent
    return None


def _beside(part: Followed, facts: d.Facts) -> Followed | None:
    """Return the framework's view of a call over a protocol, where both were started in one span.

    It goes on for as long as the call; of several that do, the last to start is it.
    """
    parent = part.parent
    if not facts.protocol or not isinstance(parent, Followed):
        return None
    return max(
        (
            one
            for one in parent.children
            if one.role == d.TOOL
            and one.told is not None
            and not one.told.facts.protocol
            and one.source != part.source
            and d.same_tool(one.told.facts.name, facts.name)
            and started(one) <= started(part)
            and end(part) <= end(one)
        ),
        key=started,
        default=None,
    )
