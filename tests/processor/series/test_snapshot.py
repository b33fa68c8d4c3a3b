"""How a scrape takes its copy: at most 500 cells in one hold, a listing's together."""

import threading
from array import array
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from tests.processor.rig import Rig, chat, invoke, tool

from agent_analytics.instrumentation import vocabulary as v
from agent_analytics.processor import AgentMetricsProcessor, Schema
from agent_analytics.processor._series.schema import LISTING, TOOL
from agent_analytics.processor._series.store import Block, MemoryStore

MakeRig = Callable[..., Rig]
MOST = 500


class Watched:
    """A lock that numbers its holds."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self.hold = 0
        self.depth = 0

    def acquire(self) -> bool:
        """Begin a hold, as a compiled core does."""
        return self.__enter__()

    def release(self) -> None:
        """End a hold, as a compiled core does."""
        self.__exit__()

    def __enter__(self) -> bool:
        """Begin a hold."""
        self._lock.acquire()
        self.depth += 1
        if self.depth == 1:
            self.hold += 1
        return True

    def _is_owned(self) -> bool:
        """Tell whether the lock is held, as ``RLock`` does."""
        return self.depth > 0

    def __exit__(self, *_: object) -> None:
        """End a hold."""
        self.depth -= 1
        self._lock.release()


if TYPE_CHECKING:
    Numbers = array[int]
else:  # Python 3.11 has no such thing
    Numbers = array


class Copied(Numbers):
    """Cells that note in which hold they were copied."""

    copies: list[int]
    lock: Watched

    def __setitem__(self, index: Any, value: Any) -> None:  # noqa: ANN401 - slices, too
        """Set a cell, which only who holds the lock may do; a compiled core does not ask."""
        assert self.lock.depth
        super().__setitem__(index, value)

    def tolist(self) -> list[int]:
        """Return a copy, and note the hold."""
        assert self.lock.depth
        self.copies.append(self.lock.hold)
        return super().tolist()


class WatchedStore(MemoryStore):
    """Makes blocks with such cells."""

    lock = Watched()
    blocks: list[tuple[Block, Copied]]

    def __init__(self) -> None:
        WatchedStore.blocks = []

    def open_block(self, schema: Schema, labels: tuple[str, ...], now: float) -> Block:
        """Return a block of zeros."""
        made: Any = Copied("q", bytes(8 * schema.size))
        cells: Copied = made
        cells.copies, cells.lock = [], self.lock
        block = Block(schema, labels, cells, now)
        self.blocks.append((block, cells))
        return block


@pytest.fixture
def watched(make_rig: MakeRig, monkeypatch: pytest.MonkeyPatch) -> Rig:
    """Return a processor whose lock and cells are watched."""
    monkeypatch.setattr("agent_analytics.processor._wiring.MemoryStore", WatchedStore)
    monkeypatch.setattr("agent_analytics.processor._wiring.RLock", lambda: WatchedStore.lock)
    return make_rig()


def copies(processor: AgentMetricsProcessor) -> dict[int, list[Block]]:
    """Take a snapshot, and return what was copied in each hold."""
    for _, cells in WatchedStore.blocks:
        cells.copies.clear()
    processor.snapshot()
    holds: dict[int, list[Block]] = {}
    for block, cells in WatchedStore.blocks:
        assert len(cells.copies) == 1
        holds.setdefault(cells.copies[0], []).append(block)
    return holds


def test_holds_are_short_and_listings_whole(watched: Rig) -> None:
    """No hold copies more than 500 cells, and a listing that fits is copied in one."""
    for number in range(40):
        with watched.span(invoke(agent=f"agent-{number}"), {v.OUTCOME: "error"}):
            for name in range(number % 9):
                watched.run(tool(f"tool-{name}"))
            watched.run(chat(1))
    holds = copies(watched.processor)
    assert all(sum(block.schema.size for block in blocks) <= MOST for blocks in holds.values())
    of_listing: dict[str, set[int]] = {}
    for hold, blocks in holds.items():
        for block in blocks:
            of_listing.setdefault(block.labels[1], set()).add(hold)
    assert len(of_listing) == 40
    assert all(len(its_holds) == 1 for its_holds in of_listing.values())
    assert len(holds) < 40  # small listings share a hold


def test_a_large_listing_is_split(watched: Rig) -> None:
    """A listing of more than 500 cells takes several holds, and blocks are never split."""
    with watched.span(invoke()):
        for name in range(64):
            watched.run(tool(f"tool-{name}"))
    assert LISTING.size + 64 * TOOL.size > MOST
    holds = copies(watched.processor)
    assert len(holds) > 1
    assert all(sum(block.schema.size for block in blocks) <= MOST for blocks in holds.values())
    assert watched.value("tool_calls_total") == 64
