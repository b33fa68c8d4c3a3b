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

from threading import RLock

from agent_analytics.processor._count import late_calls
from agent_analytics.processor._count.core import (
    ANY_COST,
    ANY_TOKENS,
    Amounts,
    Listing,
    Node,
    OwnUsage,
    add_figures,
    add_tokens,
    blocks_of,
    counts_of,
    lacking,
    least_believed,
    mark_of,
    spend,
)
from agent_analytics.processor._count.observation import (
    NO_USAGE,
    Observation,
    Usage,
    usage_of_agent,
)
from agent_analytics.processor._count.response_ids import ResponseIds, plain
from agent_analytics.processor._prices.billing import Billing
from agent_analytics.processor._prices.prices import Prices
from agent_analytics.processor._series import health as _health
from agent_analytics.processor._series.health import Health
from agent_analytics.processor._series.listings import Listings
from agent_analytics.processor._series.schema import (
    MODELS,
)
from agent_analytics.processor._spans import marks
from agent_analytics.processor._spans.outcomes import STEERED, SUCCESS
from agent_analytics.processor._spans.values import PRICED


class UsageCounter(OwnUsage):
    """Adds what spans say of tokens and cost to the cells of their listing."""

    def __init__(
        self,
        listings: Listings,
        health: Health,
        lock: RLock,
        amounts: Amounts,
        prices: Prices | None = None,
    ) -> None:
        billing = Billing(amounts, health, prices)
        super().__init__(listings, health, lock, amounts, billing, usage_of_agent)
        self._ids = ResponseIds()

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
        if (sent is not None or received is not None) and not flags & ANY_TOKENS:
            counts = counts_of(self._health, sent, received, cached, reasoning)
            blocks = blocks_of(self._listings, listing, name, cached, reasoning)
        cost = self._billing.cost(
            usage,
            counts,
            seen.start,
            least_believed(flags),
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
                and not flags & ANY_TOKENS
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
            if blocks is not None and counts is not None and not flags & ANY_TOKENS:
                counted_here |= marks.MODEL_TOKENS_BELOW | lacking(cost)
                add_tokens(blocks, counts, nano is not None or flags & marks.ABOVE)
            elif source in PRICED:
                nano = None
            elif nano is None and seen.outcome == SUCCESS and not flags & ANY_TOKENS:
                counted_here |= marks.LACKING_BELOW
            if nano is not None and not flags & ANY_COST:
                mark = mark_of(source)
                counted_here |= mark
                node.flags |= mark
                spend(node, listing, nano)
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
                add_figures(node, listing, figures)

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
                add_figures(node, listing, figures)
        if ids:
            flags = node.flags | marks.AGENT_TOKENS_BELOW | marks.PRICED_BELOW
            with self._lock:
                self._ids.note(listing.publisher, ids, flags & marks.USAGE, *used)
