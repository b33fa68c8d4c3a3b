"""A mapped file that somebody may cut off, or take away, at any moment."""

import ctypes
import errno
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext, suppress
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias

from agent_analytics.processor._durable._files import format as form
from agent_analytics.processor._durable._files import segments as _segments
from agent_analytics.processor._durable._files.cut_off import salvaged
from agent_analytics.processor._durable._files.format import Entry, Header
from agent_analytics.processor._durable._files.segments import Segment

#: Read at once: it stays in the cache of a core until it is copied.
_CHUNK: Final = 1 << 16

CellView: TypeAlias = "memoryview[int]"


class Stored(NamedTuple):
    """A block in a file: what it is, and its cells where they lie.

    Attributes:
        segment: Segment that it is in.
        entry: What the file says of it.
        state: The cells of its life.
        cells: Its own.
    """

    segment: int
    entry: Entry
    state: CellView
    cells: CellView


class MappedFile:
    """The segments of a file, and what was in them, to be put back.

    Attributes:
        path: Where it is.
        header: What never changes of its header.
        blocks: Every block found or written so far, by its number.
    """

    def __init__(self, path: Path, descriptor: int, header: Header) -> None:
        self.path = path
        self.header = header
        self.blocks: dict[int, Stored] = {}
        self.device, self.inode = _identity(descriptor) if descriptor >= 0 else (0, 0)
        self._descriptor = descriptor
        self._segments: list[Segment] = []
        #: Where the next record is written: behind the last one.
        self._free: tuple[int, int] = (0, form.first_record(0))
        #: Held by whoever in this process adds to cells: none may while these change their place.
        self.lock: AbstractContextManager[object] = nullcontext()
        #: Whether this process is the file's one writer.
        self._writes = False
        #: The writer in this process whose memory this is, where this one is for readers.
        self._twin_of: MappedFile | None = None
        #: Where in the file the last record known starts; None before the first.
        self._last: int | None = None
        #: Segment and place in it whose content is to be kept next.
        self._keep_next: tuple[int, int] = (0, 0)

    @property
    def segments(self) -> list[Segment]:
        """The segments, in order."""
        return self._segments

    @property
    def lost(self) -> bool:
        """Whether memory of this process stands for a part of the file that was cut off."""
        return any(segment.lost and not segment.waiting for segment in self._segments)

    @property
    def waiting(self) -> bool:
        """Whether memory of this process stands for what the file had no room for."""
        return any(segment.waiting for segment in self._segments)

    @property
    def homeless(self) -> bool:
        """Whether there is no file at all, but memory of this process alone."""
        return self._descriptor < 0

    @property
    def named(self) -> bool:
        """Whether the file has a name; one that was deleted has none."""
        return self._descriptor < 0 or os.fstat(self._descriptor).st_nlink > 0

    @property
    def size(self) -> int:
        """How many bytes are mapped."""
        return self._segments[-1].offset + len(self._segments[-1].memory)

    @property
    def is_twin(self) -> bool:
        """Whether the memory is that of a writer in this process, who looks after it."""
        return self._twin_of is not None

    def duplicate(self) -> int:
        """Return another descriptor of the file.

        Raises:
            OSError: There are no more to be had.
        """
        return os.dup(self._descriptor)

    def move_to(self, other: "MappedFile") -> None:
        """Go on with another file that holds the same; this one's memory stands for it until then.

        Raises:
            OSError: There are no more descriptors to be had.
        """
        descriptor = other.duplicate()
        self.close()
        self._descriptor = descriptor
        self.path, self.device, self.inode = other.path, other.device, other.inode
        self.follow()

    def sound(self) -> bool:
        """Return whether the file has every byte that is mapped, and the last record known.

        Whoever cuts a file off, and makes it longer again, takes the last record away.
        """
        if self._descriptor < 0:
            return True
        stored = sum(len(each.memory) for each in self._segments if not each.waiting)
        magic = form.MAGIC if self._last is None else form.ENTRY_MAGIC
        place = self._last or 0
        try:
            if os.fstat(self._descriptor).st_size < stored:
                return False
            found = os.pread(self._descriptor, len(magic), place)
        except OSError:  # what is mapped may be there all the same
            segment = next(each for each in reversed(self._segments) if each.offset <= place)
            if segment.lost:
                return False
            place -= segment.offset
            found = segment.memory[place : place + len(magic)]
        return found == magic

    def keep(self, most: int) -> None:
        """Remember what the file holds, to be put back: so many bytes at most, in turn."""
        if self._descriptor < 0 or self.lost:
            return
        index, position = (0, 0) if most >= self.size else self._keep_next
        last = min(self._free[0], sum(not each.waiting for each in self._segments) - 1)
        ended = 0
        while most > 0 and ended <= last:
            segment = self._segments[index]
            used = self._free[1] if index == self._free[0] else len(segment.memory)
            size = min(used - position, most, _CHUNK)
            if size <= 0:
                index, position = (index + 1) % (last + 1), 0
                ended += 1
                continue
            data = os.pread(self._descriptor, size, segment.offset + position)
            if not self.sound():  # what was just read may be zeros
                return
            segment.kept[position : position + size] = data
            most -= size
            position += size
        self._keep_next = index, position

    def remembered(self) -> Iterator[tuple[Stored, list[int]]]:
        """Yield the blocks with the cells that the file had when that was last looked at."""
        for stored in list(self.blocks.values()):
            kept = self._segments[stored.segment].kept
            first = 8 * (stored.entry.run + form.STATE_CELLS)
            data = kept[first : first + 8 * stored.entry.size]
            if len(data) == 8 * stored.entry.size:
                yield stored, memoryview(data).cast("q").tolist()

    def rescue(self, index: int) -> bool:
        """Put memory in the place of a segment, with what is known of it.

        Whoever met the fault may hold the lock or not. What others add between the copy and the
        moment when that takes the place would be lost.
        """
        segment = self._segments[index]
        with self.lock, _segments.guard():
            if segment.lost:
                return True
            size = len(segment.cells) * 8
            found = b""
            if self._descriptor >= 0 and (self._writes or not segment.kept):
                with suppress(OSError):  # the disk itself: what is remembered stands for it
                    found = os.pread(self._descriptor, size, segment.offset)
            blocks = [each.entry for each in list(self.blocks.values()) if each.segment == index]
            header = form.pack_header(self.header) if index == 0 else b""
            return segment.replace(salvaged(found, segment.kept, size, blocks, header))

    def rescue_all(self) -> None:
        """Put memory in the place of the whole file."""
        for index in range(len(self._segments)):
            self.rescue(index)

    def mend(self, descriptor: int | None = None) -> bool:
        """Write what memory stands for into the file, or into another one, and map that.

        Nobody else may write meanwhile.

        Raises:
            OSError: The disk is full, mostly; memory goes on to stand for the file.
        """
        self.rescue_all()
        if descriptor is not None and not all(segment.lost for segment in self._segments):
            raise OSError(errno.ENOTSUP, "this system does not map another file in its place")
        target = self._descriptor if descriptor is None else descriptor
        allocate(target, 0, self.size)
        self._segments[0].cells[form.MENDED] += 1  # readers look again for what they missed
        for segment in self._segments:
            if segment.lost:
                os.pwrite(target, segment.memory[:], segment.offset)
        if descriptor is not None:
            self.close()
            self._descriptor = descriptor
            self.device, self.inode = _identity(descriptor)
        followed = self.follow()
        self._placed()
        return followed

    def place(self) -> None:
        """Give the file what it had no room for.

        Raises:
            OSError: There is none yet; memory goes on to stand for it.
        """
        for segment in self._segments:
            if segment.waiting:
                allocate(self._descriptor, segment.offset, len(segment.memory))
                os.pwrite(self._descriptor, segment.memory[:], segment.offset)
                if not segment.follow(self._descriptor):
                    number = ctypes.get_errno() or errno.ENOMEM
                    raise OSError(number, os.strerror(number))
        self._placed()

    def _placed(self) -> None:
        """Take account of blocks that are in the file by now."""

    def follow(self) -> bool:
        """Map the file again where memory stood for it; the file must hold what is to be shown."""
        lost = [segment for segment in self._segments if segment.lost]
        return [segment.follow(self._descriptor) for segment in lost].count(False) == 0

    def flush(self) -> None:
        """Wait until what is in the cells now is on the disk."""
        if self._twin_of is not None:
            self._twin_of.flush()
        elif self._descriptor >= 0:
            os.fsync(self._descriptor)

    def close(self) -> None:
        """Close the descriptor; what is mapped stays readable."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            with suppress(OSError):  # a daemon has closed all that it found open
                os.close(descriptor)


_NO_PREALLOCATION: Final = {errno.EINVAL, errno.EOPNOTSUPP, errno.ENOSYS}


def allocate(descriptor: int, offset: int, length: int) -> None:
    """Give a stretch of a file its place on the disk; what it holds already stays.

    Raises:
        OSError: There is none left.
    """
    if hasattr(os, "posix_fallocate"):
        try:
            os.posix_fallocate(descriptor, offset, length)
        except OSError as error:
            if error.errno not in _NO_PREALLOCATION:
                raise
        else:
            return
    size = os.fstat(descriptor).st_size
    page = bytes(form.PAGE)
    for start in range(max(offset, size), offset + length, form.PAGE):
        os.pwrite(descriptor, page[: offset + length - start], start)


def _identity(descriptor: int) -> tuple[int, int]:
    status = os.fstat(descriptor)
    return status.st_dev, status.st_ino
