"""Wires a processor: checks what it was given, and puts its parts together."""

import logging
import os
from collections.abc import Callable, Mapping
from threading import RLock
from typing import Any, Final

from agent_analytics.processor import _compiled
from agent_analytics.processor._caps.admission import Admission, Shares
from agent_analytics.processor._caps.limits import Limits
from agent_analytics.processor._count.core import FAST, Amounts, Beginnings, Lock
from agent_analytics.processor._count.count_run import RunCounter
from agent_analytics.processor._count.events import EventCounter, EventIds
from agent_analytics.processor._count.invocations import InvocationCounter
from agent_analytics.processor._count.releases import Releases
from agent_analytics.processor._count.tools import ToolCounter
from agent_analytics.processor._count.usage import UsageCounter
from agent_analytics.processor._durable import (
    DirectoryError,
    DurableSnapshots,
    DurableStore,
    SharedIds,
    SharedShares,
)
from agent_analytics.processor._prices.prices import Prices
from agent_analytics.processor._routing import Routing
from agent_analytics.processor._runs.tracker import Runs
from agent_analytics.processor._series.health import Health
from agent_analytics.processor._series.installs import ActiveInstalls, Callback
from agent_analytics.processor._series.listings import Listings
from agent_analytics.processor._series.snapshot import Snapshots
from agent_analytics.processor._series.store import MemoryStore
from agent_analytics.processor._spans.attribution import Attribution
from agent_analytics.processor._spans.clocks import steady
from agent_analytics.processor._spans.open_spans import OpenSpans
from agent_analytics.processor._spans.sdk_access import readers
from agent_analytics.processor._spans.values import Charges, TakeRate
from agent_analytics.processor._trees.placing import Placing

#: Used where no key is configured, so that restarts and replicas still agree on registers.
_DEFAULT_KEY: Final = b"agent-analytics"

_logger: Final = logging.getLogger("agent_analytics")


class Wiring:
    """The parts of one processor; its arguments are those of ``AgentMetricsProcessor``.

    Raises:
        ValueError: An argument is out of range; it is named.
    """

    def __init__(
        self,
        hold_seconds: float,
        state_dir: str | os.PathLike[str] | None,
        limits: Limits | None,
        take_rate: float | str | Mapping[str, float | str],
        tenant_key: str | bytes | None,
        service: str,
        expire_seconds: float | None,
        active_installs: Callback | None,
        prices: Prices | None,
        clock: Callable[[], float],
        wall_clock: Callable[[], float],
    ) -> None:
        self.clock = clock = steady(clock)
        wall_clock = steady(wall_clock)
        _check(hold_seconds, state_dir, limits, expire_seconds, prices)
        limits = limits or Limits()
        key = _key(tenant_key)
        self.has_tenant_key = key != _DEFAULT_KEY
        # One lock for everything. Re-entrant, since a signal handler or a finalizer may end a
        # span of its own while this thread holds it.
        lock: Any = RLock()
        if _compiled.WHY_PURE is None:
            lock = Lock(lock, always=state_dir is not None)
        self.lock: RLock = lock
        self.health = health = Health(lock)
        self.store = store = _durable(state_dir, service, key, lock, wall_clock)
        shares: Admission = (
            Shares(limits) if store is None else SharedShares(store.directory, limits)
        )
        amounts = Amounts(health)
        charges = Charges(amounts, TakeRate(take_rate))
        self.listings = listings = Listings(
            store or MemoryStore(), limits, health, lock, clock, shares
        )
        self.attribution = Attribution(listings)
        self.shared_ids: SharedIds | None = None
        if store is not None:
            store.on_take = self._take_over
            self.shared_ids = SharedIds(store.directory, limits.event_ids_per_publisher)
        event_ids = EventIds(limits.event_ids_per_publisher, health, lock, self.shared_ids)
        self.usage = usage = UsageCounter(listings, health, lock, amounts, prices)
        self.releases = releases = Releases(listings, limits, shares, health, lock, wall_clock)
        self.events = EventCounter(
            listings, health, lock, amounts, charges, usage, releases, event_ids
        )
        self.tools = ToolCounter(listings, health, lock)
        self.invocations = InvocationCounter(
            listings, health, lock, amounts, charges, usage, releases, key
        )
        self.beginnings = Beginnings(listings, self.attribution, event_ids, lock)
        self.readers = readers(FAST)
        self.routing = Routing()
        #: Ids of spans that were open in the parent when this process was forked: the parent's.
        self.inherited: frozenset[int] = frozenset()
        self.open_spans = OpenSpans(limits, health, lock, clock, self.invocations.leave)
        self.runs = Runs(
            self.attribution,
            Placing(listings),
            RunCounter(health, usage, self.tools, self.invocations),
            self.invocations,
            lock,
            self.open_spans.nodes,
            self.readers.end,
            clock,
            limits,
        )
        self.open_spans.on_give_up = self.runs.on_give_up
        installs = ActiveInstalls(active_installs, shares, durable=store is not None)
        self.snapshots: Snapshots | DurableSnapshots
        if store is None:
            self.snapshots = Snapshots(
                listings,
                shares,
                health,
                lock,
                hold_seconds,
                limits,
                expire_seconds,
                installs,
                clock,
                wall_clock,
            )
            self.snapshots.failing = state_dir is not None
        else:
            self.snapshots = DurableSnapshots(
                store,
                shares,
                health,
                lock,
                hold_seconds,
                limits,
                expire_seconds,
                installs,
                wall_clock,
            )

    def _take_over(self) -> None:
        """Go on with what an earlier worker has left in the slot that was just taken."""
        store = self.store
        if store is not None:
            self.listings.restore(store.restored(), store.versions())
            self.health.move(store.health(), store.further_health(), store.further_cell)


def _durable(
    state_dir: str | os.PathLike[str] | None,
    service: str,
    key: bytes,
    lock: RLock,
    wall_clock: Callable[[], float],
) -> DurableStore | None:
    if state_dir is None:
        return None
    try:
        return DurableStore(state_dir, service, key, lock, wall_clock)
    except DirectoryError as error:
        _logger.error(  # noqa: TRY400 - the message says it all
            "agent-analytics: state directory %s: %s. Series are kept in memory and begin "
            "anew with each process; several workers behind one port show wrong numbers",
            state_dir,
            error,
        )
        return None


def _check(
    hold_seconds: object,
    state_dir: object,
    limits: object,
    expire_seconds: object,
    prices: object,
) -> None:
    number = isinstance(hold_seconds, int | float) and not isinstance(hold_seconds, bool)
    if not number or not 0 <= hold_seconds < float("inf"):  # type: ignore[operator]  # a number
        msg = f"hold_seconds: expected a number of seconds from 0, got {hold_seconds!r}"
        raise ValueError(msg)
    number = isinstance(expire_seconds, int | float) and not isinstance(expire_seconds, bool)
    if expire_seconds is not None and not (number and 0 < expire_seconds < float("inf")):  # type: ignore[operator]  # a number
        msg = f"expire_seconds: expected a number of seconds above 0, got {expire_seconds!r}"
        raise ValueError(msg)
    if state_dir is not None and not (
        isinstance(state_dir, str | os.PathLike) and os.fspath(state_dir)
    ):
        msg = f"state_dir: expected the path of a directory, got {state_dir!r}"
        raise ValueError(msg)
    if limits is not None and not isinstance(limits, Limits):
        msg = f"limits: expected Limits, got {type(limits).__name__}"
        raise ValueError(msg)
    if prices is not None and not callable(getattr(prices, "usd", None)):
        msg = f"prices: expected Prices, got {prices!r}"
        raise ValueError(msg)


def _key(tenant_key: object) -> bytes:
    if tenant_key is None:
        return _DEFAULT_KEY
    key = tenant_key.encode() if isinstance(tenant_key, str) else tenant_key
    if isinstance(key, bytes) and key:
        return key
    msg = "tenant_key: expected text or bytes that are not empty"
    raise ValueError(msg)
