"""Puts a run where it belongs in the tree of another: several traces may be of one run.

Some instrumentations begin a new trace for what runs inside another's span: a vendor library in a
framework's model call, an agent in a tool, the same agent seen by a second instrumentation.
"""

from agent_analytics.processor import _dialects as d
from agent_analytics.processor._followed import Followed, Run
from agent_analytics.processor._sameness import DIFFERENT, one_call
from agent_analytics.processor._settling import assign_roles
from agent_analytics.processor._tree import NEAR, SLACK, above, below, end, same_name


def adopt(parts: list[Followed], run: Run) -> bool:
    """Put a run where it belongs in the tree of another, if it does; tell whether.

    Some instrumentations begin a new trace for what runs inside another's span: a vendor library
    in a framework's model call, an agent in a tool, the same agent seen by a second framework
    instrumentation. Where it belongs shows in the times alone.

    Args:
        parts: The spans of the run that it may belong to, with their roles; where it does, its
            own are added.
        run: The run that has ended.
    """
    top = run.top
    if top is None or top.told is None:
        return False
    guests = assign_roles(top)
    place: Followed | None = None
    agents = [one for one in guests if one.role == d.AGENT]
    calls = [one for one in guests if one.role == d.MODEL]
    if agents:
        place = None if run.by_calls else _tool_round(top, parts) or _tool_again(top, parts)
        place = place or _agent_again(agents[0], parts, by_calls=run.by_calls)
    elif any(one.role == d.TOOL for one in guests):
        place = _agent_round(top, parts) or _tool_again(top, parts)
    elif calls:
        place = _call_round(calls, parts)
    if place is None:
        return False
    graft(top, place)
    parts.extend(guests)
    return True


def graft(top: Followed, place: Followed) -> None:
    """Put the topmost span of a run below a span of another."""
    top.parent = place
    place.children.append(top)


def _call_round(calls: list[Followed], parts: list[Followed]) -> Followed | None:
    """Return the call of another instrumentation that the first of some calls is a view of."""
    first = calls[0]
    fitting = [
        (sure, abs(first.start_ns - one.start_ns), number)
        for number, one in enumerate(parts)
        if one.role == d.MODEL
        and (sure := one_call(first, one)) < DIFFERENT
        and not any(_is_call_of(inner, first.source) for inner in below(one))
    ]
    return parts[min(fitting)[2]] if fitting else None


def _is_call_of(span: Followed, source: str) -> bool:
    return span.source == source and span.told is not None and span.told.facts.role == d.MODEL


def _tool_round(top: Followed, parts: list[Followed]) -> Followed | None:
    ended = end(top)
    fitting = [
        one
        for one in parts
        if one.role == d.TOOL
        and one.source == top.source
        and one.start_ns <= top.start_ns <= one.start_ns + NEAR
        and ended <= end(one) + SLACK
    ]
    return max(fitting, key=lambda one: one.start_ns, default=None)


def _tool_again(top: Followed, parts: list[Followed]) -> Followed | None:
    """Return another instrumentation's span of the tool call that a run begins with."""
    if top.role != d.TOOL:
        return None
    fitting = [
        one
        for one in parts
        if one.role == d.TOOL
        and one.source != top.source
        and _may_be_same_tool(one, top)
        and abs(one.start_ns - top.start_ns) <= NEAR
        and not any(inner.role == d.TOOL and inner.source == top.source for inner in below(one))
    ]
    return min(fitting, key=lambda one: abs(one.start_ns - top.start_ns), default=None)


def _may_be_same_tool(one: Followed, other: Followed) -> bool:
    """Tell whether two spans may be of one tool, which frameworks and protocols name apart."""
    if same_name(one, other):
        return True
    if one.told is None or other.told is None:
        return False
    first, second = one.told.facts, other.told.facts
    return (first.protocol or second.protocol) and d.same_tool(first.name, second.name)


def _agent_round(top: Followed, parts: list[Followed]) -> Followed | None:
    """Return the agent of the same instrumentation that was at work all the time of a tool call."""
    ended = end(top)
    fitting = [
        one
        for one in parts
        if one.role == d.AGENT
        and one.source == top.source
        and one.start_ns <= top.start_ns
        and ended <= end(one) + SLACK
    ]
    return max(fitting, key=lambda one: one.start_ns, default=None)


def _agent_again(agent: Followed, parts: list[Followed], *, by_calls: bool) -> Followed | None:
    fitting = [
        one
        for one in parts
        if one.role == d.AGENT
        and one.source != agent.source
        and (by_calls or abs(one.start_ns - agent.start_ns) <= NEAR)
        and _may_be_same(one, agent)
        and not any(
            near.role == d.AGENT and near.source == agent.source
            for near in (*above(one), *below(one))
        )
    ]
    return min(fitting, key=lambda one: abs(agent.start_ns - one.start_ns), default=None)


def _may_be_same(one: Followed, other: Followed) -> bool:
    """Tell whether two spans may be of one agent: by name, or by both ends where one has none."""
    if same_name(one, other):
        return True
    unnamed = any(part.told is not None and not part.told.facts.named for part in (one, other))
    return unnamed and abs(end(one) - end(other)) <= NEAR
