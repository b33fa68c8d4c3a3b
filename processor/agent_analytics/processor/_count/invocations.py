"""Ended invocations, and the agents inside them."""

from bisect import bisect_left
from threading import RLock
from typing import Final

from agent_analytics.instrumentation import mistakes
from agent_analytics.instrumentation import vocabulary as v
from agent_analytics.instrumentation.exact import exact, exact_text
from agent_analytics.processor._count.core import (
    INVOCATION_EDGES,
    Amounts,
    Listing,
    Node,
    OwnInvocations,
    add_figures,
)
from agent_analytics.processor._count.observation import Observation, of_own_agent
from agent_analytics.processor._count.releases import Releases
from agent_analytics.processor._count.usage import UsageCounter
from agent_analytics.processor._series import health as _health
from agent_analytics.processor._series.cells import Exemplar
from agent_analytics.processor._series.health import Health
from agent_analytics.processor._series.listings import Listings
from agent_analytics.processor._series.schema import (
    ERROR_TYPES,
    FEES,
    FIRST_CHUNKS,
    MODEL_COST,
    NANO,
    OUTCOME_CELLS,
    OUTCOME_SUM,
    REFUNDS,
    RELEASE_COST,
    RELEASE_SLOW,
    REVENUE,
    WASTED_COST,
)
from agent_analytics.processor._series.sketch import Hasher
from agent_analytics.processor._spans import marks, outcomes
from agent_analytics.processor._spans.sdk_access import Attributes
from agent_analytics.processor._spans.values import Charges, duration, number
from agent_analytics.processor.catalogue import (
    FIRST_CHUNK_SECONDS,
    SKETCH_CONVERSATIONS,
    SKETCH_TENANTS,
    SLOW_SECONDS,
)

_FAILURES: Final = (outcomes.ERROR, outcomes.TIMEOUT)
_SLOW_NS: Final = SLOW_SECONDS * NANO
_MAX_FIRST_CHUNK: Final = 30 * 24 * 3600.0


class InvocationCounter(OwnInvocations):
    """Adds agent spans to the cells and sketches of their listing."""

    def __init__(
        self,
        listings: Listings,
        health: Health,
        lock: RLock,
        amounts: Amounts,
        charges: Charges,
        usage: UsageCounter,
        releases: Releases,
        tenant_key: bytes,
    ) -> None:
        tenants = Hasher(tenant_key, SKETCH_TENANTS)
        super().__init__(listings, health, lock, amounts, charges, usage, tenants, releases.find)
        self._conversations = Hasher(tenant_key, SKETCH_CONVERSATIONS).place

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
        inner = seen.kind != marks.INVOCATION
        call = not inner and seen.outcome != outcomes.STEERED
        if inner and node.scope is not None and node.scope.flags & marks.DUPLICATE:
            self._health.repeat()
            return
        first = seen.outcome * OUTCOME_CELLS
        elapsed = duration(seen.start, seen.end, self._health) if call else 0
        bucket = first + bisect_left(INVOCATION_EDGES, elapsed)
        failed = call and seen.outcome in _FAILURES
        error = self._listings.block(listing, ERROR_TYPES, seen.error) if failed else None
        revenue, fee = self._charge(listing.publisher, seen.revenue)
        refund = self._amounts.nano(seen.refund)
        figures = self._usage.figures(node, listing, seen.usage, seen.start)
        exemplar = seen.exemplar(elapsed)
        stated = seen.resource if seen.version is None else seen.version
        release = self._releases(listing, seen.version, stated) if call else None
        cells, health = listing.cells, self._health.cells
        with self._lock:
            spent, before = cells[MODEL_COST], node.cost
            cells[REVENUE] += revenue
            cells[FEES] += fee
            cells[REFUNDS] += refund
            if call:
                cells[bucket] += 1
                cells[first + OUTCOME_SUM] += elapsed
                health[_health.INVOCATION] += 1
            elif inner:
                health[_health.INNER_AGENT] += 1
            if error is not None:
                node.flags |= marks.FAILED
                error.cells[0] += 1
                cells[WASTED_COST] += node.cost
            if figures is not None:
                add_figures(node, listing, figures)
            if release is not None:
                node.release = release
                _add_release(node, seen, elapsed, before + cells[MODEL_COST] - spent)
            if call and exemplar is not None:
                listing.block.note(bucket, exemplar)
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
            seen = of_own_agent(marks.AGENT, attributes, start)
            self.count(node, node.listing, seen)
            return
        self._health.lose(_health.INVOCATION)
        if v.EVENT not in attributes:
            mistakes.no_publisher(attributes.get(v.AGENT_ID) or attributes.get(v.AGENT_NAME))

    # --- in parts --------------------------------------------------------------------------------

    def _end_steered(self, node: Node, attributes: Attributes, start: int | None) -> None:
        listing = node.listing
        if listing is None:
            return
        self.leave(listing)
        seen = of_own_agent(
            marks.INVOCATION, attributes, start, tenant=node.tenant, outcome=outcomes.STEERED
        )
        self.count(node, listing, seen)

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


def _add_release(node: Node, seen: Observation, elapsed: int, nano: int) -> None:
    """Count an invocation by its version, which its node has; the caller holds the lock."""
    cells = node.release.cells
    cells[seen.outcome] += 1
    if seen.outcome == outcomes.SUCCESS and elapsed > _SLOW_NS:
        cells[RELEASE_SLOW] += 1
    cells[RELEASE_COST] += nano
    node.flags |= marks.RELEASED
