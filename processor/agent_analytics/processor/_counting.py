"""Counts a run of foreign spans: every invocation, tool call, model call and token once."""

from typing import Final

from agent_analytics.instrumentation import mistakes
from agent_analytics.instrumentation.tracing import SCOPE
from agent_analytics.processor import _dialects as d
from agent_analytics.processor import _health, _nodes, _observe
from agent_analytics.processor._followed import Followed
from agent_analytics.processor._health import Health
from agent_analytics.processor._invocations import InvocationCounter
from agent_analytics.processor._listings import Listing
from agent_analytics.processor._observation import Observation
from agent_analytics.processor._placing import Placed
from agent_analytics.processor._span_end import SpanEnd
from agent_analytics.processor._tools import ToolCounter
from agent_analytics.processor._usage import UsageCounter

_LOST: Final = {_nodes.TOOL: _health.TOOL, _nodes.INFERENCE: _health.INFERENCE}


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

    def begin(self, listing: Listing) -> None:
        """Show a run in the gauge of invocations in progress."""
        self._invocations.begin(listing)

    def leave(self, listing: Listing) -> None:
        """Take a run that has ended out of that gauge."""
        self._invocations.leave(listing)

    def count(self, placed: Placed, *, serves: bool) -> None:
        """Count the spans of a run that are ready.

        Args:
            placed: The run.
            serves: Whether it is a call that another publisher's process made.
        """
        for part, ended, inside in placed.upwards():
            if part.role == d.USAGE:
                self._record(part, ended)
            elif part.kind == _nodes.OTHER:
                if part.role != d.HANDOFF and ended.facts.role in (d.TOOL, d.MODEL):
                    self._health.repeat()
            elif part.listing is None:
                self._lose(part, ended, inside)
            else:
                agents = placed.agents.get(id(part)) or [part]
                self._add(part, part.listing, ended, agents, inside, serves=serves)

    def _add(
        self,
        part: Followed,
        listing: Listing,
        ended: SpanEnd,
        agents: list[Followed],
        inside: int,
        *,
        serves: bool,
    ) -> None:
        kind = part.kind
        if kind == _nodes.INFERENCE:
            if _is_repeated(part):
                self._health.repeat()
                return
            seen = self._noted(listing, _observe.model_call(part, ended))
            part.flags = inside | part.flags & _nodes.ABOVE
            self._usage.of_inference(part, listing, seen)
        elif kind == _nodes.TOOL:
            if ended.facts.protocol and ended.remote and part.parent is None and not serves:
                self._health.repeat()  # the caller has a span of it
                return
            seen = _observe.tool_call(part, ended)
            part.name = seen.name
            self._tools.count(part, listing, seen)
        elif kind == _nodes.INVOCATION:
            seen = self._noted(listing, _observe.invocation(part, ended, agents))
            self._invocations.count(part, listing, seen)
        else:
            seen = self._noted(listing, _observe.inner_agent(part, ended))
            self._invocations.count_inner(part, listing, seen)

    def _lose(self, part: Followed, ended: SpanEnd, inside: int) -> None:
        """Count what is nobody's: a call once, as anybody's is."""
        if part.kind == _nodes.INFERENCE and inside & _nodes.CALL_BELOW:
            self._health.repeat()
            return
        kind = _LOST.get(part.kind, _health.INVOCATION)
        self._health.lose(kind)
        if kind == _health.INVOCATION:
            source = "" if part.source == SCOPE else part.source
            mistakes.no_publisher(ended.facts.name, source)

    def _record(self, part: Followed, ended: SpanEnd) -> None:
        """Add what calls used that have no spans."""
        if part.listing is None:
            self._health.lose(_health.INFERENCE)
        elif _is_repeated(part):
            self._health.repeat()
        else:
            seen = self._noted(part.listing, _observe.record(part, ended))
            self._usage.of_record(part, part.listing, seen)

    def _noted(self, listing: Listing, seen: Observation) -> Observation:
        """Note figures that cannot mean what their instrumentation is known to mean."""
        if seen.contradicts:
            self._health.contradict(seen.source, listing.publisher)
        return seen


def _is_repeated(part: Followed) -> bool:
    """Return whether a span is in an invocation that was recorded before under the same id."""
    return part.scope is not None and bool(part.scope.flags & _nodes.DUPLICATE)


__all__ = ["RunCounter"]
