"""Tells agents from the graphs and steps that some frameworks run everything as.

What a span says of its place in a graph (``_dialects/_graphs``) is not all: older versions say
nothing of a graph itself, and instrumentations give whatever is called "agent" the role of one.
Which span is the graph that a step belongs to shows in the tree alone.
"""

from typing import Final

from agent_analytics.processor import _dialects as d
from agent_analytics.processor._followed import Followed
from agent_analytics.processor._tree import above, below, end, own, same_name, same_source

_STEPS: Final = (d.GRAPH_STEP, d.GRAPH_FUNCTION)
_NO_AGENTS: Final = (*_STEPS, d.GRAPH_PLUMBING)
#: A place in a graph, of each span by its ``id()``.
_Places = dict[int, int]


def find_graphs(parts: list[Followed]) -> None:
    """Decide which spans of graphs are agents.

    Args:
        parts: The spans of a run, parents first; their roles are changed.
    """
    places = {id(part): _said(part) for part in parts}
    if not any(places.values()):
        return
    _see_graphs(parts, places)
    for part in parts:
        place = places[id(part)]
        if place in _NO_AGENTS and part.role == d.AGENT:
            part.role = d.OTHER
        elif part.role == d.OTHER and (place == d.GRAPH_AGENT or _called_agent(part, places)):
            part.role = d.AGENT
    for part in reversed(parts):  # what is inside first: a graph round an agent may be none
        place = places[id(part)]
        if place == d.GRAPH_FUNCTION:
            _declared(part)
        elif place == d.GRAPH_STEP and part.told is not None and part.told.facts.role == d.AGENT:
            _promote(part, places)
    for part in parts:
        if (
            part.role == d.AGENT
            and places[id(part)] == d.GRAPH
            and not any(own(part, d.MODEL))
            and not any(own(part, d.TOOL))
        ):
            part.role = d.WORKFLOW


def _said(part: Followed) -> int:
    return d.NO_GRAPH if part.told is None else part.told.facts.graph


def _see_graphs(parts: list[Followed], places: _Places) -> None:
    """Find the graphs that say nothing of it: a graph is what its steps are started in.

    One that is a node of another is called like the step round it, and says that it is that step.
    """
    for part in parts:  # parents first
        place = places[id(part)]
        if part.told is None or place not in (d.NO_GRAPH, d.GRAPH_STEP):
            continue
        if any(places[id(one)] in _STEPS and same_source(one, part) for one in part.children) and (
            place == d.NO_GRAPH or _in_step_of_its_name(part, places)
        ):
            places[id(part)] = d.GRAPH


def _in_step_of_its_name(part: Followed, places: _Places) -> bool:
    for one in above(part):
        if places[id(one)] in (d.GRAPH, d.GRAPH_AGENT):
            return False
        if places[id(one)] == d.GRAPH_STEP and same_name(one, part):
            return True
    return False


def _called_agent(graph: Followed, places: _Places) -> bool:
    """Tell whether a span beside a graph's, round it in time, says that it is an agent.

    An instrumentation that sees a graph twice, as what is called and as what is announced, may
    give the two one parent.
    """
    parent = graph.parent
    if places[id(graph)] != d.GRAPH or not isinstance(parent, Followed):
        return False
    return any(
        one.role == d.AGENT
        and same_source(one, graph)
        and same_name(one, graph)
        and one.start_ns <= graph.start_ns
        and end(graph) <= end(one)
        for one in parent.children
    )


def _declared(function: Followed) -> None:
    """Make an agent of the function that a graph was declared by, if it does an agent's work.

    One that only calls agents holds them.
    """
    if any(own(function, d.MODEL)) or any(own(function, d.TOOL)):
        function.role = d.AGENT
    elif not any(one.role == d.AGENT for one in below(function)) and function.told is not None:
        function.role = d.AGENT if function.told.rest[2] else d.OTHER


def _promote(step: Followed, places: _Places) -> None:
    """Make the graph an agent whose step is called like one and asks a model.

    A step that is an agent of its own, or holds one, makes none of the graph.
    """
    if not any(own(step, d.MODEL)) or any(one.role == d.AGENT for one in below(step)):
        return
    for one in above(step):
        if one.role == d.AGENT:
            return
        if places[id(one)] == d.GRAPH:
            one.role = d.AGENT
            return
