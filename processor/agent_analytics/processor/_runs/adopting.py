"""Puts a run where it belongs in the tree of another: several traces may be of one run.

Some instrumentations begin a new trace for what runs inside another's span: a vendor library in a
framework's model call, an agent in a tool, the same agent seen by a second instrumentation.
"""

from bisect import bisect_right, insort_right
from collections.abc import Iterator
from itertools import islice
from typing import Final

from agent_analytics.processor import _dialects as d
from agent_analytics.processor._runs.foreign_span import ForeignSpan
from agent_analytics.processor._runs.run import Run
from agent_analytics.processor._trees.roles import assign_roles
from agent_analytics.processor._trees.sameness import DIFFERENT, one_call
from agent_analytics.processor._trees.tree import NEAR, SLACK, above, below, end, same_name

#: Spans that are looked at on either side of a time, and below or above each.
_MOST_NEAR: Final = 64


class Adopting:
    """A run that has ended, and where others belong in its tree.

    Args:
        run: The run.
    """

    def __init__(self, run: Run) -> None:
        run.read = assign_roles(run.top).parts if run.top is not None else []
        self._run = run
        self._places = _Places(run.read)

    def adopt(self, guest: Run) -> bool:
        """Put a run that has ended where it belongs, if it does; return whether.

        Some instrumentations begin a new trace for what runs inside another's span: a vendor
        library in a framework's model call, an agent in a tool, the same agent seen by a second
        framework instrumentation. Where it belongs shows in the times alone.
        """
        top = guest.top
        if top is None or top.ended is None or not self._run.read:
            return False
        guests = guest.read or assign_roles(top).parts
        guest.read = []
        place: ForeignSpan | None = None
        agent = next((one for one in guests if one.role == d.AGENT), None)
        call = next((one for one in guests if one.role == d.MODEL), None)
        if agent is not None:
            near = self._places.of(d.TOOL, top.start_ns)
            place = None if guest.by_calls else _tool_round(top, near) or _tool_again(top, near)
            agents = self._places.of(d.AGENT, agent.start_ns)
            place = place or _agent_again(agent, agents, by_calls=guest.by_calls)
        elif any(one.role == d.TOOL for one in guests):
            place = _agent_round(top, self._places.of(d.AGENT, top.start_ns))
            place = place or _tool_again(top, self._places.of(d.TOOL, top.start_ns))
        elif call is not None:
            place = _call_round(call, self._places.of_call(call))
        if place is None:
            guest.read = guests
            return False
        graft(top, place)
        self._places.add(guests)
        fewer, more = sorted((guests, self._run.read), key=len)
        self._run.read = more
        more += fewer
        return True


class _Places:
    """The spans of a run by role, in the order of their starts."""

    def __init__(self, parts: list[ForeignSpan]) -> None:
        self._spans: dict[int, list[ForeignSpan]] = {d.AGENT: [], d.TOOL: [], d.MODEL: []}
        self._answers: dict[str, list[ForeignSpan]] = {}
        self._put(parts)
        for spans in self._spans.values():
            spans.sort(key=_start)

    def _put(self, parts: list[ForeignSpan]) -> None:
        for part in parts:
            if part.role not in self._spans:
                continue
            self._spans[part.role].append(part)
            answer = part.ended.facts.response_id if part.ended is not None else None
            if part.role == d.MODEL and answer is not None:
                alike = self._answers.setdefault(answer, [])
                if len(alike) < _MOST_NEAR:
                    alike.append(part)

    def add(self, parts: list[ForeignSpan]) -> None:
        """Add the spans of a run that was put into this one."""
        before = {role: len(spans) for role, spans in self._spans.items()}
        self._put(parts)
        for role, spans in self._spans.items():
            added = spans[before[role] :]
            if len(added) > _MOST_NEAR:
                spans.sort(key=_start)
                continue
            del spans[before[role] :]
            for part in added:
                insort_right(spans, part, key=_start)

    def of(self, role: int, start_ns: int) -> list[ForeignSpan]:
        """Return the spans of a role that began nearest to a time."""
        spans = self._spans[role]
        place = bisect_right(spans, start_ns, key=_start)
        near = spans[max(0, place - _MOST_NEAR) : place + _MOST_NEAR]
        if role == d.AGENT and place:  # those at work all the time may have begun long ago
            near += [one for one in islice(above(spans[place - 1]), _MOST_NEAR) if one.role == role]
        return near

    def of_call(self, call: ForeignSpan) -> list[ForeignSpan]:
        """Return the model calls with the answer of one, or that began nearest to it."""
        answer = call.ended.facts.response_id if call.ended is not None else None
        near = self.of(d.MODEL, call.start_ns)
        return near if answer is None else [*self._answers.get(answer, ()), *near]


def _start(part: ForeignSpan) -> int:
    return part.start_ns


def graft(top: ForeignSpan, place: ForeignSpan) -> None:
    """Put the topmost span of a run below a span of another."""
    top.parent = place
    place.children.append(top)


def _inside(part: ForeignSpan) -> Iterator[ForeignSpan]:
    """Yield the first spans below one, as far as one looks."""
    return islice(below(part), _MOST_NEAR)


def _call_round(first: ForeignSpan, parts: list[ForeignSpan]) -> ForeignSpan | None:
    """Return the call of another instrumentation that the first of some calls is a view of."""
    fitting = [
        (sure, abs(first.start_ns - one.start_ns), number)
        for number, one in enumerate(parts)
        if one.role == d.MODEL
        and (sure := one_call(first, one)) < DIFFERENT
        and not any(_is_call_of(inner, first.source) for inner in _inside(one))
    ]
    if not fitting:
        return None
    _, _, number = min(fitting)
    return parts[number]


def _is_call_of(span: ForeignSpan, source: str) -> bool:
    return span.source == source and span.ended is not None and span.ended.facts.role == d.MODEL


def _tool_round(top: ForeignSpan, parts: list[ForeignSpan]) -> ForeignSpan | None:
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


def _tool_again(top: ForeignSpan, parts: list[ForeignSpan]) -> ForeignSpan | None:
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
        and not any(inner.role == d.TOOL and inner.source == top.source for inner in _inside(one))
    ]
    return min(fitting, key=lambda one: abs(one.start_ns - top.start_ns), default=None)


def _may_be_same_tool(one: ForeignSpan, other: ForeignSpan) -> bool:
    """Tell whether two spans may be of one tool, which frameworks and protocols name apart."""
    if same_name(one, other):
        return True
    if one.ended is None or other.ended is None:
        return False
    first, second = one.ended.facts, other.ended.facts
    return (first.protocol or second.protocol) and d.same_tool(first.name, second.name)


def _agent_round(top: ForeignSpan, parts: list[ForeignSpan]) -> ForeignSpan | None:
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


def _agent_again(
    agent: ForeignSpan, parts: list[ForeignSpan], *, by_calls: bool
) -> ForeignSpan | None:
    fitting = [
        one
        for one in parts
        if one.role == d.AGENT
        and one.source != agent.source
        and (by_calls or abs(one.start_ns - agent.start_ns) <= NEAR)
        and _may_be_same(one, agent)
        and not any(
            near.role == d.AGENT and near.source == agent.source
            for near in (*islice(above(one), _MOST_NEAR), *_inside(one))
        )
    ]
    return min(fitting, key=lambda one: abs(agent.start_ns - one.start_ns), default=None)


def _may_be_same(one: ForeignSpan, other: ForeignSpan) -> bool:
    """Tell whether two spans may be of one agent: by name, or by both ends where one has none."""
    if same_name(one, other):
        return True
    unnamed = any(part.ended is not None and not part.ended.facts.named for part in (one, other))
    return unnamed and abs(end(one) - end(other)) <= NEAR
