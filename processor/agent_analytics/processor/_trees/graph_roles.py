"""Tells agents from the graphs and steps that some frameworks run everything as.

What a span says of its place in a graph (``_dialects/_shared/graphs``) is not all: older versions
say nothing of a graph itself, and instrumentations give whatever is called "agent" the role of one.
Which span is the graph that a step belongs to shows in the tree alone.
"""

from typing import Final

from agent_analytics.processor import _dialects as d
from agent_analytics.processor._runs.foreign_span import ForeignSpan
from agent_analytics.processor._trees.tree import end
from agent_analytics.processor._trees.tree_index import NONE, Order, Spells, key_of

_GRAPHS: Final = (d.GRAPH, d.GRAPH_AGENT)
_STEPS: Final = (d.GRAPH_STEP, d.GRAPH_FUNCTION)
_NO_AGENTS: Final = (*_STEPS, d.GRAPH_PLUMBING)


def find_graphs(order: Order) -> None:
    """Decide which spans of graphs are agents.

    Args:
        order: The spans of a run; their roles are changed.
    """
    places = [
        d.NO_GRAPH if (said := part.ended) is None else said.facts.graph for part in order.parts
    ]
    if not any(places):
        return
    _see_graphs(order, places)
    for place, part in zip(places, order.parts, strict=True):
        if place in _NO_AGENTS and part.role == d.AGENT:
            part.role = d.OTHER
        elif part.role == d.OTHER and place == d.GRAPH_AGENT:
            part.role = d.AGENT
    _call_agents(order, places)
    _promote(order, places)
    work = _Work(order, (d.MODEL, d.TOOL))
    idle: list[ForeignSpan] = []
    for number, _, part in order.upwards():
        if part.role == d.AGENT and places[number] == d.GRAPH and not work.has(number):
            idle.append(part)
        work.leave(number)
    for part in idle:
        part.role = d.WORKFLOW


def _see_graphs(order: Order, places: list[int]) -> None:
    """Find the graphs that say nothing of it: a graph is what its steps are started in.

    One that is a node of another is called like the step round it, and says that it is that step.
    """
    steps: set[tuple[int, str]] = set()  # where there is a step, and whose it is
    for number, up, part in order.downwards():
        if up != NONE and places[number] in _STEPS:
            steps.add((up, part.source))
    #: Of each span the graph round it, and the steps by name with the nearest graph round those.
    graphs: list[int] = []
    named: dict[object, list[int]] = {}
    for number, up, part in order.downwards():
        around = NONE if up == NONE else up if places[up] in _GRAPHS else graphs[up]
        graphs.append(around)
        key = _name(part)
        place = places[number]
        if part.ended is not None and place in (d.NO_GRAPH, d.GRAPH_STEP):
            inside = _open_steps(order, named.get(key), number)
            if (number, part.source) in steps and (
                place == d.NO_GRAPH or (inside is not None and inside > around)
            ):
                places[number] = d.GRAPH
        if part.ended is not None and places[number] == d.GRAPH_STEP:
            named.setdefault(key, []).append(number)


def _open_steps(order: Order, steps: list[int] | None, number: int) -> int | None:
    """Return the place of the nearest of some steps that is round a span; forget what is over."""
    while steps and order.last[steps[-1]] <= number:
        steps.pop()
    return steps[-1] if steps else None


def _name(part: ForeignSpan) -> object:
    return None if part.ended is None else key_of(part.ended.facts.name)


def _call_agents(order: Order, places: list[int]) -> None:
    """Make agents of the graphs beside a span, round them in time, that says that it is an agent.

    An instrumentation that sees a graph twice, as what is called and as what is announced, may
    give the two one parent.
    """
    wanted = [
        (up, part)
        for number, up, part in order.downwards()
        if up != NONE and places[number] == d.GRAPH and part.role == d.OTHER
    ]
    if not wanted:
        return
    agents: dict[tuple[int, str, object], list[tuple[int, int]]] = {}
    for _, up, part in order.downwards():
        if part.role == d.AGENT and part.ended is not None:
            agents.setdefault((up, part.source, _name(part)), []).append((part.start_ns, end(part)))
    spells = {key: Spells(found) for key, found in agents.items()}
    for up, part in wanted:
        beside = spells.get((up, part.source, _name(part)))
        if beside is not None and part.ended is not None and beside.hold(part.start_ns, end(part)):
            part.role = d.AGENT


def _promote(order: Order, places: list[int]) -> None:
    """Find agents from below: what is inside first, since a graph round an agent may be none.

    The function that a graph was declared by is an agent if it does an agent's work; one that only
    calls agents holds them. A graph is one whose step is called like an agent and asks a model; a
    step that is an agent of its own, or holds one, makes none of the graph.
    """
    parts = order.parts
    nearest: list[int] = []  # the agent or graph round each
    for _, up, _ in order.downwards():
        stops = up != NONE and (parts[up].role == d.AGENT or places[up] == d.GRAPH)
        nearest.append(up if stops or up == NONE else nearest[up])
    models, work = _Work(order, (d.MODEL,)), _Work(order, (d.MODEL, d.TOOL))
    agents = [False] * len(parts)
    for number, up, part in order.upwards():
        place = places[number]
        if place == d.GRAPH_FUNCTION:
            if work.has(number):
                part.role = d.AGENT
            elif not agents[number] and part.ended is not None:
                part.role = d.AGENT if part.ended.failed else d.OTHER
        elif place == d.GRAPH_STEP and part.ended is not None and part.ended.facts.role == d.AGENT:
            around = nearest[number]
            if around != NONE and not agents[number] and models.has(number):
                parts[around].role = d.AGENT
        models.leave(number)
        work.leave(number)
        if up != NONE:
            agents[up] = agents[up] or agents[number] or part.role == d.AGENT


class _Work:
    """Whether calls are below a span and in no agent there but one of the same name.

    Asked of every span, what is below first.

    Args:
        order: The spans, with their roles.
        roles: Those of the calls.
    """

    def __init__(self, order: Order, roles: tuple[int, ...]) -> None:
        self._order = order
        self._roles = roles
        self._plain = [False] * len(order.parts)
        #: Of each span, the names of the agents below it that have such calls.
        self._named: list[set[object] | None] = [None] * len(order.parts)

    def has(self, number: int) -> bool:
        """Return whether a span has some below it."""
        part = self._order.parts[number]
        names = self._named[number]
        return self._plain[number] or (
            part.ended is not None and names is not None and _name(part) in names
        )

    def leave(self, number: int) -> None:
        """Take a span, which has its role by now, for seen by the one above."""
        part, up = self._order.parts[number], self._order.up[number]
        names, plain = self._named[number], self._plain[number]
        if up == NONE:
            return
        if part.role == d.AGENT:
            # Through one agent after the other only where all of them have one name.
            names = {_name(part)} if part.ended is not None and self.has(number) else None
            plain = False
        self._plain[up] = self._plain[up] or plain or part.role in self._roles
        self._named[number] = None
        if not names:
            return
        others = self._named[up]
        if others is not None and len(others) > len(names):
            names, others = others, names
        if others is not None:
            names |= others  # the fewer into the more
        self._named[up] = names
