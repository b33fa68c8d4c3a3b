"""Event ids that every worker has seen: each counts once, whichever worker it came to.

One file for all workers holds a ring of hashes for each publisher; a lock on it makes looking up
and adding one step. Only events that carry an id come here.
"""

import fcntl
import os
import time
from collections.abc import Generator
from contextlib import contextmanager
from hashlib import blake2b
from threading import RLock
from typing import TYPE_CHECKING, Final

from agent_analytics.processor._durable import _names
from agent_analytics.processor._durable._directory import EVENT_IDS, StateDirectory
from agent_analytics.processor._durable._view import Part
from agent_analytics.processor._store import Cells
from agent_analytics.processor.private_files import open_private

if TYPE_CHECKING:
    from agent_analytics.processor._durable._file import BlockFile

#: Ids in each block of a ring, which grows until the ring holds as many as it may; further ones
#: are as large as the last.
_CHAIN: Final = (15, 112, 384)
_HEAD: Final = 0
#: Nobody holds the lock for longer than microseconds; a process that was stopped with it in its
#: hands must not stop the host.
_LOCK_SECONDS: Final = 0.05
#: How long the lock is not waited for again, when it was waited for in vain: each event would pay.
_IMPATIENT_SECONDS: Final = 10.0


class _Ring:
    """The ids of one publisher as this process knows them."""

    __slots__ = ("chain", "hashes", "known", "spans", "taken")

    def __init__(self) -> None:
        self.chain: list[Part] = []
        #: Hash by place in the ring, and the hashes there are.
        self.hashes: dict[int, int] = {}
        self.known: set[int] = set()
        #: The span that brought an id to this process.
        self.spans: dict[int, int] = {}
        #: Ids of the ring, counted from the first ever, that ``known`` has taken account of.
        self.taken = 0

    def put(self, place: int, digest: int) -> None:
        old = self.hashes.get(place)
        if old is not None:
            self.known.discard(old)
            self.spans.pop(old, None)
        self.hashes[place] = digest
        self.known.add(digest)


class SharedIds:
    """The ids seen lately, by publisher.

    Args:
        directory: Where the file is.
        cap: Ids of one publisher that are remembered.
    """

    def __init__(self, directory: StateDirectory, cap: int) -> None:
        self._directory = directory
        self._cap = cap
        self._begin()

    def _begin(self) -> None:
        self._mutex = RLock()
        self._depth = 0
        self._file: BlockFile | None = None
        self._lock = -1
        self._patient = 0.0
        self._failed = False
        self._parts: dict[tuple[str, ...], Part] = {}
        self._rings: dict[str, _Ring] = {}
        self._homeless: dict[tuple[str, ...], Part] = {}

    def after_fork(self) -> None:
        """Begin anew in a forked child, with a lock of its own."""
        if self._lock >= 0:
            os.close(self._lock)
        if self._file is not None:
            self._file.close()
        self._begin()

    def _open(self) -> None:
        if self._lock >= 0 or self._failed:
            return
        path = self._directory.path / EVENT_IDS
        try:
            with self._directory.locked():
                self._file = self._directory.open_file(path)
            if self._file is not None:
                self._lock = open_private(path, create=False)
        except OSError as error:
            self._directory.say(
                f"{EVENT_IDS} cannot be used ({error.strerror or error}); ids of events are "
                "remembered by each worker for itself"
            )
        self._failed = self._file is None

    @contextmanager
    def _held(self) -> Generator[None]:
        """Hold the lock of the file; a finalizer or signal handler may come here again."""
        with self._mutex:
            self._open()
            held = False
            self._depth += 1
            try:
                if self._depth == 1 and self._lock >= 0:
                    held = self._acquire()
                yield
            finally:
                self._depth -= 1
                if held:
                    fcntl.flock(self._lock, fcntl.LOCK_UN)

    def _acquire(self) -> bool:
        now = time.monotonic()
        deadline = now + (_LOCK_SECONDS if now >= self._patient else 0)
        while True:
            try:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    self._patient = max(self._patient, now + _IMPATIENT_SECONDS)
                    return False
                time.sleep(0)
            except OSError:
                return False
            else:
                return True

    def seen(self, publisher: str, event_id: str, span_id: int) -> bool:
        """Tell whether an id was seen on another span, by any worker, and remember it."""
        digest = int.from_bytes(
            blake2b(event_id.encode("utf-8", "surrogatepass"), digest_size=8).digest(),
            "little",
            signed=True,
        )
        digest = digest or 1
        with self._held():
            self._catch_up()
            ring = self._rings.get(publisher)
            if ring is None:
                ring = self._rings[publisher] = _Ring()
            self._read(publisher, ring)
            if digest in ring.known:
                # A span that was given up comes here twice.
                return ring.spans.get(digest) != span_id
            head = ring.taken
            cells, index = self._cell(publisher, ring, head % self._cap)
            cells[index] = digest
            ring.put(head % self._cap, digest)
            ring.spans[digest] = span_id
            ring.taken = head + 1
            ring.chain[0].cells[_HEAD] = head + 1
            return False

    def _catch_up(self) -> None:
        file = self._file
        if file is None:
            return
        for stored in file.sync():
            if stored.entry.fingerprint == _names.FINGERPRINTS[_names.EVENT_IDS]:
                self._parts[stored.entry.labels] = Part.of(0, stored)

    def _read(self, publisher: str, ring: _Ring) -> None:
        """Take account of what other workers have added."""
        if not ring.chain and not self._link(publisher, ring, 0):
            return
        head = ring.chain[0].cells[_HEAD]
        for position in range(max(ring.taken, head - self._cap), head):
            place = position % self._cap
            cells, index = self._cell(publisher, ring, place)
            if cells[index]:
                ring.put(place, cells[index])
        ring.taken = max(ring.taken, head)

    def _cell(self, publisher: str, ring: _Ring, place: int) -> tuple[Cells, int]:
        """Return the cell of a place in a ring, making room for it."""
        link = 0
        while place >= (size := _size(link)):
            place -= size
            link += 1
        while len(ring.chain) <= link:
            if not self._link(publisher, ring, len(ring.chain)):
                self._make(publisher, ring, len(ring.chain))
        return ring.chain[link].cells, place + (1 if link == 0 else 0)

    def _link(self, publisher: str, ring: _Ring, link: int) -> bool:
        part = self._parts.get((publisher, str(link)))
        if part is None:
            part = self._homeless.get((publisher, str(link)))
        if part is None:
            return False
        ring.chain.append(part)
        return True

    def _make(self, publisher: str, ring: _Ring, link: int) -> None:
        labels = (publisher, str(link))
        size = _size(link) + (1 if link == 0 else 0)
        if self._file is not None:
            try:
                stored = self._file.append(
                    _names.EVENT_IDS,
                    labels,
                    size,
                    _names.FINGERPRINTS[_names.EVENT_IDS],
                    time.time_ns(),
                )
            except (OSError, ValueError) as error:
                self._directory.say(
                    f"ids of events find no room ({getattr(error, 'strerror', None) or error}); "
                    "each worker remembers them for itself"
                )
            else:
                self._parts[labels] = Part.of(0, stored)
        if labels not in self._parts:
            self._homeless[labels] = Part.in_memory(size, 0)
        self._link(publisher, ring, link)


def _size(link: int) -> int:
    return _CHAIN[min(link, len(_CHAIN) - 1)]
