"""Ended tool calls."""

from bisect import bisect_left
from itertools import repeat
from threading import RLock
from typing import Final

from opentelemetry.sdk.trace import ReadableSpan

from agent_analytics.instrumentation import vocabulary as v
from agent_analytics.instrumentation.exact import exact_text
from agent_analytics.processor import _health, _nodes
from agent_analytics.processor._health import Health
from agent_analytics.processor._listings import Listing, Listings
from agent_analytics.processor._nodes import Node
from agent_analytics.processor._observation import Observation
from agent_analytics.processor._outcomes import OUTCOMES, STEERED, outcome_of, source_of
from agent_analytics.processor._reading import Attributes, EndFields
from agent_analytics.processor._schema import NANO, TOOL_HISTOGRAM, TOOL_SUM, TOOLS
from agent_analytics.processor._values import MAX_DURATION_NS, duration
from agent_analytics.processor.catalogue import TOOL_SECONDS, UNKNOWN

#: Kinds of spans between two views of one call.
_THROUGH: Final = (_nodes.TOOL, _nodes.OTHER, _nodes.LIBRARY)
#: Spans between two views of one call, at most.
_MOST_ABOVE: Final = 256
# Names of this module are read in half the time of those of another one.
_OUTCOME: Final = v.OUTCOME
_DURATION_UNKNOWN: Final = v.DURATION_UNKNOWN
_DUPLICATE: Final = _nodes.DUPLICATE
_INVOCATION: Final = _nodes.INVOCATION
_COUNTED: Final = _health.TOOL
_TOOL_EDGES: Final = tuple(round(edge * NANO) for edge in TOOL_SECONDS)


class ToolCounter:
    """Adds tool spans to the cells of their listing."""

    def __init__(self, listings: Listings, health: Health, lock: RLock) -> None:
        self._listings = listings
        self._health = health
        self._lock = lock

    def end(  # noqa: C901 - the hot path: a call costs as much as what it would hold
        self,
        node: Node,
        attributes: Attributes,
        span: ReadableSpan,
        span_id: int,
        fields: EndFields,
    ) -> None:
        """Count an ended tool call, unless another instrumentation recorded it below."""
        listing = node.listing
        if listing is None:
            self._health.lose(_health.TOOL)
            return
        name = node.name
        if name is None:
            name = attributes.get(v.TOOL_NAME)
            if name is None:
                name = UNKNOWN
        scope = node.scope
        if scope is not None and scope.flags & _DUPLICATE:
            self._health.repeat()
            return
        parent = node.parent
        nested = parent is not None and parent.kind != _INVOCATION
        if (nested or node.sources is not None) and self._repeats(node, name, source_of(span)):
            self._health.repeat()
            return
        trace_id, sampled, failed, start, end = fields
        told = attributes.get(_OUTCOME)
        outcome = OUTCOMES.get(told if type(told) is str else exact_text(told))
        if outcome is None:
            outcome = outcome_of(span, attributes, failed=failed)
        if outcome == STEERED:
            self._health.steer(_health.TOOL)
            return
        block = listing.tools.get(name) if type(name) is str else None
        if block is None:
            block = self._listings.block(listing, TOOLS, name)
        cells = block.cells
        if _DURATION_UNKNOWN in attributes:
            with self._lock:
                cells[outcome] += 1
                self._health.cells[_COUNTED] += 1
            return
        elapsed = end - start if start is not None and end is not None else -1
        if not 0 <= elapsed <= MAX_DURATION_NS:
            elapsed = duration(start, end, self._health)
        bucket = TOOL_HISTOGRAM + bisect_left(_TOOL_EDGES, elapsed)
        with self._lock:
            cells[outcome] += 1
            cells[bucket] += 1
            cells[TOOL_SUM] += elapsed
            if sampled:
                if block.exemplars is None:
                    block.exemplars = {}
                block.exemplars[bucket] = (trace_id, span_id, elapsed, end or 0)
            self._health.cells[_COUNTED] += 1

    def count(self, node: Node, listing: Listing, seen: Observation) -> None:
        """Count a tool call of a foreign run, by the rules of ``end``.

        Args:
            node: Its own.
            listing: Whom to credit.
            seen: What is known of it.
        """
        scope = node.scope
        if scope is not None and scope.flags & _nodes.DUPLICATE:
            self._health.repeat()
            return
        parent = node.parent
        nested = parent is not None and parent.kind != _nodes.INVOCATION
        if (nested or node.sources is not None) and self._repeats(node, seen.name, seen.source):
            self._health.repeat()
            return
        if seen.outcome == STEERED:
            self._health.steer(_health.TOOL)
            return
        block = self._listings.block(listing, TOOLS, seen.name)
        elapsed = duration(seen.start, seen.end, self._health) if seen.timed else 0
        with self._lock:
            block.cells[seen.outcome] += 1
            self._health.cells[_health.TOOL] += 1
            if seen.timed:
                bucket = TOOL_HISTOGRAM + bisect_left(_TOOL_EDGES, elapsed)
                block.cells[bucket] += 1
                block.cells[TOOL_SUM] += elapsed
                if seen.sampled:
                    block.note(bucket, (seen.trace_id, seen.span_id, elapsed, seen.end or 0))

    @staticmethod
    def _repeats(node: Node, name: object, source: str) -> bool:
        """Tell whether this tool span is another instrumentation's view of a call counted below.

        The same instrumentation twice is a tool that calls itself: two calls.
        """
        if node.sources is not None and node.sources != {source}:
            return True
        above = node.parent
        for _ in repeat(None, _MOST_ABOVE):
            if above is None or above.kind not in _THROUGH:
                break
            if above.kind == _nodes.TOOL and above.name == name:
                if above.sources is None:
                    above.sources = set()
                elif source in above.sources:
                    break  # and so was it noted further up
                above.sources.add(source)
            above = above.parent
        return False
