"""What a call cost: the best that is known of it, by who says so.

First comes ``marketplace.cost.usd``, which users state themselves; then their own table of
prices; then what an instrumentation states; then the public price list. A cost of 0 that an
instrumentation states for tokens is unknown, and not free: that is what vendors write for a model
that their list lacks.
"""

from agent_analytics.instrumentation.health import note_internal_error
from agent_analytics.processor._count.core import Amounts, stated_by_user
from agent_analytics.processor._count.observation import Usage
from agent_analytics.processor._dialects import StatedCost
from agent_analytics.processor._prices.prices import ModelCall, Prices, parted
from agent_analytics.processor._series.health import Health
from agent_analytics.processor._spans.values import (
    OWN_TABLE,
    PUBLIC_LIST,
    STATED,
    UNKNOWN_COST,
    Cost,
    Counts,
    tokens,
)


class Billing:
    """Knows what calls cost."""

    def __init__(self, amounts: Amounts, health: Health, prices: Prices | None) -> None:
        self._amounts = amounts
        self._health = health
        self._own, self._public = (None, None) if prices is None else parted(prices)

    def cost(
        self,
        usage: Usage,
        counts: Counts | None,
        start: int | None,
        last: int = PUBLIC_LIST,
    ) -> Cost:
        """Return what a call or an agent cost.

        Args:
            usage: What is stated of it.
            counts: Its tokens; ``None`` where they are not known, or count elsewhere.
            start: When it began, in nanoseconds since 1970.
            last: The least believed source that is asked.
        """
        cost = usage.cost
        if cost is not None:
            stated = stated_by_user(self._amounts, cost)
            if stated is not None:
                return stated
        if counts is not None and self._own is not None and last >= OWN_TABLE:
            nano = self._price(self._own, usage, counts, start)
            if nano is not None:
                return nano, OWN_TABLE
        if type(cost) is StatedCost and last >= STATED:
            nano = self.stated(cost, free=counts is not None and not any(counts[:2]))
            if nano is not None:
                return nano, STATED
        if counts is not None and self._public is not None and last >= PUBLIC_LIST:
            nano = self._price(self._public, usage, counts, start)
            if nano is not None:
                return nano, PUBLIC_LIST
        return UNKNOWN_COST

    def stated(self, cost: StatedCost, *, free: bool = False) -> int | None:
        """Return what an instrumentation states, in nano-dollars, or ``None`` if it is unknown.

        Args:
            cost: What it states.
            free: Whether a cost of 0 may be one.
        """
        if not cost.dollars:
            self._health.refuse_value("currency")
            return None
        amounts = [self._amounts.read(amount) for amount in cost.amounts]
        whole = sum(amount or 0 for amount in amounts)
        return None if None in amounts or not (whole or free) else whole

    def _price(self, prices: Prices, usage: Usage, counts: Counts, start: int | None) -> int | None:
        """Return what tokens cost in nano-dollars, or ``None`` where that is not known."""
        answered = usage.response_model if type(usage.response_model) is str else None
        asked, provider = usage.model, usage.provider
        written, hour = usage.cache_write, usage.cache_write_1h
        model = asked if type(asked) is str else answered
        if model is None:
            return None
        sent, received, cached, reasoning = counts
        stored = 0 if written is None else min(tokens(written, self._health), sent - cached)
        call = ModelCall(
            model,
            provider if type(provider) is str and provider else None,
            answered if answered != model else None,
            sent,
            received,
            cached,
            stored,
            reasoning,
            start,
            0 if hour is None else min(tokens(hour, self._health), stored),
        )
        try:
            usd = prices.usd(call)
        except Exception:  # noqa: BLE001 - anybody may write one; the tokens count all the same
            note_internal_error("a source of prices")
            return None
        return self._amounts.read(usd)
