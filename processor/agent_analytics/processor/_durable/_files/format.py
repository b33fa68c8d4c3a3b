"""What a slot's file looks like: a header, and records of blocks, each with its cells.

A file is a row of segments, each mapped for itself, so that cells never move. The first page of
the first segment is the header. A record is an entry (schema, labels, where its cells are; with a
checksum) and then its run of cells: four that tell of the block's life, and its own. A run of at
most a page never crosses a page: a disk that loses power keeps each of its pages whole, and so
the cells of one block are always of one moment.

Entries never change once they are written; cells are plain 64-bit integers in the machine's
order, changed in place.
"""

import mmap
import struct
from typing import Final, NamedTuple
from zlib import crc32

PAGE: Final = 4096
MAGIC: Final = b"AGANSLOT"
#: Readers of one version refuse files of a later one.
VERSION: Final = 1
_FIRST_SEGMENT_BITS: Final = 18
_DOUBLINGS: Final = 6
#: From this one on, segments are of one size.
LARGEST_SEGMENT: Final = _DOUBLINGS

# --- header --------------------------------------------------------------------------------------
# Magic, version, spare, nonce, created, service, tenant key; then the checksum of these.

_HEADER: Final = struct.Struct("=8sIIQq16s8s")
_CHECKSUM: Final = struct.Struct("=I")

#: Cells of the header page that change: blocks written, boot that wrote last, damage said.
COUNT: Final = 8
BOOT: Final = 9
SAID: Final = 10
#: Epoch of the last scrape of sketches by the slot's worker.
SCRAPED: Final = 11
#: Process id of the worker that took the slot last.
PID: Final = 12
#: How often the file was written again after it had been cut off.
MENDED: Final = 13
#: Up to which time of these a worker has taken on what was shown and then lost.
TAKEN_ON: Final = 14

#: When each reader has read last, by its number, in nanoseconds since 1970.
READ: Final = 16

# --- life of a block: the first cells of its run -------------------------------------------------

#: 1 when the block's values may be shown.
LIVE: Final = 0
#: When a scrape first saw the newborn block, in nanoseconds since 1970; in place of the last eight
#: bits, which readers have seen it. A release that knew of no readers left these bits zero.
SEEN: Final = 1
READERS_MASK: Final = 0xFF
#: When the block was last seen to change, and the sum of its cells then (for expiry).
CHANGED: Final = 2
TOTAL: Final = 3
STATE_CELLS: Final = 4

# --- record --------------------------------------------------------------------------------------
# Magic, checksum, number, payload bytes, cells, run's offset, schema's fingerprint, spare, born.

_ENTRY: Final = struct.Struct("=4sIIIIIIIq")
ENTRY_MAGIC: Final = b"\xa9blk"
_ALIGNMENT: Final = 32
_LENGTH: Final = struct.Struct("=H")
_MAX_PAYLOAD: Final = 16_384
_SEED: Final = struct.Struct("=QII")


class Header(NamedTuple):
    """The part of the header that never changes.

    Attributes:
        version: Of the format.
        nonce: Random; seeds the checksums, so that no label can pass for a record.
        created_ns: When the file was made.
        service: Digest of the service's identity.
        key: Digest of the key that tenants are hashed with.
    """

    version: int
    nonce: int
    created_ns: int
    service: bytes
    key: bytes


class Entry(NamedTuple):
    """One record, as found or written.

    Attributes:
        number: Counts the records of a file from 0.
        schema: Name of the block's schema.
        labels: Its labels.
        size: Cells of its own.
        fingerprint: Of the schema as the writer knew it.
        born_ns: When it was made, in nanoseconds since 1970.
        run: First cell of its run, in cells from the start of the segment.
        start: Where the record starts, in bytes from the start of the segment.
        end: Where the next one may start.
    """

    number: int
    schema: str
    labels: tuple[str, ...]
    size: int
    fingerprint: int
    born_ns: int
    run: int
    start: int
    end: int


def segment_size(index: int) -> int:
    """Return the bytes of a segment: they double from 256 KiB to 16 MiB."""
    return 1 << (_FIRST_SEGMENT_BITS + min(index, _DOUBLINGS))


def segment_offset(index: int) -> int:
    """Return where in the file a segment starts."""
    return sum(segment_size(each) for each in range(index))


def is_whole(size: int) -> bool:
    """Tell whether a file of ``size`` bytes ends where a segment does."""
    index = 0
    while size > 0:
        size -= segment_size(index)
        index += 1
    return size == 0


def first_record(index: int) -> int:
    """Return where in a segment the first record starts."""
    return PAGE if index == 0 else 0


def pack_header(header: Header) -> bytes:
    """Return the bytes of a header."""
    packed = _HEADER.pack(
        MAGIC, header.version, 0, header.nonce, header.created_ns, header.service, header.key
    )
    return packed + _CHECKSUM.pack(crc32(packed))


def unpack_header(data: bytes) -> Header | None:
    """Return the header that ``data`` starts with, or ``None`` for a foreign or damaged file."""
    size = _HEADER.size
    if len(data) < size + _CHECKSUM.size or data[: len(MAGIC)] != MAGIC:
        return None
    if _CHECKSUM.unpack_from(data, size)[0] != crc32(data[:size]):
        return None
    _, version, _, nonce, created_ns, service, key = _HEADER.unpack_from(data)
    return Header(version, nonce, created_ns, service, key)


def _strings(texts: tuple[str, ...]) -> bytes:
    pieces: list[bytes] = []
    for text in texts:
        encoded = text.encode()
        pieces += (_LENGTH.pack(len(encoded)), encoded)
    return b"".join(pieces)


def _aligned(position: int, step: int) -> int:
    return -(-position // step) * step


def _run_start(position: int, cells: int) -> int:
    """Return where a run of ``cells`` may start at or behind ``position``."""
    start = _aligned(position, 8)
    size = 8 * cells
    if size <= PAGE and start // PAGE != (start + size - 1) // PAGE:
        start = _aligned(start, PAGE)
    return start


def plan(
    position: int, limit: int, schema: str, labels: tuple[str, ...], size: int
) -> tuple[bytes, int, int] | None:
    """Return payload, start of the run and end of a record at ``position``; ``None``: no room.

    Raises:
        ValueError: The labels are too long for any record.
    """
    payload = _strings((schema, *labels))
    if len(payload) > _MAX_PAYLOAD:
        msg = f"labels of {len(payload)} bytes do not fit a record"
        raise ValueError(msg)
    run = _run_start(position + _ENTRY.size + len(payload), STATE_CELLS + size)
    end = _aligned(run + 8 * (STATE_CELLS + size), _ALIGNMENT)
    return (payload, run, end) if end <= limit else None


def write_entry(segment: mmap.mmap, index: int, nonce: int, entry: Entry, payload: bytes) -> None:
    """Write a record whose place is reserved: zeros, labels, and last what makes it valid."""
    run = 8 * entry.run
    segment[run : entry.end] = bytes(entry.end - run)
    body = entry.start + _ENTRY.size
    segment[body : body + len(payload)] = payload
    fields = (
        entry.number,
        len(payload),
        entry.size,
        entry.run,
        entry.fingerprint,
        0,
        entry.born_ns,
    )
    seed = crc32(_SEED.pack(nonce, index, entry.start))
    bare = _ENTRY.pack(ENTRY_MAGIC, 0, *fields)
    checksum = crc32(payload, crc32(bare, seed))
    segment[entry.start : body] = _ENTRY.pack(ENTRY_MAGIC, checksum, *fields)


def read_entry(segment: mmap.mmap, index: int, nonce: int, start: int, limit: int) -> Entry | None:
    """Return the record at ``start``, or ``None`` if there is no whole one."""
    body = start + _ENTRY.size
    if body > limit:
        return None
    magic, checksum, *fields = _ENTRY.unpack_from(segment, start)
    number, length, size, run, fingerprint, _, born_ns = fields
    if magic != ENTRY_MAGIC or length > _MAX_PAYLOAD or body + length > limit:
        return None
    end = _aligned(8 * (run + STATE_CELLS + size), _ALIGNMENT)
    if end > limit or 8 * run < body + length:
        return None
    payload = segment[body : body + length]
    seed = crc32(_SEED.pack(nonce, index, start))
    if checksum != crc32(payload, crc32(_ENTRY.pack(magic, 0, *fields), seed)):
        return None
    texts: list[str] = []
    at = 0
    while at < length:
        (count,) = _LENGTH.unpack_from(payload, at)
        at += _LENGTH.size
        texts.append(payload[at : at + count].decode())
        at += count
    return Entry(number, texts[0], tuple(texts[1:]), size, fingerprint, born_ns, run, start, end)


def next_candidate(segment: mmap.mmap, start: int, limit: int) -> int:
    """Return where behind ``start`` something looks like a record, or ``limit``."""
    while True:
        start = segment.find(ENTRY_MAGIC, start + 1, limit)
        if start < 0:
            return limit
        if start % _ALIGNMENT == 0:
            return start
