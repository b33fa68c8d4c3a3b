"""Ended tool calls: those of foreign runs; those in the project's own words are in the core."""

from bisect import bisect_left

from agent_analytics.processor._count.core import (
    RESULT_EDGES,
    TOOL_EDGES,
    Listing,
    Node,
    OwnTools,
    repeats,
)
from agent_analytics.processor._count.observation import Observation
from agent_analytics.processor._series import health
from agent_analytics.processor._series.schema import RESULT_SUM, TOOL_HISTOGRAM, TOOL_SUM, TOOLS
from agent_analytics.processor._spans import marks
from agent_analytics.processor._spans.outcomes import STEERED
from agent_analytics.processor._spans.values import duration


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
        results, again, length = self.beside(listing, seen.name, seen.result_bytes, seen.repeated)
        with self._lock:
            block.cells[seen.outcome] += 1
            self._health.cells[health.TOOL] += 1
            if results is not None:
                results.cells[bisect_left(RESULT_EDGES, length)] += 1
                results.cells[RESULT_SUM] += length
            if again is not None:
                again.cells[0] += 1
            if seen.timed:
                bucket = TOOL_HISTOGRAM + bisect_left(TOOL_EDGES, elapsed)
                block.cells[bucket] += 1
                block.cells[TOOL_SUM] += elapsed
                exemplar = seen.exemplar(elapsed)
                if exemplar is not None:
                    block.note(bucket, exemplar)
