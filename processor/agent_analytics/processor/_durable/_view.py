"""All slots of a state directory as one: whoever is asked, by whichever worker."""

import os
import time
from array import array
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from agent_analytics.processor._durable import _format as form
from agent_analytics.processor._durable import _names
from agent_analytics.processor._durable._directory import StateDirectory
from agent_analytics.processor._durable._file import BlockFile, Stored
from agent_analytics.processor._store import Cells

if TYPE_CHECKING:
    from agent_analytics.processor._schema import Schema

Labels = tuple[str, ...]
#: Slot number of blocks that found no room on the disk and live in this process.
NO_SLOT = -1
_FLUSH_SECONDS = 1.0


class Part:
    """One worker's block of what is shown as one.

    Attributes:
        slot: Number of the worker's slot.
        born_ns: When it was made.
        state: The cells of its life.
        cells: Its own.
    """

    __slots__ = ("born_ns", "cells", "slot", "state")

    def __init__(self, slot: int, born_ns: int, state: Cells, cells: Cells) -> None:
        self.slot = slot
        self.born_ns = born_ns
        self.state = state
        self.cells = cells

    @classmethod
    def of(cls, slot: int, stored: Stored) -> "Part":
        """Return the part that a file's block is."""
        return cls(slot, stored.entry.born_ns, stored.state, stored.cells)

    @classmethod
    def in_memory(cls, size: int, born_ns: int) -> "Part":
        """Return a part of zeros that no file holds."""
        state = array("q", bytes(8 * form.STATE_CELLS))
        return cls(NO_SLOT, born_ns, state, array("q", bytes(8 * size)))


class Merged:
    """The blocks of every worker that have the same schema and labels.

    Attributes:
        labels: Their labels.
        parts: The blocks.
        live: Whether they are known to be shown.
    """

    __slots__ = ("labels", "live", "parts")

    def __init__(self, labels: Labels) -> None:
        self.labels = labels
        self.parts: list[Part] = []
        self.live = False

    def add(self, part: Part) -> None:
        """Add a worker's block; where the others are shown, it is."""
        self.parts.append(part)
        if self.live:
            part.state[form.LIVE] = 1

    def shown(self, now_ns: int, hold_ns: int, cap_ns: int) -> bool:
        """Tell whether the values may be shown, and note that a scrape saw zeros if not.

        What is noted stands in every worker's block: another worker may serve the next scrape,
        and this one may be gone by then.
        """
        if self.live:
            return True
        states = [part.state for part in self.parts]
        live = any(state[form.LIVE] for state in states)
        if not live:
            seen = any(state[form.SEEN] for state in states)
            age = now_ns - min(part.born_ns for part in self.parts)
            # A clock that was set back must not hold anything for as long as that.
            live = not 0 <= age < hold_ns and (seen or not 0 <= age < cap_ns)
        for state in states:
            if live:
                state[form.LIVE] = 1
            elif not state[form.SEEN]:
                state[form.SEEN] = max(now_ns, 1)
        self.live = live
        return live

    def copies(self, living: set[int], gauges: Sequence[int]) -> list[list[int]]:
        """Return the cells of each worker; the gauges of dead workers are 0."""
        copies: list[list[int]] = []
        for part in self.parts:
            cells = part.cells.tolist()
            if gauges and part.slot not in living:
                for gauge in gauges:
                    cells[gauge] = 0
            copies.append(cells)
        return copies


class View:
    """Reads the slots of a directory, its own included.

    Attributes:
        groups: What was found, by the name of its schema and by labels.
        living: Slots whose worker lives, and ``NO_SLOT``.
        key: Digest of the key that sketches are made with.
    """

    def __init__(
        self, directory: StateDirectory, memory: Callable[[], list[tuple[str, Labels, Part]]]
    ) -> None:
        self._directory = directory
        self._memory = memory
        self._from_memory = 0
        self._files: dict[int, BlockFile] = {}
        self.groups: dict[str, dict[Labels, Merged]] = {name: {} for name in _names.FINGERPRINTS}
        self.living: set[int] = {NO_SLOT}
        self.key = directory.key
        #: Blocks with series by listing, and what idle ones left with.
        self.listings: dict[Labels, list[tuple[Schema, Merged]]] = {}
        self.old: dict[Labels, list[tuple[str, Merged]]] = {}
        self._fresh: list[tuple[str, Labels]] = []

    def refresh(self) -> None:
        """Find new slots and new blocks, and see who lives."""
        numbers = self._directory.slots()
        with self._directory.locked():
            self.living = {number for number in numbers if self._directory.alive(number)}
        self.living.add(NO_SLOT)
        for number in sorted({*numbers, *self._files}):
            file = self._file(number)
            if file is not None:
                for stored in file.sync():
                    self._add_stored(number, stored)
        memory = self._memory()
        for name, labels, part in memory[self._from_memory :]:
            self._add(name, labels, part)
        self._from_memory = len(memory)

    def _file(self, number: int) -> BlockFile | None:
        file = self._files.get(number)
        path = self._directory.slot_path(number)
        if file is not None:
            # Files are never closed or shrunk under a view; a name may come to mean another one.
            with suppress(OSError):
                status = os.stat(path)  # noqa: PTH116 - a tenth of the time, each scrape
                if (status.st_dev, status.st_ino) == (file.device, file.inode):
                    return file
            self._directory.say(
                f"{path.name} was taken away while in use; what was in it is shown until this "
                "process ends, and lost then"
            )
            return file
        try:
            file = self._directory.view_file(number)
        except OSError:
            return None
        if file is not None:
            self._files[number] = file
            for stored in file.blocks.values():
                self._add_stored(number, stored)
        return file

    def _add_stored(self, slot: int, stored: Stored) -> None:
        entry = stored.entry
        if _names.FINGERPRINTS.get(entry.schema) == entry.fingerprint:
            self._add(entry.schema, entry.labels, Part.of(slot, stored))
            return
        self._directory.say(
            f"series of kind {entry.schema!r} were written by a version that measures them "
            "otherwise (other buckets, for instance); they are kept and not shown, and begin "
            "again at 0"
        )

    def _add(self, name: str, labels: Labels, part: Part) -> None:
        group = self.groups[name]
        merged = group.get(labels)
        if merged is None:
            merged = group[labels] = Merged(labels)
            if name in _names.SERIES:
                members = self.listings.setdefault(labels[:2], [])
                members.append((_names.SERIES[name], merged))
                self._fresh.append((name, labels))
            elif name.startswith(_names.OLD):
                self.old.setdefault(labels[:2], []).append((name, merged))
        merged.add(part)

    def fresh(self) -> list[tuple[str, Labels]]:
        """Return the series, by schema and labels, that were found since the last call."""
        fresh, self._fresh = self._fresh, []
        return fresh

    def flush(self) -> None:
        """Wait until what was just read is on the disk, but for a second at most.

        After a power cut, counters then stand where a scrape has seen them or beyond: one that
        went back would look like a reset, and its whole value like new events.
        """
        deadline = time.monotonic() + _FLUSH_SECONDS
        for file in self._files.values():
            if time.monotonic() > deadline:
                return
            with suppress(OSError):
                file.flush()

    def files(self) -> Iterator[tuple[int, BlockFile]]:
        """Yield the slots that could be read."""
        yield from self._files.items()

    def key_of(self, slot: int) -> bytes:
        """Return the digest of the key that a slot's sketches were made with."""
        file = self._files.get(slot)
        return self._directory.key if file is None else file.key()

    def scraped(self) -> int:
        """Return the epoch of the last scrape of sketches, of any worker."""
        return max((file.counters[form.SCRAPED] for file in self._files.values()), default=0)

    def scraped_of(self, slot: int) -> int:
        """Return the epoch of the last scrape of a slot's sketches; 0 if unknown."""
        file = self._files.get(slot)
        return 0 if file is None else file.counters[form.SCRAPED]

    def close(self) -> None:
        """Close the files; what was found stays readable."""
        for file in self._files.values():
            file.close()
