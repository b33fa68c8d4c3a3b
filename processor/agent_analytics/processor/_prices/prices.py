"""What model calls cost, where nobody says.

A table of one's own (``FilePrices``) comes first, the public price list (``PublicPrices``) after
it. A model that neither knows has no price: its tokens are counted as unpriced by ``_count.usage``
and the core, and its cost never as 0.
"""

from decimal import Context, Decimal
from typing import Final, NamedTuple, Protocol

#: The host's decimal context may round to a few digits, or raise.
EXACT: Final = Context(prec=100, traps=[])
MILLION: Final = Decimal(1_000_000)


class ModelCall(NamedTuple):
    """What a model call used, as far as it is known; parts are never larger than the whole.

    Attributes:
        model: The model that was asked, as the span names it.
        provider: Who runs it, as the span names it; ``None`` if it does not.
        response_model: The model that answered, where it has a name of its own.
        input_tokens: Sent, those read from and written to the cache included.
        output_tokens: Received, reasoning included.
        cached_tokens: The part of the input that was read from the cache.
        cache_write_tokens: The part of the input that was written to the cache.
        reasoning_tokens: The part of the output spent on reasoning.
        started_ns: When it started, in nanoseconds since 1970; ``None`` if that is not known.
        cache_write_1h_tokens: The part of what was written that the cache keeps for an hour.
    """

    model: str
    provider: str | None = None
    response_model: str | None = None
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    started_ns: int | None = None
    cache_write_1h_tokens: int = 0


class Prices(Protocol):
    """Knows what model calls cost. Asked outside every lock, by any thread."""

    def usd(self, call: ModelCall) -> Decimal | None:
        """Return what a call cost in US dollars, or ``None`` where the price is not known."""
        ...


class FirstOf:
    """Asks several prices in turn.

    Args:
        prices: The most believed first.

    Attributes:
        prices: The same.
    """

    def __init__(self, *prices: Prices) -> None:
        self.prices = prices

    def usd(self, call: ModelCall) -> Decimal | None:
        """Return the first price that is known, see ``Prices``."""
        for one in self.prices:
            found = one.usd(call)
            if found is not None:
                return found
        return None


def parted(prices: Prices) -> tuple[Prices | None, Prices | None]:
    """Return prices of one's own, and those of public lists; either may be ``None``.

    Between the two comes what instrumentations state. What has ``public = True`` is such a list;
    everything else that a user hands in is the user's own.
    """
    known = prices.prices if isinstance(prices, FirstOf) else (prices,)
    own: list[Prices] = []
    public: list[Prices] = []
    for one in known:
        if isinstance(one, FirstOf):
            halves = parted(one)
            own += [half for half in halves[:1] if half is not None]
            public += [half for half in halves[1:] if half is not None]
        else:
            (public if getattr(one, "public", False) is True else own).append(one)
    return _first_of(own), _first_of(public)


def _first_of(prices: list[Prices]) -> Prices | None:
    return None if not prices else prices[0] if len(prices) == 1 else FirstOf(*prices)


class Rates(NamedTuple):
    """US dollars for a million tokens of each kind."""

    fresh: Decimal
    cached: Decimal
    written: Decimal
    output: Decimal
    reasoning: Decimal
    #: As the rest of what was written, where there is no price of its own.
    written_1h: Decimal | None = None

    def usd(self, call: ModelCall) -> Decimal:
        """Return what the tokens of a call cost; to be called in the context ``EXACT``."""
        fresh = call.input_tokens - call.cached_tokens - call.cache_write_tokens
        hour = call.cache_write_1h_tokens
        dearer = 0 if self.written_1h is None else (self.written_1h - self.written) * hour
        return (
            dearer
            + self.fresh * fresh
            + self.cached * call.cached_tokens
            + self.written * call.cache_write_tokens
            + self.output * (call.output_tokens - call.reasoning_tokens)
            + self.reasoning * call.reasoning_tokens
        ) / MILLION
