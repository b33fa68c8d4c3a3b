"""Tokens and cost: each counted once, where the call was, whoever repeats it above.

Frameworks repeat the usage of model calls on the agents around them, two instrumentations record
one call in each other, users report usage that is also recorded. The rule for all of them: a
figure counts unless the same kind of figure was counted below it in the same invocation. What a
user reports for one agent alone (``add_usage``) is set aside only by model calls below.

What something cost says the most believed source that knows (``_prices.billing``). The cost of
tokens at a price counts only where the tokens do. A cost of a whole agent makes up for what is
lacking below it: where a user states it, for whatever was only priced; where an instrumentation
states it, for calls whose cost nobody knows, or the public price list alone.
"""

from itertools import repeat
from threading import RLock
from typing import Final

from agent_analytics.instrumentation import vocabulary as v
from agent_analytics.processor._count import late_calls
from agent_analytics.processor._count.core import Listing, Node
from agent_analytics.processor._count.observation import (
    NO_USAGE,
    Observation,
    Usage,
    stated_usage,
    usage_of_agent,
)
from agent_analytics.processor._count.response_ids import ResponseIds, plain
from agent_analytics.processor._prices import billing
from agent_analytics.processor._prices.billing import Billing, Cost, Counts
from agent_analytics.processor._prices.prices import Prices
from agent_analytics.processor._series import health as _health
from agent_analytics.processor._series.health import Health
from agent_analytics.processor._series.listings import Listings
from agent_analytics.processor._series.schema import (
    CACHED_USAGES,
    MODEL_COST,
    MODELS,
    REASONING_USAGES,
    USAGE_INPUT,
    USAGE_OUTPUT,
    USAGE_UNPRICED,
    USAGES,
    WASTED_COST,
)
from agent_analytics.processor._series.store import Block
from agent_analytics.processor._spans import marks
from agent_analytics.processor._spans.outcomes import STEERED, SUCCESS
from agent_analytics.processor._spans.sdk_access import Attributes
from agent_analytics.processor._spans.values import MAX_TOKENS, Amounts, tokens

#: Blocks of the tokens, of the cached and the reasoning ones; the latter where those are known.
Blocks = tuple[Block, Block | None, Block | None]
#: Blocks of the model, its tokens, their cost, the flags of what sets the tokens aside.
OwnFigures = tuple[Blocks | None, Counts, Cost, int]

# Names of this module are read in half the time of those of another one.
_INPUT_TOKENS: Final = v.INPUT_TOKENS
_OUTPUT_TOKENS: Final = v.OUTPUT_TOKENS
_COST_USD: Final = v.COST_USD
_NO_TOKENS: Final = (0, 0, 0, 0)
_ANY_TOKENS = marks.MODEL_TOKENS_BELOW | marks.AGENT_TOKENS_BELOW
#: What sets aside tokens that a user states of an agent alone.
_OWN_SET_ASIDE = marks.MODEL_TOKENS_BELOW
_ANY_COST = marks.COST_BELOW | marks.PRICED_BELOW
#: Spans above a call that learn what it cost; a chain of agents in each other is never as long.
_MOST_ABOVE: Final = 256
_WHOLE: Final = (marks.INVOCATION, marks.AGENT)


class UsageCounter:
    """Adds what spans say of tokens and cost to the cells of their listing."""

    def __init__(
        self,
        listings: Listings,
        health: Health,
        lock: RLock,
        amounts: Amounts,
        prices: Prices | None = None,
    ) -> None:
        self._listings = listings
        self._health = health
        self._lock = lock
        self._ids = ResponseIds()
        self._billing = Billing(amounts, health, prices)

    def of_inference(  # noqa: C901 - one figure after the other
        self,
        node: Node,
        listing: Listing,
        seen: Observation,
    ) -> None:
        """Count a model call, unless it was recorded below, too, or its answer was counted before.

        Args:
            node: The call's.
            listing: Whom to credit.
            seen: What is known of it.
        """
        usage, ids = seen.usage or NO_USAGE, seen.ids
        sent, received, cached, reasoning, *_ = usage
        name = usage.label
        block = listing.models.get(name) if type(name) is str else None
        if block is None:
            block = self._listings.block(listing, MODELS, name)
        counts = blocks = None
        used = (plain(sent), plain(received)) if ids else (0, 0)
        flags = node.flags | self._ids.counted(listing.publisher, ids, *used)
        if seen.fetched and not flags & marks.CALL_BELOW:
            self._health.repeat()  # whoever made the call has counted it
            return
        if (sent is not None or received is not None) and not flags & _ANY_TOKENS:
            counts = self._counts(sent, received, cached, reasoning)
            blocks = self._blocks(listing, name, cached, reasoning)
        cost = self._billing.cost(
            usage,
            counts,
            seen.start,
            _least_believed(flags),
        )
        nano, source = cost
        with self._lock:
            # Another thread may have counted the very answer meanwhile.
            flags = node.flags | self._ids.counted(listing.publisher, ids, *used)
            counted_here = marks.CALL_BELOW
            scope = node.scope
            if (
                scope is not None
                and scope.flags & marks.REPEATS
                and counts is not None
                and not flags & _ANY_TOKENS
                and late_calls.claim(scope, counts)
            ):
                flags |= marks.AGENT_TOKENS_BELOW | marks.PRICED_BELOW
            if flags & marks.CALL_BELOW:
                self._health.cells[_health.DUPLICATE] += 1
            elif seen.outcome == STEERED:
                self._health.steer(_health.INFERENCE)
            else:
                block.cells[seen.outcome] += 1
                self._health.cells[_health.INFERENCE] += 1
            if blocks is not None and counts is not None and not flags & _ANY_TOKENS:
                counted_here |= marks.MODEL_TOKENS_BELOW | _lacking(cost)
                self._add(blocks, counts, nano is not None or flags & marks.ABOVE)
            elif source in billing.PRICED:
                nano = None
            elif nano is None and seen.outcome == SUCCESS and not flags & _ANY_TOKENS:
                counted_here |= marks.LACKING_BELOW
            if nano is not None and not flags & _ANY_COST:
                mark = _mark(source)
                counted_here |= mark
                node.flags |= mark
                self._spend(node, listing, nano)
            counted_here |= flags & marks.USAGE  # what repeats it above repeats what was counted
            node.mark_above(counted_here)
            if ids:
                self._ids.note(listing.publisher, ids, counted_here & ~marks.LACKING_BELOW, *used)

    def of_agent(
        self, node: Node, listing: Listing, usage: Usage | None, start: int | None
    ) -> None:
        """Count an agent's own figures, unless they repeat what was counted below.

        Args:
            node: The agent's; what is counted for one inside another is marked above it.
            listing: Whom to credit.
            usage: What the agent states; ``None`` for nothing.
            start: When it began, in nanoseconds since 1970.
        """
        figures = self.figures(node, listing, usage, start)
        if figures is not None:
            with self._lock:
                self.add(node, listing, figures)

    def of_record(self, node: Node, listing: Listing, seen: Observation) -> None:
        """Count what calls used by a record of it alone, unless their answer was counted before.

        Args:
            node: The record's.
            listing: Whom to credit.
            seen: What is known of it.
        """
        usage, ids = seen.usage or NO_USAGE, seen.ids
        used = (plain(usage.sent), plain(usage.received))
        with self._lock:
            node.flags |= self._ids.counted(listing.publisher, ids, *used) & marks.USAGE
        figures = self.figures(node, listing, usage, seen.start)
        if figures is not None:
            with self._lock:
                self.add(node, listing, figures)
        if ids:
            flags = node.flags | marks.AGENT_TOKENS_BELOW | marks.PRICED_BELOW
            with self._lock:
                self._ids.note(listing.publisher, ids, flags & marks.USAGE, *used)

    def own_figures(
        self, node: Node, listing: Listing, attributes: Attributes, start: int | None
    ) -> OwnFigures | None:
        """Return the own figures of an agent in the project's own words, or ``None``."""
        get = attributes.get  # one by one: a map() costs as much as six
        if get(_COST_USD) is not None:
            return self.figures(node, listing, stated_usage(attributes), start)
        if get(_INPUT_TOKENS) is None and get(_OUTPUT_TOKENS) is None:
            return None
        return self.figures(node, listing, usage_of_agent(attributes), start)

    def figures(
        self, node: Node, listing: Listing, usage: Usage | None, start: int | None
    ) -> OwnFigures | None:
        """Return the own figures of an agent that began at ``start``, or ``None``."""
        if usage is None:
            return None
        sent, received, cached, reasoning, stated, own, model, _, _, _, _ = usage
        aside = _ANY_TOKENS if own is not True else _OWN_SET_ASIDE
        if sent is None and received is None:
            if stated is None:
                return None
            return None, _NO_TOKENS, self._billing.cost(usage, None, start), aside
        flags = node.flags
        blocks = None  # made for what counts alone: a model call below knows it better
        if not flags & marks.MODEL_TOKENS_BELOW:
            name = usage.label if model is None else model
            blocks = self._blocks(listing, name, cached, reasoning)
        counts = self._counts(sent, received, cached, reasoning)
        cost = self._billing.cost(
            usage,
            None if flags & aside else counts,
            start,
            _least_believed(flags) if flags & marks.ABOVE else billing.PUBLIC_LIST,
        )
        return blocks, counts, cost, aside

    def add(self, node: Node, listing: Listing, figures: OwnFigures) -> None:
        """Add what ``figures`` returned; the caller holds the lock."""
        blocks, counts, cost, aside = figures
        nano, source = cost
        below = node.flags
        counted = blocks is not None and not below & aside
        if blocks is not None and counted:
            self._add(blocks, counts, nano is not None or below & marks.ABOVE)
            if aside == _ANY_TOKENS and node.kind == marks.INVOCATION:
                late_calls.note(node, counts)
        elif source in billing.PRICED:
            nano = None
        spent = nano is not None and (
            not below & _ANY_COST
            or (aside == _OWN_SET_ASIDE and not below & marks.MODEL_TOKENS_BELOW)
        )
        if nano is not None:
            if spent:
                self._spend(node, listing, nano)
            elif self._makes_up(node, source):
                # What was counted cannot be taken back where less is stated than was counted.
                self._spend(node, listing, max(0, nano - node.cost))
        if node.kind != marks.INVOCATION and (counted or spent):  # nothing is above an invocation
            counted_here = marks.AGENT_TOKENS_BELOW | _lacking(cost) if counted else 0
            node.mark_above(counted_here | _mark(source) if spent else counted_here)

    @staticmethod
    def _makes_up(node: Node, source: int) -> bool:
        """Tell whether the cost of a whole agent makes up for what is lacking below it."""
        if node.kind not in _WHOLE:
            return False
        if source == billing.STATED:
            return bool(node.flags & marks.LACKING_BELOW)
        return source == billing.USER and not node.flags & marks.COST_BELOW

    def _blocks(self, listing: Listing, model: object, cached: object, reasoning: object) -> Blocks:
        """Return where tokens of a model are added; what is not known has no block."""
        known = type(model) is str
        usage = listing.usage.get(model) if known else None  # type: ignore[call-overload]  # a str
        if usage is None:
            usage = self._listings.block(listing, USAGES, model)
        kept = thought = None
        if cached is not None:
            kept = listing.cached.get(model) if known else None  # type: ignore[call-overload]  # a str
            if kept is None:
                kept = self._listings.block(listing, CACHED_USAGES, model)
        if reasoning is not None:
            thought = listing.reasoning.get(model) if known else None  # type: ignore[call-overload]  # a str
            if thought is None:
                thought = self._listings.block(listing, REASONING_USAGES, model)
        return usage, kept, thought

    def _counts(self, sent: object, received: object, cached: object, reasoning: object) -> Counts:
        """Return input, output, cached and reasoning tokens, as far as they are believed."""
        health = self._health
        believed_in = (
            sent if type(sent) is int and 0 <= sent <= MAX_TOKENS else tokens(sent, health)
        )
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

    @staticmethod
    def _add(blocks: Blocks, counts: Counts, priced: int) -> None:
        usage, kept, thought = blocks
        sent, received, cached, reasoning = counts
        cells = usage.cells
        cells[USAGE_INPUT] += sent
        cells[USAGE_OUTPUT] += received
        if not priced:
            cells[USAGE_UNPRICED] += sent + received
        if kept is not None:
            kept.cells[0] += cached
        if thought is not None:
            thought.cells[0] += reasoning

    @staticmethod
    def _spend(node: Node, listing: Listing, nano: int) -> None:
        cells = listing.cells
        cells[MODEL_COST] += nano
        scope: Node | None = node
        if node.kind != marks.INVOCATION:
            within: Node | None = node
            for _ in repeat(None, _MOST_ABOVE):
                if within is None or within.kind == marks.INVOCATION:
                    break
                if within.kind == marks.AGENT:
                    within.cost += nano
                within = within.parent
            scope = node.scope
        if scope is None:
            return
        if scope.flags & marks.FAILED:  # the invocation has ended, and badly
            cells[WASTED_COST] += nano
        else:
            scope.cost += nano


def _least_believed(flags: int) -> int:
    """Return the last source of a cost that is asked below one that states the whole cost."""
    if flags & marks.USER_COST_ABOVE:
        return billing.USER
    return billing.STATED if flags & marks.STATED_ABOVE else billing.PUBLIC_LIST


def _mark(source: int) -> int:
    """Return the flag of a cost that is counted, by who states it."""
    return marks.COST_BELOW if source == billing.USER else marks.PRICED_BELOW


def _lacking(cost: Cost) -> int:
    """Return the flag of tokens whose cost an instrumentation may know better."""
    nano, source = cost
    return 0 if nano is not None and source <= billing.STATED else marks.LACKING_BELOW
