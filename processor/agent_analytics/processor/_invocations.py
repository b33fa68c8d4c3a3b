"""Ended invocations, and the agents inside them."""

from bisect import bisect_left
from threading import RLock
from typing import Any, Final

from opentelemetry.sdk.trace import ReadableSpan

from agent_analytics.instrumentation import mistakes
from agent_analytics.instrumentation import vocabulary as v
from agent_analytics.instrumentation.exact import exact, exact_text
from agent_analytics.processor import _health, _nodes, _outcomes
from agent_analytics.processor._health import Health
from agent_analytics.processor._listings import Listing, Listings
from agent_analytics.processor._nodes import Node
from agent_analytics.processor._observation import Observation, of_own_agent
from agent_analytics.processor._outcomes import OUTCOMES, error_type_of, outcome_of
from agent_analytics.processor._reading import Attributes, EndFields
from agent_analytics.processor._schema import (
    ERROR_TYPES,
    FEES,
    FIRST_CHUNKS,
    IN_PROGRESS,
    NANO,
    OUTCOME_CELLS,
    OUTCOME_SUM,
    REFUNDS,
    REVENUE,
    WASTED_COST,
)
from agent_analytics.processor._sketch import Hasher
from agent_analytics.processor._store import Exemplar
from agent_analytics.processor._usage import UsageCounter
from agent_analytics.processor._values import MAX_DURATION_NS, Amounts, Charges, duration, number
from agent_analytics.processor.catalogue import (
    FIRST_CHUNK_SECONDS,
    INVOCATION_SECONDS,
    SKETCH_CONVERSATIONS,
    SKETCH_TENANTS,
)

_INVOCATION_EDGES: Final = tuple(round(edge * NANO) for edge in INVOCATION_SECONDS)
_FAILURES: Final = (_outcomes.ERROR, _outcomes.TIMEOUT)
# Names of this module are read in half the time of those of another one.
_OUTCOME: Final = v.OUTCOME
_REVENUE_USD: Final = v.REVENUE_USD
_REFUND_USD: Final = v.REFUND_USD
_TENANT_ID: Final = v.TENANT_ID
_AGENT_NAME: Final = v.AGENT_NAME
_AGENT_VERSION: Final = v.AGENT_VERSION
_CONVERSATION_ID: Final = v.CONVERSATION_ID
_FIRST_CHUNK: Final = v.TIME_TO_FIRST_CHUNK
_DUPLICATE: Final = _nodes.DUPLICATE
_STEERED: Final = _outcomes.STEERED
_COUNTED: Final = _health.INVOCATION
_NOTHING: Final = (0, 0)
_MAX_FIRST_CHUNK: Final = 30 * 24 * 3600.0


class InvocationCounter:
    """Adds agent spans to the cells and sketches of their listing."""

    def __init__(
        self,
        listings: Listings,
        health: Health,
        lock: RLock,
        amounts: Amounts,
        charges: Charges,
        usage: UsageCounter,
        tenant_key: bytes,
    ) -> None:
        self._listings = listings
        self._health = health
        self._lock = lock
        self._amounts = amounts
        self._charge = charges.read
        self._usage = usage
        tenants = Hasher(tenant_key, SKETCH_TENANTS)
        self._tenants, self._known_tenants = tenants.place, tenants.remembered
        self._conversations = Hasher(tenant_key, SKETCH_CONVERSATIONS).place

    def end(  # noqa: C901, PLR0912, PLR0915 - the hot path: a call costs as much as it would hold
        self,
        node: Node,
        attributes: Attributes,
        span: ReadableSpan,
        span_id: int,
        fields: EndFields,
    ) -> None:
        """Count an ended invocation."""
        listing: Any = node.listing
        cells = listing.cells
        if node.flags & _DUPLICATE:
            with self._lock:
                cells[IN_PROGRESS] -= 1
                self._health.cells[_health.DUPLICATE_EVENTS] += 1
                self._health.cells[_health.DUPLICATE] += 1
            return
        trace_id, sampled, failed, start, end = fields
        get = attributes.get
        told = get(_OUTCOME)
        outcome = OUTCOMES.get(told if type(told) is str else exact_text(told))
        if outcome is None:
            outcome = outcome_of(span, attributes, failed=failed)
        if outcome == _STEERED:
            with self._lock:
                cells[IN_PROGRESS] -= 1
            seen = of_own_agent(
                _nodes.INVOCATION, attributes, start, tenant=node.tenant, outcome=outcome
            )
            self.count(node, listing, seen)
            return
        elapsed = end - start if start is not None and end is not None else -1
        if not 0 <= elapsed <= MAX_DURATION_NS:
            elapsed = duration(start, end, self._health)
        first = outcome * OUTCOME_CELLS
        bucket = first + bisect_left(_INVOCATION_EDGES, elapsed)
        error = (
            self._listings.block(listing, ERROR_TYPES, error_type_of(span, attributes))
            if outcome in _FAILURES
            else None
        )
        charged = get(_REVENUE_USD)
        revenue, fee = _NOTHING if charged is None else self._charge(listing.publisher, charged)
        refund = get(_REFUND_USD)
        refunded = 0 if refund is None else self._amounts.nano(refund)
        tenant = node.tenant
        if tenant is None:
            tenant = get(_TENANT_ID)
        register = -1
        smallest = 0.0
        if type(tenant) is not str:
            tenant = exact(tenant)
        if type(tenant) is str and tenant:
            register, smallest = self._known_tenants.get(tenant) or self._tenants(tenant)
        elif tenant is not None:
            self._health.refuse_value("tenant")
        usage = self._usage.own_figures(node, listing, attributes, start)
        with self._lock:
            # First, so that a sum which no longer fits its cell leaves the gauge right.
            cells[IN_PROGRESS] -= 1
            cells[bucket] += 1
            cells[first + OUTCOME_SUM] += elapsed
            if revenue:
                cells[REVENUE] += revenue
                cells[FEES] += fee
            if refunded:
                cells[REFUNDS] += refunded
            if error is not None:
                node.flags |= _nodes.FAILED
                error.cells[0] += 1
                cells[WASTED_COST] += node.cost
            if register >= 0:
                registers = listing.tenants.current
                if registers.get(register, 1.0) > smallest:
                    registers[register] = smallest
            if sampled:
                block = listing.block
                if block.exemplars is None:
                    block.exemplars = dict[int, Exemplar]()
                block.exemplars[bucket] = (trace_id, span_id, elapsed, end or 0)
            if usage is not None:
                self._usage.add(node, listing, usage)
            self._health.cells[_COUNTED] += 1
        name, version = get(_AGENT_NAME), get(_AGENT_VERSION)
        if (name, version) != listing.latest:
            if tenant is None:
                mistakes.no_tenant(listing.publisher, listing.agent)
            self._listings.version(listing, name, version)
        conversation = get(_CONVERSATION_ID)
        if conversation is not None:
            self._converse(listing, conversation)
        chunk = get(_FIRST_CHUNK)
        if chunk is not None:
            self._observe_first_chunk(
                listing, chunk, (trace_id, span_id, 0, end or 0) if sampled else None
            )

    def begin(self, listing: Listing) -> None:
        """Show an invocation in the gauge of those in progress."""
        with self._lock:
            listing.cells[IN_PROGRESS] += 1

    def leave(self, listing: Listing) -> None:
        """Take an invocation out of the gauge, which counts no more as one in progress."""
        with self._lock:
            listing.cells[IN_PROGRESS] -= 1

    def count(  # noqa: C901 - one figure after the other
        self, node: Node, listing: Listing, seen: Observation
    ) -> None:
        """Count an invocation by the rules of ``end``, or what an agent brings that is no call.

        That is an agent inside an invocation, or a try that was steered: what it spent counts, and
        of a try for whom.

        Args:
            node: Its own.
            listing: Whom to credit.
            seen: What is known of it.
        """
        inner = seen.kind != _nodes.INVOCATION
        call = not inner and seen.outcome != _STEERED
        if inner and node.scope is not None and node.scope.flags & _DUPLICATE:
            self._health.repeat()
            return
        first = seen.outcome * OUTCOME_CELLS
        elapsed = duration(seen.start, seen.end, self._health) if call else 0
        bucket = first + bisect_left(_INVOCATION_EDGES, elapsed)
        failed = call and seen.outcome in _FAILURES
        error = self._listings.block(listing, ERROR_TYPES, seen.error) if failed else None
        revenue, fee = self._charge(listing.publisher, seen.revenue)
        refund = self._amounts.nano(seen.refund)
        figures = self._usage.figures(node, listing, seen.usage, seen.start)
        exemplar = (seen.trace_id, seen.span_id, elapsed, seen.end or 0) if seen.sampled else None
        cells, health = listing.cells, self._health.cells
        with self._lock:
            cells[REVENUE] += revenue
            cells[FEES] += fee
            cells[REFUNDS] += refund
            if call:
                cells[bucket] += 1
                cells[first + OUTCOME_SUM] += elapsed
                health[_COUNTED] += 1
                if exemplar is not None:
                    listing.block.note(bucket, exemplar)
            elif inner:
                health[_health.INNER_AGENT] += 1
            if error is not None:
                node.flags |= _nodes.FAILED
                error.cells[0] += 1
                cells[WASTED_COST] += node.cost
            if figures is not None:
                self._usage.add(node, listing, figures)
        self._converse(listing, seen.conversation)
        if inner:
            return
        self._attend(listing, seen.tenant)
        if (seen.name, seen.version) != listing.latest:
            if call and seen.tenant is None:
                mistakes.no_tenant(listing.publisher, listing.agent)
            self._listings.version(listing, seen.name, seen.version)
        if not call:
            self._health.steer(_health.INVOCATION)
        elif seen.first_chunk is not None:
            self._observe_first_chunk(listing, seen.first_chunk, exemplar)

    def end_inner(self, node: Node, attributes: Attributes, start: int | None) -> None:
        """Count what an ended agent span inside an invocation brings to its listing."""
        if node.listing is not None:
            seen = of_own_agent(_nodes.AGENT, attributes, start)
            self.count(node, node.listing, seen)
            return
        self._health.lose(_health.INVOCATION)
        if v.EVENT not in attributes:
            mistakes.no_publisher(attributes.get(v.AGENT_ID) or attributes.get(v.AGENT_NAME))

    # --- in parts --------------------------------------------------------------------------------

    def _attend(self, listing: Listing, tenant: object) -> None:
        """Note who uses a listing."""
        tenant = exact(tenant)
        if type(tenant) is str and tenant:
            register, smallest = self._tenants(tenant)
            with self._lock:
                registers = listing.tenants.current
                if registers.get(register, 1.0) > smallest:
                    registers[register] = smallest
        elif tenant is not None:
            self._health.refuse_value("tenant")

    def _converse(self, listing: Listing, conversation: object) -> None:
        """Note that a listing takes part in a conversation."""
        conversation = exact_text(conversation)
        if conversation:
            register, smallest = self._conversations(conversation)
            with self._lock:
                registers = listing.conversations.current
                if registers.get(register, 1.0) > smallest:
                    registers[register] = smallest

    def _observe_first_chunk(
        self, listing: Listing, chunk: object, exemplar: Exemplar | None
    ) -> None:
        """Count the seconds until the first chunk of an answer."""
        seconds = number(chunk, 0.0, _MAX_FIRST_CHUNK, "first_chunk", self._health)
        if seconds is None:
            return
        block = self._listings.block(listing, FIRST_CHUNKS)
        bucket = bisect_left(FIRST_CHUNK_SECONDS, seconds)
        elapsed = round(seconds * NANO)
        with self._lock:
            block.cells[bucket] += 1
            block.cells[len(FIRST_CHUNK_SECONDS) + 1] += elapsed
            if exemplar is not None:
                trace_id, span_id, _, end = exemplar
                block.note(bucket, (trace_id, span_id, elapsed, end))
