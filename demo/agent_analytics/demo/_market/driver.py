"""Runs the marketplace: carries out its steps in real time."""

import asyncio
import time
from collections.abc import Awaitable, Coroutine
from contextlib import suppress
from itertools import count
from typing import Any, Final

from agent_analytics.demo._market.ledger import Receipt
from agent_analytics.demo._market.listings import TENANTS, Listing
from agent_analytics.demo._market.market import (
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
from agent_analytics.demo._market.storefront import Storefront, blocks
from agent_analytics.instrumentation import (
    record_charge,
    record_evaluation,
    record_feedback,
    record_install,
    record_refund,
    record_uninstall,
)
from agent_analytics.instrumentation.money import usd_text

#: Steps carried out in a row before everybody else gets a turn, where the demo has fallen behind.
_IN_A_ROW: Final = 20
_BURST_TICK: Final = 0.02


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
        #: What went wrong in the demo itself; agents' failures are no faults.
        self.faults: list[str] = []

    async def run(self, stop: asyncio.Event) -> None:
        """Carry out steps until ``stop`` is set; invocations go on when it returns."""
        began = time.monotonic()
        for step in self._market.steps():
            due = began + self._pace.real(step.at)
            wait = due - time.monotonic()
            if wait > 0:
                with suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), wait)
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
            wait = began + number / BURST_RATE - time.monotonic()
            if wait > 0:
                await asyncio.sleep(max(wait, _BURST_TICK))
            if stop.is_set():
                return
            order = burst_order(listing, TENANTS[number % len(TENANTS)], number)
            if blocks(listing):
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
            self.faults.append(f"a visit went wrong: {error!r}")

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
        if order.given_up_after is None or order.chunks or blocks(listing):
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
