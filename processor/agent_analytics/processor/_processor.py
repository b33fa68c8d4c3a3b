"""The span processor: spans in, exact series out.

``on_start`` finds which way a span goes and whom it belongs to, and keeps a node for it. ``on_end``
takes the node back and adds the span to the cells of its listing, under one lock, as one step.
"""

import os
from collections.abc import Callable, Mapping
from time import monotonic, time, time_ns
from typing import Any, Final

from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, Span

from agent_analytics.instrumentation.context import FACTS_KEY
from agent_analytics.instrumentation.health import note_internal_error
from agent_analytics.instrumentation.vocabulary import (
    CONVERSATION_ID,
    OPERATION_NAME,
    OUTCOME,
    PUBLISHER_ID,
)
from agent_analytics.processor._exposed import Exposed
from agent_analytics.processor._followed import Followed
from agent_analytics.processor._health import LAST_SPAN
from agent_analytics.processor._installs import Callback
from agent_analytics.processor._limits import Limits
from agent_analytics.processor._nodes import INVOCATION, LIBRARY, OTHER, TOOL, Node
from agent_analytics.processor._other_ways import OtherWays
from agent_analytics.processor._own_spans import is_own
from agent_analytics.processor._prices import Prices
from agent_analytics.processor._routing import CALLS, NATIVE
from agent_analytics.processor._sampling import mend_sampler
from agent_analytics.processor._wiring import Wiring

#: Spans that have just ended, remembered by the last bits of their ids. A processor that a
#: provider has twice is called twice for each span, the second time at once.
_ENDED_MASK: Final = 0x3FF


class AgentMetricsProcessor(Exposed):
    """Turns ended spans of agents into Prometheus series, exactly.

    Add it to a ``TracerProvider`` whose sampler records every span (``RecordAllSampler`` round
    yours; ``configure()`` does that), and expose it with ``agent_analytics.exporters``, or
    register it in a ``prometheus_client`` registry beside other metrics.

    Args:
        hold_seconds: How long a newborn series shows 0, so that its first events count in
            ``increase()``: at least this long, and until each reader has seen the zeros (or ten
            times as long, when one does not come). 0 shows every value at once.
        state_dir: Directory where series outlive the process, shared by all workers of one
            service on one machine: any of them shows the sum of all. One that cannot be used is
            logged, and series are kept in memory.
        limits: Caps on series and memory.
        take_rate: The marketplace's share of revenue, 0 to 1, or a mapping from publisher to
            share (``"*"`` for all others); counted as fees at the time of the charge.
        tenant_key: Secret that tenants are hashed with: the same in every process of a
            marketplace, and kept for longer than twice the longest window asked about.
        service: Name of the service that the state directory belongs to.
        expire_seconds: A listing that was idle for this long leaves the exposition until it is
            used again; ``None`` for never.
        active_installs: Returns active installs by publisher and agent where the marketplace
            knows them; called at each scrape, from its thread. Without, they are installs less
            uninstalls, and only shown with a state directory.
        prices: What model calls cost where nobody states it; without, their tokens are unpriced.
        clock: Seconds, monotonic; tests turn it by hand.
        wall_clock: Seconds since the epoch; decides when sketches rotate.

    Raises:
        ValueError: An argument is out of range; it is named.
    """

    def __init__(
        self,
        hold_seconds: float = 30.0,
        state_dir: str | os.PathLike[str] | None = None,
        limits: Limits | None = None,
        *,
        take_rate: float | str | Mapping[str, float | str] = 0,
        tenant_key: str | bytes | None = None,
        service: str = "",
        expire_seconds: float | None = None,
        active_installs: Callback | None = None,
        prices: Prices | None = None,
        clock: Callable[[], float] = monotonic,
        wall_clock: Callable[[], float] = time,
    ) -> None:
        parts = Wiring(
            hold_seconds,
            state_dir,
            limits,
            take_rate,
            tenant_key,
            service,
            expire_seconds,
            active_installs,
            prices,
            clock,
            wall_clock,
        )
        super().__init__(parts)
        self._clock = clock
        self._tools, self._invocations = parts.tools, parts.invocations
        self._read_start, self._read_key, self._read_end, _ = parts.readers
        self._begin, self._makers = parts.beginnings.begin, parts.beginnings.makers
        self._route = parts.routing.at_start
        self._others = OtherWays(parts, self.on_end, self._counted)
        self._ended = [-1] * (_ENDED_MASK + 1)

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Find whom a span belongs to, from what is known when it starts."""
        try:
            attributes, span_id, parent_id = self._read_start(span)
            nodes = self._open
            if span_id in nodes:
                return  # this processor was added twice, or to two providers
            if not attributes:
                mend_sampler(span)
            facts: Any = None if parent_context is None else parent_context.get(FACTS_KEY)
            if facts is not None:
                if is_own(span):
                    attributes = facts
                else:
                    facts = None  # a span that somebody starts beside it
            operation = attributes.get(OPERATION_NAME)
            parent = nodes.get(parent_id) if parent_id is not None else None
            if operation is not None and (
                PUBLISHER_ID in attributes
                or (facts is not None and type(parent) is Node and operation in CALLS)
            ):
                route = NATIVE  # as ``_route`` has it, without a call
            else:
                route = self._route(operation, attributes, span, parent, facts)
            if route != NATIVE or operation is None:
                node = self._others.begin(route, attributes, span, span_id, parent, parent_context)
            else:
                if type(parent) is Followed:
                    parent = self._runs.live_parent(parent, span, attributes)
                make = self._makers.get(operation) if type(operation) is str else None
                node = (
                    self._begin(operation, attributes, span, parent, parent_context)
                    if make is None
                    else make(attributes, span, parent, parent_context)
                )
                if parent_id is not None and node is not None and node.kind == INVOCATION:
                    self._runs.note_inside(parent, parent_id, node.listing)
            if node is None:
                return
            node.started = self._clock()
            node.facts = facts
            nodes[span_id] = node
            if len(nodes) > self._open_spans.most:
                self._open_spans.give_up_oldest(node)
        except Exception:  # noqa: BLE001 - telemetry never raises into the host
            note_internal_error("on_start")

    def on_end(self, span: ReadableSpan) -> None:
        """Count a span that has ended."""
        try:
            attributes, span_id = self._read_key(span)
            node = self._open.pop(span_id, None)
            ended, place = self._ended, span_id & _ENDED_MASK
            if node is None and ended[place] == span_id:
                return  # ended before: see on_start
            ended[place] = span_id
            if node is not None and node.facts is not None:
                # Others may have written on the span; of theirs only the conversation counts.
                conversation = attributes.get(CONVERSATION_ID)
                attributes = node.facts
                if conversation is not None and CONVERSATION_ID not in attributes:
                    attributes = {**attributes, CONVERSATION_ID: conversation}
                if OUTCOME not in attributes and self._others.ended_early(node, span, span_id):
                    return
            if type(node) is Followed:
                if node.span_id == span_id:
                    self._others.foreign(node, attributes, span)
                return
            if node is None or node.kind == OTHER:
                node = self._others.late(node, attributes, span, span_id)
                if node is None:
                    return
            kind = node.kind
            if kind == LIBRARY:
                return
            fields = self._read_end(span)
            if kind == TOOL:
                self._tools.end(node, attributes, span, span_id, fields)
            elif kind == INVOCATION:
                self._invocations.end(node, attributes, span, span_id, fields)
                if type(node.parent) is Followed:
                    self._others.note_usage(node, attributes)
            else:
                self._others.end(node, attributes, span, fields)
            now_ns = time_ns()
            self._health.cells[LAST_SPAN] = now_ns
            if not self._upkeep_from < now_ns <= self._upkeep_at:
                self._upkeep(now_ns)
        except Exception:  # noqa: BLE001 - telemetry never raises into the host
            note_internal_error("on_end")
