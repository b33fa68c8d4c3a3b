"""One mapped file of blocks: found, read on as it grows, written to by its one writer."""

import os
import secrets
import time
from array import array
from copy import copy
from pathlib import Path
from typing import Final

from agent_analytics.processor._durable._files import format as form
from agent_analytics.processor._durable._files import segments
from agent_analytics.processor._durable._files.format import Entry, Header
from agent_analytics.processor._durable._files.mapped import MappedFile, Stored, allocate
from agent_analytics.processor._durable._files.segments import Segment

#: How long a block that is missing is looked for at every turn: its writer may be at it.
_PATIENCE_SECONDS: Final = 1.0


class FileError(Exception):
    """A file that cannot be used as what its name says; the message tells a person why."""


class NewerError(FileError):
    """A file that a later version wrote."""


class BlockFile(MappedFile):
    """A file of blocks, mapped.

    One process at a time may ``append``; any number may read on with ``sync`` meanwhile. A writer
    may be interrupted by a signal or a finalizer that appends on the very same thread: a place
    is reserved in one step before it is written.

    Attributes:
        path: Where it is.
        header: What never changes of its header.
        counters: The cells of the header page.
        blocks: Every block found or written so far, by its number.
    """

    def __init__(self, path: Path, descriptor: int, header: Header) -> None:
        super().__init__(path, descriptor, header)
        #: Where reading goes on: behind the last record before which no record is missing.
        self._at: tuple[int, int] = self._free
        self._number = 0
        #: Where the file was cut off before it was opened, if it was; what was behind is lost.
        self._cut: int | None = None
        #: How many blocks could not be found, and so are not looked for at every turn.
        self._given_up = 0
        #: How many could not be found the last time, and since when, on the monotonic clock.
        self._missed: int = 0
        self._missed_since = 0.0
        #: How often the file had been mended when the blocks were last looked for.
        self._mended = 0
        #: Whether memory stands for what there is no room for, until there is; and why it does.
        self.waits = False
        self.refused: OSError | None = None
        self._map_more()
        self.counters = self._segments[0].cells[: form.PAGE // 8]
        segments.watch(self)

    @classmethod
    def create(cls, path: Path, descriptor: int, service: bytes, key: bytes) -> "BlockFile":
        """Make an empty file one without blocks.

        Raises:
            OSError: The disk is full, mostly; the file is as it was then.
        """
        allocate(descriptor, 0, form.segment_size(0))
        header = Header(form.VERSION, secrets.randbits(64), time.time_ns(), service, key)
        # The header makes it a file of ours: last, and in one piece.
        os.pwrite(descriptor, form.pack_header(header), 0)
        return cls(path, descriptor, header)

    @classmethod
    def in_memory(cls, path: Path, service: bytes, key: bytes) -> "BlockFile":
        """Return a file that is none yet: memory stands for it until it moves to one.

        Raises:
            OSError: There is no memory.
        """
        header = Header(form.VERSION, secrets.randbits(64), time.time_ns(), service, key)
        file = cls(path, -1, header)
        packed = form.pack_header(header)
        file._segments[0].memory[: len(packed)] = packed
        file.waits = True
        return file

    @classmethod
    def open(cls, path: Path, descriptor: int) -> "BlockFile | None":
        """Map an existing file; ``None`` for an empty one, or one whose making was interrupted.

        Raises:
            FileError: It is foreign, damaged or newer.
        """
        data = os.pread(descriptor, form.PAGE, 0)
        if not data.strip(b"\0"):
            return None
        header = form.unpack_header(data)
        if header is None:
            what = "its header is damaged" if data.startswith(form.MAGIC) else "is none of ours"
            msg = f"{path.name}: {what}; it is left alone"
            raise FileError(msg)
        if header.version > form.VERSION:
            msg = (
                f"{path.name} was written by a later version of agent-analytics "
                f"(format {header.version}, this one reads up to {form.VERSION}); it is left alone"
            )
            raise NewerError(msg)
        size = os.fstat(descriptor).st_size
        if size < form.PAGE:
            msg = f"{path.name}: truncated to less than its header; it is left alone"
            raise FileError(msg)
        if size < form.segment_size(0):  # the header's segment is always mapped
            allocate(descriptor, 0, form.segment_size(0))
        file = cls(path, descriptor, header)
        if not form.is_whole(size):
            file._cut = size
        return file

    # --- reading ---------------------------------------------------------------------------------

    def _map_more(self) -> None:
        """Map the segments that the file has grown by; a cut one is mapped when it is whole."""
        if self._twin_of is not None or self.waiting:
            return
        if self._descriptor < 0:
            self._segments.append(Segment(-1, form.segment_size(0), 0))
            return
        size = os.fstat(self._descriptor).st_size
        while True:
            index = len(self._segments)
            offset = form.segment_offset(index)
            length = form.segment_size(index)
            if offset + length > size:
                return
            segment = Segment(self._descriptor, length, offset)
            if len(self._segments) == index:  # else an interruption has mapped it meanwhile
                self._segments.append(segment)

    def sync(self) -> list[Stored]:
        """Return the blocks that were added since the last call."""
        mended = self.counters[form.MENDED]
        if mended != self._mended:
            self._mended = mended
            self._at = (0, form.first_record(0))
            self._given_up = self._missed = 0
            return self.scan()
        twin = self._twin_of  # which knows of blocks that its file does not have yet
        if self.counters[form.COUNT] <= len(self.blocks) + self._given_up and (
            twin is None or len(twin.blocks) <= len(self.blocks)
        ):
            return []
        return self.scan()

    @property
    def mended_meanwhile(self) -> bool:
        """Whether the file was mended since the blocks were last looked for."""
        return self.counters[form.MENDED] != self._mended

    def scan(self) -> list[Stored]:
        """Return the blocks that were not seen yet, whatever the header says of their number."""
        self._map_more()
        found: list[Stored] = []
        index, position = self._at
        whole = True
        while index < len(self._segments):
            segment = self._segments[index].memory
            limit = len(segment)
            while position < limit:
                entry = form.read_entry(segment, index, self.header.nonce, position, limit)
                following = limit
                if entry is None:
                    following = form.next_candidate(segment, position, limit)
                    if following < limit:
                        # Its writer may have written it, and another one, in the meantime.
                        entry = form.read_entry(segment, index, self.header.nonce, position, limit)
                        whole = whole and entry is not None
                if entry is None:
                    position = following
                    continue
                position = entry.end
                self._note_last(index, entry)
                if entry.number not in self.blocks:
                    stored = self._stored(index, entry)
                    self.blocks[entry.number] = stored
                    found.append(stored)
                self._number = max(self._number, entry.number + 1)
                self._free = max(self._free, (index, position))
                if whole:
                    self._at = (index, position)
            index += 1
            position = form.first_record(index)
        # A block whose writer was interrupted by another one is there a moment later.
        missing, now = self.missing(), time.monotonic()
        if missing != self._missed:
            self._missed, self._missed_since = missing, now
        if missing <= self._given_up or now - self._missed_since >= _PATIENCE_SECONDS:
            self._given_up = missing
            self._at = max(self._at, self._free)
        return found

    def _note_last(self, index: int, entry: Entry) -> None:
        if not self._segments[index].waiting:
            self._last = max(self._last or 0, self._segments[index].offset + entry.start)

    def _stored(self, index: int, entry: Entry) -> Stored:
        cells = self._segments[index].cells
        own = entry.run + form.STATE_CELLS
        return Stored(index, entry, cells[entry.run : own], cells[own : own + entry.size])

    def missing(self) -> int:
        """Return how many blocks were written once and cannot be found."""
        expected = max(self._number, self.counters[form.COUNT])
        return max(0, expected - len(self.blocks))

    # --- writing ---------------------------------------------------------------------------------

    def append(
        self, schema: str, labels: tuple[str, ...], size: int, fingerprint: int, born_ns: int
    ) -> Stored:
        """Add a block of zeros.

        Raises:
            OSError: The disk is full, mostly. Nothing is lost, and another try is welcome.
            ValueError: The labels are too long.
        """
        while True:
            free = self._free
            index, position = free
            planned = form.plan(position, form.segment_size(index), schema, labels, size)
            if index >= len(self._segments):
                self._grow(index)
                continue
            if planned is None:
                if position == form.first_record(index) and index >= form.LARGEST_SEGMENT:
                    msg = f"a block of {size} cells fits no segment"
                    raise ValueError(msg)
                after = (index + 1, form.first_record(index + 1))
            else:
                after = (index, planned[2])
            number = self._number
            if self._free is not free:  # interrupted by somebody who added one
                continue
            self._free = after
            if planned is None:
                continue
            self._number = number + 1
            break
        payload, run, end = planned
        entry = Entry(number, schema, labels, size, fingerprint, born_ns, run // 8, position, end)
        segment = self._segments[index]
        form.write_entry(segment.memory, index, self.header.nonce, entry, payload)
        if len(segment.kept) < position:
            segment.kept.extend(bytes(position - len(segment.kept)))
        segment.kept[position:end] = segment.memory[position:end]
        self._note_last(index, entry)
        stored = self._stored(index, entry)
        self.blocks[number] = stored
        if not segment.waiting:  # others would miss what is not in the file
            self.counters[form.COUNT] = max(self.counters[form.COUNT], self._number)
        return stored

    def _grow(self, index: int) -> None:
        # Blocks are given their place on the disk now: a full one is met here, and not when a
        # cell is written, which would kill the process.
        offset, length = form.segment_offset(index), form.segment_size(index)
        if not self.waiting:
            try:
                allocate(self._descriptor, offset, length)
                self._map_more()
            except OSError as error:
                if not self.waits:
                    raise
                self.refused = error
        if self.waits and len(self._segments) == index:
            segment = Segment(-1, length, offset)
            if len(self._segments) == index:  # else an interruption has been here meanwhile
                self._segments.append(segment)

    def _placed(self) -> None:
        if not self.waiting:
            self.counters[form.COUNT] = max(self.counters[form.COUNT], self._number)
            for stored in list(self.blocks.values()):
                self._note_last(stored.segment, stored.entry)

    def take(self) -> int:
        """Prepare to write: find every block, number new ones behind those that are missing.

        A file that was cut short is given the rest of its last segment, as zeros; a block whose
        cells were cut begins anew.

        Returns:
            How many blocks begin anew.

        Raises:
            OSError: The disk is full, mostly.
        """
        self._writes = True
        if self._descriptor < 0:
            return 0
        size = os.fstat(self._descriptor).st_size
        index = len(self._segments)
        if size > form.segment_offset(index):
            self._grow(index)
        self.scan()
        self._number = max(self._number, self.counters[form.COUNT])
        cut, self._cut = self._cut, None
        if cut is None:
            return 0
        anew = 0
        for stored in self.blocks.values():
            if self._end_of(stored) > cut:
                anew += 1
                stored.state[:] = array("q", bytes(8 * len(stored.state)))
                stored.cells[:] = array("q", bytes(8 * len(stored.cells)))
        return anew

    def _end_of(self, stored: Stored) -> int:
        """Return the byte of the file at which a block's cells end."""
        entry = stored.entry
        end = 8 * (entry.run + form.STATE_CELLS + entry.size)
        return form.segment_offset(stored.segment) + end

    def rekey(self, key: bytes) -> None:
        """Write down that sketches are made with another key from now on."""
        self.header = self.header._replace(key=key)
        packed = form.pack_header(self.header)
        self._segments[0].memory[: len(packed)] = packed

    def key(self) -> bytes:
        """Return the digest of the key that sketches are made with now."""
        header = form.unpack_header(self._segments[0].memory[: form.PAGE])
        return b"" if header is None else header.key

    # --- for readers in the same process ----------------------------------------------------------

    def twin(self) -> "BlockFile":
        """Return what reads on in the very memory that this writer writes to."""
        reader = copy(self)
        reader.read_for(self)
        return reader

    def read_for(self, writer: "BlockFile") -> None:
        """Begin to read what another one writes into the same memory, and looks after."""
        self.blocks = {}
        self._at = (0, form.first_record(0))
        self._number = self._given_up = self._missed = 0
        self._descriptor = -1
        self._twin_of = writer
