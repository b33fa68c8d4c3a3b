"""The marketplace without servers of its own: for a Prometheus that somebody else runs."""

import asyncio
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from agent_analytics.demo._market.driver import Driver
from agent_analytics.demo._market.incidents import FIRST, plant
from agent_analytics.demo._market.ledger import Ledger
from agent_analytics.demo._market.market import Market
from agent_analytics.demo._market.storefront import Storefront
from agent_analytics.demo._market.toolbox import Pace
from agent_analytics.demo._run.receiver import Page, Receiver
from agent_analytics.exporters import configure

_WARM_UP_SECONDS: Final = 60.0
_PATIENCE_SECONDS: Final = 120.0
_DRAIN_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """What is served, and where.

    Attributes:
        host: Address to listen on.
        port: Port of ``/metrics``; Alertmanager's webhooks are taken on the next one.
        seed: Of the simulation.
        speed: Of the simulation.
        duration: Seconds after which it ends; None for until it is told to.
        incident: Plant an error burst after a minute.
    """

    host: str
    port: int
    seed: int
    speed: float
    duration: float | None
    incident: bool


def serve(service: Service, tell: Callable[[str], None]) -> int:
    """Run the marketplace until SIGINT or SIGTERM, and return the exit status.

    Args:
        service: What is served, and where.
        tell: Called with each line of progress, and with each page.

    Raises:
        OSError: One of the ports is taken.
    """
    runtime = configure(
        service_name="agent-analytics-demo",
        metrics_port=service.port,
        metrics_host=service.host,
        otlp_endpoint=None,
        state_dir=None,
    )
    try:
        with Receiver(
            service.host, service.port + 1, on_page=lambda page: tell(page_line(page))
        ) as receiver:
            tell(f"metrics: http://{service.host}:{service.port}/metrics")
            tell(f"webhook: {receiver.url}")
            faults = asyncio.run(_traffic(service, receiver, tell))
    finally:
        runtime.shutdown()
    for fault in faults:
        tell(fault)
    return 1 if faults else 0


def page_line(page: Page) -> str:
    """Return a page as one line."""
    labels = page.labels
    who = "/".join(labels[key] for key in ("publisher_id", "agent_id") if key in labels)
    text = page.annotations.get("description", labels.get("alertname", ""))
    return f"{page.receiver}: {page.status} {labels.get('severity', '')} {who}: {text}"


async def _traffic(service: Service, receiver: Receiver, tell: Callable[[str], None]) -> list[str]:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stop.set)
    driver = Driver(Market(service.seed), Storefront(Ledger(), Pace(service.speed)))
    planted = asyncio.create_task(_incident(driver, receiver, tell)) if service.incident else None
    traffic = asyncio.create_task(driver.run(stop))
    with suppress(TimeoutError):
        await asyncio.wait_for(asyncio.shield(traffic), service.duration)
    stop.set()
    await traffic
    if planted:
        planted.cancel()
        await asyncio.wait({planted})
    await driver.drain(_DRAIN_SECONDS)
    return driver.faults


async def _incident(driver: Driver, receiver: Receiver, tell: Callable[[str], None]) -> None:
    await asyncio.sleep(_WARM_UP_SECONDS)
    incident = plant(driver, FIRST, receiver)
    tell(f"planted: {FIRST.key} now fails, 20 of 100 calls a second")
    try:
        if await incident.paged(_PATIENCE_SECONDS):
            tell(f"paged: {FIRST.key} after {time.monotonic() - incident.began:.1f} s")
        else:
            tell(f"NOT PAGED: {FIRST.key} after {_PATIENCE_SECONDS:.0f} s")
    finally:
        await incident.end()
