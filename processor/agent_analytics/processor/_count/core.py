"""What every decorated span pays for: what it adds to, its node, its start and its end.

``Block`` and ``Listing`` are what spans add to, ``Node`` is an open span. ``Beginnings`` finds whom
a span in the project's own words belongs to, ``OwnTools`` and ``OwnInvocations`` count it when it
ends; ``OwnSpans`` is the way there from the two callbacks of the SDK.
"""

from abc import ABC, abstractmethod
from bisect import bisect_left
from collections.abc import Callable, Mapping
from itertools import repeat
from threading import RLock
from time import time_ns
from typing import TYPE_CHECKING, Any, Final

from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, Span

from agent_analytics.instrumentation import mistakes
from agent_analytics.instrumentation import vocabulary as v
from agent_analytics.instrumentation.context import FACTS_KEY
from agent_analytics.instrumentation.exact import exact, exact_text
from agent_analytics.instrumentation.health import note_internal_error
from agent_analytics.processor._series import health as _health
from agent_analytics.processor._series import schema
from agent_analytics.processor._series.cells import Cells, Exemplar, SketchCells
from agent_analytics.processor._series.schema import (
    ERROR_TYPES,
    FEES,
    IN_PROGRESS,
    NANO,
    OUTCOME_CELLS,
    OUTCOME_SUM,
    REFUNDS,
    REVENUE,
    TOOL_HISTOGRAM,
    TOOL_SUM,
    TOOLS,
    WASTED_COST,
    Schema,
)
from agent_analytics.processor._spans.marks import (
    AGENT,
    CALLS,
    DIRECT,
    DUPLICATE,
    FAILED,
    INFERENCE,
    INVOCATION,
    LIBRARY,
    NATIVE,
    OTHER,
    THROUGH_WORK,
    TOOL,
)
from agent_analytics.processor._spans.outcomes import (
    ERROR,
    OUTCOMES,
    STEERED,
    TIMEOUT,
    error_type_of,
    outcome_of,
    source_of,
)
from agent_analytics.processor._spans.own_spans import is_own
from agent_analytics.processor._spans.sampling import mend_sampler
from agent_analytics.processor._spans.sdk_access import Attributes, EndFields, Key, Start
from agent_analytics.processor._spans.values import MAX_DURATION_NS, duration
from agent_analytics.processor.catalogue import INVOCATION_SECONDS, TOOL_SECONDS, UNKNOWN

if TYPE_CHECKING:  # what is asked here, and itself imports what is here
    from agent_analytics.processor._count.events import EventIds
    from agent_analytics.processor._count.usage import UsageCounter
    from agent_analytics.processor._other_routes import OtherRoutes
    from agent_analytics.processor._runs.tracker import Runs
    from agent_analytics.processor._series.health import Health
    from agent_analytics.processor._series.listings import Listings
    from agent_analytics.processor._series.sketch import Hasher
    from agent_analytics.processor._spans.attribution import Attribution
    from agent_analytics.processor._spans.open_spans import OpenSpans
    from agent_analytics.processor._spans.values import Amounts, Charges

# Names of this module are read in half the time of those of another one.
_OPERATION_NAME: Final = v.OPERATION_NAME
_PUBLISHER_ID: Final = v.PUBLISHER_ID
_AGENT_ID: Final = v.AGENT_ID
_TENANT_ID: Final = v.TENANT_ID
_EVENT_ID: Final = v.EVENT_ID
_TOOL_NAME: Final = v.TOOL_NAME
_OUTCOME: Final = v.OUTCOME
_REVENUE_USD: Final = v.REVENUE_USD
_REFUND_USD: Final = v.REFUND_USD
_AGENT_NAME: Final = v.AGENT_NAME
_AGENT_VERSION: Final = v.AGENT_VERSION
_CONVERSATION_ID: Final = v.CONVERSATION_ID
_FIRST_CHUNK: Final = v.TIME_TO_FIRST_CHUNK
_DURATION_UNKNOWN: Final = v.DURATION_UNKNOWN
_COUNTED_INVOCATION: Final = _health.INVOCATION
_COUNTED_TOOL: Final = _health.TOOL
_LAST_SPAN: Final = _health.LAST_SPAN

INVOCATION_EDGES: Final = tuple(round(edge * NANO) for edge in INVOCATION_SECONDS)
TOOL_EDGES: Final = tuple(round(edge * NANO) for edge in TOOL_SECONDS)
_NOTHING: Final = (0, 0)
#: Kinds of spans between two views of one call.
_THROUGH: Final = (TOOL, OTHER, LIBRARY)
#: Spans between two views of one call, at most.
_MOST_ABOVE: Final = 256
#: Spans that have just ended, remembered by the last bits of their ids. A processor that a
#: provider has twice is called twice for each span, the second time at once.
ENDED: Final = 1_024
_ENDED_MASK: Final = ENDED - 1


#: Stands for the name of a block that has none.
NAMELESS: Final = ""


_WORK: Final = (TOOL, AGENT)


class Block:
    """The cells of one listing, or of one of its tools, models, error types and so on.

    Attributes:
        schema: What the cells mean.
        labels: ``publisher_id``, ``agent_id`` and, for all but a listing, one more value.
        cells: The numbers.
        exemplars: Last exemplar of each bucket, by the index of its cell.
        born: When the block was made, on the processor's clock; ``None`` for one with a history
            (restored from disk), which is never held at 0.
        seen: Bits of the readers that have seen the block at 0 (``_series.hold``).
        live: Whether the cells are shown; until then the block shows zeros.
    """

    __slots__ = ("born", "cells", "exemplars", "labels", "live", "schema", "seen")

    def __init__(
        self, schema: Schema, labels: tuple[str, ...], cells: Cells, born: float | None
    ) -> None:
        self.schema = schema
        self.labels = labels
        self.cells = cells
        self.exemplars: dict[int, Exemplar] | None = None
        self.born = born
        self.seen = 0
        self.live = born is None

    def note(self, cell: int, exemplar: Exemplar) -> None:
        """Remember what has hit a bucket last; the caller holds the lock."""
        if self.exemplars is None:
            self.exemplars = {}
        self.exemplars[cell] = exemplar


class Listing:
    """One publisher's agent: everything that its spans add to.

    Attributes:
        publisher: ``publisher_id``.
        agent: ``agent_id``.
        block: Series of the listing itself; ``cells`` are its cells.
        groups: Blocks of each kind by name, ``""`` where they have none, at the kind's place.
        tools: Those of tools, for the hot path; those of models are ``models`` (calls), ``usage``,
            ``cached`` and ``reasoning`` (tokens).
        tenants: Sketch of who used it; ``conversations`` alike.
        versions: Names and versions seen, oldest first.
        latest: The last name and version, to tell at a glance that nothing changed.
    """

    __slots__ = (
        "agent",
        "block",
        "cached",
        "cells",
        "conversations",
        "groups",
        "latest",
        "models",
        "publisher",
        "reasoning",
        "tenants",
        "tools",
        "usage",
        "versions",
    )

    def __init__(
        self,
        publisher: str,
        agent: str,
        block: Block,
        tenants: SketchCells,
        conversations: SketchCells,
    ) -> None:
        self.publisher = publisher
        self.agent = agent
        self.block = block
        self.cells: Cells = block.cells
        self.groups: tuple[dict[str, Block], ...] = tuple([{} for _ in schema.KINDS])
        self.groups[schema.LISTINGS.place][NAMELESS] = block
        self.tools = self.groups[schema.TOOLS.place]
        self.models = self.groups[schema.MODELS.place]
        self.usage = self.groups[schema.USAGES.place]
        self.cached = self.groups[schema.CACHED_USAGES.place]
        self.reasoning = self.groups[schema.REASONING_USAGES.place]
        self.tenants = tenants
        self.conversations = conversations
        self.versions: dict[tuple[str, str], None] = {}
        self.latest: tuple[object, object] = (None, None)

    def blocks(self) -> list[Block]:
        """Return every block, the listing's own first."""
        return [block for group in self.groups for block in list(group.values())]


class Node:
    """One open span.

    Attributes:
        kind: What it was taken for when it started.
        parent: Node of the span that it was started in, if that is followed.
        scope: Node of the invocation that it is in; ``None`` outside any.
        listing: Whom it is credited to; ``None`` for nobody.
        name: Name of the tool; ``None`` otherwise.
        tenant: Who uses it, as known at the start.
        sources: Instrumentations that recorded a call of the same tool below this one.
        started: When it was seen to start, on the processor's clock; what a span says of its
            own start may lie anywhere.
        flags: What was counted below.
        cost: Model cost counted in this invocation, or this agent, so far, in nano-dollars.
        facts: What the decorators say of a span of theirs, whole; ``None`` for others' spans.
        unclaimed: Input and output of its own figures that no late call has claimed; only of an
            invocation that counted them (``REPEATS``).
    """

    __slots__ = (
        "cost",
        "facts",
        "flags",
        "kind",
        "listing",
        "name",
        "parent",
        "scope",
        "sources",
        "started",
        "tenant",
        "unclaimed",
    )
    unclaimed: tuple[int, int]

    def __init__(
        self,
        kind: int,
        parent: "Node | None",
        listing: Listing | None,
    ) -> None:
        self.kind = kind
        self.parent = parent
        self.listing = listing
        if parent is None:
            self.scope: Node | None = None
        else:
            # Not its own where it is an invocation itself: a cycle would wait for the collector.
            self.scope = parent if parent.kind == INVOCATION else parent.scope
        self.name: object = None
        self.tenant: object = None
        self.sources: set[str] | None = None
        self.started = 0.0
        self.flags = 0
        self.cost = 0
        self.facts: Mapping[str, Any] | None = None

    def within(self) -> "Node | None":
        """Return the node of the invocation that children of this span are in."""
        return self if self.kind == INVOCATION else self.scope

    def mark_above(self, flags: int) -> None:
        """Set ``flags``, of ``USAGE``, on every node above, up to and including the invocation's.

        A model call that runs a tool or an agent which calls a model is a call of its own: what is
        counted below those is no repetition of the model call above them.

        Each node remembers what went on from it to those above, so that a chain of any length is
        walked once for each flag and not once for each call.
        """
        node = self.parent
        shift, passed = DIRECT, flags << DIRECT
        while node is not None:
            kind = node.kind
            if kind in _WORK and shift == DIRECT:
                shift, passed = THROUGH_WORK, flags << THROUGH_WORK
            known = node.flags
            if known & passed == passed:
                return
            if shift == DIRECT or kind != INFERENCE:
                known |= flags
            if kind == INVOCATION:
                node.flags = known
                return
            node.flags = known | passed
            node = node.parent


class Beginnings:
    """Makes the nodes of agent, tool and model spans.

    Attributes:
        makers: What makes the nodes of spans, by their operation; the hot path asks it directly.
    """

    def __init__(
        self,
        listings: "Listings",
        attribution: "Attribution",
        event_ids: "EventIds",
        lock: RLock,
    ) -> None:
        self._known = listings.known
        self._attribution = attribution
        self._event_ids = event_ids
        self._lock = lock
        self.makers = {
            v.INVOKE_AGENT: self._agent,
            v.EXECUTE_TOOL: self._tool,
            **dict.fromkeys(v.INFERENCE_OPERATIONS, self._inference),
        }

    def begin(
        self,
        operation: object,
        attributes: Attributes,
        span: ReadableSpan,
        parent: Node | None,
        context: Context | None,
    ) -> Node | None:
        """Return the node of a span that names ``operation``; ``None`` if it is none of ours.

        Args:
            operation: ``gen_ai.operation.name``.
            attributes: What the span carries so far.
            span: The span.
            parent: Node of the span that it was started in, if that is followed.
            context: What it was started in; ``None`` for the current context.
        """
        make = self.makers.get(operation if type(operation) is str else exact_text(operation) or "")
        if make is not None:
            return make(attributes, span, parent, context)
        # Steps, workflows and whatever else there is: see-through.
        return Node(OTHER, parent, parent.listing) if parent else None

    def _find(self, publisher: object, agent: object) -> Listing | None:
        """Return the listing that ids name, if it is known."""
        if type(publisher) is not str or type(agent) is not str:
            return None  # of a class that decides whose id its text is equal to
        return self._known.get((publisher, agent))

    def _tool(
        self,
        attributes: Attributes,
        span: ReadableSpan,
        parent: Node | None,
        context: Context | None,
    ) -> Node:
        get = attributes.get  # one by one: a map() costs as much as six
        publisher = get(_PUBLISHER_ID)
        if publisher is not None:
            listing = self._find(publisher, get(_AGENT_ID))
        else:
            listing = parent.listing if parent is not None else None
        if listing is None:
            listing = self._attribution.of_call(publisher, attributes, span, parent, context)
        node = Node(TOOL, parent, listing)
        node.name = get(_TOOL_NAME)
        return node

    def _inference(
        self,
        attributes: Attributes,
        span: ReadableSpan,
        parent: Node | None,
        context: Context | None,
    ) -> Node:
        publisher = attributes.get(v.PUBLISHER_ID)
        if publisher is None and parent is not None and parent.listing is not None:
            return Node(INFERENCE, parent, parent.listing)
        listing = self._attribution.of_call(publisher, attributes, span, parent, context)
        return Node(INFERENCE, parent, listing)

    def _agent(
        self,
        attributes: Attributes,
        span: ReadableSpan,
        parent: Node | None,
        context: Context | None,
    ) -> Node:
        get = attributes.get
        publisher = get(_PUBLISHER_ID)
        scope = parent.within() if parent is not None else None
        if publisher is None:
            if scope is not None:  # a framework's own span, or a sub-agent: inner work
                return Node(AGENT, parent, scope.listing)
            listing, inner = self._attribution.of_agent(attributes, span, context)
        else:
            # As in ``_find``, which would cost the hot path a call.
            listing = (
                self._known.get((publisher, agent))
                if type(publisher) is str and type(agent := get(_AGENT_ID)) is str
                else None
            )
            if listing is None:
                listing = self._attribution.named(publisher, attributes, span)
            inner = scope is not None and scope.listing is listing
        if inner and attributes.get(v.EVENT) == v.EVENT_INVOCATION:
            inner = False  # it happened elsewhere, whatever it was recorded in
        if listing is None or inner:
            return Node(AGENT, parent, listing)
        node = Node(INVOCATION, parent, listing)
        tenant = get(_TENANT_ID)
        event_id = get(_EVENT_ID)
        node.tenant = self._attribution.tenant(context) if tenant is None else tenant
        if event_id is not None and self._event_ids.seen(listing, event_id, span):
            node.flags = DUPLICATE
        with self._lock:
            listing.cells[IN_PROGRESS] += 1
        return node


class OwnTools:
    """Adds tool spans in the project's own words to the cells of their listing."""

    def __init__(self, listings: "Listings", health: "Health", lock: RLock) -> None:
        self._listings = listings
        self._health = health
        self._lock = lock

    def end(
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
            name = attributes.get(_TOOL_NAME)
            if name is None:
                name = UNKNOWN
        scope = node.scope
        if scope is not None and scope.flags & DUPLICATE:
            self._health.repeat()
            return
        parent = node.parent
        nested = parent is not None and parent.kind != INVOCATION
        if (nested or node.sources is not None) and self._repeats(node, name, source_of(span)):
            self._health.repeat()
            return
        trace_id, sampled, failed, start, end = fields
        said = attributes.get(_OUTCOME)
        outcome = OUTCOMES.get(said if type(said) is str else exact_text(said))
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
                self._health.cells[_COUNTED_TOOL] += 1
            return
        elapsed = end - start if start is not None and end is not None else -1
        if not 0 <= elapsed <= MAX_DURATION_NS:
            elapsed = duration(start, end, self._health)
        bucket = TOOL_HISTOGRAM + bisect_left(TOOL_EDGES, elapsed)
        with self._lock:
            cells[outcome] += 1
            cells[bucket] += 1
            cells[TOOL_SUM] += elapsed
            if sampled:
                if block.exemplars is None:
                    block.exemplars = {}
                block.exemplars[bucket] = (trace_id, span_id, elapsed, end or 0)
            self._health.cells[_COUNTED_TOOL] += 1

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
            if above.kind == TOOL and above.name == name:
                if above.sources is None:
                    above.sources = set()
                elif source in above.sources:
                    break  # and so was it noted further up
                above.sources.add(source)
            above = above.parent
        return False


class OwnInvocations(ABC):
    """Adds invocations in the project's own words to the cells and sketches of their listing."""

    def __init__(
        self,
        listings: "Listings",
        health: "Health",
        lock: RLock,
        amounts: "Amounts",
        charges: "Charges",
        usage: "UsageCounter",
        tenants: "Hasher",
    ) -> None:
        self._listings = listings
        self._health = health
        self._lock = lock
        self._amounts = amounts
        self._charge = charges.read
        self._usage = usage
        self._tenants, self._known_tenants = tenants.place, tenants.remembered

    def end(
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
        if node.flags & DUPLICATE:
            with self._lock:
                cells[IN_PROGRESS] -= 1
                self._health.cells[_health.DUPLICATE_EVENTS] += 1
                self._health.cells[_health.DUPLICATE] += 1
            return
        trace_id, sampled, failed, start, end = fields
        get = attributes.get
        said = get(_OUTCOME)
        outcome = OUTCOMES.get(said if type(said) is str else exact_text(said))
        if outcome is None:
            outcome = outcome_of(span, attributes, failed=failed)
        if outcome == STEERED:
            self._end_steered(node, attributes, start)
            return
        elapsed = end - start if start is not None and end is not None else -1
        if not 0 <= elapsed <= MAX_DURATION_NS:
            elapsed = duration(start, end, self._health)
        first = outcome * OUTCOME_CELLS
        bucket = first + bisect_left(INVOCATION_EDGES, elapsed)
        error = (
            self._listings.block(listing, ERROR_TYPES, error_type_of(span, attributes))
            if outcome in (ERROR, TIMEOUT)
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
                node.flags |= FAILED
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
            self._health.cells[_COUNTED_INVOCATION] += 1
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
        """Show an invocation of a foreign run in the gauge of those in progress."""
        with self._lock:
            listing.cells[IN_PROGRESS] += 1

    def leave(self, listing: Listing) -> None:
        """Take an invocation out of the gauge, which counts no more as one in progress."""
        with self._lock:
            listing.cells[IN_PROGRESS] -= 1

    # --- what the subclass knows ------------------------------------------------------------------

    @abstractmethod
    def _end_steered(self, node: Node, attributes: Attributes, start: int | None) -> None:
        """Count what an interrupted try brings. It was no call."""

    @abstractmethod
    def _converse(self, listing: Listing, conversation: object) -> None:
        """Note that a listing takes part in a conversation."""

    @abstractmethod
    def _observe_first_chunk(
        self, listing: Listing, chunk: object, exemplar: Exemplar | None
    ) -> None:
        """Count the seconds until the first chunk of an answer."""


class OwnSpans:
    """The two callbacks of the SDK: the way of spans in the project's own words.

    ``AgentMetricsProcessor`` sets what is asked here; all other spans go the ways of ``_others``.
    """

    _begin: Callable[..., Node | None]
    _clock: Callable[[], float]
    _ended: list[int]
    _health: "Health"
    _invocations: OwnInvocations
    _makers: Mapping[str, Callable[..., Node | None]]
    _open: dict[int, Node]
    _open_spans: "OpenSpans"
    _others: "OtherRoutes"
    _read_end: Callable[[ReadableSpan], EndFields]
    _read_key: Callable[[ReadableSpan], Key]
    _read_start: Callable[[ReadableSpan], Start]
    _route: Callable[..., int]
    _runs: "Runs"
    _tools: OwnTools
    #: Looks after what is not done span by span. It is a method of the other base class.
    _upkeep: Callable[[int], None]
    #: No upkeep between the two: a clock that was set back is as good a reason as one second.
    _upkeep_at: int
    _upkeep_from: int

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
            operation = attributes.get(_OPERATION_NAME)
            parent: Any = nodes.get(parent_id) if parent_id is not None else None
            if operation is not None and (
                _PUBLISHER_ID in attributes
                or (facts is not None and type(parent) is Node and operation in CALLS)
            ):
                route = NATIVE  # as ``_route`` has it, without a call
            else:
                route = self._route(operation, attributes, span, parent, facts)
            node: Node | None
            if route != NATIVE or operation is None:
                node = self._others.begin(route, attributes, span, span_id, parent, parent_context)
            else:
                if parent is not None and type(parent) is not Node:
                    followed: Any = parent  # of a foreign run
                    parent = self._runs.live_parent(followed, span, attributes)
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
            node: Any = self._open.pop(span_id, None)
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
                if _OUTCOME not in attributes and self._others.ended_early(node, span, span_id):
                    return
            if node is None or type(node) is not Node or node.kind == OTHER:
                if node is not None and type(node) is not Node:
                    followed: Any = node  # of a foreign run
                    if followed.span_id == span_id:
                        self._others.foreign(followed, attributes, span)
                    return
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
                above = node.parent
                if above is not None and type(above) is not Node:  # of a foreign run
                    self._others.note_usage(node, attributes)
            else:
                self._others.end(node, attributes, span, fields)
            now_ns = time_ns()
            self._health.cells[_LAST_SPAN] = now_ns
            if not self._upkeep_from < now_ns <= self._upkeep_at:
                self._upkeep(now_ns)
        except Exception:  # noqa: BLE001 - telemetry never raises into the host
            note_internal_error("on_end")
