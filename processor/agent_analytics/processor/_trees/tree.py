"""Walking a run of foreign spans, and comparing its spans."""

from collections.abc import Iterator
from typing import Final

from agent_analytics.instrumentation import vocabulary as v
from agent_analytics.processor import _dialects as d
from agent_analytics.processor._runs.foreign_span import ForeignSpan

#: Clocks of two spans of one call differ by no more, in nanoseconds.
SLACK: Final = 5_000_000
#: What one instrumentation sees of another's span starts or ends so near to it, in nanoseconds.
NEAR: Final = 100_000_000
_HOLDERS: Final = (d.AGENT, d.WORKFLOW)


def role_of_open(part: ForeignSpan) -> int:
    """Return what an open span says so far that it is, if that is an agent or holds some."""
    facts = part.so_far()
    return facts.role if facts is not None and facts.role in _HOLDERS else d.OTHER


def below(node: ForeignSpan) -> Iterator[ForeignSpan]:
    """Yield every span below, parents first."""
    stack = list(reversed(node.children))
    while stack:
        one = stack.pop()
        yield one
        stack.extend(reversed(one.children))


def above(node: ForeignSpan) -> Iterator[ForeignSpan]:
    """Yield the foreign spans above, nearest first."""
    parent = node.parent
    while isinstance(parent, ForeignSpan):
        yield parent
        parent = parent.parent


def own(agent: ForeignSpan, role: int) -> Iterator[ForeignSpan]:
    """Yield the spans of a role below an agent that belong to no agent below it."""
    stack = list(agent.children)
    while stack:
        one = stack.pop()
        if one.role == role:
            yield one
        if one.role != d.AGENT or same_name(one, agent):
            stack.extend(one.children)


def prune(top: ForeignSpan | None) -> list[int]:
    """Let go of what was counted and has nothing open below it; return the ids of those spans."""
    gone: list[int] = []
    for part in reversed([top, *below(top)] if top is not None else ()):  # children first
        kept: list[ForeignSpan] = []
        for one in part.children:
            if one.children or not one.settled or one.keeps:
                kept.append(one)
            else:
                gone.append(one.span_id)
        part.children = kept
    return gone


def cut(parts: list[ForeignSpan], keep_latest: int) -> int:
    """Return how many spans to count so that views of one call are not parted.

    That is before the last ``keep_latest`` to start, where nothing that has ended goes on.
    """
    if not keep_latest:
        return len(parts)
    best, last = 0, 0
    for number, part in enumerate(parts[: len(parts) - keep_latest]):
        if part.start_ns >= last:
            best = number
        last = max(last, end(part))
    most = len(parts) - keep_latest
    return best if best > most // 2 else most


def started(part: ForeignSpan) -> int:
    """Return when a span that has ended began, in nanoseconds since 1970."""
    return (part.ended.start or 0) if part.ended is not None else 0


def end(part: ForeignSpan) -> int:
    """Return when a span ended, in nanoseconds since 1970; 0 while it has not."""
    return (part.ended.end or 0) if part.ended is not None else 0


def same_source(one: ForeignSpan, other: ForeignSpan) -> bool:
    """Tell whether one instrumentation recorded both."""
    return one.source == other.source


def same_name(one: ForeignSpan, other: ForeignSpan) -> bool:
    """Tell whether both are called alike."""
    return (
        one.ended is not None
        and other.ended is not None
        and one.ended.facts.name == other.ended.facts.name
    )


def is_steered(part: ForeignSpan) -> bool:
    """Return whether a span says that an exception ended it by which a framework steers."""
    return part.ended is not None and part.ended.attributes.get(v.OUTCOME) == v.STEERED


def merge_failure(kept: ForeignSpan, dropped: ForeignSpan) -> None:
    """Let a call have failed if one of its spans says so.

    That an exception steers is known to those alone that say what it was.
    """
    one, other = kept.ended, dropped.ended
    if one is None or other is None or one.attributes.get(v.OUTCOME) == v.STEERED:
        return
    if other.attributes.get(v.OUTCOME) == v.STEERED:
        one.failed = False
        one.attributes[v.OUTCOME] = v.STEERED
        return
    if not other.failed or one.failed:
        return
    one.failed = True
    one.attributes.update(other.attributes)
