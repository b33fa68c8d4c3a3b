"""The demo's own ground truth, kept by whoever drives the agents and never read from a span.

Money is in whole nano-dollars. Durations are kept twice, as stopwatches inside and outside the
instrumented function: what the spans say must lie between the two.
"""

import threading
from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from agent_analytics.demo._market.listings import Listing
from agent_analytics.demo._market.market import Order, Usage
from agent_analytics.instrumentation.vocabulary import ERROR, SUCCESS, TIMEOUT
from agent_analytics.processor.catalogue import (
    FIRST_CHUNK_SECONDS,
    INVOCATION_SECONDS,
    TOOL_SECONDS,
)

#: Outcomes that count as failures.
FAILURES: Final = frozenset({ERROR, TIMEOUT})
#: What a wall clock and a stopwatch may disagree about: per measurement, and in proportion.
_SLACK_SECONDS: Final = 0.002
_SLACK_SHARE: Final = 0.001


@dataclass(slots=True)
class Stopwatch:
    """Seconds of one call, measured inside the function (``least``) and around it (``most``)."""

    least: float = 0.0
    most: float = 0.0

    @property
    def bounds(self) -> tuple[float, float]:
        """The interval in which the call's true duration lies, clock differences included."""
        return (
            max(0.0, self.least * (1 - _SLACK_SHARE) - _SLACK_SECONDS),
            self.most * (1 + _SLACK_SHARE) + _SLACK_SECONDS,
        )


@dataclass(slots=True)
class ToolReceipt:
    """What came of one tool call."""

    tool: str
    outcome: str = SUCCESS
    watch: Stopwatch = field(default_factory=Stopwatch)
    #: False where the call was reported without its duration.
    timed: bool = True


@dataclass(slots=True)
class Receipt:
    """What came of one invocation, as its caller and its own code saw it.

    Attributes:
        order: What was asked for.
        outcome: ``success``, ``error``, ``timeout`` or ``cancelled``.
        error_type: Qualified name of the exception of an error or a timeout.
        charged: Nano-dollars charged inside the invocation, besides its price.
        refunded: Nano-dollars given back inside the invocation.
        usage: Tokens reported, one entry a report.
        inferences: Model calls made, as (model, outcome).
        tools: Tool calls made.
        watch: Its duration.
        first_chunk: Time to the first chunk, None where none came.
    """

    order: Order
    outcome: str = SUCCESS
    error_type: str | None = None
    charged: int = 0
    refunded: int = 0
    usage: list[Usage] = field(default_factory=list[Usage])
    inferences: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    tools: list[ToolReceipt] = field(default_factory=list[ToolReceipt])
    watch: Stopwatch = field(default_factory=Stopwatch)
    first_chunk: Stopwatch | None = None

    @property
    def cost(self) -> int:
        """Nano-dollars of the usage whose price is known."""
        return sum(usage.cost or 0 for usage in self.usage)


@dataclass(slots=True)
class Bounds:
    """A histogram of durations, each known only to lie in an interval.

    Attributes:
        edges: Upper bucket edges.
        count: Number of durations.
        least: Sum of the lower ends.
        most: Sum of the upper ends.
    """

    edges: Sequence[float]
    count: int = 0
    least: float = 0.0
    most: float = 0.0
    _low: list[int] = field(default_factory=list[int])
    _high: list[int] = field(default_factory=list[int])

    def __post_init__(self) -> None:
        """Make room for every edge."""
        self._low = [0] * (len(self.edges) + 1)
        self._high = [0] * (len(self.edges) + 1)

    def add(self, watch: Stopwatch) -> None:
        """Add one duration."""
        least, most = watch.bounds
        self.count += 1
        self.least += least
        self.most += most
        self._low[bisect_left(self.edges, least)] += 1
        self._high[bisect_left(self.edges, most)] += 1

    def at_most(self, edge: float) -> tuple[int, int]:
        """Return the least and the greatest number of durations at or below a bucket edge."""
        upto = bisect_left(self.edges, edge) + 1
        return sum(self._high[:upto]), sum(self._low[:upto])


@dataclass(slots=True)
class Account:
    """Everything that happened to one listing."""

    outcomes: Counter[str] = field(default_factory=Counter[str])
    errors: Counter[str] = field(default_factory=Counter[str])
    durations: dict[str, Bounds] = field(default_factory=dict[str, Bounds])
    first_chunks: Bounds = field(default_factory=lambda: Bounds(FIRST_CHUNK_SECONDS))
    tools: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])
    tool_durations: dict[str, Bounds] = field(default_factory=dict[str, Bounds])
    inferences: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])
    input_tokens: Counter[str] = field(default_factory=Counter[str])
    output_tokens: Counter[str] = field(default_factory=Counter[str])
    cached_tokens: Counter[str] = field(default_factory=Counter[str])
    reasoning_tokens: Counter[str] = field(default_factory=Counter[str])
    unpriced_tokens: Counter[str] = field(default_factory=Counter[str])
    cost: int = 0
    wasted: int = 0
    revenue: int = 0
    refunds: int = 0
    ratings: Counter[int] = field(default_factory=Counter[int])
    scores: dict[str, list[float]] = field(default_factory=dict[str, list[float]])
    installs: int = 0
    uninstalls: int = 0
    tenants: set[str] = field(default_factory=set[str])

    @property
    def invocations(self) -> int:
        """Ended invocations, whatever their outcome."""
        return self.outcomes.total()


class Ledger:
    """Accounts by ``(publisher, agent)``."""

    def __init__(self) -> None:
        """Start with empty books."""
        self.accounts: dict[tuple[str, str], Account] = {}
        self._lock = threading.Lock()

    def account(self, listing: Listing) -> Account:
        """Return the account of a listing, opening it where it has none."""
        return self.accounts.setdefault((listing.publisher, listing.agent), Account())

    def install(self, listing: Listing) -> None:
        """Book an install."""
        with self._lock:
            self.account(listing).installs += 1

    def uninstall(self, listing: Listing) -> None:
        """Book an uninstall."""
        with self._lock:
            self.account(listing).uninstalls += 1

    def charge(self, listing: Listing, amount: int) -> None:
        """Book a charge outside any invocation, in nano-dollars."""
        with self._lock:
            self.account(listing).revenue += amount

    def refund(self, listing: Listing, amount: int) -> None:
        """Book a refund outside any invocation, in nano-dollars."""
        with self._lock:
            self.account(listing).refunds += amount

    def rate(self, listing: Listing, stars: int) -> None:
        """Book a rating, 1 to 5."""
        with self._lock:
            self.account(listing).ratings[stars] += 1

    def evaluate(self, listing: Listing, name: str, score: float) -> None:
        """Book an evaluation's score, 0 to 1."""
        with self._lock:
            self.account(listing).scores.setdefault(name, []).append(score)

    def post(self, receipt: Receipt, price: int) -> None:
        """Book an invocation: ``price`` in nano-dollars is due when it succeeded.

        Invocations of other listings made inside have receipts, and prices, of their own.
        """
        with self._lock:
            self._post(self.account(receipt.order.listing), receipt, price)

    def _post(self, account: Account, receipt: Receipt, price: int) -> None:
        order = receipt.order
        failed = receipt.outcome in FAILURES
        account.outcomes[receipt.outcome] += 1
        account.tenants.add(order.tenant)
        if failed and receipt.error_type:
            account.errors[receipt.error_type] += 1
        account.durations.setdefault(receipt.outcome, Bounds(INVOCATION_SECONDS)).add(receipt.watch)
        if receipt.first_chunk:
            account.first_chunks.add(receipt.first_chunk)
        for call in receipt.tools:
            account.tools[call.tool, call.outcome] += 1
            if call.timed:
                account.tool_durations.setdefault(call.tool, Bounds(TOOL_SECONDS)).add(call.watch)
        account.inferences.update(receipt.inferences)
        for usage in receipt.usage:
            self._post_usage(account, usage)
        account.cost += receipt.cost
        account.wasted += receipt.cost if failed else 0
        account.refunds += receipt.refunded
        account.revenue += receipt.charged + (price if receipt.outcome == SUCCESS else 0)

    @staticmethod
    def _post_usage(account: Account, usage: Usage) -> None:
        for tokens, counter in (
            (usage.input, account.input_tokens),
            (usage.output, account.output_tokens),
            (usage.cached, account.cached_tokens),
            (usage.reasoning, account.reasoning_tokens),
            (usage.input + usage.output if usage.cost is None else 0, account.unpriced_tokens),
        ):
            if tokens:
                counter[usage.model] += tokens

    def totals(self) -> dict[str, int]:
        """Return the marketplace's figures over all listings."""
        books = self.accounts.values()
        return {
            "listings": len(self.accounts),
            "publishers": len({publisher for publisher, _ in self.accounts}),
            "invocations": sum(book.invocations for book in books),
            "failed": sum(book.outcomes[outcome] for book in books for outcome in FAILURES),
            "tool_calls": sum(book.tools.total() for book in books),
            "installs": sum(book.installs for book in books),
            "uninstalls": sum(book.uninstalls for book in books),
            "ratings": sum(book.ratings.total() for book in books),
            "tenants": len(set[str]().union(*(book.tenants for book in books))),
            "revenue_nano_usd": sum(book.revenue for book in books),
            "refunds_nano_usd": sum(book.refunds for book in books),
            "cost_nano_usd": sum(book.cost for book in books),
        }

    def as_json(self) -> list[dict[str, object]]:
        """Return every account as plain data, money in nano-dollars."""
        return [
            {
                "publisher": publisher,
                "agent": agent,
                "invocations": dict(account.outcomes),
                "errors": dict(account.errors),
                "tool_calls": [
                    {"tool": tool, "outcome": outcome, "calls": calls}
                    for (tool, outcome), calls in sorted(account.tools.items())
                ],
                "inference_calls": [
                    {"model": model, "outcome": outcome, "calls": calls}
                    for (model, outcome), calls in sorted(account.inferences.items())
                ],
                "input_tokens": dict(account.input_tokens),
                "output_tokens": dict(account.output_tokens),
                "cached_input_tokens": dict(account.cached_tokens),
                "reasoning_tokens": dict(account.reasoning_tokens),
                "unpriced_tokens": dict(account.unpriced_tokens),
                "cost_nano_usd": account.cost,
                "wasted_nano_usd": account.wasted,
                "revenue_nano_usd": account.revenue,
                "refunds_nano_usd": account.refunds,
                "ratings": {str(stars): given for stars, given in sorted(account.ratings.items())},
                "evaluations": {name: len(scores) for name, scores in account.scores.items()},
                "installs": account.installs,
                "uninstalls": account.uninstalls,
                "tenants": len(account.tenants),
            }
            for (publisher, agent), account in sorted(self.accounts.items())
        ]
