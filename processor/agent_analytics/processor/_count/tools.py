"""Ended tool calls: those of foreign runs; those in the project's own words are in the core."""

from bisect import bisect_left
from typing import Final

from agent_analytics.instrumentation.exact import exact
from agent_analytics.processor import catalogue
from agent_analytics.processor._count.core import (
    TOOL_EDGES,
    Beside,
    Listing,
    Node,
    OwnTools,
    repeats,
)
from agent_analytics.processor._count.observation import Observation
from agent_analytics.processor._series import health
from agent_analytics.processor._series.schema import (
    RESULT_SUM,
    TOOL_HISTOGRAM,
    TOOL_REPEATS,
    TOOL_RESULTS,
    TOOL_SUM,
    TOOLS,
)
from agent_analytics.processor._spans import marks
from agent_analytics.processor._spans.outcomes import STEERED
from agent_analytics.processor._spans.values import duration

#: Largest size believed of one result, in bytes: a terabyte.
_MOST_BYTES: Final = 10**12


class ToolCounter(OwnTools):
    """Adds tool spans to the cells of their listing."""

    def count(self, node: Node, listing: Listing, seen: Observation) -> None:
        """Count a tool call of a foreign run, by the rules of ``end``.

        Args:
            node: Its own.
            listing: Whom to credit.
            seen: What is known of it.
        """
        scope = node.scope
        if scope is not None and scope.flags & marks.DUPLICATE:
            self._health.repeat()
            return
        parent = node.parent
        nested = parent is not None and parent.kind != marks.INVOCATION
        if (nested or node.sources is not None) and repeats(node, seen.name, seen.source):
            self._health.repeat()
            return
        if seen.outcome == STEERED:
            self._health.steer(health.TOOL)
            return
        block = self._listings.block(listing, TOOLS, seen.name)
        elapsed = duration(seen.start, seen.end, self._health) if seen.timed else 0
        beside = self._beside(listing, seen.name, seen.result_bytes, seen.repeated)
        with self._lock:
            block.cells[seen.outcome] += 1
            self._health.cells[health.TOOL] += 1
            for cells, cell, amount in beside:
                cells[cell] += amount
            if seen.timed:
                bucket = TOOL_HISTOGRAM + bisect_left(TOOL_EDGES, elapsed)
                block.cells[bucket] += 1
                block.cells[TOOL_SUM] += elapsed
                exemplar = seen.exemplar(elapsed)
                if exemplar is not None:
                    block.note(bucket, exemplar)

    def _beside(self, listing: Listing, name: object, size: object, repeated: object) -> Beside:
        """Return what a call adds beside itself.

        Args:
            listing: Whom it is credited to.
            name: The tool, which has its block.
            size: Bytes of its result, as the span says; ``None`` where it does not.
            repeated: Whether there was the same call before, alike.
        """
        beside: Beside = []
        size, repeated = exact(size), exact(repeated)
        if size is not None:
            if type(size) is int and 0 <= size <= _MOST_BYTES:
                cells = self._listings.block(listing, TOOL_RESULTS, name).cells
                beside = [(cells, bisect_left(catalogue.RESULT_BYTES, size), 1)]
                beside.append((cells, RESULT_SUM, size))
            else:
                self._health.refuse_value("tool_detail")
        if repeated is True:
            beside.append((self._listings.block(listing, TOOL_REPEATS, name).cells, 0, 1))
        elif repeated is not None and repeated is not False:
            self._health.refuse_value("tool_detail")
        return beside
