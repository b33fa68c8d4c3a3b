"""Finds the workflows that are agents: they work as one, or are what the user's code declares.

Some instrumentations call any graph a workflow, one that the framework built as an agent, too. One
that asks a model, and asks again once a tool has answered, works as an agent; so does one that
calls agents as tools.
"""

from typing import Final

from agent_analytics.processor import _dialects as d
from agent_analytics.processor._runs.foreign_span import ForeignSpan
from agent_analytics.processor._trees.tree import end
from agent_analytics.processor._trees.tree_index import NONE, Order

_WORK: Final = (d.MODEL, d.TOOL)


def find_workflows(order: Order) -> None:
    """Give workflows that are agents that role.

    Args:
        order: The spans of a run, with their roles so far.
    """
    parts = order.parts
    if not any(part.role == d.WORKFLOW for part in parts):
        return
    agents = order.any_below(lambda part: part.role == d.AGENT)
    holds, works = _outside_tools(order)
    in_agent = [order.is_in_agent()]
    #: Whether a workflow round each, with no tool between, was found not to work: nor do its parts.
    idle: list[bool] = []
    for place, above, part in order.downwards():
        if above != NONE:
            in_agent.append(in_agent[above] or parts[above].role == d.AGENT)
        seen = above != NONE and parts[above].role != d.TOOL and idle[above]
        idle.append(seen)
        if part.role != d.WORKFLOW or in_agent[place] or holds[place]:
            continue
        if (not seen and _works(order, place, agents)) or _is_declared(part, work=works[place]):
            part.role = d.AGENT
        idle[place] = True


def _outside_tools(order: Order) -> tuple[list[bool], list[bool]]:
    """Return of each span whether an agent, and whether a call, is below it, in no tool there."""
    holds, works = [False] * len(order.parts), [False] * len(order.parts)
    for place, above, part in order.upwards():
        if above == NONE:
            continue
        through = part.role != d.TOOL
        holds[above] = holds[above] or part.role == d.AGENT or (through and holds[place])
        works[above] = works[above] or part.role in _WORK or (through and works[place])
    return holds, works


def _works(order: Order, workflow: int, agents: list[bool]) -> bool:
    """Return whether models are asked before and after a tool, or agents are called as tools."""
    parts = order.parts
    calls: list[ForeignSpan] = []
    tools: list[int] = []
    place = workflow + 1
    while place < order.last[workflow]:
        part = parts[place]
        if part.role == d.TOOL:
            tools.append(place)
            place = order.last[place]
            continue
        if part.role == d.MODEL:
            calls.append(part)
        place += 1
    if not calls:
        return False
    first = min(one.start_ns for one in calls)
    last = max(one.start_ns for one in calls)
    return any(
        agents[tool] or (first <= parts[tool].start_ns and end(parts[tool]) <= last)
        for tool in tools
    )


def _is_declared(workflow: ForeignSpan, *, work: bool) -> bool:
    """Tell whether the user's code declares a workflow that asked a model, called a tool or failed.

    What does neither has nothing to do with agents.
    """
    ended = workflow.ended
    return ended is not None and ended.facts.declared and (work or ended.failed)
