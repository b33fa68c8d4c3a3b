"""What happens on the marketplace: a stream of decisions that depends on the seed alone.

Nothing here looks at a clock. The same seed gives the same steps in the same order with the same
contents; how many of them a run gets to is a matter of its length and speed.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from agent_analytics.demo._market.listings import (
    BY_KEY,
    LISTINGS,
    MODEL_PRICES,
    TENANTS,
    Listing,
    ToolTraits,
)
from agent_analytics.instrumentation.money import nano_usd

#: Steps a market second.
STEPS_PER_SECOND: Final = 34.0
#: Installations that the marketplace grows towards.
_SETTLED_INSTALLS: Final = 950
#: Invocations a second of a planted error burst, and the share of them that fails.
BURST_RATE: Final = 100.0
BURST_FAILING: Final = 5  # every fifth
#: Share of the steps of a listing that has subscriptions, or evaluations, which are one.
_SUBSCRIPTIONS: Final = 0.01
_EVALUATIONS: Final = 0.06
_LONG_STREAM: Final = 12
#: Input tokens above which an invocation costs extra, and how much, in nano-dollars.
_LONG_INPUT: Final = 24_000
_LONG_INPUT_USD: Final = nano_usd("0.35")


@dataclass(frozen=True, slots=True)
class ToolUse:
    """A tool call that an invocation will make: its tool, seconds, and whether it fails."""

    tool: ToolTraits
    seconds: float
    fails: bool


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one model; ``priced`` where whoever reports them says what they cost."""

    model: str
    input: int
    output: int
    cached: int = 0
    reasoning: int = 0
    priced: bool = True

    @property
    def cost(self) -> int | None:
        """What the tokens cost, in nano-dollars; None where it is not told or not known."""
        prices = MODEL_PRICES.get(self.model)
        if prices is None or not self.priced:
            return None
        fresh, cached, output = prices
        return (self.input - self.cached) * fresh + self.cached * cached + self.output * output


@dataclass(frozen=True, slots=True)
class Order:
    """One invocation as it is going to be.

    Attributes:
        listing: What is invoked.
        tenant: By whom.
        seconds: How long it takes, in market seconds.
        fails: Name of the exception it raises, or None.
        times_out: It runs into its own time limit.
        given_up_after: Market seconds (for streams: chunks) until the tenant leaves, or None.
        tools: Tool calls in their order.
        usage: Tokens it uses, or None.
        chunks: Chunks of a streamed answer.
        surcharge: Nano-dollars charged on top of the price, whatever the outcome.
        calls: The order to another listing that it places, or None.
    """

    listing: Listing
    tenant: str
    seconds: float
    fails: str | None = None
    times_out: bool = False
    given_up_after: float | None = None
    tools: tuple[ToolUse, ...] = ()
    usage: Usage | None = None
    chunks: int = 0
    surcharge: int = 0
    calls: "Order | None" = None


@dataclass(frozen=True, slots=True)
class Visit:
    """A tenant invokes a listing, and may rate it or be given money back afterwards."""

    at: float
    order: Order
    rating: int | None = None
    refund: int = 0


@dataclass(frozen=True, slots=True)
class Install:
    """A tenant installs a listing."""

    at: float
    listing: Listing
    tenant: str


@dataclass(frozen=True, slots=True)
class Uninstall:
    """A tenant leaves a listing."""

    at: float
    listing: Listing
    tenant: str


@dataclass(frozen=True, slots=True)
class Subscription:
    """A tenant is charged for a month: ``amount`` in nano-dollars."""

    at: float
    listing: Listing
    tenant: str
    amount: int


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A publisher's own check scores an answer, 0 to 1."""

    at: float
    listing: Listing
    name: str
    score: float


Step = Visit | Install | Uninstall | Subscription | Evaluation


class Market:
    """Decides what tenants and listings do next."""

    def __init__(self, seed: int, *, tenants: Sequence[str] = TENANTS) -> None:
        """Start an empty marketplace whose every decision follows from ``seed``."""
        self._random = random.Random(seed)
        self._tenants = tenants
        self._weights = [listing.weight for listing in LISTINGS]
        self._installed: dict[str, list[str]] = {listing.key: [] for listing in LISTINGS}
        self._pairs = 0
        self._at = 0.0

    def steps(self) -> Iterator[Step]:
        """Yield steps without end, in the order of their market time."""
        for listing in LISTINGS:
            yield self._install(listing)
        while True:
            self._at += self._random.expovariate(STEPS_PER_SECOND)
            yield self._next()

    def _next(self) -> Step:
        dice = self._random
        listing = dice.choices(LISTINGS, self._weights)[0]
        users = self._installed[listing.key]
        growing = max(0.0, 1.0 - self._pairs / _SETTLED_INSTALLS)
        if not users or dice.random() < 0.015 + 0.45 * growing:
            return self._install(listing)
        roll = dice.random()
        # Nobody stays long with what serves them badly.
        if roll < 0.004 * (6.0 - listing.rating) and len(users) > 1:
            self._pairs -= 1
            return Uninstall(self._at, listing, users.pop(dice.randrange(len(users))))
        if listing.monthly_usd and roll > 1 - _SUBSCRIPTIONS:
            amount = nano_usd(listing.monthly_usd)
            return Subscription(self._at, listing, dice.choice(users), amount)
        if listing.evaluated and roll > 1 - _EVALUATIONS:
            score = min(1.0, max(0.0, dice.gauss(0.86, 0.09)))
            return Evaluation(self._at, listing, "faithfulness", round(score, 3))
        return self._visit(listing, dice.choice(users))

    def _install(self, listing: Listing) -> Install:
        # Tenants early in the list are the marketplace's regulars.
        tenants = self._tenants
        index = int(len(tenants) * self._random.random() ** 1.3)
        tenant = tenants[index]
        users = self._installed[listing.key]
        if tenant not in users:
            users.append(tenant)
            self._pairs += 1
        return Install(self._at, listing, tenant)

    def _visit(self, listing: Listing, tenant: str) -> Visit:
        dice = self._random
        order = draw_order(dice, listing, tenant)
        troubled = order.fails or order.times_out
        rating = None
        if dice.random() < (0.3 if troubled else 0.12):
            mean = 1.6 if troubled else listing.rating
            rating = min(5, max(1, round(dice.gauss(mean, 0.9))))
        refund = 0
        if listing.price_usd and dice.random() < listing.refunding:
            refund = nano_usd(listing.price_usd)
        return Visit(self._at, order, rating, refund)


def draw_order(dice: random.Random, listing: Listing, tenant: str) -> Order:
    """Decide how one invocation of ``listing`` by ``tenant`` is going to go."""
    seconds = dice.uniform(*listing.seconds)
    fate = dice.random()
    fails = times_out = False
    if fate < listing.failing:
        fails = True
    elif fate < listing.failing + listing.timing_out:
        times_out = True
    leaves = dice.random() < listing.given_up and not (fails or times_out)
    chunks = dice.randrange(3, _LONG_STREAM) if listing.style in ("stream", "lines") else 0
    given_up_after: float | None = None
    if leaves:
        given_up_after = float(dice.randrange(1, chunks)) if chunks else seconds * dice.random()
    usage = _draw_usage(dice, listing)
    return Order(
        listing,
        tenant,
        seconds,
        fails=dice.choice(listing.errors) if fails else None,
        times_out=times_out,
        given_up_after=given_up_after,
        tools=tuple(
            ToolUse(tool, tool.seconds * dice.uniform(0.6, 1.7), dice.random() < tool.failing)
            for tool in listing.tools
            if dice.random() < tool.share
        ),
        usage=usage,
        chunks=chunks,
        surcharge=_LONG_INPUT_USD if usage and usage.input > _LONG_INPUT else 0,
        calls=draw_order(dice, BY_KEY[listing.calls], tenant) if listing.calls else None,
    )


def burst_order(listing: Listing, tenant: str, number: int) -> Order:
    """Return invocation ``number`` (from 0) of a planted error burst: every fifth one fails."""
    fails = number % BURST_FAILING == BURST_FAILING - 1
    return Order(listing, tenant, seconds=0.0, fails=listing.errors[0] if fails else None)


def _draw_usage(dice: random.Random, listing: Listing) -> Usage | None:
    if listing.model is None:
        return None
    inputs = int(listing.tokens[0] * dice.uniform(0.5, 1.6))
    outputs = int(listing.tokens[1] * dice.uniform(0.5, 1.6))
    return Usage(
        listing.model,
        inputs,
        outputs,
        cached=int(inputs * listing.cached * dice.random()),
        reasoning=int(outputs * listing.reasoning * dice.uniform(0.7, 1.0)),
    )
