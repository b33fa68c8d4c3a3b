"""Reads a whole run of foreign spans as a tree: what is an invocation, what is inner work.

The outermost agent of a run is the invocation; agents in it are inner work. Where a framework
hangs several agents side by side below a span of its own (a workflow, a crew, a handoff), they
are one run, too.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from agent_analytics.processor import _dialects as d
from agent_analytics.processor._followed import Followed
from agent_analytics.processor._graph_roles import find_graphs
from agent_analytics.processor._protocol_views import merge_protocol_calls
from agent_analytics.processor._tree import (
    above,
    below,
    end,
    own,
    role_of_open,
    same_name,
    same_source,
)
from agent_analytics.processor._usage_records import set_repeated_aside
from agent_analytics.processor._views import merge_views

#: Tools of frameworks that pass the run on to another agent.
_HANDOFFS: Final = frozenset({"transfer_to_agent", "handoff_to_agent", "handoff"})
_HANDOFF_PREFIXES: Final = ("transfer_to_", "transfer_back_to_", "handoff_to_")


def assign_roles(top: Followed) -> list[Followed]:
    """Decide what each span of a run is; return all of them, parents first."""
    parts = [top, *below(top)]
    for part in parts:
        if part.told is None:
            part.role = role_of_open(part)
        else:
            part.told.facts = part.told.said
            part.role = part.told.facts.role
    _moments(parts)
    find_graphs(parts)
    _unmarked(parts)
    _containers(parts)
    _handoffs(parts)
    _workflows(parts)
    merge_protocol_calls(parts)
    merge_views(parts)
    set_repeated_aside(parts)
    return parts


def units(parts: Iterable[Followed], *, apart: bool = False) -> dict[int, list[Followed]]:
    """Return the outermost agents, grouped by the span that stands for their common run.

    Keys are ids of ``Followed`` objects: the agent itself, or the topmost span of the same
    instrumentation above it.

    Args:
        parts: The spans of a run, with their roles.
        apart: Whether each agent is a run of its own.
    """
    groups: dict[int, list[Followed]] = {}
    for part in parts:
        if part.role != d.AGENT or any(one.role == d.AGENT for one in above(part)):
            continue
        groups.setdefault(id(part if apart else container_of(part)), []).append(part)
    return groups


def container_of(agent: Followed) -> Followed:
    """Return the topmost span of a framework round an agent that is no call, or the agent itself.

    A span that nothing says of that it has to do with agents (a request, a step of the user's own)
    holds any number of runs.
    """
    found = agent
    for one in above(agent):
        if one.role not in (d.WORKFLOW, d.OTHER):
            break
        if one.role == d.WORKFLOW or one.speaks:
            found = one
    return found


def same_agent(agent: Followed) -> Iterator[Followed]:
    """Yield further spans of the very same run of an agent, directly below its first."""
    stack = [agent]
    while stack:
        for one in stack.pop().children:
            if one.role in (d.AGENT, d.WORKFLOW) and same_name(one, agent):
                yield one
                stack.append(one)


# --- roles that only the tree tells --------------------------------------------------------------


def _moments(parts: list[Followed]) -> None:
    """Find spans without a length that stand for something that happened in the one round them.

    Some instrumentations write what a framework announces as a span of the kind of its parent.
    """
    for part in parts:
        if part.role == d.OTHER or part.told is None or part.told.rest[3] != part.told.rest[4]:
            continue
        parent = part.parent
        if isinstance(parent, Followed) and parent.role == part.role and same_source(part, parent):
            part.role = d.OTHER


def _unmarked(parts: list[Followed]) -> None:
    """Take spans that are called like agents for ones, where nothing else round them is one."""
    for part in parts:
        if (
            part.told is not None
            and part.told.facts.unmarked
            and part.role in (d.OTHER, d.WORKFLOW)
            and not any(one.role == d.AGENT for one in above(part))
            and not any(one.role == d.AGENT for one in below(part))
        ):
            part.role = d.AGENT


def _containers(parts: list[Followed]) -> None:
    """Find agents that are none: a span without a name of its own round a named one."""
    for part in parts:
        if part.role != d.AGENT or part.told is None or part.told.facts.named:
            continue
        if part.told.facts.graph != d.NO_GRAPH:
            continue
        if any(
            one.role == d.AGENT
            and one.told is not None
            and one.told.facts.named
            and same_source(one, part)
            for one in below(part)
        ):
            part.role = d.WORKFLOW


def _workflows(parts: list[Followed]) -> None:
    """Find workflows that are agents: they work as one, or are what the user's code declares.

    Some instrumentations call any graph a workflow, one that the framework built as an agent, too.
    One that asks a model, and asks again once a tool has answered, works as an agent; so does one
    that calls agents as tools.
    """
    for part in parts:
        if part.role != d.WORKFLOW or any(one.role == d.AGENT for one in above(part)):
            continue
        calls: list[Followed] = []
        tools: list[Followed] = []
        holds = False
        stack = list(part.children)
        while stack:
            one = stack.pop()
            holds = holds or one.role == d.AGENT
            if one.role == d.TOOL:
                tools.append(one)
                continue
            if one.role == d.MODEL:
                calls.append(one)
            stack.extend(one.children)
        if not holds and (_works(calls, tools) or _is_declared(part, calls or tools)):
            part.role = d.AGENT


def _works(calls: list[Followed], tools: list[Followed]) -> bool:
    if not calls:
        return False
    first = min(one.start_ns for one in calls)
    last = max(one.start_ns for one in calls)
    return any(
        (first <= tool.start_ns and end(tool) <= last)
        or any(inner.role == d.AGENT for inner in below(tool))
        for tool in tools
    )


def _is_declared(workflow: Followed, work: list[Followed]) -> bool:
    """Tell whether the user's code declares a workflow that asked a model, called a tool or failed.

    What does neither has nothing to do with agents.
    """
    told = workflow.told
    return told is not None and told.facts.declared and (bool(work) or told.rest[2])


def _handoffs(parts: list[Followed]) -> None:
    """Find tools by which one agent only passes the run on to another."""
    agents: set[str] | None = None
    for part in parts:
        if part.role != d.TOOL or part.told is None:
            continue
        told: object = part.told.facts.name  # a convention's attribute may hold anything
        name = told if isinstance(told, str) else ""
        if name in _HANDOFFS:
            part.role = d.HANDOFF
        elif name.startswith(_HANDOFF_PREFIXES):
            if agents is None:
                agents = {
                    _slug(one.told.facts.name)
                    for one in parts
                    if one.role == d.AGENT and one.told is not None
                }
            if _slug(name.partition("to_")[2]) in agents:
                part.role = d.HANDOFF


def _slug(name: str | None) -> str:
    return (name or "").lower().replace(" ", "_").replace("-", "_")


__all__ = [
    "assign_roles",
    "container_of",
    "own",
    "same_agent",
    "units",
]
