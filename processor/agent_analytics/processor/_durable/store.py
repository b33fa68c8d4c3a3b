"""The durable store: one worker's cells in its slot, and all workers' for a scrape."""

import os
import weakref
from array import array
from collections.abc import Callable
from pathlib import Path
from threading import RLock
from typing import Final

from agent_analytics.processor._durable._files import format as form
from agent_analytics.processor._durable._files import names
from agent_analytics.processor._durable._files.directory import DirectoryError, StateDirectory
from agent_analytics.processor._durable._files.segments import can_wait
from agent_analytics.processor._durable._files.slot import Slot
from agent_analytics.processor._durable.all_slots import View
from agent_analytics.processor._durable.exemplars import Exemplars
from agent_analytics.processor._durable.layouts import labels_of_description
from agent_analytics.processor._durable.parts import Part
from agent_analytics.processor._durable.registers import CHAIN, DurableSketch
from agent_analytics.processor._durable.troubles import may_pass, reason
from agent_analytics.processor._series.health import FAILING, FURTHER
from agent_analytics.processor._series.health import SIZE as HEALTH_SIZE
from agent_analytics.processor._series.schema import LISTING, Schema
from agent_analytics.processor._series.sketch import EPOCH_SECONDS, MOST_BACK
from agent_analytics.processor._series.store import Block, Cells

#: Names and versions of one listing that one worker writes down.
_VERSIONS: Final = 64
_NS: Final = 1_000_000_000
#: What a worker remembers of its slot each second.
_KEPT_BYTES: Final = 1 << 20


class DurableStore:
    """Keeps cells in a state directory.

    The worker's slot is taken when its first block is opened: a process that only starts others
    takes none. What finds no room on the disk lives in memory, and so is lost with the process.

    Args:
        path: The state directory.
        service: Name of the service that it belongs to.
        key: Secret that tenants are hashed with.
        lock: The processor's; every block is opened under it.
        wall_clock: Seconds since 1970.

    Attributes:
        directory: The state directory.
        on_take: Called under the lock when a slot was taken, to know what is in it.

    Raises:
        DirectoryError: The directory cannot be used.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        service: str,
        key: bytes,
        lock: RLock,
        wall_clock: Callable[[], float],
    ) -> None:
        self.directory = StateDirectory(Path(path), service, key)
        try:
            self.directory.prepare()
        except DirectoryError as error:
            if not may_pass(error.__cause__) or not can_wait():
                raise
            self.directory.troubles.fail(
                "the directory",
                error.__cause__,
                "it cannot be written to: series are kept in memory until it can be, and lost if "
                "the process ends before; several workers behind one port show wrong numbers",
            )
        self._slot = Slot(self.directory)
        self.on_take: Callable[[], None] = _nothing
        self._lock = lock
        self._wall_clock = wall_clock
        self._begin()

    def _begin(self) -> None:
        self._sign: Cells = array("q", [0])
        self._parts: dict[tuple[str, tuple[str, ...]], Part] = {}
        self._blocks: dict[tuple[str, tuple[str, ...]], Block] = {}
        self._versions: dict[tuple[str, ...], int] = {}
        self._sketches: list[DurableSketch] = []
        #: Blocks that the disk had no room for.
        self.homeless: list[tuple[str, tuple[str, ...], Part]] = []
        self.epoch = self._epoch_now()
        # Bound to this list and not to the store, which the view must not keep alive.
        homeless = self.homeless
        self.view = View(self.directory, lambda: homeless)

    def _epoch_now(self) -> int:
        return int(self._wall_clock() // EPOCH_SECONDS)

    # --- the slot --------------------------------------------------------------------------------

    def _take(self) -> None:
        """Take a slot, if there is none yet; called under the lock."""
        if self._slot.take():
            self._go_on()

    def _go_on(self) -> None:
        """Take over what is in a slot."""
        number, file = self._slot.number, self._slot.file
        if number is None or file is None:
            return
        file.lock = self._lock
        self.view.adopt(number, file.twin())
        for stored in file.blocks.values():
            entry = stored.entry
            if names.FINGERPRINTS.get(entry.schema) == entry.fingerprint:
                self._parts[entry.schema, entry.labels] = Part.of(number, stored)
        self.view.layouts.go_on(file.blocks.values())
        for (name, labels), part in self._parts.items():
            schema = names.SERIES.get(name)
            if schema is not None:
                for gauge in schema.gauges:
                    part.cells[gauge] = 0  # what was in progress is not any more
                self._blocks[name, labels] = self._block(schema, labels, part)
            elif name == names.VERSION:
                self._versions[labels[:2]] = self._versions.get(labels[:2], 0) + 1
            elif name in names.SKETCHES and file.header.key != self.directory.key:
                _empty(part)
        if file.header.key != self.directory.key:
            file.rekey(self.directory.key)
        self.on_take()
        self._sign = self.further_cell(FAILING)
        self._sign[0] = int(bool(self.directory.troubles))

    def look_after(self, most: int = _KEPT_BYTES) -> None:
        """Mend the slot where somebody has cut it off or taken it away, and remember what it holds.

        Args:
            most: How many bytes are remembered now; others are in their turn.
        """
        slot = self._slot
        with self._lock:
            if slot.look_after(most) and slot.file is not None and slot.number is not None:
                self.view.adopt(slot.number, slot.file.twin())
        for settle in list(self.directory.owing.values()):
            settle()
        with self._lock:
            self.note_failing()

    def note_failing(self) -> None:
        """Write down whether the directory fails this worker, for who is scraped."""
        self._sign[0] = int(bool(self.directory.troubles))

    def take_on(self, owed: list[tuple[str, tuple[str, ...], list[int]]]) -> None:
        """Add to this worker's blocks what was shown of another's that has lost it."""
        for name, labels, cells in owed:
            part = self.open_part(name, labels, len(cells))
            with self._lock:
                for index, cell in enumerate(cells):
                    part.cells[index] += cell

    def after_fork(self) -> None:
        """Begin anew in a forked child: no slot, no cells; the parent's go on without it."""
        self._slot.after_fork()
        self.view.close()
        self.directory.troubles.forget()
        self.directory.owing.clear()
        self._begin()

    # --- blocks ----------------------------------------------------------------------------------

    def open_block(self, schema: Schema, labels: tuple[str, ...], now: float) -> Block:
        """Return the block of ``schema`` and ``labels``: the stored one, or one of zeros."""
        del now  # the processor's clock means nothing to other processes
        with self._lock:
            self._take()
            key = (schema.name, labels)
            block = self._blocks.get(key)
            if block is None:
                part = self.open_part(schema.name, labels, schema.size, self._born(labels))
                block = self._block(schema, labels, part)
                block = self._blocks.setdefault(key, block)
            return block

    def _block(self, schema: Schema, labels: tuple[str, ...], part: Part) -> Block:
        block = Block(schema, labels, part.cells, None)
        name = names.EXEMPLARS + schema.name
        size = schema.size * names.EXEMPLAR_CELLS
        owner = weakref.proxy(self)
        block.exemplars = Exemplars(lambda: owner.open_part(name, labels, size).cells)
        return block

    def _born(self, labels: tuple[str, ...]) -> int:
        """Return when a block is born: with its listing, until a scrape has seen that."""
        listing = self._parts.get((LISTING.name, labels[:2]))
        if listing is None or listing.state[form.SEEN] or listing.state[form.LIVE]:
            return self._now_ns()
        return listing.born_ns

    def _now_ns(self) -> int:
        return int(self._wall_clock() * _NS)

    def open_part(
        self, name: str, labels: tuple[str, ...], size: int, born_ns: int | None = None
    ) -> Part:
        """Return cells by name and labels: stored ones, or zeros."""
        with self._lock:
            self._take()
            key = (name, labels)
            part = self._parts.get(key)
            if part is None:
                part = self._add(name, labels, size, born_ns or self._now_ns())
                part = self._parts.setdefault(key, part)
            return part

    def _add(self, name: str, labels: tuple[str, ...], size: int, born_ns: int) -> Part:
        description = labels_of_description(name)
        if description is not None:
            self.open_part(names.LAYOUT, description, 1)
        slot = self._slot
        if slot.file is not None and slot.number is not None:
            try:
                stored = slot.file.append(name, labels, size, names.FINGERPRINTS[name], born_ns)
            except (OSError, ValueError) as error:
                self.directory.say(
                    f"new series find no room ({reason(error)}); they are counted in memory and "
                    "lost when this process ends; the series that are stored stay stored"
                )
            else:
                slot.note_growth()
                return Part.of(slot.number, stored)
        part = Part.in_memory(size, born_ns)
        self.homeless.append((name, labels, part))
        return part

    def restored(self) -> list[Block]:
        """Return the blocks with series that were in the slot when it was taken."""
        return list(self._blocks.values())

    def health(self) -> Cells:
        """Return the cells of the worker's health."""
        return self.open_part(names.HEALTH, (), HEALTH_SIZE).cells

    def further_health(self) -> list[Cells]:
        """Return the cells of the worker's further health, one each."""
        return [self.further_cell(labels) for labels in FURTHER]

    def further_cell(self, labels: tuple[str, str]) -> Cells:
        """Return the worker's cell of a metric about health and the value of its label."""
        return self.open_part(names.FURTHER_HEALTH, labels, 1).cells

    # --- names and versions ----------------------------------------------------------------------

    def note_version(self, labels: tuple[str, str, str, str]) -> None:
        """Write down that a listing's agent has a name and version, and when that was."""
        with self._lock:
            self._take()
            key = (names.VERSION, labels)
            if key not in self._parts:
                if self._versions.get(labels[:2], 0) >= _VERSIONS:
                    return
                self._versions[labels[:2]] = self._versions.get(labels[:2], 0) + 1
            self.open_part(*key, 1).cells[0] = self._now_ns()

    def versions(self) -> list[tuple[int, tuple[str, ...]]]:
        """Return the names and versions in the slot, the oldest first, each with its time."""
        return sorted(
            (part.cells[0], labels)
            for (name, labels), part in self._parts.items()
            if name == names.VERSION
        )

    # --- sketches --------------------------------------------------------------------------------

    def sketch(self, kind: str, publisher: str, agent: str) -> DurableSketch:
        """Return the sketch of a listing."""
        ids = (publisher, agent)
        owner = weakref.proxy(self)

        def open_link(side: int, link: int) -> Part:
            part: Part = owner.open_part(kind, (*ids, str(side), str(link)), CHAIN[link])
            if link == 0 and not part.state[form.LIVE]:
                part.state[form.LIVE] = owner.epoch
            return part

        with self._lock:
            self._take()
            existing = [
                (side, self._parts[key])
                for side in range(2)
                for link in range(len(CHAIN))
                if (key := (kind, (*ids, str(side), str(link)))) in self._parts
            ]
            sketch = DurableSketch(open_link, self.epoch, existing)
            self._roll(sketch, self.epoch)
            self._sketches.append(sketch)
            return sketch

    def begin_epoch(self) -> None:
        """Rotate the worker's sketches if an epoch has passed."""
        epoch = self._epoch_now()
        if self.epoch - MOST_BACK <= epoch <= self.epoch:
            return
        with self._lock:
            sketches = list(self._sketches)
            self.epoch = epoch
        for sketch in sketches:
            with self._lock:
                self._roll(sketch, epoch)

    def _roll(self, sketch: DurableSketch, epoch: int) -> None:
        if sketch.roll(epoch, self._scraped()):
            self.directory.say(
                "the clock was set back: epochs of sketches that have not come are dropped when "
                "a scrape has shown them"
            )

    def _scraped(self) -> int:
        """Return the epoch of the last scrape of sketches, whichever worker served it.

        One from the future says nothing of what is there now.
        """
        file = self._slot.file
        scraped = 0 if file is None else file.counters[form.SCRAPED]
        return scraped if scraped <= self.epoch + MOST_BACK else 0

    def note_scraped(self) -> None:
        """Tell all workers that a scrape saw the sketches in this epoch."""
        for _, file in self.view.files():
            scraped = file.counters[form.SCRAPED]
            if not self.epoch <= scraped <= self.epoch + MOST_BACK:
                file.counters[form.SCRAPED] = self.epoch


def _empty(part: Part) -> None:
    for index in range(len(part.cells.tolist())):
        part.cells[index] = 0


def _nothing() -> None:
    return
