"""The span processor: spans in, exact series out.

Data flow: ``on_start`` finds whom a span belongs to and keeps a node for it; ``on_end`` takes the
node back, decides what the span is and adds it to the cells of its listing, under one lock, as
one step. Everything else (making a listing, reading an exposition) happens beside that path.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from threading import RLock
from typing import Final

from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor
from prometheus_client.metrics_core import Metric as PrometheusMetric
from prometheus_client.registry import Collector

from agent_analytics.instrumentation import health as instrumentation_health
from agent_analytics.instrumentation import vocabulary as v
from agent_analytics.processor import _health, _nodes
from agent_analytics.processor._attribution import NO_CONTEXT, Attribution
from agent_analytics.processor._beginnings import Beginnings
from agent_analytics.processor._collector import collect, describe
from agent_analytics.processor._events import EventCounter, EventIds
from agent_analytics.processor._health import Health
from agent_analytics.processor._invocations import InvocationCounter
from agent_analytics.processor._limits import Limits
from agent_analytics.processor._listings import Listings
from agent_analytics.processor._nodes import Node
from agent_analytics.processor._open_spans import OpenSpans
from agent_analytics.processor._outcomes import outcome_of
from agent_analytics.processor._reading import Attributes, Rest, readers
from agent_analytics.processor._snapshot import Part, Snapshot, Snapshots
from agent_analytics.processor._store import MemoryStore
from agent_analytics.processor._tools import ToolCounter
from agent_analytics.processor._usage import UsageCounter
from agent_analytics.processor._values import Amounts, TakeRate

#: Used where no key is configured, so that restarts and replicas still agree on registers.
_DEFAULT_KEY: Final = b"agent-analytics"


class AgentMetricsProcessor(SpanProcessor, Collector):
    """Turns ended spans of agents into Prometheus series, exactly.

    Add it to a ``TracerProvider`` whose sampler records every span (``RecordAllSampler`` round
    yours; ``configure()`` does that), and expose it with ``agent_analytics.exporters``, or
    register it in a ``prometheus_client`` registry beside other metrics.

    Args:
        hold_seconds: How long a newborn series shows 0, so that its first events count in
            ``increase()``: at least this long, and until one scrape has seen the zeros (or ten
            times as long, when nobody scrapes). 0 shows every value at once.
        state_dir: Directory of a durable store. This version keeps its series in memory only.
        limits: Caps on series and memory.
        take_rate: The marketplace's share of revenue, 0 to 1, or a mapping from publisher to
            share (``"*"`` for all others); counted as fees at the time of the charge.
        tenant_key: Secret that tenants are hashed with: the same in every process of a
            marketplace, and kept for longer than twice the longest window asked about.
        clock: Seconds, monotonic; tests turn it by hand.
        wall_clock: Seconds since the epoch; decides when sketches rotate.

    Raises:
        ValueError: An argument is out of range; it is named.
    """

    def __init__(
        self,
        hold_seconds: float = 30.0,
        state_dir: str | None = None,
        limits: Limits | None = None,
        *,
        take_rate: float | str | Mapping[str, float | str] = 0,
        tenant_key: str | bytes | None = None,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        _check(hold_seconds, state_dir, limits)
        limits = limits or Limits()
        key = _key(tenant_key)
        # One lock for everything. Re-entrant, since a signal handler or a finalizer may end a
        # span of its own while this thread holds it.
        lock = RLock()
        self._health = health = Health(lock)
        amounts = Amounts(health)
        rate = TakeRate(take_rate)
        self._attribution = Attribution(
            listings := Listings(MemoryStore(), limits, health, lock, clock)
        )
        event_ids = EventIds(limits.event_ids_per_publisher, health, lock)
        self._usage = UsageCounter(listings, health, lock, amounts)
        self._events = EventCounter(listings, health, lock, amounts, rate, self._usage, event_ids)
        self._tools = ToolCounter(listings, health, lock)
        self._invocations = InvocationCounter(
            listings, health, lock, amounts, rate, self._usage, self._events, key
        )
        self._begin = Beginnings(listings, self._attribution, event_ids, lock).begin
        self._read_start, self._read_key, self._read_rest, _ = readers()
        self._open_spans = OpenSpans(limits, health, lock, clock)
        self._open = self._open_spans.nodes
        self._clock = clock
        self._snapshots = Snapshots(listings, health, lock, hold_seconds, clock, wall_clock)

    # --- SpanProcessor ---------------------------------------------------------------------------

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Find whom a span belongs to, from what is known when it starts."""
        try:
            attributes, span_id, parent_id = self._read_start(span)
            operation = attributes.get(v.OPERATION_NAME)
            parent = self._open.get(parent_id) if parent_id is not None else None
            if operation is not None:
                node = self._begin(operation, attributes, span, parent, parent_context)
                if node is None:
                    return
            elif parent is not None:
                node = Node(_nodes.OTHER, parent, parent.scope, parent.listing)
            else:
                return
            node.started = self._clock()
            self._open[span_id] = node
            if len(self._open) > self._open_spans.most:
                self._open_spans.give_up_oldest()
        except Exception:  # noqa: BLE001 - telemetry never raises into the host
            instrumentation_health.note_internal_error("on_start")

    def on_end(self, span: ReadableSpan) -> None:
        """Count a span that has ended."""
        try:
            attributes, span_id = self._read_key(span)
            node = self._open.pop(span_id, None)
            if node is None or node.kind == _nodes.OTHER:
                node = self._late(node, attributes, span)
                if node is None:
                    return
            kind = node.kind
            rest = self._read_rest(span)
            if kind == _nodes.TOOL:
                self._tools.end(node, attributes, span, span_id, rest)
            elif kind == _nodes.INVOCATION:
                self._invocations.end(node, attributes, span, span_id, rest)
            elif kind == _nodes.INFERENCE:
                self._end_inference(node, attributes, span, rest)
            else:
                self._invocations.end_inner(node, attributes)
            self._health.last_span_ns = time.time_ns()
        except Exception:  # noqa: BLE001 - telemetry never raises into the host
            instrumentation_health.note_internal_error("on_end")

    def shutdown(self) -> None:
        """Do nothing: what was counted stays readable."""

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Return True: spans are counted when they end, nothing is ever queued."""
        del timeout_millis
        return True

    # --- exposition ------------------------------------------------------------------------------

    def snapshot(self, part: Part = "metrics") -> Snapshot:
        """Return the series as they stand; counts as a scrape.

        Args:
            part: ``metrics`` (counters, histograms, gauges) or ``sketches`` (registers).

        Raises:
            ValueError: There is no such part.
        """
        self._open_spans.give_up_aged()
        return self._snapshots.take(part, open_spans=len(self._open))

    def collect(self) -> Iterable[PrometheusMetric]:
        """Yield every family with its samples, both parts, for a ``prometheus_client`` registry."""
        yield from collect(self.snapshot("metrics"))
        yield from collect(self.snapshot("sketches"))

    def describe(self) -> Iterable[PrometheusMetric]:
        """Yield every family without samples, so that registering is no scrape."""
        return describe()

    # --- what is only understood when it ends ----------------------------------------------------

    def _late(self, node: Node | None, attributes: Attributes, span: ReadableSpan) -> Node | None:
        """Return a node for a span that was not known for what it is when it started, or nothing.

        Names and attributes may be set after the start; events are only looked at when they end.
        """
        operation = attributes.get(v.OPERATION_NAME)
        if operation is None:
            if v.EVENT in attributes:
                self._end_event(node, attributes, span)
            return None
        parent = node.parent if node is not None else None
        began = self._begin(operation, attributes, span, parent, NO_CONTEXT)
        return None if began is None or began.kind == _nodes.OTHER else began

    def _end_event(self, node: Node | None, attributes: Attributes, span: ReadableSpan) -> None:
        if attributes[v.EVENT] not in v.EVENTS:
            self._health.refuse_value("event")
            return
        publisher = attributes.get(v.PUBLISHER_ID)
        listing = self._attribution.of_call(publisher, attributes, span, node, NO_CONTEXT)
        if listing is None:
            self._health.lose(_health.EVENT)
            return
        if node is not None and node.scope is not None and node.scope.flags & _nodes.DUPLICATE:
            self._health.repeat()
            return
        self._events.count(node, listing, attributes, span)
        self._health.last_span_ns = time.time_ns()

    def _end_inference(
        self, node: Node, attributes: Attributes, span: ReadableSpan, rest: Rest
    ) -> None:
        if node.listing is None:
            self._health.lose(_health.INFERENCE)
        elif node.scope is not None and node.scope.flags & _nodes.DUPLICATE:
            self._health.repeat()
        else:
            outcome = outcome_of(span, attributes, failed=rest[2])
            self._usage.of_inference(node, node.listing, attributes, outcome)


def _check(hold_seconds: object, state_dir: object, limits: object) -> None:
    number = isinstance(hold_seconds, int | float) and not isinstance(hold_seconds, bool)
    if not number or not 0 <= hold_seconds < float("inf"):  # type: ignore[operator]  # a number
        msg = f"hold_seconds: expected a number of seconds from 0, got {hold_seconds!r}"
        raise ValueError(msg)
    if state_dir is not None:
        msg = f"state_dir: this version keeps series in memory only, got {state_dir!r}"
        raise ValueError(msg)
    if limits is not None and not isinstance(limits, Limits):
        msg = f"limits: expected Limits, got {type(limits).__name__}"
        raise ValueError(msg)


def _key(tenant_key: object) -> bytes:
    if tenant_key is None:
        return _DEFAULT_KEY
    key = tenant_key.encode() if isinstance(tenant_key, str) else tenant_key
    if isinstance(key, bytes) and key:
        return key
    msg = "tenant_key: expected text or bytes that are not empty"
    raise ValueError(msg)
