"""The shop window: every listing ready to be invoked, and the ledger of what came of it."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, closing
from typing import Final

from agent_analytics.demo._market.agents import (
    COROUTINES,
    FUNCTIONS,
    LINES,
    REPORTED,
    STREAM,
    Coroutine,
    Desk,
    Function,
    Lines,
    Stream,
    lines_agent,
    stream_agent,
)
from agent_analytics.demo._market.ledger import Ledger, Receipt, ToolReceipt
from agent_analytics.demo._market.listings import LISTINGS, Listing
from agent_analytics.demo._market.market import Order
from agent_analytics.demo._market.toolbox import Pace, Toolbox, outcome_of
from agent_analytics.instrumentation import record_invocation, tenant
from agent_analytics.instrumentation import vocabulary as v
from agent_analytics.instrumentation.money import nano_usd, usd_text

_THREADS: Final = 16


def blocks(listing: Listing) -> bool:
    """Tell whether a listing's code blocks, and therefore runs on a thread."""
    return listing.style == LINES or listing.style in FUNCTIONS


class Storefront:
    """Every listing, ready to be invoked; what comes of each invocation goes into the ledger."""

    def __init__(self, ledger: Ledger, pace: Pace) -> None:
        """Put all listings on the marketplace."""
        self.ledger = ledger
        self.pace = pace
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="agent")
        self._coroutines: dict[str, Coroutine] = {}
        self._streams: dict[str, Stream] = {}
        self._functions: dict[str, Function] = {}
        self._lines: dict[str, Lines] = {}
        for listing in LISTINGS:
            self._open(Desk(listing, Toolbox(pace, listing.tools), pace, self.serve))

    async def serve(self, order: Order) -> Receipt:
        """Invoke a listing and book what came of it; failures of the agent are not raised.

        Raises:
            asyncio.CancelledError: The invocation was given up; it is booked as such.
        """
        if order.listing.style == REPORTED:
            return self._report(order)
        if blocks(order.listing):
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
        began = time.perf_counter()
        try:
            if order.listing.style == LINES:
                self._read_lines(order, receipt, began)
            else:
                self._functions[order.listing.key](order, receipt)
        except Exception as error:  # noqa: BLE001 - as above
            receipt.outcome = outcome_of(error)
            receipt.error_type = type(error).__name__
        finally:
            self._book(receipt, began)
        return receipt

    def close(self) -> None:
        """Wait for the threads."""
        self._pool.shutdown(wait=True)

    def _open(self, desk: Desk) -> None:
        style, key = desk.listing.style, desk.listing.key
        if style in COROUTINES:
            self._coroutines[key] = COROUTINES[style](desk)
        elif style in FUNCTIONS:
            self._functions[key] = FUNCTIONS[style](desk)
        elif style == STREAM:
            self._streams[key] = stream_agent(desk)
        elif style == LINES:
            self._lines[key] = lines_agent(desk)

    async def _converse(self, order: Order, receipt: Receipt, began: float) -> None:
        key = order.listing.key
        if order.listing.style != STREAM:
            await self._coroutines[key](order, receipt)
            return
        with tenant(order.tenant):
            chunks = 0
            async with aclosing(self._streams[key](order, receipt)) as stream:
                async for _chunk in stream:
                    chunks += 1
                    if chunks == 1 and receipt.first_chunk:
                        receipt.first_chunk.most = time.perf_counter() - began
                    if chunks == order.given_up_after:
                        receipt.outcome = v.CANCELLED
                        break

    def _read_lines(self, order: Order, receipt: Receipt, began: float) -> None:
        with closing(self._lines[order.listing.key](order, receipt)) as lines:
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
