"""The tools that agents call, the pace of their time, and the stopwatches on both."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass

from agent_analytics.demo._market.ledger import Receipt, Stopwatch, ToolReceipt
from agent_analytics.demo._market.listings import ToolTraits
from agent_analytics.demo._market.market import ToolUse
from agent_analytics.instrumentation import tool
from agent_analytics.instrumentation import vocabulary as v


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
def inside(watch: Stopwatch) -> Generator[None]:
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
            with inside(watch):
                await self._pace.pause(use.seconds)
                return _answer(use)

        return call

    def _sync_tool(self, traits: ToolTraits) -> Callable[[ToolUse, Stopwatch], dict[str, bool]]:
        @tool(name=traits.name)
        def call(use: ToolUse, watch: Stopwatch) -> dict[str, bool]:
            with inside(watch):
                self._pace.nap(use.seconds)
                return _answer(use)

        return call


def _answer(use: ToolUse) -> dict[str, bool]:
    if use.fails and not use.tool.as_data:
        raise ToolFailedError
    return {"isError": use.fails}
