"""Runs whose topmost span does not end: what of them is counted, and as what.

A worker's loop, a span that an instrumentation forgets, a stream that nobody reads to its end: the
span round an agent may stay open for ever. After a while what has ended in it is counted. Nothing
says then that its agents are one run: each is an invocation of its own. Where the open span is an
agent itself, what is in it is its inner work, and it is taken for left when it is given up.
"""

from collections.abc import Iterable

from opentelemetry.sdk.trace import ReadableSpan

from agent_analytics.instrumentation import vocabulary as v
from agent_analytics.processor import _dialects as d
from agent_analytics.processor._count.core import Node
from agent_analytics.processor._runs.foreign_span import ForeignSpan
from agent_analytics.processor._runs.run import Run
from agent_analytics.processor._runs.span_end import SpanEnd
from agent_analytics.processor._spans.sdk_access import EndFields, as_it_stands
from agent_analytics.processor._trees.roles import assign_roles
from agent_analytics.processor._trees.tree import below, end, role_of_open


def open_since(nodes: Iterable[Node], horizon: float) -> list[ForeignSpan]:
    """Return the topmost spans that are open and began before ``horizon``."""
    return [
        node
        for node in nodes
        if isinstance(node, ForeignSpan) and node.run.top is node and node.started < horizon
    ]


def complete(run: Run, horizon: float) -> set[int]:
    """Return the spans of an open run, by ``id()``, that nothing more can be learned about.

    Args:
        run: The run.
        horizon: What is open and began after it, on the processor's clock, goes on.
    """
    top = run.top
    if top is None:
        return set()
    assign_roles(top)
    placed = _has_listing(run) or top.role == d.AGENT
    ready: set[int] = set()
    stack = [top]
    while stack:
        part = stack.pop()
        if part.ended is None:
            if part.started < horizon:
                stack.extend(part.children)
            continue
        inside = [part, *below(part)]
        if any(one.ended is None and one.started >= horizon for one in inside):
            continue
        if placed or any(one.role == d.AGENT for one in inside):
            ready.update(id(one) for one in inside if one.ended is not None)
    return ready


def _has_listing(run: Run) -> bool:
    """Tell whether what is in no agent has somebody to be credited to."""
    return (
        run.owner.agent is not None
        or run.within is not None
        or (run.anchor is not None and run.anchor.listing is not None)
    )


def left_open(
    part: ForeignSpan, span: ReadableSpan | None, fields: EndFields | None
) -> SpanEnd | None:
    """Return what an agent that is given up says: it was left when the last thing in it ended.

    ``None`` for what is no agent.

    Args:
        part: The topmost span of a run.
        span: The span itself, if that is still there.
        fields: What is read off its end.
    """
    if span is None or fields is None or role_of_open(part) != d.AGENT:
        return None
    _, attributes = as_it_stands(span)
    ended = part.read_end(attributes, span, fields)
    last = max((end(one) for one in below(part)), default=0)
    ended.end = max(last, ended.start or 0)
    ended.attributes.setdefault(v.OUTCOME, v.CANCELLED)
    return ended
