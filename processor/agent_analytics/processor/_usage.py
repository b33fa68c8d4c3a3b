"""Tokens and cost: each counted once, where the call was, whoever repeats it above.

Frameworks repeat the usage of model calls on the agents around them, two instrumentations record
one call in each other, users report usage that is also recorded. The rule for all of them: a
figure counts unless the same kind of figure was counted below it in the same invocation. What a
user reports for one agent alone (``add_usage``) is set aside only by model calls below.

A cost that is told counts. Where none is, tokens are priced; such a cost counts only where its
tokens do, and a cost told for the whole invocation makes up for what it lacks.
"""

from threading import RLock
from typing import Any, Final

from agent_analytics.instrumentation import vocabulary as v
from agent_analytics.instrumentation.health import note_internal_error
from agent_analytics.processor import _health, _nodes
from agent_analytics.processor._health import Health
from agent_analytics.processor._listings import Listing, Listings
from agent_analytics.processor._nodes import Node
from agent_analytics.processor._prices import ModelCall, Prices
from agent_analytics.processor._reading import Attributes
from agent_analytics.processor._schema import (
    MODEL_COST,
    USAGE_INPUT,
    USAGE_OUTPUT,
    USAGE_UNPRICED,
    WASTED_COST,
)
from agent_analytics.processor._store import Block
from agent_analytics.processor._values import MAX_TOKENS, Amounts, tokens
from agent_analytics.processor.catalogue import UNKNOWN

#: Input, output, cached and reasoning tokens.
Counts = tuple[int, int, int, int]
#: Blocks of the tokens, of the cached and the reasoning ones; the latter where those are told.
Blocks = tuple[Block, Block | None, Block | None]
#: Blocks of the model, its tokens, cost in nano-dollars, whether reported for the agent alone,
#: whether the cost is that of the tokens at a known price.
Told = tuple[Blocks | None, Counts, int | None, bool, bool]

_FIGURES: Final = (
    v.INPUT_TOKENS,
    v.OUTPUT_TOKENS,
    v.COST_USD,
    v.REQUEST_MODEL,
    v.CACHED_INPUT_TOKENS,
    v.REASONING_TOKENS,
    v.USAGE_OWN,
)
_PRICED_BY: Final = (
    v.REQUEST_MODEL,
    v.RESPONSE_MODEL,
    v.PROVIDER_NAME,
    v.CACHE_WRITE_INPUT_TOKENS,
)
_NO_TOKENS: Final = (0, 0, 0, 0)
_ANY_TOKENS = _nodes.MODEL_TOKENS_BELOW | _nodes.AGENT_TOKENS_BELOW
_ANY_COST = _nodes.COST_BELOW | _nodes.PRICED_BELOW


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
        self._amounts = amounts
        self._prices = prices

    def of_inference(
        self,
        node: Node,
        listing: Listing,
        attributes: Attributes,
        outcome: int,
        start: int | None,
    ) -> None:
        """Count a model call that began at ``start``, unless it was recorded below, too."""
        sent, received, cost, _, cached, reasoning, _ = map(attributes.get, _FIGURES)
        name = _model(attributes)
        block = listing.models.get(name) if type(name) is str else None
        if block is None:
            block = self._listings.model(listing, name)
        counts = blocks = None
        if sent is not None or received is not None:
            counts = self._counts(sent, received, cached, reasoning)
            if not node.flags & _ANY_TOKENS:
                blocks = self._blocks(listing, name, cached, reasoning)
        nano = self._amounts.told(cost)  # an amount that is refused is an unknown price, not 0
        priced = 0
        if self._prices is not None and (
            cost is None and counts is not None and not node.flags & _ANY_TOKENS
        ):
            nano = self._price(attributes, counts, start)
            priced = _nodes.PRICED_BELOW
        with self._lock:
            marks = _nodes.CALL_BELOW
            if node.flags & _nodes.CALL_BELOW:
                self._health.cells[_health.DUPLICATE] += 1
            else:
                block.cells[outcome] += 1
                self._health.cells[_health.INFERENCE] += 1
            if blocks is not None and counts is not None and not node.flags & _ANY_TOKENS:
                marks |= _nodes.MODEL_TOKENS_BELOW
                self._add(blocks, counts, priced=nano is not None)
            elif priced:
                nano = None
            if nano is not None and not node.flags & _ANY_COST:
                marks |= priced or _nodes.COST_BELOW
                node.flags |= priced
                self._spend(node, listing, nano)
            node.mark_above(marks)

    def of_agent(
        self, node: Node, listing: Listing, attributes: Attributes, start: int | None
    ) -> None:
        """Count an agent's own figures, unless they repeat what was counted below.

        Args:
            node: The agent's; what is counted for one inside another is marked above it.
            listing: Whom to credit.
            attributes: Those with the figures.
            start: When it began, in nanoseconds since 1970.
        """
        told = self.told_by(node, listing, attributes, start)
        if told is not None:
            with self._lock:
                self.add(node, listing, told)

    def told_by(
        self, node: Node, listing: Listing, attributes: Attributes, start: int | None
    ) -> Told | None:
        """Return the own figures of an agent that began at ``start``, or ``None``."""
        sent, received, cost, model, cached, reasoning, own = map(attributes.get, _FIGURES)
        if sent is None and received is None:
            if cost is None:
                return None
            return None, _NO_TOKENS, self._amounts.told(cost), own is True, False
        if model is None:
            model = _model(attributes)
        blocks = None  # made for what counts alone: a model call below tells it better
        if not node.flags & _nodes.MODEL_TOKENS_BELOW:
            blocks = self._blocks(listing, model, cached, reasoning)
        counts = self._counts(sent, received, cached, reasoning)
        if cost is not None:
            return blocks, counts, self._amounts.told(cost), own is True, False
        if self._prices is None:
            return blocks, counts, None, own is True, False
        return blocks, counts, self._price(attributes, counts, start), own is True, True

    def add(self, node: Node, listing: Listing, told: Told) -> None:
        """Add what ``told_by`` returned; the caller holds the lock."""
        blocks, counts, nano, own, priced = told
        below = node.flags
        marks = 0
        if blocks is not None and not below & (_nodes.MODEL_TOKENS_BELOW if own else _ANY_TOKENS):
            marks = _nodes.AGENT_TOKENS_BELOW
            self._add(blocks, counts, priced=nano is not None)
        elif priced:
            nano = None
        if nano is not None:
            if not (below & _ANY_COST and (not own or below & _nodes.MODEL_TOKENS_BELOW)):
                marks |= _nodes.PRICED_BELOW if priced else _nodes.COST_BELOW
                self._spend(node, listing, nano)
            elif not (priced or below & _nodes.COST_BELOW) and node.kind == _nodes.INVOCATION:
                # What was counted cannot be taken back where less is told than tokens cost.
                self._spend(node, listing, max(0, nano - node.cost))
        if marks and node.kind != _nodes.INVOCATION:
            node.mark_above(marks)

    def _price(self, attributes: Attributes, counts: Counts, start: int | None) -> int | None:
        """Return what tokens cost in nano-dollars, or ``None`` where that is not known."""
        prices: Any = self._prices  # is there, or nobody would ask
        asked, answered, provider, written = map(attributes.get, _PRICED_BY)
        if type(answered) is not str:
            answered = None
        model = asked if type(asked) is str else answered
        if model is None:
            return None
        if provider is None:
            provider = attributes.get(v.SYSTEM)
        sent, received, cached, reasoning = counts
        call = ModelCall(
            model,
            provider if type(provider) is str and provider else None,
            answered if answered != model else None,
            sent,
            received,
            cached,
            0 if written is None else min(tokens(written, self._health), sent - cached),
            reasoning,
            start,
        )
        try:
            usd = prices.usd(call)
        except Exception:  # noqa: BLE001 - anybody may write one; the tokens count all the same
            note_internal_error("a source of prices")
            return None
        return self._amounts.told(usd)

    def _blocks(self, listing: Listing, model: object, cached: object, reasoning: object) -> Blocks:
        """Return where tokens of a model are added; what is not told has no block."""
        known = type(model) is str
        usage = listing.usage.get(model) if known else None  # type: ignore[call-overload]  # a str
        if usage is None:
            usage = self._listings.usage(listing, model)
        kept = thought = None
        if cached is not None:
            kept = listing.cached.get(model) if known else None  # type: ignore[call-overload]  # a str
            if kept is None:
                kept = self._listings.cached(listing, model)
        if reasoning is not None:
            thought = listing.reasoning.get(model) if known else None  # type: ignore[call-overload]  # a str
            if thought is None:
                thought = self._listings.reasoning(listing, model)
        return usage, kept, thought

    def _counts(self, sent: object, received: object, cached: object, reasoning: object) -> Counts:
        """Return input, output, cached and reasoning tokens, as far as they are believed."""
        health = self._health
        told_in = sent if type(sent) is int and 0 <= sent <= MAX_TOKENS else tokens(sent, health)
        told_out = (
            received
            if type(received) is int and 0 <= received <= MAX_TOKENS
            else tokens(received, health)
        )
        # Subsets are no larger than what they are part of.
        return (
            told_in,
            told_out,
            0 if cached is None else min(tokens(cached, health), told_in),
            0 if reasoning is None else min(tokens(reasoning, health), told_out),
        )

    @staticmethod
    def _add(blocks: Blocks, counts: Counts, *, priced: bool) -> None:
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
        scope = node if node.kind == _nodes.INVOCATION else node.scope
        if scope is None:
            return
        if scope.flags & _nodes.FAILED:  # the invocation has ended, and badly
            cells[WASTED_COST] += nano
        else:
            scope.cost += nano


def _model(attributes: Attributes) -> object:
    """Return the name of the model that was asked, else of the one that answered."""
    name = attributes.get(v.REQUEST_MODEL)
    if name is None:
        name = attributes.get(v.RESPONSE_MODEL)
    return UNKNOWN if name is None else name
