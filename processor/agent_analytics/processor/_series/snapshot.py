"""The series at one moment, for whoever renders them, and the hold of newborn series.

A snapshot copies cells under the lock, at most a few hundred at a time so that no span waits for
a whole exposition, and a listing's cells together so that its series agree with each other.
"""

import logging
from collections.abc import Callable, Iterator
from threading import RLock
from typing import Final

from agent_analytics.processor import catalogue
from agent_analytics.processor._caps import sketch_room
from agent_analytics.processor._caps.admission import Admission
from agent_analytics.processor._caps.limits import Limits
from agent_analytics.processor._caps.sizes import Size
from agent_analytics.processor._count.core import Listing
from agent_analytics.processor._series.expiry import Expiry, Presence, ProcessMemory
from agent_analytics.processor._series.health import Health
from agent_analytics.processor._series.hold import HTTP, Readers, Scrape
from agent_analytics.processor._series.installs import ActiveInstalls
from agent_analytics.processor._series.listings import Listings
from agent_analytics.processor._series.rows import (
    Row,
    Sample,
    Snapshot,
    beyond,
    bounded,
    held_cells,
    infos,
    own,
)
from agent_analytics.processor._series.schema import RELEASE_USED, RELEASES, SCHEMAS, Schema
from agent_analytics.processor._series.sketch import EPOCH_SECONDS, MOST_BACK
from agent_analytics.processor._series.store import Block
from agent_analytics.processor.catalogue import Metric

#: Most cells copied in one hold of the lock; a single block is never split.
MAX_CELLS: Final = 500

_logger: Final = logging.getLogger("agent_analytics")

_Copy = tuple[Block, list[int], bool]


class Snapshots:
    """Takes snapshots, and lets newborn series go when they have been seen at 0."""

    def __init__(
        self,
        listings: Listings,
        shares: Admission,
        health: Health,
        lock: RLock,
        hold_seconds: float,
        limits: Limits,
        expire_seconds: float | None,
        installs: ActiveInstalls,
        clock: Callable[[], float],
        wall_clock: Callable[[], float],
    ) -> None:
        self._listings = listings
        self._shares = shares
        self._health = health
        self._lock = lock
        self._readers = Readers(hold_seconds)
        self._releases = limits.releases_per_listing
        self._expiry = Expiry(expire_seconds, hold_seconds, ProcessMemory(), wall_clock)
        self._hidden: set[tuple[str, ...]] = set()
        self._installs = installs
        self._clock = clock
        self._wall_clock = wall_clock
        #: Of the last scrape of sketches.
        self._epoch = 0
        #: Whether there is a state directory that cannot be used.
        self.failing = False

    def take(
        self, part: str, *, open_spans: int, reader: int | None = HTTP, beside: bool = False
    ) -> Snapshot:
        """Return the series of ``part`` as they stand.

        Args:
            part: ``metrics`` or ``sketches``.
            open_spans: How many spans are followed.
            reader: Who reads; ``None`` for who only looks, and ends no hold.
            beside: Whether sketches are shown in one exposition with the metrics.
        """
        if part == "metrics":
            self._health.mirror(open_spans)
            with self._lock:
                cells = self._health.cells.tolist()
                further = [cell[0] for cell in self._health.further]
                scopes = {scope: cell[0] for scope, cell in self._health.scopes.items()}
            blocks = self._blocks(reader)
            installs = list(self._installs.samples(blocks))
            samples = [self._infos(), *installs, *own(cells, further, scopes)]
            if self.failing:
                samples.append((catalogue.STATE_FAILING, [((), 1)]))
            return bounded(blocks, samples, self._shares.filled(), self._shares.releases_filled())
        if part != "sketches":
            msg = f"part: expected 'metrics' or 'sketches', got {part!r}"
            raise ValueError(msg)
        return Snapshot(
            [], self._sketches(sketch_room.room_for_sketches(self._shares, beside=beside))
        )

    def after_fork(self) -> None:
        """Forget what was hidden, in a forked child: it begins with no listings."""
        self._hidden = set()
        self._expiry.forget()
        self._readers.forget()

    # --- blocks ----------------------------------------------------------------------------------

    def _blocks(self, reader: int | None) -> list[tuple[Schema, list[Row]]]:
        rows: dict[str, list[Row]] = {kind.name: [] for kind in SCHEMAS}
        with self._lock:
            scrape = self._readers.scrape(reader, self._clock())
        if self._expiry.on:
            copied: list[_Copy] = []
            for batch in self._batches():
                with self._lock:
                    copied += [
                        (block, block.cells.tolist(), _shown(block, scrape)) for block in batch
                    ]
            for block, cells, row in self._presented(copied, note=reader is not None):
                rows[block.schema.name].append(_row(block, row, shown=row is cells))
        else:
            add = {name: some.append for name, some in rows.items()}
            for batch in self._batches():
                with self._lock:
                    for block in batch:
                        kind, cells = block.schema, block.cells.tolist()
                        shown = block.live or _shown(block, scrape)
                        seen = cells if shown else held_cells(kind, cells)
                        add[kind.name](_row(block, seen, shown=shown))
        return [(kind, rows[kind.name]) for kind in SCHEMAS]

    def _presented(
        self, copied: list[_Copy], *, note: bool
    ) -> Iterator[tuple[Block, list[int], list[int]]]:
        """Yield blocks with their cells and with what is shown in place of those."""
        self._hidden.clear()
        listings: dict[tuple[str, ...], list[_Copy]] = {}
        for copy in copied:
            listings.setdefault(copy[0].labels[:2], []).append(copy)
        for ids, blocks in listings.items():
            presence, old = self._expiry.judge(
                ids,
                [(block.schema, block.labels, cells) for block, cells, _ in blocks],
                note=note,
            )
            if presence is Presence.HIDDEN:
                self._hidden.add(ids)
                continue
            for block, cells, shown in blocks:
                before = old.get((block.schema.name, block.labels))
                yield block, cells, before or (cells if shown else held_cells(block.schema, cells))

    def _batches(self) -> Iterator[list[Block]]:
        """Yield blocks in groups of at most ``MAX_CELLS`` cells, a listing's in one if they fit."""
        batch: list[Block] = []
        size = 0
        for listing in self._known():
            blocks = self._blocks_of(listing)
            cells = sum([block.schema.size for block in blocks])
            if batch and size + cells > MAX_CELLS:
                yield batch
                batch, size = [], 0
            if cells <= MAX_CELLS:
                batch.extend(blocks)
                size += cells
                continue
            for block in blocks:
                if size + block.schema.size > MAX_CELLS:
                    yield batch
                    batch, size = [], 0
                batch.append(block)
                size += block.schema.size
        if batch:
            yield batch

    def _blocks_of(self, listing: Listing) -> list[Block]:
        """Return the blocks of a listing that are shown: the versions used last of its releases."""
        blocks = listing.blocks()
        versions = listing.groups[RELEASES.place]
        if len(versions) <= self._releases:
            return blocks
        used = {name: block.cells[RELEASE_USED] for name, block in list(versions.items())}
        left = beyond(used, self._releases)
        if not left:
            return blocks
        out = {id(versions[name]) for name in left}
        return [block for block in blocks if id(block) not in out]

    def _known(self) -> list[Listing]:
        return list(self._listings.known.values())

    # --- everything else -------------------------------------------------------------------------

    def _infos(self) -> tuple[Metric, list[Sample]]:
        return (
            catalogue.INFO,
            [
                sample
                for listing in self._known()
                if (listing.publisher, listing.agent) not in self._hidden
                for sample in infos((listing.publisher, listing.agent), list(listing.versions))
            ],
        )

    def _sketches(self, room: Size) -> list[tuple[Metric, list[Sample]]]:
        epoch = int(self._wall_clock() // EPOCH_SECONDS)
        if epoch < self._epoch - MOST_BACK:
            _logger.warning(
                "agent-analytics: the clock was set back: epochs of sketches that have not come "
                "are dropped"
            )
        self._epoch = epoch
        found: dict[tuple[str, str, str], dict[int, float]] = {}
        for listing in self._known():
            for kind, sketch in (
                (catalogue.SKETCH_TENANTS, listing.tenants),
                (catalogue.SKETCH_CONVERSATIONS, listing.conversations),
            ):
                with self._lock:
                    found[listing.publisher, listing.agent, kind] = sketch.registers(epoch)
        return [(catalogue.SKETCH_REGISTER, sketch_room.shown(found, room))]


def _row(block: Block, cells: list[int], *, shown: bool) -> Row:
    """Return the row of a block; ``cells`` are its own if they are shown."""
    exemplars = block.exemplars
    return block.labels, cells, dict(exemplars) if shown and exemplars else None


def _shown(block: Block, scrape: Scrape) -> bool:
    """Tell whether a block's values are shown, and note who saw it at 0 if not."""
    if block.live:
        return True
    block.live = scrape.ends_hold(block.born or 0.0, block.seen)
    block.seen |= scrape.mark
    return block.live
