"""Spans that have started: who they belong to, and what was counted beneath them.

A node is kept for every open span of an agent and for every open span inside one, so that
children find their invocation through any number of spans between, and so that what a parent
repeats of its children is seen to be a repetition. Spans outside agents leave no trace here.
"""

from collections.abc import Mapping
from typing import Any, Final

from agent_analytics.instrumentation import vocabulary as v
from agent_analytics.processor._listings import Listing

# --- kinds ---------------------------------------------------------------------------------------

OTHER: Final = 0
INVOCATION: Final = 1
#: An agent inside an invocation of its own listing, or one that nobody can be credited with.
AGENT: Final = 2
TOOL: Final = 3
INFERENCE: Final = 4
#: A foreign span whose run is not understood yet (``_followed``).
FOLLOWED: Final = 5
#: A span that never has to do with agents: a request, a query.
LIBRARY: Final = 6

# --- flags: what has been counted below a node, up to the next invocation ------------------------

#: A model call.
CALL_BELOW: Final = 1
#: Tokens, from a model call.
MODEL_TOKENS_BELOW: Final = 2
#: Tokens, from an agent's own figure.
AGENT_TOKENS_BELOW: Final = 4
#: Cost.
COST_BELOW: Final = 8
#: An invocation that ended in an error or a timeout: cost that comes later is wasted too.
FAILED: Final = 16
#: An invocation that was recorded before under the same event id: nothing in it counts.
DUPLICATE: Final = 32
#: Cost that no user stated: tokens at a known price, or what an instrumentation states.
PRICED_BELOW: Final = 64
#: Tokens whose cost is not known, or by the public price list alone.
LACKING_BELOW: Final = 128
#: An invocation that counted figures of its own when it ended: calls that come later repeat them.
REPEATS: Final = 1024

# --- flags: what is known above a node -----------------------------------------------------------

#: A user stated what all of it cost.
USER_COST_ABOVE: Final = 256
#: An instrumentation states what all of it cost.
STATED_ABOVE: Final = 512
ABOVE: Final = USER_COST_ABOVE | STATED_ABOVE

#: Flags of usage alone.
USAGE: Final = MODEL_TOKENS_BELOW | AGENT_TOKENS_BELOW | COST_BELOW | PRICED_BELOW | LACKING_BELOW

_WORK: Final = (TOOL, AGENT)

# --- flags: which flags of usage went on from a node to all above it, shifted by ----------------

#: ... where no tool and no agent was on the way to them.
_DIRECT: Final = 16
#: ... where one was.
_THROUGH_WORK: Final = 24
PASSED: Final = (USAGE << _DIRECT) | (USAGE << _THROUGH_WORK)


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
        shift, passed = _DIRECT, flags << _DIRECT
        while node is not None:
            kind = node.kind
            if kind in _WORK and shift == _DIRECT:
                shift, passed = _THROUGH_WORK, flags << _THROUGH_WORK
            known = node.flags
            if known & passed == passed:
                return
            if shift == _DIRECT or kind != INFERENCE:
                known |= flags
            if kind == INVOCATION:
                node.flags = known
                return
            node.flags = known | passed
            node = node.parent


def usage_flags(attributes: Mapping[str, object]) -> int:
    """Return the flags of what an agent's own span says of its usage."""
    flags = 0
    if v.INPUT_TOKENS in attributes or v.OUTPUT_TOKENS in attributes:
        flags |= AGENT_TOKENS_BELOW
    if v.COST_USD in attributes:
        flags |= COST_BELOW
    return flags
