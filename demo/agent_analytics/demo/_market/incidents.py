"""Planted incidents: error bursts, and how long they take to reach on-call."""

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from agent_analytics.demo._market.driver import Driver
from agent_analytics.demo._market.listings import BY_KEY, Listing
from agent_analytics.demo._run.receiver import Page, Receiver

#: The listing that fails first, and one that fails while the first is already paged.
FIRST: Final = BY_KEY["brightdesk/ticket-triage"]
SECOND: Final = BY_KEY["shipwise/parcel-tracker"]
#: How soon on-call has to be paged, in seconds.
TARGET_SECONDS: Final = 60.0
#: The same where nothing but that is measured.
LATENCY_SECONDS: Final = 20.0
#: How long a burst that has been paged goes on, so that it can be seen.
_LINGER_SECONDS: Final = 8.0
_POLL_SECONDS: Final = 0.1


@dataclass(slots=True)
class Incident:
    """One error burst.

    Attributes:
        listing: Whose.
        began: ``time.monotonic()`` of its first invocation.
        page: The page that it caused, None while there is none.
    """

    listing: Listing
    began: float
    page: Page | None = None
    _paged: asyncio.Event = field(default_factory=asyncio.Event)
    _over: asyncio.Event = field(default_factory=asyncio.Event)
    _burst: asyncio.Task[None] | None = None
    _watch: asyncio.Task[None] | None = None

    @property
    def seconds_to_page(self) -> float | None:
        """Seconds from the burst to the page, None while there is none."""
        return None if self.page is None else self.page.arrived - self.began

    async def paged(self, seconds: float) -> bool:
        """Wait for the page, for up to ``seconds``; return whether it has come."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._paged.wait(), seconds)
        return self.page is not None

    async def end(self) -> None:
        """Let no more invocations begin, and stop watching."""
        self._over.set()
        if self._burst:
            await self._burst
        if self._watch:
            self._watch.cancel()
            await asyncio.gather(self._watch, return_exceptions=True)

    def start(self, driver: Driver, receiver: Receiver) -> None:
        """Begin the burst, and watch for its page."""
        self._burst = asyncio.create_task(driver.burst(self.listing, self._over))
        self._watch = asyncio.create_task(self._wait(receiver))

    async def _wait(self, receiver: Receiver) -> None:
        publisher, agent = self.listing.publisher, self.listing.agent
        while self.page is None:
            await asyncio.sleep(_POLL_SECONDS)
            self.page = receiver.first_page(publisher, agent, since=self.began)
        self._paged.set()
        await asyncio.sleep(_LINGER_SECONDS)
        self._over.set()


def plant(driver: Driver, listing: Listing, receiver: Receiver) -> Incident:
    """Let an error burst begin: 100 invocations a second, every fifth fails."""
    incident = Incident(listing, time.monotonic())
    incident.start(driver, receiver)
    return incident
