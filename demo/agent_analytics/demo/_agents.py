"""The publishers' code: one decorated function or class for each listing.

Every agent does what its order says, takes the time it says, and notes on the receipt what it did:
that is the demo's ground truth. What the spans say is up to the decorators.
"""

import asyncio
import builtins
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Final

from agent_analytics.demo._ledger import Receipt, Stopwatch, ToolReceipt
from agent_analytics.demo._listings import Listing, ToolTraits
from agent_analytics.demo._market import Order, ToolUse, Usage
from agent_analytics.demo._models import chat
from agent_analytics.instrumentation import agent, current_invocation, tool
from agent_analytics.instrumentation import vocabulary as v
from agent_analytics.instrumentation.money import nano_usd, usd_text

#: Given back inside an invocation where a tool of a refunding listing failed.
_GOODWILL_USD: Final = "0.20"
#: Market seconds beyond its limit for which a hanging invocation would hang on.
_HANGING_SECONDS: Final = 60.0

#: Places another order from inside an agent and returns its receipt.
PlaceOrder = Callable[[Order], Awaitable[Receipt]]


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast market time passes: at speed 2 a market second is half a real one."""

    speed: float = 1.0

    def real(self, market_seconds: float) -> float:
        """Return real seconds."""
        return market_seconds / self.speed

    async def pause(self, market_seconds: float) -> None:
        """Wait without holding up anybody else."""
        await asyncio.sleep(self.real(market_seconds))

    def nap(self, market_seconds: float) -> None:
        """Wait on a thread."""
        if market_seconds > 0:
            time.sleep(self.real(market_seconds))


class ToolFailedError(RuntimeError):
    """A tool did not do what it was asked for."""


@contextmanager
def _inside(watch: Stopwatch) -> Iterator[None]:
    """Measure the time that the instrumented function spends in its own code."""
    began = time.perf_counter()
    try:
        yield
    finally:
        watch.least = time.perf_counter() - began


def outcome_of(error: BaseException) -> str:
    """Return the outcome of a call that raised."""
    if isinstance(error, asyncio.CancelledError | GeneratorExit):
        return v.CANCELLED
    return v.TIMEOUT if isinstance(error, TimeoutError) else v.ERROR


def _tenant_of(order: Order, *_others: object) -> str:
    return order.tenant


def _failure(order: Order) -> Exception:
    kind: type[Exception] = getattr(builtins, order.fails or "RuntimeError")
    return kind("as the order says")


class Toolbox:
    """The tools of one listing, decorated once, for async code and for threads."""

    def __init__(self, pace: Pace, tools: tuple[ToolTraits, ...]) -> None:
        """Make every tool."""
        self._pace = pace
        self._async = {traits.name: self._async_tool(traits) for traits in tools}
        self._sync = {traits.name: self._sync_tool(traits) for traits in tools}

    async def use(self, use: ToolUse, receipt: Receipt) -> bool:
        """Call a tool, note what came of it, and return whether it worked."""
        entry = ToolReceipt(use.tool.name)
        began = time.perf_counter()
        try:
            answer = await self._async[use.tool.name](use, entry.watch)
        except ToolFailedError as error:
            entry.outcome = outcome_of(error)
        except BaseException as error:
            entry.outcome = outcome_of(error)
            raise
        else:
            entry.outcome = v.ERROR if answer["isError"] else v.SUCCESS
        finally:
            entry.watch.most = time.perf_counter() - began
            receipt.tools.append(entry)
        return entry.outcome == v.SUCCESS

    def use_here(self, use: ToolUse, receipt: Receipt) -> bool:
        """Do as ``use``, on a thread."""
        entry = ToolReceipt(use.tool.name)
        began = time.perf_counter()
        try:
            answer = self._sync[use.tool.name](use, entry.watch)
            entry.outcome = v.ERROR if answer["isError"] else v.SUCCESS
        except ToolFailedError as error:
            entry.outcome = outcome_of(error)
        entry.watch.most = time.perf_counter() - began
        receipt.tools.append(entry)
        return entry.outcome == v.SUCCESS

    def _async_tool(
        self, traits: ToolTraits
    ) -> Callable[[ToolUse, Stopwatch], Awaitable[dict[str, bool]]]:
        @tool(name=traits.name)
        async def call(use: ToolUse, watch: Stopwatch) -> dict[str, bool]:
            with _inside(watch):
                await self._pace.pause(use.seconds)
                return _answer(use)

        return call

    def _sync_tool(self, traits: ToolTraits) -> Callable[[ToolUse, Stopwatch], dict[str, bool]]:
        @tool(name=traits.name)
        def call(use: ToolUse, watch: Stopwatch) -> dict[str, bool]:
            with _inside(watch):
                self._pace.nap(use.seconds)
                return _answer(use)

        return call


def _answer(use: ToolUse) -> dict[str, bool]:
    if use.fails and not use.tool.as_data:
        raise ToolFailedError
    return {"isError": use.fails}


@dataclass(frozen=True, slots=True)
class Desk:
    """What an agent works with: its listing, its tools, the pace of time and the way to others."""

    listing: Listing
    tools: Toolbox
    pace: Pace
    place_order: PlaceOrder

    def publish(self, code: Any, **options: Any) -> Any:
        """Put code on the marketplace: what a publisher writes as a decorator."""
        listing = self.listing
        return agent(
            publisher_id=listing.publisher,
            agent_id=listing.agent,
            name=listing.name,
            version=listing.version,
            price_usd=listing.price_usd,
            **options,
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
            receipt.calls.append(await self.place_order(order.calls))
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


def coroutine_agent(desk: Desk) -> Any:
    """Make an agent whose code reports its usage with ``add_usage``; brokers are of this kind."""

    async def answer(order: Order, receipt: Receipt) -> str:
        with _inside(receipt.watch):
            await desk.work(order, receipt)
            desk.settle(order, receipt)
            return "done"

    return desk.publish(answer, tenant=_tenant_of)


def framework_agent(desk: Desk) -> Any:
    """Make an agent on a framework that emits spans of its own for its model calls."""

    async def answer(order: Order, receipt: Receipt) -> str:
        with _inside(receipt.watch):
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


def stream_agent(desk: Desk) -> Any:
    """Make an agent that streams its answer to a coroutine; who reads it says for which tenant."""

    async def answer(order: Order, receipt: Receipt) -> AsyncIterator[str]:
        with _inside(receipt.watch):
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


def lines_agent(desk: Desk) -> Any:
    """Make an agent that streams its answer to a thread."""

    def answer(order: Order, receipt: Receipt) -> Iterator[str]:
        with _inside(receipt.watch):
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


def function_agent(desk: Desk) -> Any:
    """Make an agent that is a plain function, whose usage stands in what it returns."""

    def answer(order: Order, receipt: Receipt) -> dict[str, object]:
        with _inside(receipt.watch):
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


def class_agent(desk: Desk) -> Any:
    """Make an agent that is a class with one entry method, and catches its own failures."""

    class Assistant:
        def run(self, order: Order, receipt: Receipt) -> str:
            with _inside(receipt.watch):
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


#: How each style is written. Listings of the reported style run elsewhere and have no code here.
MAKERS: Final[dict[str, Callable[[Desk], Any]]] = {
    "function": function_agent,
    "coroutine": coroutine_agent,
    "framework": framework_agent,
    "stream": stream_agent,
    "lines": lines_agent,
    "class": class_agent,
    "broker": coroutine_agent,
}
