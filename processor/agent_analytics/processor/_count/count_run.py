"""Counts a run of foreign spans: every invocation, tool call, model call and token once."""

from typing import Final

from agent_analytics.instrumentation import mistakes
from agent_analytics.instrumentation.tracing import SCOPE
from agent_analytics.processor._count.invocations import InvocationCounter
from agent_analytics.processor._count.observation import RECORD, REPEAT, Observation
from agent_analytics.processor._count.tools import ToolCounter
from agent_analytics.processor._count.usage import UsageCounter
from agent_analytics.processor._runs.foreign_span import ForeignSpan
from agent_analytics.processor._series import health as _health
from agent_analytics.processor._series.health import Health
from agent_analytics.processor._spans import marks

_LOST: Final = {
    marks.TOOL: _health.TOOL,
    marks.INFERENCE: _health.INFERENCE,
    RECORD: _health.INFERENCE,
}
#: What does not count in an invocation that was recorded before; the others see to it themselves.
_ONCE: Final = (marks.INFERENCE, RECORD)


class RunCounter:
    """Adds the spans of a run to the cells of their listings."""

    def __init__(
        self,
        health: Health,
        usage: UsageCounter,
        tools: ToolCounter,
        invocations: InvocationCounter,
    ) -> None:
        self._health = health
        self._usage = usage
        self._tools = tools
        self._invocations = invocations

    def add(self, node: ForeignSpan, seen: Observation) -> None:
        """Add one span of a run.

        Args:
            node: The span's.
            seen: What is known of it.
        """
        listing, kind = node.listing, seen.kind
        if kind == REPEAT or (kind in _ONCE and _is_repeated(node)):
            self._health.repeat()
        elif listing is None:
            self._lose(node, seen)
        elif kind == marks.TOOL:
            node.name = seen.name
            self._tools.count(node, listing, seen)
        else:
            if seen.contradicts:
                self._health.contradict(seen.source, listing.publisher)
            if kind == marks.INFERENCE:
                node.flags = seen.inside | node.flags & marks.ABOVE
                self._usage.of_inference(node, listing, seen)
            elif kind == RECORD:
                self._usage.of_record(node, listing, seen)
            else:
                self._invocations.count(node, listing, seen)

    def _lose(self, node: ForeignSpan, seen: Observation) -> None:
        """Count what is nobody's: a call once, as anybody's is."""
        if seen.kind == marks.INFERENCE and seen.inside & marks.CALL_BELOW:
            self._health.repeat()
            return
        kind = _LOST.get(seen.kind, _health.INVOCATION)
        self._health.lose(kind)
        if kind == _health.INVOCATION:
            mistakes.no_publisher(seen.name, "" if node.source == SCOPE else node.source)


def _is_repeated(node: ForeignSpan) -> bool:
    """Return whether a span is in an invocation that was recorded before under the same id."""
    scope = node.scope
    return node.listing is not None and scope is not None and bool(scope.flags & marks.DUPLICATE)


__all__ = ["RunCounter"]
