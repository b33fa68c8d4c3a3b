# What the compiler is given beside the text of core.py: the types of fields, names and values.
# Python does not read this file. Whatever is not typed here is as it is in Python.

cimport cython

cdef int ABOVE, AGENT, AGENT_TOKENS_BELOW, COST_BELOW, DIRECT, DUPLICATE, FAILED, INFERENCE
cdef int INVOCATION, LACKING_BELOW, LIBRARY, MODEL_TOKENS_BELOW, NATIVE, OTHER, PRICED_BELOW
cdef int RELEASED, REPEATS, STATED_ABOVE, THROUGH_WORK, TOOL, USER_COST_ABOVE
cdef tuple CALLS
cdef int ERROR, STEERED, SUCCESS, TIMEOUT
cdef dict OUTCOMES
cdef int FEES, IN_PROGRESS, MODEL_COST, OUTCOME_CELLS, OUTCOME_SUM, REFUNDS, REVENUE
cdef int RELEASE_COST, RELEASE_SLOW, RESULT_SUM, TOOL_HISTOGRAM, TOOL_SUM, USAGE_INPUT, USAGE_OUTPUT, USAGE_UNPRICED, WASTED_COST
cdef int PUBLIC_LIST, SHORT_AMOUNT, STATED, USER
cdef long long MAX_DURATION_NS, MAX_RESULT_BYTES, MAX_TOKENS

cdef object _EXECUTE_TOOL, _INVOKE_AGENT
cdef object _DICT, _OPERATION_NAME, _PUBLISHER_ID, _AGENT_ID, _TENANT_ID, _EVENT_ID, _TOOL_NAME
cdef object _OUTCOME, _REVENUE_USD, _REFUND_USD, _AGENT_NAME, _AGENT_VERSION, _CONVERSATION_ID
cdef object _CACHED, _REASONING, _REQUEST_MODEL, _RESPONSE_MODEL, _USAGE_OWN
cdef double _NANO_PER_USD, _AMOUNTS_END, _RELATIVE_ERROR, _LEAST_ERROR
cdef object _RESULT_BYTES, _REPEATED
cdef object _FIRST_CHUNK, _DURATION_UNKNOWN, _INPUT_TOKENS, _OUTPUT_TOKENS, _COST_USD
# Objects, and no C integers: a tuple of a subclass is asked quicker so.
cdef object _TRACE_ID, _SPAN_ID, _TRACE_FLAGS, _FAILED_STATUS
cdef bint COMPILED
cdef long long _LAST_TIME
cdef tuple _NO_END
cdef int _SLOW_PLACE, _COUNTED_INVOCATION, _COUNTED_TOOL, _LAST_SPAN, _ENDED_MASK, _MOST_ABOVE, _OWN_SET_ASIDE
cdef tuple _NOTHING, _NO_TOKENS

@cython.final
cdef class Lock:
    cdef object _lock, _acquire, _release
    cdef int _least
    cdef public int held


@cython.final
cdef class Block:
    cdef public object schema
    cdef public tuple labels
    cdef public object cells
    cdef long long[::1] view
    cdef public object exemplars
    cdef public object born
    cdef public object seen
    cdef public bint live


@cython.final
cdef class Listing:
    cdef public object publisher, agent
    cdef public Block block
    cdef public object cells
    cdef long long[::1] view
    cdef public tuple groups
    cdef public dict tools, results, repeats, models, usage, cached, reasoning
    cdef public object tenants, conversations
    cdef public dict versions
    cdef public tuple latest, release


@cython.freelist(64)
cdef class Node:
    cdef public int kind
    cdef public long long flags
    cdef public Node parent, scope
    cdef public Listing listing
    cdef public long long cost
    cdef public object name, tenant, facts, unclaimed
    cdef public Block release
    cdef public set sources
    cdef public double started

    @cython.locals(parent=Node)
    cdef set_out(self, int kind, Node parent, Listing listing)
    cpdef Node within(self)
    @cython.locals(node=Node, shift=int, passed="long long", kind=int, known="long long")
    cpdef mark_above(self, long long flags)


@cython.locals(node=Node)
cpdef Node new_node(int kind, Node parent, Listing listing)
cdef long long[::1] _INVOCATION_PLACES, _TOOL_PLACES, _RESULT_PLACES
@cython.locals(place=int, edge="long long")
cpdef int bucket_of(long long[::1] edges, long long elapsed) except -1
cpdef attributes_of(span)
cpdef span_id_of(span)
cpdef parent_id_of(span)
cpdef str scope_of(span)
@cython.locals(begun="long long", ended="long long")
cpdef tuple read_end(span)


cdef class OwnHealth:
    cdef public object cells
    cdef long long[::1] view

    cpdef go_on_in(self, cells)


@cython.final
cdef class Amounts:
    cdef object _health

    cpdef nano(self, value)
    @cython.locals(near=double, whole="long long")
    cpdef read(self, value)


cpdef tuple stated_by_user(Amounts amounts, cost)


cdef class Beginnings:
    cdef dict _makers, _of
    cdef object _attribution, _event_ids
    cdef Lock _lock

    @cython.locals(of=dict)
    cdef Listing _find(self, publisher, agent)
    @cython.locals(listing=Listing, node=Node)
    cpdef Node tool(self, dict attributes, publisher, span, Node parent, context)
    cpdef Node _inference(self, dict attributes, publisher, span, Node parent, context)
    @cython.locals(listing=Listing, node=Node, scope=Node, inner=bint, of=dict)
    cpdef Node agent(self, dict attributes, publisher, span, Node parent, context)
    cpdef Node begin(self, operation, dict attributes, span, Node parent, context)


cdef class OwnTools:
    cdef public object _listings
    cdef public Lock _lock
    cdef public OwnHealth _health

    @cython.locals(
        listing=Listing, scope=Node, parent=Node, nested=bint, outcome=int, block=Block, bucket=int,
        cells="long long[::1]", begun="long long", ended="long long", elapsed="long long",
        beside=tuple,
    )
    cpdef end(self, Node node, dict attributes, span, span_id, tuple fields)
    @cython.locals(cells="long long[::1]")
    cdef _add(
        self, Block block, int outcome, int bucket, long long elapsed, point, tuple beside
    )
    @cython.locals(results=Block, repeats=Block, known=bint, length="long long")
    cpdef tuple beside(self, Listing listing, name, size, repeated)


@cython.locals(
    results=Block, repeats=Block, length="long long", bucket=int, cells="long long[::1]",
)
cpdef add_beside(tuple beside)
@cython.locals(
    usage=Block, kept=Block, thought=Block, cells="long long[::1]", sent="long long",
    received="long long", cached="long long", reasoning="long long",
)
cpdef add_tokens(tuple blocks, tuple counts, bint priced)
@cython.locals(scope=Node, within=Node, cells="long long[::1]", kept="long long[::1]")
cpdef spend(Node node, Listing listing, long long nano)
@cython.locals(known=bint)
cpdef tuple blocks_of(listings, Listing listing, model, cached, reasoning)
cpdef tuple counts_of(health, sent, received, cached, reasoning)
@cython.locals(
    blocks=tuple, counts=tuple, cost=tuple, aside=int, source=int, below="long long",
    counted_here="long long", counted=bint, spent=bint,
)
cpdef add_figures(Node node, Listing listing, tuple figures)
cpdef bint makes_up(Node node, int source)


cdef class OwnUsage:
    cdef public object _listings, _lock, _billing, _usage_of
    cdef public OwnHealth _health
    cdef public Amounts _amounts

    cdef tuple own_figures(self, Node node, Listing listing, dict attributes, start)
    cpdef figures(self, Node node, Listing listing, usage, start)
    @cython.locals(aside=int, flags="long long")
    cdef tuple _figures(self, Node node, Listing listing, tuple stated, own, model, tuple cost, usage=*, start=*)


cdef class OwnInvocations:
    cdef public object _listings, _charge, _tenants, _releases
    cdef public Lock _lock
    cdef public OwnHealth _health
    cdef public Amounts _amounts
    cdef public OwnUsage _usage
    cdef dict _known_tenants, _known_charges

    @cython.locals(
        listing=Listing, outcome=int, first=int, bucket=int, error=Block, place=tuple,
        charge=tuple, of=dict, revenue="long long",
        fee="long long", refunded="long long", begun="long long", ended="long long",
        elapsed="long long", block=Block, usage=tuple, last=tuple, release=Block,
        cells="long long[::1]",
    )
    cpdef end(self, Node node, dict attributes, span, span_id, tuple fields)
    @cython.locals(
        first=int, smallest=double, least=double, block=Block, before="long long",
        spent="long long", cells="long long[::1]", kept="long long[::1]",
    )
    cdef _add(
        self, Node node, Listing listing, int outcome, int bucket, long long elapsed,
        long long revenue, long long fee, long long refunded, Block error, tuple place,
        tuple usage, Block release, point,
    )
    cpdef begin(self, Listing listing)
    cpdef leave(self, Listing listing)


cdef class OwnSpans:
    cdef public OwnHealth _health
    cdef public Beginnings _beginnings
    cdef public object _clock, _open_spans, _others, _public
    cdef public object _route, _runs, _never, _says_nothing, _undecided
    cdef public long long _upkeep_at, _upkeep_from
    cdef public OwnInvocations _invocations
    cdef public OwnTools _tools
    cdef public dict _open
    cdef public int _most_open
    cdef public list _ended

    @cython.locals(attributes=dict, nodes=dict, node=Node, found=Node)
    cpdef on_start(self, span, parent_context=*)
    @cython.locals(attributes=dict, ended=list, node=Node, place=int, kind=int, above=Node, now_ns="long long")
    cpdef on_end(self, span)
