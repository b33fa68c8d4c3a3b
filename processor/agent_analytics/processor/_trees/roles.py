"""Reads a whole run of foreign spans as a tree: what is an invocation, what is inner work.

The outermost agent of a run is the invocation; agents in it are inner work. Where a framework
hangs several agents side by side below a span of its own (a workflow, a crew, a handoff), they
are one run, too.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from agent_analytics.processor import _dialects as d
from agent_analytics.processor._runs.foreign_span import ForeignSpan
from agent_analytics.processor._runs.usage_records import set_repeated_aside
from agent_analytics.processor._trees.deduplicate import merge_views
from agent_analytics.processor._trees.graph_roles import find_graphs
from agent_analytics.processor._trees.protocol_views import merge_protocol_calls
from agent_analytics.processor._trees.tree import below, own, role_of_open, same_name, same_source
from agent_analytics.processor._trees.tree_index import NONE, Order
from agent_analytics.processor._trees.workflows import find_workflows

#: Tools of frameworks that pass the run on to another agent.
_HANDOFFS: Final = frozenset({"transfer_to_agent", "handoff_to_agent", "handoff"})
_HANDOFF_PREFIXES: Final = ("transfer_to_", "transfer_back_to_", "handoff_to_")


def assign_roles(top: ForeignSpan) -> Order:
    """Decide what each span of a run is; return all of them."""
    parts = [top, *below(top)]
    for part in parts:
        if part.ended is None:
            part.role = role_of_open(part)
        else:
            part.ended.facts = part.ended.said
            part.role = part.ended.facts.role
    order = Order(parts)
    _moments(parts)
    find_graphs(order)
    _unmarked(order)
    _containers(order)
    _handoffs(parts)
    find_workflows(order)
    merge_protocol_calls(order)
    merge_views(order)
    set_repeated_aside(parts)
    return order


def units(order: Order, *, apart: bool = False) -> dict[int, list[ForeignSpan]]:
    """Return the outermost agents, grouped by the span that stands for their common run.

    Keys are ids of ``ForeignSpan`` objects: the agent itself, or the topmost span of the same
    framework round it that is no call. A span that nothing says of that it has to do with agents
    (a request, a step of the user's own) holds any number of runs.

    Args:
        order: The spans of a run, with their roles.
        apart: Whether each agent is a run of its own.
    """
    groups: dict[int, list[ForeignSpan]] = {}
    in_agent = order.in_agents()
    holders: list[ForeignSpan | None] = []
    for place, above, part in order.downwards():
        inside = in_agent[place]
        around = _holder(order.outside()) if above == NONE else holders[above]
        if part.role == d.AGENT and not inside:
            groups.setdefault(id(part if apart else around or part), []).append(part)
        if part.role not in (d.WORKFLOW, d.OTHER):
            holders.append(None)
        elif around is None and (part.role == d.WORKFLOW or part.speaks):
            holders.append(part)
        else:
            holders.append(around)
    return groups


def _holder(spans: Iterable[ForeignSpan]) -> ForeignSpan | None:
    """Return the topmost span of a framework among some, the nearest first, up to a call."""
    found = None
    for one in spans:
        if one.role not in (d.WORKFLOW, d.OTHER):
            break
        if one.role == d.WORKFLOW or one.speaks:
            found = one
    return found


def same_agent(agent: ForeignSpan) -> Iterator[ForeignSpan]:
    """Yield further spans of the very same run of an agent, directly below its first."""
    stack = [agent]
    while stack:
        for one in stack.pop().children:
            if one.role in (d.AGENT, d.WORKFLOW) and same_name(one, agent):
                yield one
                stack.append(one)


# --- roles that only the tree shows --------------------------------------------------------------


def _moments(parts: list[ForeignSpan]) -> None:
    """Find spans without a length that stand for something that happened in the one round them.

    Some instrumentations write what a framework announces as a span of the kind of its parent.
    """
    for part in parts:
        if part.role == d.OTHER or part.ended is None or part.ended.start != part.ended.end:
            continue
        parent = part.parent
        if (
            isinstance(parent, ForeignSpan)
            and parent.role == part.role
            and same_source(part, parent)
        ):
            part.role = d.OTHER


def _unmarked(order: Order) -> None:
    """Take spans that are called like agents for ones, where nothing else round them is one."""
    parts = order.parts
    if not any(part.ended is not None and part.ended.facts.unmarked for part in parts):
        return
    holds = order.any_below(_is_agent)
    in_agent = [order.is_in_agent()]
    for place, above, part in order.downwards():
        if above != NONE:
            in_agent.append(in_agent[above] or parts[above].role == d.AGENT)
        if (
            part.ended is not None
            and part.ended.facts.unmarked
            and part.role in (d.OTHER, d.WORKFLOW)
            and not in_agent[place]
            and not holds[place]
        ):
            part.role = d.AGENT


def _is_agent(part: ForeignSpan) -> bool:
    return part.role == d.AGENT


def _containers(order: Order) -> None:
    """Find agents that are none: a span without a name of its own round a named one."""
    named: dict[str, list[int]] = {}
    nameless: list[tuple[int, ForeignSpan]] = []
    for place, _, part in order.downwards():
        if part.role != d.AGENT or part.ended is None:
            continue
        if part.ended.facts.named:
            named.setdefault(part.source, []).append(place)
        elif part.ended.facts.graph == d.NO_GRAPH:
            nameless.append((place, part))
    for place, part in nameless:
        if order.has_below(place, named.get(part.source, [])):
            part.role = d.WORKFLOW


def _handoffs(parts: list[ForeignSpan]) -> None:
    """Find tools by which one agent only passes the run on to another."""
    agents: set[str] | None = None
    for part in parts:
        if part.role != d.TOOL or part.ended is None:
            continue
        called: object = part.ended.facts.name  # a convention's attribute may hold anything
        name = called if isinstance(called, str) else ""
        if name in _HANDOFFS:
            part.role = d.HANDOFF
        elif name.startswith(_HANDOFF_PREFIXES):
            if agents is None:
                agents = {
                    _slug(one.ended.facts.name)
                    for one in parts
                    if one.role == d.AGENT and one.ended is not None
                }
            if _slug(name.partition("to_")[2]) in agents:
                part.role = d.HANDOFF


def _slug(name: str | None) -> str:
    return (name or "").lower().replace(" ", "_").replace("-", "_")


__all__ = [
    "assign_roles",
    "own",
    "same_agent",
    "units",
]
