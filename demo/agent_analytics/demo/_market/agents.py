"""The publishers' code: one decorated function or class for each listing.

Every agent does what its order says, takes the time it says, and notes on the receipt what it did:
that is the demo's ground truth. What the spans say is up to the decorators.
"""

import asyncio
import builtins
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from agent_analytics.demo._market.ledger import Receipt, Stopwatch
from agent_analytics.demo._market.listings import Listing
from agent_analytics.demo._market.market import Order, Usage
from agent_analytics.demo._market.models import chat
from agent_analytics.demo._market.toolbox import Pace, Toolbox, inside, outcome_of
from agent_analytics.instrumentation import agent, current_invocation
from agent_analytics.instrumentation import vocabulary as v
from agent_analytics.instrumentation.money import nano_usd, usd_text

#: Given back inside an invocation where a tool of a refunding listing failed.
_GOODWILL_USD: Final = "0.20"
#: Market seconds beyond its limit for which a hanging invocation would hang on.
_HANGING_SECONDS: Final = 60.0

#: Places another order from inside an agent, and books what comes of it.
PlaceOrder = Callable[[Order], Awaitable[Receipt]]

#: What can be invoked, by how it answers.
Coroutine = Callable[[Order, Receipt], Awaitable[str]]
Stream = Callable[[Order, Receipt], AsyncGenerator[str, None]]
Lines = Callable[[Order, Receipt], Generator[str, None, None]]
Function = Callable[[Order, Receipt], object]

Code = TypeVar("Code", bound=Callable[..., object])


def _tenant_of(order: Order, *_others: object) -> str:
    return order.tenant


def _failure(order: Order) -> Exception:
    kind: type[Exception] = getattr(builtins, order.fails or "RuntimeError")
    return kind("as the order says")


@dataclass(frozen=True, slots=True)
class Desk:
    """What an agent works with: its listing, its tools, the pace of time and the way to others."""

    listing: Listing
    tools: Toolbox
    pace: Pace
    place_order: PlaceOrder

    def publish(
        self,
        code: Code,
        *,
        tenant: Callable[..., str] | None = None,
        entry: str | None = None,
    ) -> Code:
        """Put code on the marketplace: what a publisher writes as a decorator."""
        listing = self.listing
        return agent(
            publisher_id=listing.publisher,
            agent_id=listing.agent,
            name=listing.name,
            version=listing.version,
            price_usd=listing.price_usd,
            tenant=tenant,
            entry=entry,
        )(code)

    async def work(self, order: Order, receipt: Receipt) -> None:
        """Use the tools, ask whom it asks, and let the rest of the time pass."""
        left = order.seconds
        for use in order.tools:
            worked = await self.tools.use(use, receipt)
            left -= use.seconds
            if not worked and self.listing.refunding:
                current_invocation().refund(_GOODWILL_USD)
                receipt.refunded += nano_usd(_GOODWILL_USD)
        if order.calls:
            await self.place_order(order.calls)
            left -= order.calls.seconds
        if order.times_out:
            async with asyncio.timeout(self.pace.real(max(left, 0.05))):
                await self.pace.pause(left + _HANGING_SECONDS)
        await self.pace.pause(max(left, 0.0))

    def settle(self, order: Order, receipt: Receipt) -> None:
        """Report usage, charge what is extra, and fail where the order says so."""
        usage = order.usage
        if usage:
            current_invocation().add_usage(
                model=usage.model,
                input_tokens=usage.input,
                output_tokens=usage.output,
                cached_input_tokens=usage.cached,
                reasoning_tokens=usage.reasoning,
                cost_usd=None if usage.cost is None else usd_text(usage.cost),
            )
            receipt.usage.append(usage)
        self.conclude(order, receipt)

    def conclude(self, order: Order, receipt: Receipt) -> None:
        """Charge what is extra, and fail where the order says so."""
        if order.surcharge:
            current_invocation().charge(usd_text(order.surcharge))
            receipt.charged += order.surcharge
        if order.fails:
            raise _failure(order)


def coroutine_agent(desk: Desk) -> Coroutine:
    """Make an agent whose code reports its usage with ``add_usage``; brokers are of this kind."""

    async def answer(order: Order, receipt: Receipt) -> str:
        with inside(receipt.watch):
            await desk.work(order, receipt)
            desk.settle(order, receipt)
            return "done"

    return desk.publish(answer, tenant=_tenant_of)


def framework_agent(desk: Desk) -> Coroutine:
    """Make an agent on a framework that emits spans of its own for its model calls."""

    async def answer(order: Order, receipt: Receipt) -> str:
        with inside(receipt.watch):
            if order.usage:
                thinking = 0.2 * order.seconds
                await _think(order.usage, desk.pace.real(thinking), receipt)
                order = replace(order, seconds=order.seconds - thinking)
            await desk.work(order, receipt)
            desk.conclude(order, receipt)
            return "done"

    return desk.publish(answer, tenant=_tenant_of)


async def _think(usage: Usage, seconds: float, receipt: Receipt) -> None:
    try:
        await chat(usage, seconds)
    except asyncio.CancelledError:
        receipt.inferences.append((usage.model, v.CANCELLED))
        raise
    receipt.inferences.append((usage.model, v.SUCCESS))
    receipt.usage.append(usage)


def stream_agent(desk: Desk) -> Stream:
    """Make an agent that streams its answer to a coroutine; who reads it says for which tenant."""

    async def answer(order: Order, receipt: Receipt) -> AsyncGenerator[str, None]:
        with inside(receipt.watch):
            began = time.perf_counter()
            pause = order.seconds / (order.chunks + 1)
            await desk.work(replace(order, seconds=pause), receipt)
            if order.chunks:
                receipt.first_chunk = Stopwatch(least=time.perf_counter() - began)
            for number in range(order.chunks):
                yield f"chunk {number}"
                await desk.pace.pause(pause)
            desk.settle(order, receipt)

    return desk.publish(answer)


def lines_agent(desk: Desk) -> Lines:
    """Make an agent that streams its answer to a thread."""

    def answer(order: Order, receipt: Receipt) -> Generator[str, None, None]:
        with inside(receipt.watch):
            began = time.perf_counter()
            pause = order.seconds / (order.chunks + 1)
            desk.pace.nap(pause)
            if order.chunks:
                receipt.first_chunk = Stopwatch(least=time.perf_counter() - began)
            for number in range(order.chunks):
                yield f"line {number}"
                desk.pace.nap(pause)
            desk.settle(order, receipt)

    return desk.publish(answer, tenant=_tenant_of)


def function_agent(desk: Desk) -> Function:
    """Make an agent that is a plain function, whose usage stands in what it returns."""

    def answer(order: Order, receipt: Receipt) -> dict[str, object]:
        with inside(receipt.watch):
            desk.pace.nap(order.seconds)
            desk.conclude(order, receipt)
            usage = order.usage
            if usage is None:
                return {"answer": "done"}
            # Nobody says what it cost: these tokens count as unpriced.
            receipt.usage.append(replace(usage, priced=False, cached=0, reasoning=0))
            return {
                "answer": "done",
                "model": usage.model,
                "usage": {"prompt_tokens": usage.input, "completion_tokens": usage.output},
            }

    return desk.publish(answer, tenant=_tenant_of)


def class_agent(desk: Desk) -> Function:
    """Make an agent that is a class with one entry method, and catches its own failures."""

    class Assistant:
        def run(self, order: Order, receipt: Receipt) -> str:
            with inside(receipt.watch):
                left = order.seconds
                for use in order.tools:
                    desk.tools.use_here(use, receipt)
                    left -= use.seconds
                desk.pace.nap(left)
                try:
                    desk.settle(order, receipt)
                except Exception as error:  # noqa: BLE001 - it tells the tenant politely
                    current_invocation().fail(error)
                    receipt.outcome = outcome_of(error)
                    receipt.error_type = type(error).__name__
                    return "sorry"
                return "done"

    published = desk.publish(Assistant, entry="run", tenant=_entry_tenant)
    return published().run


def _entry_tenant(_assistant: object, order: Order, *_others: object) -> str:
    return order.tenant


#: How each style is written, by how it answers. Listings of the reported style run elsewhere and
#: have no code here.
COROUTINES: Final = {
    "coroutine": coroutine_agent,
    "broker": coroutine_agent,
    "framework": framework_agent,
}
FUNCTIONS: Final = {"function": function_agent, "class": class_agent}
STREAM: Final = "stream"
LINES: Final = "lines"
REPORTED: Final = "reported"
