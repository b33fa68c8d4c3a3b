"""Tokens and cost: each counted once, where the call was, whoever repeats it above.

Frameworks repeat the usage of model calls on the agents around them, two instrumentations record
one call in each other, users report usage that is also recorded. The rule for all of them: a
figure counts unless the same kind of figure was counted below it in the same invocation. What a
user reports for one agent alone (``add_usage``) is set aside only by model calls below.
"""

from threading import RLock

from agent_analytics.instrumentation import vocabulary as v
from agent_analytics.processor import _health, _nodes
from agent_analytics.processor import _schema as schema
from agent_analytics.processor._health import Health
from agent_analytics.processor._listings import Listing, Listings
from agent_analytics.processor._nodes import Node
from agent_analytics.processor._reading import Attributes
from agent_analytics.processor._store import Block
from agent_analytics.processor._values import Amounts, tokens
from agent_analytics.processor.catalogue import UNKNOWN

_ANY_TOKENS = _nodes.MODEL_TOKENS_BELOW | _nodes.AGENT_TOKENS_BELOW


class UsageCounter:
    """Adds what spans say of tokens and cost to the cells of their listing."""

    def __init__(self, listings: Listings, health: Health, lock: RLock, amounts: Amounts) -> None:
        self._listings = listings
        self._health = health
        self._lock = lock
        self._amounts = amounts

    def of_inference(
        self, node: Node, listing: Listing, attributes: Attributes, outcome: int
    ) -> None:
        """Count a model call, unless another instrumentation recorded it below."""
        block = self._model(listing, attributes)
        counts = self._counts(attributes)
        cost = attributes.get(v.COST_USD)
        nano = self._amounts.told(cost)  # an amount that is refused is an unknown price, not 0
        with self._lock:
            marks = _nodes.CALL_BELOW
            if node.flags & _nodes.CALL_BELOW:
                self._health.spans[_health.DUPLICATE] += 1
            else:
                block.cells[outcome] += 1
                self._health.spans[_health.INFERENCE] += 1
            if counts is not None and not node.flags & _ANY_TOKENS:
                marks |= _nodes.MODEL_TOKENS_BELOW
                self._add(block, counts, priced=nano is not None)
            if nano is not None and not node.flags & _nodes.COST_BELOW:
                marks |= _nodes.COST_BELOW
                self._spend(node, listing, nano)
            node.mark_above(marks)

    def of_agent(self, node: Node, listing: Listing, attributes: Attributes) -> None:
        """Count an agent's own figures, unless they repeat what was counted below.

        Args:
            node: The agent's; what is counted for one inside another is marked above it.
            listing: Whom to credit.
            attributes: Those with the figures.
        """
        counts = self._counts(attributes)
        cost = attributes.get(v.COST_USD)
        if counts is None and cost is None:
            return
        block = self._model(listing, attributes) if counts is not None else None
        nano = self._amounts.told(cost)
        own = attributes.get(v.USAGE_OWN) is True
        with self._lock:
            below = node.flags
            marks = 0
            repeated = below & (_nodes.MODEL_TOKENS_BELOW if own else _ANY_TOKENS)
            if block is not None and counts is not None and not repeated:
                marks |= _nodes.AGENT_TOKENS_BELOW
                self._add(block, counts, priced=nano is not None)
            if nano is not None and not (
                below & _nodes.COST_BELOW and (not own or below & _nodes.MODEL_TOKENS_BELOW)
            ):
                marks |= _nodes.COST_BELOW
                self._spend(node, listing, nano)
            if marks and node.kind != _nodes.INVOCATION:
                node.mark_above(marks)

    def _model(self, listing: Listing, attributes: Attributes) -> Block:
        name = attributes.get(v.REQUEST_MODEL)
        if name is None:
            name = attributes.get(v.RESPONSE_MODEL)
        if name is None:
            name = UNKNOWN
        block = listing.models.get(name) if type(name) is str else None
        return block if block is not None else self._listings.model(listing, name)

    def _counts(self, attributes: Attributes) -> tuple[int, int, int, int] | None:
        """Return input, output, cached and reasoning tokens, or ``None`` where none are told."""
        told_in = attributes.get(v.INPUT_TOKENS)
        told_out = attributes.get(v.OUTPUT_TOKENS)
        if told_in is None and told_out is None:
            return None
        health = self._health
        sent = tokens(told_in, health)
        received = tokens(told_out, health)
        # Subsets are no larger than what they are part of.
        cached = min(tokens(attributes.get(v.CACHED_INPUT_TOKENS), health), sent)
        reasoning = min(tokens(attributes.get(v.REASONING_TOKENS), health), received)
        return sent, received, cached, reasoning

    @staticmethod
    def _add(block: Block, counts: tuple[int, int, int, int], *, priced: bool) -> None:
        cells = block.cells
        sent, received, cached, reasoning = counts
        cells[schema.MODEL_INPUT] += sent
        cells[schema.MODEL_OUTPUT] += received
        cells[schema.MODEL_CACHED] += cached
        cells[schema.MODEL_REASONING] += reasoning
        if not priced:
            cells[schema.MODEL_UNPRICED] += sent + received

    @staticmethod
    def _spend(node: Node, listing: Listing, nano: int) -> None:
        cells = listing.cells
        cells[schema.MODEL_COST] += nano
        scope = node.scope
        if scope is None:
            return
        if scope.flags & _nodes.FAILED:  # the invocation has ended, and badly
            cells[schema.WASTED_COST] += nano
        else:
            scope.cost += nano
