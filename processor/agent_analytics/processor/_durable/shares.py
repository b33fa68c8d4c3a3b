"""Shares of an exposition that all workers of a state directory have together.

Every worker has its own series, and one exposition shows them all: so what is named is admitted
once for all of them. A file holds what was admitted, in order: a hash that stands for it, one that
stands for its publisher, and its size. What is of releases, and so counted apart, has its samples
below 0: a version of agent-analytics that does not know of it passes it by. Only names that a
worker has not met before come here.
"""

import time
from typing import Final

from agent_analytics.processor._caps.admission import (
    PUBLISHER,
    RELEASES,
    Books,
    Filled,
    Labels,
    ReleaseBooks,
    digest,
    named,
)
from agent_analytics.processor._caps.limits import Limits
from agent_analytics.processor._caps.sizes import Size
from agent_analytics.processor._durable._files import names
from agent_analytics.processor._durable._files.directory import StateDirectory
from agent_analytics.processor._durable._files.identity import SHARES
from agent_analytics.processor._durable._files.shared_file import SharedFile
from agent_analytics.processor._durable.all_slots import View

#: Cells of what was admitted: its hash, its publisher's, samples, bytes.
_ENTRY: Final = 4
#: Entries in the first block, behind the cell with the number of all; and in each further one.
_FIRST: Final = 15
_FURTHER: Final = 126
#: How often somebody who is full looks whether another worker has admitted what was refused.
_LOOK_SECONDS: Final = 1.0


class SharedShares:
    """Admits for all workers of a state directory.

    Args:
        directory: Where it is.
        limits: Those of this worker.
    """

    def __init__(self, directory: StateDirectory, limits: Limits) -> None:
        self._directory = directory
        self._books = Books(limits)
        self._releases = ReleaseBooks(limits)
        self.whole = self._books.whole
        self._shared = SharedFile(
            directory,
            SHARES,
            names.SHARES,
            "each worker has the limits on an exposition for itself",
        )
        self._begin()
        if directory.slots():
            # A directory of earlier workers: what they know is read now, and not in a span.
            with self._shared.held() as held:
                self._read()
                self._write_all(held=held)

    def _begin(self) -> None:
        self._admitted: set[int] = set()
        #: What was admitted and is not written down yet: whose it is, and its size.
        self._apart: dict[int, tuple[int, Size]] = {}
        self._taken = 0
        self._looked = 0.0
        self._seeded = False

    def reset(self) -> None:
        """Forget what this process knows, in a forked child: it is read again."""
        self._shared.after_fork()
        self._books.clear()
        self._releases.clear()
        self._begin()

    def admit(self, cause: str, labels: Labels) -> bool:
        """Return whether something named may have series of its own; once it may, it always may."""
        key, owner = digest(cause, labels), digest(PUBLISHER, labels[:1])
        if key in self._admitted:
            return True
        books = self._of(cause)
        cost = books.cost(cause, labels)
        if self._taken and not books.fits(owner, cost):
            # The others only grow, so it does not fit any more; another worker may know it.
            return self._look() and key in self._admitted
        with self._shared.held() as held:
            self._read()
            fits = key not in self._admitted and books.fits(owner, cost)
            if fits:
                self._admit(key, owner, cost, books)
            self._write_all(held=held)
            return fits or key in self._admitted

    def record(self, cause: str, labels: Labels) -> None:
        """Take account of something that has its series already, whatever the limits are."""
        key = digest(cause, labels)
        if key in self._admitted:
            return
        with self._shared.held() as held:
            self._read()
            self._record(key, cause, labels)
            self._write_all(held=held)

    def _record(self, key: int, cause: str, labels: Labels) -> None:
        if key not in self._admitted:
            books = self._of(cause)
            self._admit(key, digest(PUBLISHER, labels[:1]), books.cost(cause, labels), books)

    def _of(self, cause: str) -> Books:
        return self._releases if cause == RELEASES else self._books

    def filled(self) -> Filled:
        """Return how full the exposition of all workers is, but for releases."""
        with self._shared.read():
            self._read()
            return self._books.filled()

    def releases_filled(self) -> float:
        """Return which part is taken of what releases of all workers may come to."""
        with self._shared.read():
            self._read()
            return self._releases.part()

    def _look(self) -> bool:
        now = time.monotonic()
        if now - self._looked < _LOOK_SECONDS:
            return False
        self._looked = now
        with self._shared.read():
            self._read()
        return True

    # --- the file --------------------------------------------------------------------------------

    def _read(self) -> None:
        """Take account of what other workers have admitted."""
        head = self._shared.cells(("0",))
        if not self._seeded:
            self._seeded = True
            if head is None or not head[0]:
                self._seed()
                return
        while head is not None and self._taken < head[0]:
            place, self._taken = self._taken, self._taken + 1
            link, first, _ = _place(place)
            cells = self._shared.cells((str(link),))
            if cells is None:  # the disk had no room for what another worker has admitted
                continue
            key, owner, samples, size = [cells[first + cell] for cell in range(_ENTRY)]
            self._apart.pop(key, None)
            if key and key not in self._admitted and size >= 0:
                self._admitted.add(key)
                books = self._releases if samples < 0 else self._books
                books.add(owner, Size(abs(samples), size))

    def _seed(self) -> None:
        """Take account of what is in a directory that was written before there was such a file."""
        if not self._directory.slots():
            return
        view = View(self._directory, list)
        try:
            view.refresh()
            for kind, labels in view.fresh():
                for cause, ids in named(kind, labels):
                    self._record(digest(cause, ids), cause, ids)
        finally:
            view.close()

    def _admit(self, key: int, owner: int, cost: Size, books: Books) -> None:
        written = Size(-cost.samples, cost.bytes) if books is self._releases else cost
        self._apart[key] = owner, written
        self._admitted.add(key)
        books.add(owner, cost)

    def _write_all(self, *, held: bool) -> None:
        """Write down what was admitted, if the file may be written to and has room."""
        while held and self._apart:
            try:
                key = next(iter(self._apart))
                owner, cost = self._apart.pop(key)
            except (RuntimeError, StopIteration, KeyError):
                continue  # a signal handler that came in between has changed it
            # The place is taken first: a signal handler that comes here now takes the next one.
            place, self._taken = self._taken, self._taken + 1
            link, first, length = _place(place)
            cells = self._shared.cells((str(link),)) or self._shared.make((str(link),), length)
            if cells is None:
                self._taken = min(self._taken, place)
                self._apart[key] = owner, cost
                break
            for cell, value in enumerate((key, owner, *cost)):
                cells[first + cell] = value
            head = self._shared.cells(("0",))
            if head is not None:
                head[0] = max(head[0], place + 1)
        if self._apart:
            self._directory.owing[SHARES] = self._settle
        else:
            self._directory.owing.pop(SHARES, None)

    def _settle(self) -> None:
        with self._shared.held() as held:
            self._read()
            self._write_all(held=held)


def _place(place: int) -> tuple[int, int, int]:
    """Return the block of an entry, the cell at which it begins, and the cells of the block."""
    if place < _FIRST:
        return 0, 1 + _ENTRY * place, 1 + _ENTRY * _FIRST
    link, place = divmod(place - _FIRST, _FURTHER)
    return link + 1, _ENTRY * place, _ENTRY * _FURTHER
