"""Runs the marketplace: carries out its steps in real time and keeps the ledger."""

import asyncio
import time
from collections.abc import Awaitable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, closing
from itertools import count
from typing import Any, Final

from agent_analytics.demo._agents import MAKERS, Desk, Pace, Toolbox, outcome_of
from agent_analytics.demo._ledger import Ledger, Receipt, ToolReceipt
from agent_analytics.demo._listings import LISTINGS, TENANTS, Listing
from agent_analytics.demo._market import (
    BURST_RATE,
    Evaluation,
    Install,
    Market,
    Order,
    Step,
    Subscription,
    Uninstall,
    Visit,
    burst_order,
)
from agent_analytics.instrumentation import (
    record_charge,
    record_evaluation,
    record_feedback,
    record_install,
    record_invocation,
    record_refund,
    record_uninstall,
    tenant,
)
from agent_analytics.instrumentation import vocabulary as v
from agent_analytics.instrumentation.money import nano_usd, usd_text

#: Styles whose code blocks, and therefore runs on a thread.
_THREADED: Final = frozenset({"function", "lines", "class"})
_THREADS: Final = 16
#: Longest wait at a time, so that a stop is noticed soon.
_NAP_SECONDS: Final = 0.1
#: Steps carried out in a row before everybody else gets a turn, where the demo has fallen behind.
_IN_A_ROW: Final = 20
_BURST_TICK: Final = 0.02


class Storefront:
    """Every listing, ready to be invoked; what comes of each invocation goes into the ledger."""

    def __init__(self, ledger: Ledger, pace: Pace) -> None:
        """Put all listings on the marketplace."""
        self.ledger = ledger
        self.pace = pace
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="agent")
        self._agents: dict[str, Any] = {
            listing.key: MAKERS[listing.style](
                Desk(listing, Toolbox(pace, listing.tools), pace, self.serve)
            )
            for listing in LISTINGS
            if listing.style in MAKERS
        }

    async def serve(self, order: Order) -> Receipt:
        """Invoke a listing and book what came of it; failures of the agent are not raised.

        Raises:
            asyncio.CancelledError: The invocation was given up; it is booked as such.
        """
        if order.listing.style == "reported":
            return self._report(order)
        if order.listing.style in _THREADED:
            loop = asyncio.get_running_loop()
            # A thread cannot be cancelled: it finishes, and books, whoever waits for it.
            return await asyncio.shield(loop.run_in_executor(self._pool, self.serve_here, order))
        receipt = Receipt(order)
        began = time.perf_counter()
        try:
            await self._converse(order, receipt, began)
        except Exception as error:  # noqa: BLE001 - agents fail; that is what is being counted
            receipt.outcome = outcome_of(error)
            receipt.error_type = type(error).__name__
        except asyncio.CancelledError:
            receipt.outcome = v.CANCELLED
            raise
        finally:
            self._book(receipt, began)
        return receipt

    def serve_here(self, order: Order) -> Receipt:
        """Invoke a listing that blocks, on the calling thread, and book what came of it."""
        receipt = Receipt(order)
        code = self._agents[order.listing.key]
        began = time.perf_counter()
        try:
            if order.listing.style == "lines":
                self._read_lines(code, order, receipt, began)
            else:
                code(order, receipt)
        except Exception as error:  # noqa: BLE001 - as above
            receipt.outcome = outcome_of(error)
            receipt.error_type = type(error).__name__
        finally:
            self._book(receipt, began)
        return receipt

    def close(self) -> None:
        """Wait for the threads."""
        self._pool.shutdown(wait=True)

    async def _converse(self, order: Order, receipt: Receipt, began: float) -> None:
        code = self._agents[order.listing.key]
        if order.listing.style != "stream":
            await code(order, receipt)
            return
        with tenant(order.tenant):
            chunks = 0
            async with aclosing(code(order, receipt)) as stream:
                async for _chunk in stream:
                    chunks += 1
                    if chunks == 1 and receipt.first_chunk:
                        receipt.first_chunk.most = time.perf_counter() - began
                    if chunks == order.given_up_after:
                        receipt.outcome = v.CANCELLED
                        break

    @staticmethod
    def _read_lines(code: Any, order: Order, receipt: Receipt, began: float) -> None:
        with closing(code(order, receipt)) as lines:
            for number, _line in enumerate(lines, start=1):
                if number == 1 and receipt.first_chunk:
                    receipt.first_chunk.most = time.perf_counter() - began
                if number == order.given_up_after:
                    receipt.outcome = v.CANCELLED
                    break

    def _report(self, order: Order) -> Receipt:
        """Record an invocation that has run on the publisher's own machines."""
        receipt = Receipt(order)
        receipt.watch.least = receipt.watch.most = order.seconds
        if order.fails:
            receipt.outcome, receipt.error_type = v.ERROR, order.fails
        elif order.given_up_after is not None:
            receipt.outcome = v.CANCELLED
        for use in order.tools:
            entry = ToolReceipt(use.tool.name, v.ERROR if use.fails else v.SUCCESS, timed=False)
            receipt.tools.append(entry)
        usage = order.usage
        if usage:
            receipt.usage.append(usage)
        price = self._price(order.listing)
        worked = receipt.outcome == v.SUCCESS
        record_invocation(
            publisher_id=order.listing.publisher,
            agent_id=order.listing.agent,
            tenant_id=order.tenant,
            duration_ms=order.seconds * 1000,
            success=worked,
            outcome=receipt.outcome,
            error_type=receipt.error_type,
            input_tokens=usage.input if usage else 0,
            output_tokens=usage.output if usage else 0,
            model=usage.model if usage else None,
            cost_usd=None if usage is None or usage.cost is None else usd_text(usage.cost),
            revenue_usd=usd_text(price) if worked else 0,
            tool_calls=[
                {"name": entry.tool, "success": entry.outcome == v.SUCCESS}
                for entry in receipt.tools
            ],
        )
        self.ledger.post(receipt, price)
        return receipt

    def _book(self, receipt: Receipt, began: float) -> None:
        receipt.watch.most = time.perf_counter() - began
        self.ledger.post(receipt, self._price(receipt.order.listing))

    @staticmethod
    def _price(listing: Listing) -> int:
        return nano_usd(listing.price_usd) if listing.price_usd else 0


class Driver:
    """Carries out a market's steps when they are due."""

    def __init__(self, market: Market, storefront: Storefront) -> None:
        """Prepare; nothing happens before ``run``."""
        self._market = market
        self._storefront = storefront
        self._ledger = storefront.ledger
        self._pace = storefront.pace
        self._visits: set[asyncio.Task[None]] = set()
        self.steps = 0

    async def run(self, stop: asyncio.Event) -> None:
        """Carry out steps until ``stop`` is set; invocations go on when it returns."""
        began = time.monotonic()
        for step in self._market.steps():
            due = began + self._pace.real(step.at)
            while (wait := due - time.monotonic()) > 0 and not stop.is_set():
                await asyncio.sleep(min(wait, _NAP_SECONDS))
            if stop.is_set():
                return
            self._take(step)
            self.steps += 1
            if self.steps % _IN_A_ROW == 0:
                await asyncio.sleep(0)

    async def burst(self, listing: Listing, stop: asyncio.Event) -> None:
        """Invoke a listing 100 times a second, every fifth time in vain, until ``stop`` is set."""
        began = time.monotonic()
        for number in count():
            while number >= (time.monotonic() - began) * BURST_RATE:
                await asyncio.sleep(_BURST_TICK)
            if stop.is_set():
                return
            order = burst_order(listing, TENANTS[number % len(TENANTS)], number)
            if listing.style in _THREADED:
                self._storefront.serve_here(order)  # takes no time: nothing to wait for in it
            else:
                self._start(self._served(order))

    async def drain(self, seconds: float) -> None:
        """Let invocations end, for up to ``seconds``, and give up those that do not."""
        if self._visits:
            await asyncio.wait(self._visits, timeout=seconds)
        left = list(self._visits)
        for visit in left:
            visit.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        self._storefront.close()

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._visits.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._visits.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            # Agents' failures are caught where they are counted: this is a fault of the demo.
            asyncio.get_running_loop().call_exception_handler(
                {"message": "a visit went wrong", "exception": error}
            )

    async def _served(self, order: Order) -> None:
        await self._storefront.serve(order)

    def _take(self, step: Step) -> None:
        if isinstance(step, Visit):
            self._start(self._visit(step))
            return
        listing = step.listing
        publisher, agent = listing.publisher, listing.agent
        if isinstance(step, Install):
            record_install(publisher_id=publisher, agent_id=agent, tenant_id=step.tenant)
            self._ledger.install(listing)
        elif isinstance(step, Uninstall):
            record_uninstall(publisher_id=publisher, agent_id=agent, tenant_id=step.tenant)
            self._ledger.uninstall(listing)
        elif isinstance(step, Subscription):
            record_charge(
                publisher_id=publisher,
                agent_id=agent,
                tenant_id=step.tenant,
                usd=usd_text(step.amount),
            )
            self._ledger.charge(listing, step.amount)
        else:
            self._evaluate(step)

    def _evaluate(self, step: Evaluation) -> None:
        listing = step.listing
        record_evaluation(
            publisher_id=listing.publisher,
            agent_id=listing.agent,
            name=step.name,
            score=step.score,
        )
        self._ledger.evaluate(listing, step.name, step.score)

    async def _visit(self, visit: Visit) -> None:
        order = visit.order
        listing = order.listing
        if order.given_up_after is None or order.chunks or listing.style in _THREADED:
            await self._storefront.serve(order)
        else:
            await self._leave_early(self._storefront.serve(order), order.given_up_after)
        publisher, agent = listing.publisher, listing.agent
        if visit.rating is not None:
            record_feedback(
                publisher_id=publisher,
                agent_id=agent,
                tenant_id=order.tenant,
                rating=visit.rating,
            )
            self._ledger.rate(listing, visit.rating)
        if visit.refund:
            record_refund(
                publisher_id=publisher,
                agent_id=agent,
                tenant_id=order.tenant,
                usd=usd_text(visit.refund),
            )
            self._ledger.refund(listing, visit.refund)

    async def _leave_early(self, served: Awaitable[Receipt], after: float) -> None:
        """Wait for an invocation for so many market seconds, then walk away from it."""
        task = asyncio.ensure_future(served)
        try:
            await asyncio.wait({task}, timeout=self._pace.real(after))
        finally:
            task.cancel()
            await asyncio.wait({task})
