"""What every decorated span pays for: what it adds to, its node, its start and its end.

``Block`` and ``Listing`` are what spans add to, ``Node`` is an open span. ``Beginnings`` finds whom
a span in the project's own words belongs to, ``OwnTools`` and ``OwnInvocations`` count it when it
ends; ``OwnSpans`` is the way there from the two callbacks of the SDK.
"""

from array import array
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from itertools import repeat
from threading import RLock
from time import time_ns
from typing import TYPE_CHECKING, Any, Final

from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, Span
from opentelemetry.trace import StatusCode

from agent_analytics.instrumentation import mistakes
from agent_analytics.instrumentation import vocabulary as v
from agent_analytics.instrumentation.context import FACTS_KEY
from agent_analytics.instrumentation.exact import exact, exact_text
from agent_analytics.instrumentation.health import note_internal_error
from agent_analytics.instrumentation.money import MAX_USD, NANO_PER_USD, nano_usd
from agent_analytics.processor._count import own_cells
from agent_analytics.processor._dialects import StatedCost
from agent_analytics.processor._series import schema
from agent_analytics.processor._series.cells import Cells, Exemplar, SketchCells
from agent_analytics.processor._series.schema import (
    CACHED_USAGES,
    ERROR_TYPES,
    FEES,
    IN_PROGRESS,
    MODEL_COST,
    NANO,
    OUTCOME_CELLS,
    OUTCOME_SUM,
    REASONING_USAGES,
    REFUNDS,
    RELEASE_COST,
    RELEASE_SLOW,
    RESULT_SUM,
    REVENUE,
    TOOL_HISTOGRAM,
    TOOL_REPEATS,
    TOOL_RESULTS,
    TOOL_SUM,
    TOOLS,
    USAGE_INPUT,
    USAGE_OUTPUT,
    USAGE_UNPRICED,
    USAGES,
    WASTED_COST,
    Schema,
)
from agent_analytics.processor._spans.marks import (
    ABOVE,
    AGENT,
    AGENT_TOKENS_BELOW,
    CALLS,
    COST_BELOW,
    DIRECT,
    DUPLICATE,
    FAILED,
    IGNORED,
    INFERENCE,
    INVOCATION,
    LACKING_BELOW,
    LIBRARY,
    MODEL_TOKENS_BELOW,
    NATIVE,
    OTHER,
    PRICED_BELOW,
    RELEASED,
    REPEATS,
    STATED_ABOVE,
    THROUGH_WORK,
    TOOL,
    USER_COST_ABOVE,
)
from agent_analytics.processor._spans.native_spans import is_own
from agent_analytics.processor._spans.outcomes import (
    ERROR,
    OUTCOMES,
    STEERED,
    SUCCESS,
    TIMEOUT,
    error_type_of,
    outcome_of,
    source_of,
)
from agent_analytics.processor._spans.sampling import mend_sampler
from agent_analytics.processor._spans.sdk_access import (
    LAST_TIME,
    NOT_AS_EXPECTED,
    Attributes,
    EndFields,
    Readers,
    moment,
    public_attributes,
    public_end,
    public_parent_id,
    public_span_id,
)
from agent_analytics.processor._spans.values import (
    MAX_DURATION_NS,
    MAX_RESULT_BYTES,
    MAX_TOKENS,
    PRICED,
    PUBLIC_LIST,
    SHORT_AMOUNT,
    STATED,
    UNKNOWN_COST,
    USER,
    Cost,
    Counts,
    duration,
    tokens,
)
from agent_analytics.processor.catalogue import (
    INVOCATION_SECONDS,
    RESULT_BYTES,
    SLOW_SECONDS,
    TOOL_SECONDS,
    UNKNOWN,
)

if TYPE_CHECKING:  # what is asked here, and itself imports what is here
    from agent_analytics.processor._count.events import EventIds
    from agent_analytics.processor._count.observation import Usage
    from agent_analytics.processor._other_routes import OtherRoutes
    from agent_analytics.processor._prices.billing import Billing
    from agent_analytics.processor._runs.tracker import Runs
    from agent_analytics.processor._series.health import Health
    from agent_analytics.processor._series.listings import Listings
    from agent_analytics.processor._series.sketch import Hasher
    from agent_analytics.processor._spans.attribution import Attribution
    from agent_analytics.processor._spans.open_spans import OpenSpans
    from agent_analytics.processor._spans.undecided import Undecided
    from agent_analytics.processor._spans.values import Charges

# Names of this module are read in half the time of those of another one.
_OPERATION_NAME: Final = v.OPERATION_NAME
_EXECUTE_TOOL: Final = v.EXECUTE_TOOL
_INVOKE_AGENT: Final = v.INVOKE_AGENT
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
_RESULT_BYTES: Final = v.TOOL_RESULT_BYTES
_REPEATED: Final = v.TOOL_REPEATED
_INPUT_TOKENS: Final = v.INPUT_TOKENS
_OUTPUT_TOKENS: Final = v.OUTPUT_TOKENS
_COST_USD: Final = v.COST_USD
_CACHED: Final = v.CACHED_INPUT_TOKENS
_REASONING: Final = v.REASONING_TOKENS
_REQUEST_MODEL: Final = v.REQUEST_MODEL
_RESPONSE_MODEL: Final = v.RESPONSE_MODEL
_USAGE_OWN: Final = v.USAGE_OWN
_COUNTED_INVOCATION: Final = own_cells.INVOCATION
_COUNTED_TOOL: Final = own_cells.TOOL
_LAST_SPAN: Final = own_cells.LAST_SPAN
_LAST_TIME: Final = LAST_TIME
#: A span that ends is read by the accessors where it is of another make, or no time is its.
_NO_END: Final = (*NOT_AS_EXPECTED, OverflowError)

#: A type checker does not draw from it what it cannot know.
_DICT: Final[Any] = dict
#: Where a span context, which is a tuple, has these.
_TRACE_ID: Final = 0
_SPAN_ID: Final = 1
_TRACE_FLAGS: Final = 3
_FAILED_STATUS: Final = StatusCode.ERROR

#: Whether this is the compiled text.
COMPILED: Final = not __file__.endswith((".py", ".pyc"))
INVOCATION_EDGES: Final = tuple(round(edge * NANO) for edge in INVOCATION_SECONDS)
#: The last bucket of invocations that are not slow.
_SLOW_PLACE: Final = INVOCATION_SECONDS.index(SLOW_SECONDS)
TOOL_EDGES: Final = tuple(round(edge * NANO) for edge in TOOL_SECONDS)
_NOTHING: Final = (0, 0)
#: The same as C has them: a compiled core looks through them in fewer steps than one comparison
#: of Python's numbers takes.
_INVOCATION_PLACES = array("q", INVOCATION_EDGES) if COMPILED else INVOCATION_EDGES
_TOOL_PLACES = array("q", TOOL_EDGES) if COMPILED else TOOL_EDGES
RESULT_EDGES: Final = tuple(map(int, RESULT_BYTES))
_RESULT_PLACES = array("q", RESULT_EDGES) if COMPILED else RESULT_EDGES
#: Kinds of spans between two views of one call.
_THROUGH: Final = (TOOL, OTHER, LIBRARY)
#: Spans between two views of one call, or above a call that learn what it cost, at most.
_MOST_ABOVE: Final = 256
_NANO_PER_USD: Final = float(NANO_PER_USD)
_AMOUNTS_END: Final = MAX_USD * _NANO_PER_USD
#: How far off a product of two doubles may be, with room to spare: 2**-51 of it, and a little.
_RELATIVE_ERROR: Final = 2.0**-51
_LEAST_ERROR: Final = 1e-6
_NO_TOKENS: Final = (0, 0, 0, 0)
ANY_TOKENS: Final = MODEL_TOKENS_BELOW | AGENT_TOKENS_BELOW
#: What sets aside tokens that a user states of an agent alone.
_OWN_SET_ASIDE: Final = MODEL_TOKENS_BELOW
ANY_COST: Final = COST_BELOW | PRICED_BELOW
_WHOLE: Final = (INVOCATION, AGENT)
#: Spans that have just ended, remembered by the last bits of their ids' hashes. A processor that a
#: provider has twice is called twice for each span, the second time at once.
ENDED: Final = 1_024
_ENDED_MASK: Final = ENDED - 1


def bucket_of(edges: Sequence[int], elapsed: int) -> int:
    """Return which bucket a duration falls into: up to and including an edge."""
    place = 0
    for edge in edges:
        if elapsed <= edge:
            break
        place += 1
    return place


if not COMPILED:  # the library's search is compiled, this one is not then
    globals()["bucket_of"] = bisect_left


class Lock:
    """The processor's lock, which knows whether anybody has it. Re-entrant, as the one inside.

    A compiled core that adds a span to cells in memory lets no other thread have a turn meanwhile:
    it runs nothing of Python there, and the interpreter's own lock stays held. So it need not take
    this one where nobody has it. Python's core, and whoever is in Python, always takes it.

    Attributes:
        held: How often it is held now; one more where it is taken whoever has it, since cells may
            change their place under it (a state directory).
    """

    def __init__(self, lock: Any, *, always: bool) -> None:
        self._lock = lock
        self._acquire, self._release = lock.acquire, lock.release
        self._least = int(always)
        self.held = self._least

    def __enter__(self) -> None:
        """Wait until nobody else has it, and hold it."""
        self._acquire()
        self.held += 1

    def __exit__(self, *_: object) -> None:
        """Let go of it."""
        self.held -= 1
        self._release()

    def _is_owned(self) -> bool:
        """Tell whether this thread holds it, as the lock inside does."""
        return bool(self._lock._is_owned())

    def _at_fork_reinit(self) -> None:
        """Let go of it in a forked child, whichever thread of the parent held it."""
        self.held = self._least
        self._lock._at_fork_reinit()


#: Stands for the name of a block that has none.
NAMELESS: Final = ""


_WORK: Final = (TOOL, AGENT)


class Block:
    """The cells of one listing, or of one of its tools, models, error types and so on.

    Attributes:
        schema: What the cells mean.
        labels: ``publisher_id``, ``agent_id`` and, for all but a listing, one more value.
        cells: The numbers.
        view: The same, for the core alone.
        exemplars: Last exemplar of each bucket, by the index of its cell.
        born: When the block was made, on the processor's clock; ``None`` for one with a history
            (restored from disk), which is never held at 0.
        seen: Bits of the readers that have seen the block at 0 (``_series.hold``).
        live: Whether the cells are shown; until then the block shows zeros.
    """

    __slots__ = ("born", "cells", "exemplars", "labels", "live", "schema", "seen", "view")

    def __init__(
        self, schema: Schema, labels: tuple[str, ...], cells: Cells, born: float | None
    ) -> None:
        self.schema = schema
        self.labels = labels
        self.cells = cells
        self.view = cells
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
        block: Series of the listing itself; ``cells`` are its cells, ``view`` the same for the
            core alone.
        groups: Blocks of each kind by name, ``""`` where they have none, at the kind's place.
        tools: Those of tools, for the hot path; ``results`` and ``repeats`` those of what decorated
            tools say beside. Those of models are ``models`` (calls), ``usage``, ``cached`` and
            ``reasoning`` (tokens).
        tenants: Sketch of who used it; ``conversations`` alike.
        versions: Names and versions seen, oldest first.
        latest: The last name and version, to tell at a glance that nothing changed.
        release: What the last span stated of its version, and the block that this counts in
            (``_count.releases``).
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
        "release",
        "repeats",
        "results",
        "tenants",
        "tools",
        "usage",
        "versions",
        "view",
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
        self.view = self.block.view
        self.groups: tuple[dict[str, Block], ...] = tuple([{} for _ in schema.KINDS])
        self.groups[schema.LISTINGS.place][NAMELESS] = block
        self.tools = self.groups[schema.TOOLS.place]
        self.results = self.groups[schema.TOOL_RESULTS.place]
        self.repeats = self.groups[schema.TOOL_REPEATS.place]
        self.models = self.groups[schema.MODELS.place]
        self.usage = self.groups[schema.USAGES.place]
        self.cached = self.groups[schema.CACHED_USAGES.place]
        self.reasoning = self.groups[schema.REASONING_USAGES.place]
        self.tenants = tenants
        self.conversations = conversations
        self.versions: dict[tuple[str, str], None] = {}
        self.latest: tuple[object, object] = (None, None)
        self.release: tuple[object, Block | None] = (None, None)

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
        release: Where an invocation counted by version; only of one that did (``RELEASED``).
        unclaimed: Its own figures, the first two of which are the input and output that no late
            call has claimed; only of an invocation that counted them (``REPEATS``).
    """

    __slots__ = (
        "cost",
        "facts",
        "flags",
        "kind",
        "listing",
        "name",
        "parent",
        "release",
        "scope",
        "sources",
        "started",
        "tenant",
        "unclaimed",
    )
    release: Block
    unclaimed: Counts

    def __init__(
        self,
        kind: int,
        parent: "Node | None",
        listing: Listing | None,
    ) -> None:
        self.set_out(kind, parent, listing)
        self.name: object = None
        self.tenant: object = None
        self.sources: set[str] | None = None
        self.started = 0.0
        self.flags = 0
        self.cost = 0
        self.facts: Mapping[str, Any] | None = None

    def set_out(self, kind: int, parent: "Node | None", listing: Listing | None) -> None:
        """Take what a node is made of; nobody else calls it."""
        self.kind = kind
        self.parent = parent
        self.listing = listing
        if parent is None:
            self.scope: Node | None = None
        else:
            # Not its own where it is an invocation itself: a cycle would wait for the collector.
            self.scope = parent if parent.kind == INVOCATION else parent.scope

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


def new_node(kind: int, parent: Node | None, listing: Listing | None) -> Node:
    """Return a new node; all that it is not made of is empty in what is compiled."""
    node = Node.__new__(Node)
    node.set_out(kind, parent, listing)
    return node


if not COMPILED:  # a call of the class is the quickest there
    globals()["new_node"] = Node


#: Blocks of a tool's results and of its repeated calls, where those are known, and bytes.
Beside = tuple[Block | None, Block | None, int]
#: Blocks of the tokens, of the cached and the reasoning ones; the latter where those are known.
Blocks = tuple[Block, Block | None, Block | None]
#: Blocks of the model, its tokens, their cost, the flags of what sets the tokens aside.
OwnFigures = tuple[Blocks | None, Counts, Cost, int]


# Sums are written out (``cells[i] = cells[i] + n``): a compiled core looks for an overflow then, as
# Python's arrays do, and at ``+=`` it does not.

# --- reading -------------------------------------------------------------------------------------


# One thing each: a tuple of them costs a compiled core more than a further call does.


def attributes_of(span: Any) -> Attributes:
    """Return the attributes of a span: past the public accessors, or by them."""
    try:
        held: Attributes = span._attributes._dict
    except NOT_AS_EXPECTED:
        return public_attributes(span)
    return held


def span_id_of(span: Any) -> int:
    """Return the id of a span."""
    try:
        span_id: int = span._context[_SPAN_ID]
    except NOT_AS_EXPECTED:
        return public_span_id(span)
    return span_id


def parent_id_of(span: Any) -> int | None:
    """Return the id of the span that a span was started in, if there is one."""
    try:
        parent = span._parent
        return None if parent is None else parent[_SPAN_ID]
    except NOT_AS_EXPECTED:
        return public_parent_id(span)


def scope_of(span: Any) -> str:
    """Return the name of the instrumentation of a span, empty where it is not at hand."""
    try:
        name = span._instrumentation_scope._name
    except AttributeError:
        return ""
    return name if type(name) is str else ""


def read_end(span: Any) -> EndFields:
    """Return what is read of a span that is counted when it ends."""
    try:
        context = span._context
        start, end = span._start_time, span._end_time
        if type(start) is not int or type(end) is not int:
            start, end = moment(start), moment(end)
        else:
            begun, ended = start, end  # a compiled core has 64 bits for each, and says so
            if not 0 <= begun <= ended <= _LAST_TIME:
                start, end = moment(start), moment(end)
        return (
            context[_TRACE_ID],
            context[_TRACE_FLAGS] & 1 == 1,
            span._status._status_code is _FAILED_STATUS,
            start,
            end,
        )
    except _NO_END:
        return public_end(span)


#: The quick way to read spans, where the SDK is as expected (``_spans.sdk_access``).
FAST: Final = Readers(attributes_of, span_id_of, parent_id_of, read_end, fast=True)


class OwnHealth:
    """The cells of a processor about itself (``own_cells``).

    Attributes:
        cells: The counters; written under the processor's lock.
        view: The same, for the core alone.
    """

    def go_on_in(self, cells: Cells) -> None:
        """Count in these cells from now on; the caller has seen to what was counted so far."""
        self.cells = cells
        self.view = cells


class Amounts:
    """Reads amounts of money into nano-dollars, exactly."""

    __slots__ = ("_health",)

    def __init__(self, health: "Health") -> None:
        self._health = health

    def nano(self, value: object) -> int:
        """Return ``value`` in nano-dollars, or 0 if it is absent or no amount."""
        return self.read(value) or 0

    def read(self, value: object) -> int | None:
        """Return ``value`` in nano-dollars, or ``None`` if it is absent or no amount."""
        if value is None:
            return None
        try:
            if type(value) is float or (type(value) is str and len(value) <= SHORT_AMOUNT):
                # Decimals take six times as long. The conversion and the product each err by
                # 2**-53 of the amount: a product that is farther than that from the middle of
                # two whole numbers is rounded as exact arithmetic rounds. (NaN fails the first
                # comparison.)
                near = float(value) * _NANO_PER_USD
                if 0.0 <= near < _AMOUNTS_END:
                    whole = int(near + 0.5)
                    if abs(near - whole) < 0.5 - _LEAST_ERROR - near * _RELATIVE_ERROR:
                        return whole
            return nano_usd(exact(value))
        except ValueError:
            self._health.refuse_value("amount")
            return None


def stated_by_user(amounts: Amounts, cost: object) -> Cost | None:
    """Return what a user states that something cost; ``None`` where no user does.

    An amount that is refused is an unknown cost; no guess stands in for it.
    """
    if cost is None or type(cost) is StatedCost:
        return None
    return amounts.read(cost), USER


class Beginnings:
    """Makes the nodes of agent, tool and model spans."""

    def __init__(
        self,
        listings: "Listings",
        attribution: "Attribution",
        event_ids: "EventIds",
        lock: RLock,
    ) -> None:
        self._of = listings.of
        self._attribution = attribution
        self._event_ids = event_ids
        self._lock: Any = lock  # one that knows who has it, where the core is compiled
        self._makers = {
            v.INVOKE_AGENT: self.agent,
            v.EXECUTE_TOOL: self.tool,
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
        make = self._makers.get(
            operation if type(operation) is str else exact_text(operation) or ""
        )
        if make is not None:
            return make(attributes, attributes.get(_PUBLISHER_ID), span, parent, context)
        # Steps, workflows and whatever else there is: see-through.
        return Node(OTHER, parent, parent.listing) if parent else None

    def _find(self, publisher: object, agent: object) -> Listing | None:
        """Return the listing that ids name, if it is known."""
        if type(publisher) is not str or type(agent) is not str:
            return None  # of a class that decides whose id its text is equal to
        of = self._of.get(publisher)
        return None if of is None else of.get(agent)

    def tool(
        self,
        attributes: Attributes,
        publisher: object,
        span: ReadableSpan,
        parent: Node | None,
        context: Context | None,
    ) -> Node:
        """Return the node of a call of a tool that names ``publisher``, or nobody."""
        if publisher is not None:
            listing = self._find(publisher, attributes.get(_AGENT_ID))
        else:
            listing = parent.listing if parent is not None else None
        if listing is None:
            listing = self._attribution.of_call(publisher, attributes, span, parent, context)
        node = new_node(TOOL, parent, listing)
        node.name = attributes.get(_TOOL_NAME)
        return node

    def _inference(
        self,
        attributes: Attributes,
        publisher: object,
        span: ReadableSpan,
        parent: Node | None,
        context: Context | None,
    ) -> Node:
        if publisher is None and parent is not None and parent.listing is not None:
            return new_node(INFERENCE, parent, parent.listing)
        listing = self._attribution.of_call(publisher, attributes, span, parent, context)
        return new_node(INFERENCE, parent, listing)

    def agent(
        self,
        attributes: Attributes,
        publisher: object,
        span: ReadableSpan,
        parent: Node | None,
        context: Context | None,
    ) -> Node:
        """Return the node of an agent's span that names ``publisher``, or nobody."""
        scope = None
        if parent is not None:  # as in ``within``, without a call
            scope = parent if parent.kind == INVOCATION else parent.scope
        if publisher is None:
            if scope is not None:  # a framework's own span, or a sub-agent: inner work
                return new_node(AGENT, parent, scope.listing)
            listing, inner = self._attribution.of_agent(attributes, span, context)
        else:
            # As in ``_find``, which would cost the hot path a call.
            of = self._of.get(publisher) if type(publisher) is str else None
            listing = (
                of.get(agent)
                if of is not None and type(agent := attributes.get(_AGENT_ID)) is str
                else None
            )
            if listing is None:
                listing = self._attribution.named(publisher, attributes, span)
            inner = scope is not None and scope.listing is listing
        if inner and attributes.get(v.EVENT) == v.EVENT_INVOCATION:
            inner = False  # it happened elsewhere, whatever it was recorded in
        if listing is None or inner:
            return new_node(AGENT, parent, listing)
        node = new_node(INVOCATION, parent, listing)
        tenant = attributes.get(_TENANT_ID)
        event_id = attributes.get(_EVENT_ID)
        node.tenant = self._attribution.tenant(context) if tenant is None else tenant
        if event_id is not None and self._event_ids.seen(listing, event_id, span):
            node.flags = DUPLICATE
        if COMPILED and not self._lock.held:  # no other thread has a turn: see ``Lock``
            listing.view[IN_PROGRESS] = listing.view[IN_PROGRESS] + 1
        else:
            with self._lock:
                listing.view[IN_PROGRESS] = listing.view[IN_PROGRESS] + 1
        return node


def repeats(node: Node, name: object, source: str) -> bool:
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


class OwnTools:
    """Adds tool spans in the project's own words to the cells of their listing."""

    def __init__(self, listings: "Listings", health: "Health", lock: RLock) -> None:
        self._listings = listings
        self._health = health
        self._lock: Any = lock

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
            self._health.lose(own_cells.TOOL)
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
        if (nested or node.sources is not None) and repeats(node, name, source_of(span)):
            self._health.repeat()
            return
        trace_id, sampled, failed, start, end = fields
        said = attributes.get(_OUTCOME)
        known = OUTCOMES.get(said if type(said) is str else exact_text(said))
        outcome = outcome_of(span, attributes, failed=failed) if known is None else known
        if outcome == STEERED:
            self._health.steer(own_cells.TOOL)
            return
        block = listing.tools.get(name) if type(name) is str else None
        if block is None:
            block = self._listings.block(listing, TOOLS, name)
        beside = None
        size, repeated = attributes.get(_RESULT_BYTES), attributes.get(_REPEATED)
        if size is not None or repeated is not None:
            beside = self.beside(listing, name, size, repeated)
        cells = block.view
        if _DURATION_UNKNOWN in attributes:
            with self._lock:
                cells[outcome] = cells[outcome] + 1
                self._health.view[_COUNTED_TOOL] += 1
                if beside is not None:
                    add_beside(beside)
            return
        elapsed = -1
        if start is not None and end is not None:
            begun, ended = start, end
            if 0 <= begun <= ended:
                elapsed = ended - begun
        if not 0 <= elapsed <= MAX_DURATION_NS:
            elapsed = duration(start, end, self._health)
        bucket = TOOL_HISTOGRAM + bucket_of(_TOOL_PLACES, elapsed)
        point = (trace_id, span_id, elapsed, end) if sampled and end is not None else None
        if COMPILED and not self._lock.held:  # no other thread has a turn: see ``Lock``
            self._add(block, outcome, bucket, elapsed, point, beside)
        else:
            with self._lock:
                self._add(block, outcome, bucket, elapsed, point, beside)

    def _add(
        self,
        block: Block,
        outcome: int,
        bucket: int,
        elapsed: int,
        point: Exemplar | None,
        beside: Beside | None,
    ) -> None:
        """Add a call to the cells of its tool; the caller holds the lock, or nobody can."""
        cells = block.view
        cells[outcome] = cells[outcome] + 1
        cells[bucket] = cells[bucket] + 1
        cells[TOOL_SUM] = cells[TOOL_SUM] + elapsed
        self._health.view[_COUNTED_TOOL] += 1
        if beside is not None:
            add_beside(beside)
        if point is not None:  # last, since it is no figure
            if block.exemplars is None:
                block.exemplars = {}
            block.exemplars[bucket] = point

    def beside(self, listing: Listing, name: object, size: object, repeated: object) -> Beside:
        """Return what a call adds to beside its own cells.

        Args:
            listing: Whom it is credited to.
            name: The tool, which has its block.
            size: Bytes of its result, as the span says; ``None`` where it does not.
            repeated: Whether there was the same call before, alike.
        """
        results = repeats = None
        known = type(name) is str
        length = 0
        if size is not None:
            if type(size) is not int:
                size = exact(size)
            if type(size) is int and 0 <= size <= MAX_RESULT_BYTES:
                length = size
                results = listing.results.get(name) if known else None  # type: ignore[call-overload]  # a str
                if results is None:
                    results = self._listings.block(listing, TOOL_RESULTS, name)
            else:
                self._health.refuse_value("tool_detail")
        if repeated is not None and repeated is not False:
            if repeated is True:
                repeats = listing.repeats.get(name) if known else None  # type: ignore[call-overload]  # a str
                if repeats is None:
                    repeats = self._listings.block(listing, TOOL_REPEATS, name)
            else:
                self._health.refuse_value("tool_detail")
        return results, repeats, length


def add_beside(beside: Beside) -> None:
    """Add to what ``beside`` has found; the caller holds the lock, or nobody can."""
    results, repeats, length = beside
    if results is not None:
        cells = results.view
        bucket = bucket_of(_RESULT_PLACES, length)
        cells[bucket] = cells[bucket] + 1
        cells[RESULT_SUM] = cells[RESULT_SUM] + length
    if repeats is not None:
        cells = repeats.view
        cells[0] = cells[0] + 1


def add_tokens(blocks: Blocks, counts: Counts, priced: int) -> None:
    """Add tokens to their cells; the caller holds the lock."""
    usage, kept, thought = blocks
    sent, received, cached, reasoning = counts
    cells = usage.view
    cells[USAGE_INPUT] = cells[USAGE_INPUT] + sent
    cells[USAGE_OUTPUT] = cells[USAGE_OUTPUT] + received
    if not priced:
        cells[USAGE_UNPRICED] = cells[USAGE_UNPRICED] + sent + received
    if kept is not None:
        kept.view[0] = kept.view[0] + cached
    if thought is not None:
        thought.view[0] = thought.view[0] + reasoning


def spend(node: Node, listing: Listing, nano: int) -> None:
    """Add what a call cost, in nano-dollars, to its listing and to what it was called in."""
    cells = listing.view
    cells[MODEL_COST] = cells[MODEL_COST] + nano
    scope: Node | None = node
    if node.kind != INVOCATION:
        within: Node | None = node
        for _ in repeat(None, _MOST_ABOVE):
            if within is None or within.kind == INVOCATION:
                break
            if within.kind == AGENT:
                within.cost = within.cost + nano
            within = within.parent
        scope = node.scope
    if scope is None:
        return
    if scope.flags & RELEASED:
        kept = scope.release.view
        kept[RELEASE_COST] = kept[RELEASE_COST] + nano
    if scope.flags & FAILED:  # the invocation has ended, and badly
        cells[WASTED_COST] = cells[WASTED_COST] + nano
    else:
        scope.cost = scope.cost + nano


def blocks_of(
    listings: "Listings", listing: Listing, model: object, cached: object, reasoning: object
) -> Blocks:
    """Return where tokens of a model are added; what is not known has no block."""
    known = type(model) is str
    usage = listing.usage.get(model) if known else None  # type: ignore[call-overload]  # a str
    if usage is None:
        usage = listings.block(listing, USAGES, model)
    kept = thought = None
    if cached is not None:
        kept = listing.cached.get(model) if known else None  # type: ignore[call-overload]  # a str
        if kept is None:
            kept = listings.block(listing, CACHED_USAGES, model)
    if reasoning is not None:
        thought = listing.reasoning.get(model) if known else None  # type: ignore[call-overload]  # a str
        if thought is None:
            thought = listings.block(listing, REASONING_USAGES, model)
    return usage, kept, thought


def counts_of(
    health: "Health", sent: object, received: object, cached: object, reasoning: object
) -> Counts:
    """Return input, output, cached and reasoning tokens, as far as they are believed."""
    believed_in = sent if type(sent) is int and 0 <= sent <= MAX_TOKENS else tokens(sent, health)
    believed_out = (
        received
        if type(received) is int and 0 <= received <= MAX_TOKENS
        else tokens(received, health)
    )
    # Subsets are no larger than what they are part of.
    return (
        believed_in,
        believed_out,
        0 if cached is None else min(tokens(cached, health), believed_in),
        0 if reasoning is None else min(tokens(reasoning, health), believed_out),
    )


def add_figures(node: Node, listing: Listing, figures: OwnFigures) -> None:
    """Add what ``OwnUsage`` has found; the caller holds the lock."""
    blocks, counts, cost, aside = figures
    nano, source = cost
    below = node.flags
    counted = blocks is not None and not below & aside
    if blocks is not None and counted:
        add_tokens(blocks, counts, nano is not None or below & ABOVE)
        if aside == ANY_TOKENS and node.kind == INVOCATION:
            # Calls that come later may repeat them (``late_calls``).
            node.flags |= REPEATS
            node.unclaimed = counts
    elif source in PRICED:
        nano = None
    spent = nano is not None and (
        not below & ANY_COST or (aside == _OWN_SET_ASIDE and not below & MODEL_TOKENS_BELOW)
    )
    if nano is not None:
        if spent:
            spend(node, listing, nano)
        elif makes_up(node, source):
            # What was counted cannot be taken back where less is stated than was counted.
            spend(node, listing, max(0, nano - node.cost))
    if node.kind != INVOCATION and (counted or spent):  # nothing is above an invocation
        counted_here = AGENT_TOKENS_BELOW | lacking(cost) if counted else 0
        node.mark_above(counted_here | mark_of(source) if spent else counted_here)


def makes_up(node: Node, source: int) -> bool:
    """Tell whether the cost of a whole agent makes up for what is lacking below it."""
    if node.kind not in _WHOLE:
        return False
    if source == STATED:
        return bool(node.flags & LACKING_BELOW)
    return source == USER and not node.flags & COST_BELOW


class OwnUsage:
    """Adds the figures that agents state of themselves, each unless it was counted below."""

    def __init__(
        self,
        listings: "Listings",
        health: "Health",
        lock: RLock,
        amounts: Amounts,
        billing: "Billing",
        usage_of: "Callable[[Attributes], Usage | None]",
    ) -> None:
        self._listings = listings
        self._health = health
        self._lock = lock
        self._amounts = amounts
        self._billing = billing
        self._usage_of = usage_of

    def own_figures(
        self, node: Node, listing: Listing, attributes: Attributes, start: int | None
    ) -> OwnFigures | None:
        """Return the own figures of an agent in the project's own words, or ``None``."""
        sent, received = attributes.get(_INPUT_TOKENS), attributes.get(_OUTPUT_TOKENS)
        stated = attributes.get(_COST_USD)
        if sent is None and received is None and stated is None:
            return None
        cost = stated_by_user(self._amounts, stated)
        if cost is None:
            return self.figures(node, listing, self._usage_of(attributes), start)
        model = attributes.get(_REQUEST_MODEL)
        if model is None:
            model = attributes.get(_RESPONSE_MODEL)
            if model is None:
                model = UNKNOWN
        counts = sent, received, attributes.get(_CACHED), attributes.get(_REASONING)
        return self._figures(node, listing, counts, attributes.get(_USAGE_OWN), model, cost)

    def figures(
        self, node: Node, listing: Listing, usage: "Usage | None", start: int | None
    ) -> OwnFigures | None:
        """Return the own figures of an agent that began at ``start``, or ``None``."""
        if usage is None:
            return None
        cost = stated_by_user(self._amounts, usage.cost)
        return self._figures(node, listing, usage[:4], usage.own, usage.label, cost, usage, start)

    def _figures(
        self,
        node: Node,
        listing: Listing,
        stated: tuple[Any, ...],
        own: object,
        model: object,
        cost: Cost | None,
        usage: "Usage | None" = None,
        start: int | None = None,
    ) -> OwnFigures | None:
        """Return figures: tokens as stated; ``usage`` says what they cost where no user does."""
        sent, received, cached, reasoning = stated
        aside = _OWN_SET_ASIDE if own is True else ANY_TOKENS
        if sent is None and received is None:
            if cost is None:
                if usage is None or usage.cost is None:
                    return None
                cost = self._billing.cost(usage, None, start)
            return None, _NO_TOKENS, cost, aside
        flags = node.flags
        blocks = None  # made for what counts alone: a model call below knows it better
        if not flags & MODEL_TOKENS_BELOW:
            blocks = blocks_of(self._listings, listing, model, cached, reasoning)
        counts = counts_of(self._health, sent, received, cached, reasoning)
        if cost is None and usage is not None:
            cost = self._billing.cost(
                usage,
                None if flags & aside else counts,
                start,
                least_believed(flags) if flags & ABOVE else PUBLIC_LIST,
            )
        return blocks, counts, cost or UNKNOWN_COST, aside


def least_believed(flags: int) -> int:
    """Return the last source of a cost that is asked below one that states the whole cost."""
    if flags & USER_COST_ABOVE:
        return USER
    return STATED if flags & STATED_ABOVE else PUBLIC_LIST


def mark_of(source: int) -> int:
    """Return the flag of a cost that is counted, by who states it."""
    return COST_BELOW if source == USER else PRICED_BELOW


def lacking(cost: Cost) -> int:
    """Return the flag of tokens whose cost an instrumentation may know better."""
    nano, source = cost
    return 0 if nano is not None and source <= STATED else LACKING_BELOW


class OwnInvocations:
    """Adds invocations in the project's own words to the cells and sketches of their listing."""

    def __init__(
        self,
        listings: "Listings",
        health: "Health",
        lock: RLock,
        amounts: Amounts,
        charges: "Charges",
        usage: OwnUsage,
        tenants: "Hasher",
        releases: "Callable[[Listing, object, object], Block | None]",
    ) -> None:
        self._listings = listings
        self._health = health
        self._lock: Any = lock
        self._amounts = amounts
        self._charge, self._known_charges = charges.read, charges.known
        self._usage = usage
        self._tenants, self._known_tenants = tenants.place, tenants.remembered
        self._releases = releases

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
        cells = listing.view
        if node.flags & DUPLICATE:
            with self._lock:
                cells[IN_PROGRESS] -= 1
                self._health.view[own_cells.DUPLICATE_EVENTS] += 1
                self._health.view[own_cells.DUPLICATE] += 1
            return
        trace_id, sampled, failed, start, end = fields
        said = attributes.get(_OUTCOME)
        known = OUTCOMES.get(said if type(said) is str else exact_text(said))
        outcome = outcome_of(span, attributes, failed=failed) if known is None else known
        if outcome == STEERED:
            self._end_steered(node, attributes, start)
            return
        elapsed = -1
        if start is not None and end is not None:
            begun, ended = start, end
            if 0 <= begun <= ended:
                elapsed = ended - begun
        if not 0 <= elapsed <= MAX_DURATION_NS:
            elapsed = duration(start, end, self._health)
        first = outcome * OUTCOME_CELLS
        bucket = first + bucket_of(_INVOCATION_PLACES, elapsed)
        error = (
            self._listings.block(listing, ERROR_TYPES, error_type_of(span, attributes))
            if outcome in (ERROR, TIMEOUT)
            else None
        )
        charged = attributes.get(_REVENUE_USD)
        charge = _NOTHING
        if charged is not None:
            of = self._known_charges.get(listing.publisher) if type(charged) is str else None
            if of is not None:
                charge = of.get(charged, _NOTHING)
            if charge is _NOTHING:
                charge = self._charge(listing.publisher, charged)
        revenue, fee = charge
        refund = attributes.get(_REFUND_USD)
        refunded = 0 if refund is None else self._amounts.nano(refund)
        tenant = node.tenant
        if tenant is None:
            tenant = attributes.get(_TENANT_ID)
        place = None
        if type(tenant) is not str:
            tenant = exact(tenant)
        if type(tenant) is str and tenant:
            place = self._known_tenants.get(tenant)
            if place is None:
                place = self._tenants(tenant)
        elif tenant is not None:
            self._health.refuse_value("tenant")
        usage = self._usage.own_figures(node, listing, attributes, start)
        version = attributes.get(_AGENT_VERSION)
        stated = getattr(span, "_resource", None) if version is None else version
        last = listing.release
        release = last[1] if last[0] is stated else self._releases(listing, version, stated)
        point = (trace_id, span_id, elapsed, end) if sampled and end is not None else None
        if COMPILED and not self._lock.held:  # no other thread has a turn: see ``Lock``
            self._add(
                node, listing, outcome, bucket, elapsed, revenue, fee, refunded, error, place,
                usage, release, point,
            )  # fmt: skip
        else:
            with self._lock:
                self._add(
                    node, listing, outcome, bucket, elapsed, revenue, fee, refunded, error, place,
                    usage, release, point,
                )  # fmt: skip
        name = attributes.get(_AGENT_NAME)
        named, numbered = listing.latest
        if (name is not named and name != named) or (
            version is not numbered and version != numbered
        ):
            if tenant is None:
                mistakes.no_tenant(listing.publisher, listing.agent)
            self._listings.version(listing, name, version)
        conversation = attributes.get(_CONVERSATION_ID)
        if conversation is not None:
            self._converse(listing, conversation)
        chunk = attributes.get(_FIRST_CHUNK)
        if chunk is not None:
            point = (trace_id, span_id, 0, end) if sampled and end is not None else None
            self._observe_first_chunk(listing, chunk, point)

    def _add(
        self,
        node: Node,
        listing: Listing,
        outcome: int,
        bucket: int,
        elapsed: int,
        revenue: int,
        fee: int,
        refunded: int,
        error: Block | None,
        place: tuple[int, float] | None,
        usage: OwnFigures | None,
        release: Block | None,
        point: Exemplar | None,
    ) -> None:
        """Add an invocation to its cells; the caller holds the lock, or nobody can."""
        cells = listing.view
        first = outcome * OUTCOME_CELLS
        spent, before = cells[MODEL_COST], node.cost
        # First, so that a sum which no longer fits its cell leaves the gauge right.
        cells[IN_PROGRESS] -= 1
        cells[bucket] = cells[bucket] + 1
        cells[first + OUTCOME_SUM] = cells[first + OUTCOME_SUM] + elapsed
        if revenue:
            cells[REVENUE] = cells[REVENUE] + revenue
            cells[FEES] = cells[FEES] + fee
        if refunded:
            cells[REFUNDS] = cells[REFUNDS] + refunded
        if error is not None:
            node.flags |= FAILED
            error.view[0] = error.view[0] + 1
            cells[WASTED_COST] = cells[WASTED_COST] + node.cost
        if place is not None:
            register, smallest = place
            registers = listing.tenants.current
            least = registers.get(register, 1.0)
            if least > smallest:
                registers[register] = smallest
        if usage is not None:
            add_figures(node, listing, usage)
        if release is not None:
            kept = release.view
            kept[outcome] = kept[outcome] + 1
            if outcome == SUCCESS and bucket > first + _SLOW_PLACE:
                kept[RELEASE_SLOW] = kept[RELEASE_SLOW] + 1
            kept[RELEASE_COST] = kept[RELEASE_COST] + before + (cells[MODEL_COST] - spent)
            node.flags |= RELEASED
            node.release = release
        self._health.view[_COUNTED_INVOCATION] += 1
        if point is not None:  # last, since it is no figure
            block = listing.block
            if block.exemplars is None:
                block.exemplars = {}
            block.exemplars[bucket] = point

    def begin(self, listing: Listing) -> None:
        """Show an invocation of a foreign run in the gauge of those in progress."""
        with self._lock:
            listing.view[IN_PROGRESS] = listing.view[IN_PROGRESS] + 1

    def leave(self, listing: Listing) -> None:
        """Take an invocation out of the gauge, which counts no more as one in progress."""
        with self._lock:
            listing.view[IN_PROGRESS] -= 1

    # --- what the subclass knows ------------------------------------------------------------------

    def _end_steered(self, node: Node, attributes: Attributes, start: int | None) -> None:
        """Count what an interrupted try brings. It was no call."""
        raise NotImplementedError

    def _converse(self, listing: Listing, conversation: object) -> None:
        """Note that a listing takes part in a conversation."""
        raise NotImplementedError

    def _observe_first_chunk(
        self, listing: Listing, chunk: object, exemplar: Exemplar | None
    ) -> None:
        """Count the seconds until the first chunk of an answer."""
        raise NotImplementedError


class OwnSpans:
    """The two callbacks of the SDK: the way of spans in the project's own words.

    ``AgentMetricsProcessor`` sets what is asked here; all other spans go the ways of ``_others``.
    """

    _beginnings: Beginnings
    _clock: Callable[[], float]
    _ended: list[int]
    _health: "Health"
    _invocations: OwnInvocations
    _open: dict[int, Node]
    _most_open: int
    _open_spans: "OpenSpans"
    _others: "OtherRoutes"
    #: How spans are read where not the quick way.
    _public: Readers | None
    _route: Callable[..., int]
    _runs: "Runs"
    #: Scopes whose spans have nothing to do with agents where they do not say so themselves.
    _never: set[str]
    #: Whether a span's attributes have nothing to do with agents, none of them.
    _says_nothing: Callable[[Attributes], bool]
    #: Spans that may still turn out to be of agents when they end, by id.
    _undecided: "Mapping[int, Undecided]"
    _tools: OwnTools
    #: No upkeep between the two: a clock that was set back is as good a reason as one second.
    _upkeep_at: int
    _upkeep_from: int

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Find whom a span belongs to, from what is known when it starts."""
        try:
            public = self._public
            if public is None:
                carried, span_id = attributes_of(span), span_id_of(span)
                parent_id = parent_id_of(span)
            else:
                carried, span_id = public.attributes(span), public.span_id(span)
                parent_id = public.parent_id(span)
            attributes = carried if type(carried) is _DICT else dict(carried)
            nodes = self._open
            if span_id in nodes:
                return  # this processor was added twice, or to two providers
            if not attributes:
                mend_sampler(span)
            facts: Any = None if parent_context is None else parent_context.get(FACTS_KEY)
            if facts is not None:
                if is_own(span):
                    attributes = facts if type(facts) is _DICT else dict(facts)
                else:
                    facts = None  # a span that somebody starts beside it
            operation = attributes.get(_OPERATION_NAME)
            publisher = None if operation is None else attributes.get(_PUBLISHER_ID)
            parent: Any = nodes.get(parent_id) if parent_id is not None else None
            if operation is not None and (
                publisher is not None
                or (
                    type(parent) is Node
                    and operation in CALLS
                    and (facts is not None or _OUTCOME in attributes)
                )
            ):
                route = NATIVE  # as ``_route`` has it, without a call
            else:
                if operation is None and facts is None and scope_of(span) in self._never:
                    route = IGNORED
                else:
                    route = self._route(operation, attributes, span, parent, facts)
                if route == IGNORED and (parent is None or type(parent) is not Node):
                    if parent is not None:  # of a foreign run: for what is started in the span
                        nodes[span_id] = parent
                    return
            node: Node | None
            if route != NATIVE or operation is None:
                node = self._others.begin(route, attributes, span, span_id, parent, parent_context)
            else:
                if parent is not None and type(parent) is not Node:
                    followed: Any = parent  # of a foreign run
                    parent = self._runs.live_parent(followed, span, attributes)
                begins = self._beginnings
                if type(operation) is not str:
                    node = begins.begin(operation, attributes, span, parent, parent_context)
                elif operation == _EXECUTE_TOOL:
                    node = begins.tool(attributes, publisher, span, parent, parent_context)
                elif operation == _INVOKE_AGENT:
                    node = begins.agent(attributes, publisher, span, parent, parent_context)
                else:
                    node = begins.begin(operation, attributes, span, parent, parent_context)
                if parent_id is not None and node is not None and node.kind == INVOCATION:
                    self._runs.note_inside(parent, parent_id, node.listing)
            if node is None:
                return
            node.started = self._clock()
            node.facts = facts
            nodes[span_id] = node
            if len(nodes) > self._most_open:
                self._open_spans.give_up_oldest(node)
        except Exception:  # noqa: BLE001 - telemetry never raises into the host
            note_internal_error("on_start")

    def on_end(self, span: ReadableSpan) -> None:
        """Count a span that has ended."""
        try:
            public = self._public
            if public is None:
                carried, span_id = attributes_of(span), span_id_of(span)
            else:
                carried, span_id = public.attributes(span), public.span_id(span)
            attributes = carried if type(carried) is _DICT else dict(carried)
            node: Any = self._open.pop(span_id, None)
            ended, place = self._ended, hash(span_id) & _ENDED_MASK
            if node is None and ended[place] == span_id:
                return  # ended before: see on_start
            ended[place] = span_id
            if node is None and self._says_nothing(attributes) and span_id not in self._undecided:
                return  # a request, a query
            if node is not None and node.facts is not None:
                # Others may have written on the span; of theirs only the conversation counts.
                conversation = attributes.get(_CONVERSATION_ID)
                facts = node.facts
                attributes = facts if type(facts) is _DICT else dict(facts)
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
            fields = read_end(span) if public is None else public.end(span)
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
            self._health.view[_LAST_SPAN] = now_ns
            if not self._upkeep_from < now_ns <= self._upkeep_at:
                whole: Any = self  # what is not done span by span: the other base class has it
                whole._upkeep(now_ns)
        except Exception:  # noqa: BLE001 - telemetry never raises into the host
            note_internal_error("on_end")
