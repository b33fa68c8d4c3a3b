"""The span processor: spans in, exact series out.

Data flow: ``on_start`` finds whom a span belongs to and keeps a node for it; ``on_end`` takes the
node back, decides what the span is and adds it to the cells of its listing, under one lock, as
one step. Everything else (making a listing, reading an exposition) happens beside that path.
"""

import logging
import os
import sys
import time
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from threading import RLock
from typing import Any, Final

from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor
from opentelemetry.trace import get_current_span
from prometheus_client.metrics_core import Metric as PrometheusMetric
from prometheus_client.registry import Collector

from agent_analytics.instrumentation import health as instrumentation_health
from agent_analytics.instrumentation import vocabulary as v
from agent_analytics.instrumentation.context import FACTS_KEY
from agent_analytics.instrumentation.tracing import ENDED_EARLY
from agent_analytics.instrumentation.written_calls import close_late
from agent_analytics.processor import _health, _nodes
from agent_analytics.processor._attribution import NO_CONTEXT, Attribution
from agent_analytics.processor._beginnings import Beginnings
from agent_analytics.processor._collector import collect, describe
from agent_analytics.processor._counting import RunCounter
from agent_analytics.processor._dialects import PERHAPS, SPEAKS, Signs
from agent_analytics.processor._durable import (
    DirectoryError,
    DurableSnapshots,
    DurableStore,
    SharedIds,
    SharedShares,
)
from agent_analytics.processor._events import EventCounter, EventIds
from agent_analytics.processor._followed import Followed
from agent_analytics.processor._health import Health
from agent_analytics.processor._installs import ActiveInstalls, Callback
from agent_analytics.processor._invocations import InvocationCounter
from agent_analytics.processor._limits import Limits
from agent_analytics.processor._listings import Listings
from agent_analytics.processor._nodes import Node
from agent_analytics.processor._observation import Observation, usage_of_call
from agent_analytics.processor._open_spans import OpenSpans
from agent_analytics.processor._outcomes import outcome_of
from agent_analytics.processor._own_spans import ended_at, is_own
from agent_analytics.processor._placing import Placing
from agent_analytics.processor._prices import Prices
from agent_analytics.processor._readers import HTTP, Registries, owner_of
from agent_analytics.processor._reading import Attributes, EndFields, exactly, readers
from agent_analytics.processor._rows import Part, Snapshot
from agent_analytics.processor._runs import Runs
from agent_analytics.processor._sampling import mend_sampler
from agent_analytics.processor._shares import Admission, Shares
from agent_analytics.processor._snapshot import Snapshots
from agent_analytics.processor._store import MemoryStore
from agent_analytics.processor._tools import ToolCounter
from agent_analytics.processor._usage import UsageCounter
from agent_analytics.processor._values import Amounts, Charges, TakeRate

#: Used where no key is configured, so that restarts and replicas still agree on registers.
_DEFAULT_KEY: Final = b"agent-analytics"
#: How often a worker with a state directory looks after what is not done span by span.
_UPKEEP_NS: Final = 1_000_000_000
#: Spans that have just ended, remembered by the last bits of their ids. A processor that a
#: provider has twice is called twice for each span, the second time at once.
_ENDED: Final = 1_024
_ENDED_MASK: Final = _ENDED - 1

#: What the decorators record.
_DECORATED: Final = (v.INVOKE_AGENT, v.EXECUTE_TOOL)

# Names of this module are read in half the time of those of another one.
_OPERATION_NAME: Final = v.OPERATION_NAME
_PUBLISHER_ID: Final = v.PUBLISHER_ID
_OUTCOME: Final = v.OUTCOME
_CONVERSATION_ID: Final = v.CONVERSATION_ID
_OTHER: Final = _nodes.OTHER
_LIBRARY: Final = _nodes.LIBRARY
_TOOL: Final = _nodes.TOOL
_INVOCATION: Final = _nodes.INVOCATION
_LAST_SPAN: Final = _health.LAST_SPAN
_time_ns: Final = time.time_ns

_logger: Final = logging.getLogger("agent_analytics")
_live: Final["weakref.WeakSet[AgentMetricsProcessor]"] = weakref.WeakSet()


class AgentMetricsProcessor(SpanProcessor, Collector):
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
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        _check(hold_seconds, state_dir, limits, expire_seconds, prices)
        limits = limits or Limits()
        key = _key(tenant_key)
        self._has_tenant_key = key != _DEFAULT_KEY
        # One lock for everything. Re-entrant, since a signal handler or a finalizer may end a
        # span of its own while this thread holds it.
        lock = RLock()
        self._lock = lock
        self._health = health = Health(lock)
        self._store = self._durable(state_dir, service, key, lock, wall_clock)
        shares: Admission = (
            SharedShares(self._store.directory, limits)
            if self._store is not None
            else Shares(limits)
        )
        amounts = Amounts(health)
        charges = Charges(amounts, TakeRate(take_rate))
        self._listings = listings = Listings(
            self._store or MemoryStore(), limits, health, lock, clock, shares
        )
        self._attribution = Attribution(listings)
        self._shared_ids: SharedIds | None = None
        if self._store is not None:
            self._store.on_take = self._take_over
            self._shared_ids = SharedIds(self._store.directory, limits.event_ids_per_publisher)
        event_ids = EventIds(limits.event_ids_per_publisher, health, lock, self._shared_ids)
        self._usage = UsageCounter(listings, health, lock, amounts, prices)
        self._events = EventCounter(
            listings, health, lock, amounts, charges, self._usage, event_ids
        )
        self._tools = ToolCounter(listings, health, lock)
        self._invocations = InvocationCounter(
            listings, health, lock, amounts, charges, self._usage, self._events, key
        )
        self._signs = Signs()
        beginnings = Beginnings(listings, self._attribution, event_ids, self._invocations.begin)
        self._begin, self._makers = beginnings.begin, beginnings.makers
        self._read_start, self._read_key, self._read_end, _ = readers()
        self._open_spans = OpenSpans(limits, health, lock, clock, self._invocations.leave)
        self._open = self._open_spans.nodes
        counter = RunCounter(health, self._usage, self._tools, self._invocations)
        self._runs = Runs(
            self._attribution,
            Placing(listings),
            counter,
            lock,
            self._open,
            self._read_end,
            clock,
            limits,
        )
        self._open_spans.on_give_up = self._runs.on_give_up
        self._clock = clock
        installs = ActiveInstalls(active_installs, shares, durable=self._store is not None)
        self._snapshots: Snapshots | DurableSnapshots
        if self._store is None:
            self._snapshots = Snapshots(
                listings,
                shares,
                health,
                lock,
                hold_seconds,
                expire_seconds,
                installs,
                clock,
                wall_clock,
            )
        else:
            self._snapshots = DurableSnapshots(
                self._store,
                shares,
                health,
                lock,
                hold_seconds,
                limits,
                expire_seconds,
                installs,
                wall_clock,
            )
        self._registries = Registries()
        #: No upkeep between the two: a clock that was set back is as good a reason as one second.
        self._upkeep_from = 0
        self._upkeep_at = sys.maxsize if self._store is None else 0
        self._ended = [-1] * _ENDED
        #: Spans that were open in the parent when this process was forked: the parent's.
        self._inherited: frozenset[int] = frozenset()
        _live.add(self)

    @staticmethod
    def _durable(
        state_dir: str | os.PathLike[str] | None,
        service: str,
        key: bytes,
        lock: RLock,
        wall_clock: Callable[[], float],
    ) -> DurableStore | None:
        if state_dir is None:
            return None
        try:
            return DurableStore(state_dir, service, key, lock, wall_clock)
        except DirectoryError as error:
            _logger.error(  # noqa: TRY400 - the message says it all
                "agent-analytics: state directory %s: %s. Series are kept in memory and begin "
                "anew with each process; several workers behind one port show wrong numbers",
                state_dir,
                error,
            )
            return None

    @property
    def has_tenant_key(self) -> bool:
        """Whether tenants are hashed with a key of the marketplace's own, not with the default."""
        return self._has_tenant_key

    @property
    def state_dir(self) -> Path | None:
        """Where series outlive the process; ``None`` where they are kept in memory."""
        return None if self._store is None else self._store.directory.path

    def _take_over(self) -> None:
        """Go on with what an earlier worker has left in the slot that was just taken."""
        store = self._store
        if store is not None:
            self._listings.restore(store.restored(), store.versions())
            self._health.move(store.health(), store.further_health(), store.further_cell)

    def _upkeep(self, now_ns: int) -> None:
        self._upkeep_from, self._upkeep_at = now_ns - _UPKEEP_NS, now_ns + _UPKEEP_NS
        if self._store is not None:
            self._settle()  # nobody may ever scrape this very worker
            self._store.look_after()
            self._store.begin_epoch()
            self._health.mirror(len(self._open))

    def after_fork(self) -> None:
        """Count from zero in a forked child; what the parent counts stays the parent's."""
        lock: Any = self._lock
        lock._at_fork_reinit()  # noqa: SLF001 - as the standard library does after a fork
        inherited = dict(self._open)
        self._inherited |= inherited.keys()
        self._open.clear()
        self._runs.after_fork()
        self._health.reset()
        self._listings.reset()
        if self._store is not None:
            self._store.after_fork()
            self._upkeep_at = 0
        if self._shared_ids is not None:
            self._shared_ids.after_fork()
        self._snapshots.after_fork()
        # What is started below the current span still belongs to its invocation.
        span_id = get_current_span().get_span_context().span_id
        for each in inherited.values():
            if type(each) is Followed:
                each.settled = True  # its run is the parent's
        node = inherited.get(span_id)
        if node is None:
            return
        ids = {id(each): number for number, each in inherited.items()}
        while node is not None:
            if node.listing is not None:
                node.listing = self._listings.find(node.listing.publisher, node.listing.agent)
            node.kind = _nodes.OTHER
            number = ids.get(id(node))
            if number is not None:
                self._open[number] = node
            node = node.parent

    # --- SpanProcessor ---------------------------------------------------------------------------

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Find whom a span belongs to, from what is known when it starts."""
        try:
            attributes, span_id, parent_id = self._read_start(span)
            nodes = self._open
            if span_id in nodes:
                return  # this processor was added twice, or to two providers
            if not attributes:
                mend_sampler(span)
            facts: Any = None
            if parent_context is not None:
                facts = parent_context.get(FACTS_KEY)
                if facts is not None:
                    if is_own(span):
                        attributes = facts
                    else:
                        facts = None  # a span that somebody starts beside it
            operation = attributes.get(_OPERATION_NAME)
            parent = nodes.get(parent_id) if parent_id is not None else None
            if operation is None and facts is not None and type(parent) is not Followed:
                node = Node(_nodes.OTHER, parent, None if parent is None else parent.listing)
            elif operation is None:
                sign = self._signs.at_start(span.instrumentation_scope, attributes, span.name)
                if sign == SPEAKS or (sign == PERHAPS and type(parent) is Followed):
                    node = self._runs.begin(
                        exactly(span, attributes), span, span_id, parent, parent_context
                    )
                elif parent is None:
                    if sign == PERHAPS:
                        self._runs.silent.begin(span_id, parent_id, parent_context)
                    return
                elif type(parent) is Followed:
                    nodes[span_id] = parent  # for what is started in it
                    return
                else:
                    kind = _nodes.OTHER if sign == PERHAPS else _nodes.LIBRARY
                    node = Node(kind, parent, parent.listing)
            elif _PUBLISHER_ID in attributes or (
                parent is not None
                and type(parent) is not Followed
                and (operation == v.EXECUTE_TOOL or operation == v.INVOKE_AGENT)  # noqa: PLR1714
                and (facts is not None or v.OUTCOME in attributes or is_own(span))
            ):
                if type(parent) is Followed:
                    parent = self._runs.live_parent(parent, span, attributes)
                make = self._makers.get(operation) if type(operation) is str else None
                began = (
                    self._begin(operation, attributes, span, parent, parent_context)
                    if make is None
                    else make(attributes, span, parent, parent_context)
                )
                if began is None:
                    return
                node = began
                if node.kind == _INVOCATION and node.listing is not None:
                    if type(parent) is Followed:
                        parent.note_inside(node.listing)
                    elif parent is None and parent_id is not None:
                        self._runs.silent.note_inside(parent_id, node.listing)
            else:
                node = self._runs.begin(
                    exactly(span, attributes), span, span_id, parent, parent_context
                )
            node.started = self._clock()
            node.facts = facts
            nodes[span_id] = node
            if len(nodes) > self._open_spans.most:
                self._open_spans.give_up_oldest(node)
        except Exception:  # noqa: BLE001 - telemetry never raises into the host
            instrumentation_health.note_internal_error("on_start")

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
                conversation = attributes.get(_CONVERSATION_ID)
                attributes = node.facts
                if conversation is not None and _CONVERSATION_ID not in attributes:
                    attributes = {**attributes, _CONVERSATION_ID: conversation}
                if _OUTCOME not in attributes and self._ended_early(node, span, span_id):
                    return
            if type(node) is Followed:
                if node.span_id == span_id:
                    self._end_followed(node, attributes, span)
                return
            if node is None or node.kind == _OTHER:
                node = self._late(node, attributes, span, span_id)
                if node is None:
                    return
            kind = node.kind
            if kind == _LIBRARY:
                return
            fields = self._read_end(span)
            if kind == _TOOL:
                self._tools.end(node, attributes, span, span_id, fields)
            elif kind == _INVOCATION:
                self._invocations.end(node, attributes, span, span_id, fields)
                if type(node.parent) is Followed:
                    node.mark_above(node.flags & _nodes.USAGE | _nodes.usage_flags(attributes))
            elif kind == _nodes.INFERENCE:
                self._end_inference(node, attributes, span, fields)
            else:
                _, _, _, start, _ = fields
                self._invocations.end_inner(node, attributes, start)
            now_ns = _time_ns()
            self._health.cells[_LAST_SPAN] = now_ns
            if not self._upkeep_from < now_ns <= self._upkeep_at:
                self._upkeep(now_ns)
        except Exception:  # noqa: BLE001 - telemetry never raises into the host
            instrumentation_health.note_internal_error("on_end")

    def _ended_early(self, node: Node, span: ReadableSpan, span_id: int) -> bool:
        """Tell whether somebody else has ended the span of a decorated call that goes on.

        If so, it is taken for ended when the call has.
        """
        facts: Any = node.facts
        if facts.get(v.OPERATION_NAME) not in _DECORATED or v.EVENT in facts:
            return False

        def end(at: int) -> None:
            self.on_end(ended_at(span, at))

        self._open[span_id] = node
        facts.setdefault(ENDED_EARLY, []).append(end)
        return True

    def _counted(self) -> None:
        now_ns = time.time_ns()
        self._health.cells[_health.LAST_SPAN] = now_ns
        if not self._upkeep_from < now_ns <= self._upkeep_at:
            self._upkeep(now_ns)

    def shutdown(self) -> None:
        """Count what has ended and waits for spans round it; it stays readable."""
        self._settle_all()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Return True: what can be counted is; the rest waits for spans round it."""
        del timeout_millis
        return True

    def _settle_all(self) -> None:
        try:
            close_late(0)
            self._runs.settle_all()
        except Exception:  # noqa: BLE001 - telemetry never raises into the host
            instrumentation_health.note_internal_error("shutdown")

    # --- exposition ------------------------------------------------------------------------------

    def snapshot(self, part: Part = "metrics") -> Snapshot:
        """Return the series as they stand; counts as a scrape, like those over HTTP.

        Args:
            part: ``metrics`` (counters, histograms, gauges) or ``sketches`` (registers).

        Raises:
            ValueError: There is no such part.
        """
        return self._read(part, HTTP)

    def look(self, part: Part = "metrics") -> Snapshot:
        """Return the series as they stand, as no scrape: newborn series are held on.

        Args:
            part: As for ``snapshot``.

        Raises:
            ValueError: There is no such part.
        """
        return self._read(part, None)

    def _read(self, part: Part, reader: int | None) -> Snapshot:
        self._settle()
        return self._snapshots.take(part, open_spans=len(self._open), reader=reader)

    def _settle(self) -> None:
        """Count what has waited for long enough."""
        close_late()
        self._open_spans.give_up_aged()
        self._runs.settle_failed()
        self._runs.settle_open()
        self._runs.settle_waiting()

    def collect(self) -> Iterable[PrometheusMetric]:
        """Yield every family with its samples, both parts, for a ``prometheus_client`` registry.

        Sketches take the room that metrics leave. Whoever is shown them can test for a tenant, and
        a registry asks nobody for a credential (SECURITY.md). Each registry is a reader of its own:
        newborn series show 0 until each reader has seen that.
        """
        caller = sys._getframe(1)  # noqa: SLF001 - nothing else names who collects  # pyright: ignore[reportPrivateUsage]
        return self._collected(self._registries.number(owner_of(caller, self)))

    def _collected(self, reader: int) -> Iterator[PrometheusMetric]:
        yield from collect(self._read("metrics", reader))
        yield from collect(
            self._snapshots.take("sketches", open_spans=len(self._open), beside=True)
        )

    def families(self, reader: object) -> Iterable[PrometheusMetric]:
        """Return the families of the metrics with their samples, the registers left out.

        Args:
            reader: Who reads: each object is a reader of its own, like a registry.
        """
        return collect(self._read("metrics", self._registries.number(reader)))

    def describe(self) -> Iterable[PrometheusMetric]:
        """Yield every family without samples, so that registering is no scrape."""
        return describe()

    # --- what is only understood when it ends ----------------------------------------------------

    def _late(
        self, node: Node | None, attributes: Attributes, span: ReadableSpan, span_id: int
    ) -> Node | None:
        """Return a node for a span that was not known for what it is when it started, or nothing.

        Names and attributes may be set after the start; events are only looked at when they end.
        """
        if span_id in self._inherited:
            return None
        silent = self._runs.silent.spans.pop(span_id, None) if node is None else None
        operation = attributes.get(v.OPERATION_NAME)
        if operation is None:
            if v.EVENT in attributes:
                self._end_event(node, attributes, span)
            elif self._signs.at_end(attributes):
                self._runs.late(exactly(span, attributes), span, span_id, node, silent)
                self._counted()
                return None
        elif v.PUBLISHER_ID not in attributes:
            self._runs.late(exactly(span, attributes), span, span_id, node, silent)
            self._counted()
            return None
        if silent is not None and silent.held is not None:
            self._runs.ended_silently(silent)
        if operation is None:
            return None
        parent = node.parent if node is not None else None
        began = self._begin(operation, attributes, span, parent, NO_CONTEXT)
        return None if began is None or began.kind == _nodes.OTHER else began

    def _end_followed(self, node: Followed, attributes: Attributes, span: ReadableSpan) -> None:
        attributes = exactly(span, attributes)
        if v.EVENT in attributes and v.OPERATION_NAME not in attributes:
            self._end_event(node, attributes, span)
        self._runs.end(node, attributes, span)
        self._counted()

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
        self._health.cells[_health.LAST_SPAN] = time.time_ns()

    def _end_inference(
        self, node: Node, attributes: Attributes, span: ReadableSpan, fields: EndFields
    ) -> None:
        if node.listing is None:
            self._health.lose(_health.INFERENCE)
        elif node.scope is not None and node.scope.flags & _nodes.DUPLICATE:
            self._health.repeat()
        else:
            _, _, failed, start, _ = fields
            outcome = outcome_of(span, attributes, failed=failed)
            answer = attributes.get(v.RESPONSE_ID)
            seen = Observation(
                start=start,
                outcome=outcome,
                usage=usage_of_call(attributes),
                ids=(answer,) if type(answer) is str and answer else (),
            )
            self._usage.of_inference(node, node.listing, seen)


def _check(
    hold_seconds: object,
    state_dir: object,
    limits: object,
    expire_seconds: object,
    prices: object,
) -> None:
    number = isinstance(hold_seconds, int | float) and not isinstance(hold_seconds, bool)
    if not number or not 0 <= hold_seconds < float("inf"):  # type: ignore[operator]  # a number
        msg = f"hold_seconds: expected a number of seconds from 0, got {hold_seconds!r}"
        raise ValueError(msg)
    number = isinstance(expire_seconds, int | float) and not isinstance(expire_seconds, bool)
    if expire_seconds is not None and not (number and 0 < expire_seconds < float("inf")):  # type: ignore[operator]  # a number
        msg = f"expire_seconds: expected a number of seconds above 0, got {expire_seconds!r}"
        raise ValueError(msg)
    if state_dir is not None and not (
        isinstance(state_dir, str | os.PathLike) and os.fspath(state_dir)
    ):
        msg = f"state_dir: expected the path of a directory, got {state_dir!r}"
        raise ValueError(msg)
    if limits is not None and not isinstance(limits, Limits):
        msg = f"limits: expected Limits, got {type(limits).__name__}"
        raise ValueError(msg)
    if prices is not None and not callable(getattr(prices, "usd", None)):
        msg = f"prices: expected Prices, got {prices!r}"
        raise ValueError(msg)


def _key(tenant_key: object) -> bytes:
    if tenant_key is None:
        return _DEFAULT_KEY
    key = tenant_key.encode() if isinstance(tenant_key, str) else tenant_key
    if isinstance(key, bytes) and key:
        return key
    msg = "tenant_key: expected text or bytes that are not empty"
    raise ValueError(msg)


def _after_fork() -> None:
    for processor in list(_live):
        try:
            processor.after_fork()
        except Exception:  # noqa: BLE001 - the others must count, whatever one of them holds
            instrumentation_health.note_internal_error("a fork")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
