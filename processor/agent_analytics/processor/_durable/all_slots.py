"""All slots of a state directory as one: whoever is asked, by whichever worker."""

import errno
import os
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from agent_analytics.processor._durable._files import format as form
from agent_analytics.processor._durable._files import names
from agent_analytics.processor._durable._files.directory import StateDirectory
from agent_analytics.processor._durable._files.file import BlockFile
from agent_analytics.processor._durable._files.format import Entry
from agent_analytics.processor._durable._files.identity import number_of
from agent_analytics.processor._durable._files.mapped import Stored
from agent_analytics.processor._durable._files.slots import mend, show_at_once, view_file
from agent_analytics.processor._durable.layouts import Layouts, ReadCells
from agent_analytics.processor._durable.parts import IN_MEMORY, NO_SLOT, Labels, Merged, Part
from agent_analytics.processor._series.hold import MOST_READERS
from agent_analytics.processor._series.schema import Schema
from agent_analytics.processor.private_files import OddFileError

_FLUSH_SECONDS = 1.0
#: What fails where the disk does not say that it has what was written.
_SYNC = "its disk"


class View:
    """Reads the slots of a directory, its own included.

    Attributes:
        layouts: What the blocks of other versions mean.
        groups: What was found, by the name of its schema and by labels.
        living: Slots whose worker lives, ``NO_SLOT`` and ``IN_MEMORY``.
        key: Digest of the key that sketches are made with.
    """

    def __init__(
        self, directory: StateDirectory, memory: Callable[[], list[tuple[str, Labels, Part]]]
    ) -> None:
        self._directory = directory
        self._memory = memory
        self._from_memory = 0
        self._files: dict[int, BlockFile] = {}
        #: Twins of this worker's own file that are not read yet, each with its slot.
        self._adopted: list[tuple[int, BlockFile]] = []
        self._owed: list[tuple[str, Labels, list[int]]] = []
        self.layouts = Layouts()
        #: Blocks of other versions that nothing is known of, each with its slot; their kinds, as
        #: far as nobody was warned; how many descriptions were found when they were looked at.
        self._strange: list[tuple[int, Stored]] = []
        self._unread: set[str] = set()
        self._learnt = 0
        #: Numbers for files whose slot is another file's by now.
        self._gone = IN_MEMORY
        #: Slots that cannot be read now.
        self._unseen: set[int | None] = set()
        self.groups: dict[str, dict[Labels, Merged]] = {name: {} for name in names.FINGERPRINTS}
        self.living: set[int] = {NO_SLOT, IN_MEMORY}
        self.key = directory.key
        #: Blocks with series by listing, and what idle ones left with.
        self.listings: dict[Labels, list[tuple[Schema, Merged]]] = {}
        self.old: dict[Labels, list[tuple[str, Merged]]] = {}
        self._fresh: list[tuple[str, Labels]] = []

    def refresh(self) -> None:
        """Find new slots and new blocks, and see who lives."""
        numbers = self._directory.slots() if self._directory.ready else []
        self._unseen.clear()
        known = {number for number in self._files if number >= 0}
        with self._directory.locked():
            alive = {each: self._directory.alive(each) for each in {*numbers, *known}}
        self.living = {
            each
            for each, lives in alive.items()
            if (each in self.living if lives is None else lives)
        } | {NO_SLOT, IN_MEMORY}
        self._read_adopted()
        for number in sorted({*numbers, *self._files}):
            file = self._file(number) if number >= 0 else self._files.get(number)
            if file is None:
                continue
            try:
                self._read_on(number, file)
            except OSError as error:
                self._unreadable(file.path, error)
            else:
                if not file.is_twin and number not in self._unseen:
                    self._directory.troubles.work(file.path.name)
        self._read_strange()
        memory = self._memory()
        for name, labels, part in memory[self._from_memory :]:
            self._add(name, labels, part)
        self._from_memory = len(memory)

    def _read_on(self, number: int, file: BlockFile) -> None:
        self._look_after(number, file)
        if not file.is_twin and not file.lost and file.mended_meanwhile and not self._noted(file):
            return  # the next time: what is added to it would be known for read
        for stored in file.sync():
            self._add_stored(number, stored)

    def _unreadable(self, path: Path, error: OSError) -> None:
        self._unseen.add(number_of(path.name))
        self._directory.troubles.fail(path.name, error, "what is known of it is shown")

    def adopt(self, number: int, twin: BlockFile) -> None:
        """Read what this worker writes from now on, whether its file has a name or not."""
        self._adopted.append((number, twin))

    def _read_adopted(self) -> None:
        while self._adopted:
            self._placed(*self._adopted.pop(0))

    def _file(self, number: int) -> BlockFile | None:
        file = self._files.get(number)
        path = self._directory.slot_path(number)
        if file is not None and (file.is_twin or self._is_still(path, file)):
            return file
        try:
            found = view_file(self._directory, number)
        except OddFileError as error:
            self._directory.say(f"{error.strerror}; it is left alone")
        except OSError as error:
            if error.errno != errno.ENOENT:
                self._unreadable(path, error)
        else:
            self._directory.troubles.work(path.name)
            return file if found is None else self._placed(number, found)
        return file

    def _is_still(self, path: Path, file: BlockFile) -> bool:
        """Tell whether a name is a file's still, or nothing better is known.

        Files are never closed or shrunk under a view; a name may come to mean another one.
        """
        try:
            status = os.stat(path)  # noqa: PTH116 - a tenth of the time, each scrape
        except OSError as error:
            if error.errno in {errno.ENOENT, errno.ENOTDIR}:
                self._taken_away(path)
            else:
                self._unreadable(path, error)
            return True
        if (status.st_dev, status.st_ino) == (file.device, file.inode):
            return True
        self._taken_away(path)
        return False

    def _taken_away(self, path: Path) -> None:
        self._directory.say(
            f"{path.name} was taken away while in use; what was in it is shown until this "
            "process ends, and lost then"
        )

    def _placed(self, number: int, found: BlockFile) -> BlockFile:
        """Take account of a file under a number: a new one, or one that has moved there."""
        for known, file in self._files.items():
            if file.header.nonce == found.header.nonce:
                moved = (file.device, file.inode) != (found.device, found.inode)
                if moved and not file.is_twin:
                    file.rescue_all()
                    file.move_to(found)
                found.close()
                if known != number:
                    self._make_way(number)
                    self._renumber(known, number)
                return file
        self._make_way(number)
        self._files[number] = found
        fresh = found.scan()
        show_at_once(found)
        for stored in fresh:
            self._add_stored(number, stored)
        return found

    def _make_way(self, number: int) -> None:
        """Give another number to a file that has no name any more; another one has its slot."""
        if number in self._files:
            self._gone -= 1
            self._renumber(number, self._gone)

    def _renumber(self, old: int, new: int) -> None:
        self._files[new] = self._files.pop(old)
        self._strange = [(new if slot == old else slot, each) for slot, each in self._strange]
        for group in self.groups.values():
            for merged in group.values():
                for part in merged.parts:
                    if part.slot == old:
                        part.slot = new

    def _look_after(self, number: int, file: BlockFile) -> None:
        """Show what was known of a file that was cut off, until its worker has mended it."""
        if not file.lost and not file.sound():
            file.rescue_all()
        if file.is_twin or not file.lost:
            return
        self._directory.say(
            f"{file.path.name} was cut off while in use; what was known of it is shown"
        )
        if file.sound():
            file.follow()
        elif number not in self.living:
            with suppress(OSError):
                mend(self._directory, file)

    def _noted(self, file: BlockFile) -> bool:
        """Note what was shown of a file, and what its worker did not know when it mended the file.

        A worker puts back what it remembers. What came after that, and was read here, has been
        shown, and is in no slot any more. One worker takes it on, whoever notices first, and so
        nobody does without the lock.

        Returns:
            Whether that is settled.
        """
        with self._directory.locked() as held:
            mended = file.counters[form.MENDED]
            if file.counters[form.TAKEN_ON] >= mended:
                return True
            if not held:
                return False
            file.counters[form.TAKEN_ON] = mended
        for stored, before in file.remembered():
            for schema, read in self._readings(stored.entry):
                now = read(stored.cells.tolist())
                owed = [
                    0 if cell in schema.gauges else max(0, shown - now[cell])
                    for cell, shown in enumerate(read(before))
                ]
                if any(owed):
                    self._owed.append((schema.name, stored.entry.labels, owed))
        return True

    def owed(self) -> list[tuple[str, Labels, list[int]]]:
        """Return what was shown and is in no slot any more, by schema and labels; once."""
        owed, self._owed = self._owed, []
        return owed

    def keep(self) -> None:
        """Remember what the files hold, to be shown should somebody cut them off."""
        for file in self._files.values():
            with suppress(OSError):
                file.keep(file.size)

    def sound(self) -> bool:
        """Return whether the files are as they were when they were read; what is lost is known."""
        for file in self._files.values():
            try:
                if not file.lost and not file.sound():
                    return False
            except OSError as error:
                self._unreadable(file.path, error)
        return True

    def _add_stored(self, slot: int, stored: Stored) -> None:
        entry = stored.entry
        if self.layouts.is_ours(entry):
            self._add(entry.schema, entry.labels, Part.of(slot, stored))
        elif not self._add_read(slot, stored):
            self._strange.append((slot, stored))
            self._unread.add(entry.schema)

    def _add_read(self, slot: int, stored: Stored) -> bool:
        """Read a block of another version by metric; return whether that was possible."""
        name, prefix = stored.entry.schema, ""
        if name.startswith(names.EXEMPLARS):
            return True  # there will be others
        if name.startswith(names.OLD):
            name, prefix = name.removeprefix(names.OLD), names.OLD
        known = self.layouts.find(name, stored.entry)
        for reading in known[1] if known is not None else ():
            cells = ReadCells(stored.cells, reading)
            part = Part(slot, stored.entry.born_ns, stored.state, cells)
            self._add(prefix + reading.schema.name, stored.entry.labels, part)
        return known is not None

    def _readings(self, entry: Entry) -> Iterator[tuple[Schema, Callable[[list[int]], list[int]]]]:
        """Yield this version's kinds that a block has series of, and what reads its cells so."""
        if self.layouts.is_ours(entry):
            if entry.schema in names.SERIES:
                yield names.SERIES[entry.schema], list
            return
        known = self.layouts.find(entry.schema, entry)
        for reading in known[1] if known is not None else ():
            yield reading.schema, reading.read

    def _read_strange(self) -> None:
        """Look again at blocks that nothing was known of: a description may have come since."""
        if self._strange and self._learnt != self.layouts.learnt:
            self._learnt = self.layouts.learnt
            strange, self._strange = self._strange, []
            for slot, stored in strange:
                self._add_stored(slot, stored)
        for kind in sorted(self._unread):
            self._directory.say(
                f"series of kind {kind!r} were written by a version that this one knows nothing "
                "of; they are kept and not shown, and begin again at 0"
            )
        self._unread.clear()

    def _add(self, name: str, labels: Labels, part: Part) -> None:
        group = self.groups[name]
        merged = group.get(labels)
        if merged is None:
            merged = group[labels] = Merged(labels)
            if name in names.SERIES:
                members = self.listings.setdefault(labels[:2], [])
                members.append((names.SERIES[name], merged))
                self._fresh.append((name, labels))
            elif name.startswith(names.OLD):
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
            try:
                file.flush()
            except OSError as error:
                self._directory.troubles.fail(
                    _SYNC, error, "what is counted may be lost in a power cut"
                )
                return
        self._directory.troubles.work(_SYNC)

    def files(self) -> Iterator[tuple[int, BlockFile]]:
        """Yield the slots that could be read."""
        yield from self._files.items()

    def key_of(self, slot: int) -> bytes:
        """Return the digest of the key that a slot's sketches were made with."""
        file = self._files.get(slot)
        return self._directory.key if file is None else file.key()

    def reads(self) -> list[int | None]:
        """Return when each reader has read last, by its number, of whichever worker."""
        files = list(self._files.values())
        return [
            max((file.counters[form.READ + number] for file in files), default=0) or None
            for number in range(MOST_READERS)
        ]

    def note_read(self, reader: int, now_ns: int) -> None:
        """Tell all workers that a reader has read: another one may serve the next scrape."""
        for file in self._files.values():
            file.counters[form.READ + reader] = now_ns

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
