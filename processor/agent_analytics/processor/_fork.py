"""What a forked child makes of a processor: it counts from zero, what was is the parent's."""

import os
import weakref
from typing import Any, Final, Protocol

from opentelemetry.trace import get_current_span

from agent_analytics.instrumentation.health import note_internal_error
from agent_analytics.processor._count.core import Node
from agent_analytics.processor._runs.foreign_span import ForeignSpan
from agent_analytics.processor._spans import marks as _nodes
from agent_analytics.processor._wiring import Wiring


class _Forks(Protocol):
    def after_fork(self) -> None:
        """Count from zero in a forked child."""


_live: Final["weakref.WeakSet[Any]"] = weakref.WeakSet()


def note(processor: _Forks) -> None:
    """Call ``after_fork`` of a processor in every child that is forked from now on."""
    _live.add(processor)


def begin_anew(parts: Wiring) -> None:
    """Let the parts of a processor count from zero."""
    lock: Any = parts.lock
    lock._at_fork_reinit()  # noqa: SLF001 - as the standard library does after a fork
    nodes = parts.open_spans.nodes
    inherited = dict(nodes)
    parts.inherited |= inherited.keys()
    nodes.clear()
    parts.runs.after_fork()
    parts.health.reset()
    parts.listings.reset()
    if parts.store is not None:
        parts.store.after_fork()
    if parts.shared_ids is not None:
        parts.shared_ids.after_fork()
    parts.snapshots.after_fork()
    for each in inherited.values():
        if type(each) is ForeignSpan:
            each.settled = True  # its run is the parent's
    _keep_current(parts, inherited)


def _keep_current(parts: Wiring, inherited: dict[int, Node]) -> None:
    """Keep what is round the current span: what starts below still belongs to its invocation."""
    node = inherited.get(get_current_span().get_span_context().span_id)
    ids = {id(each): number for number, each in inherited.items()}
    while node is not None:
        if node.listing is not None:
            node.listing = parts.listings.find(node.listing.publisher, node.listing.agent)
        node.kind = _nodes.OTHER
        number = ids.get(id(node))
        if number is not None:
            parts.open_spans.nodes[number] = node
        node = node.parent


def _after_fork() -> None:
    for processor in list(_live):
        try:
            processor.after_fork()
        except Exception:  # noqa: BLE001 - the others must count, whatever one of them holds
            note_internal_error("a fork")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
