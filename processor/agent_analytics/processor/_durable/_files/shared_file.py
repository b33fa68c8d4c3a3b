"""A file of blocks that every worker writes to: a lock makes what is done in it one step.

Who cannot have the lock, or the file, writes nothing there: whoever uses the file remembers what it
has not written, and writes that when it can.
"""

import fcntl
import os
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Final

from agent_analytics.processor._durable._files import names
from agent_analytics.processor._durable._files.directory import StateDirectory
from agent_analytics.processor._durable._files.locks import acquire, lock_file, unlock
from agent_analytics.processor._durable.parts import Part
from agent_analytics.processor._series.cells import Cells
from agent_analytics.processor.private_files import open_private

if TYPE_CHECKING:
    from agent_analytics.processor._durable._files.file import BlockFile

#: Nobody holds the lock for longer than microseconds, on a busy machine as long as others work; a
#: process that was stopped with it in its hands must not stop the host.
_LOCK_SECONDS: Final = 0.5
#: The same while the file is made, which happens once and takes as long as the disk does.
_MAKING_SECONDS: Final = 1.0
#: How long the lock is not waited for again, when it was waited for in vain: each name would pay.
#: So long a file that is none of ours is not looked at again, too.
_IMPATIENT_SECONDS: Final = 10.0


@contextmanager
def _making(path: Path) -> Generator[None]:
    """Hold the lock of a file itself: who has that of the directory may be stopped with it."""
    lock = lock_file(path, _MAKING_SECONDS)
    try:
        yield
    finally:
        if lock is not None:
            unlock(lock)


class SharedFile:
    """One file of a state directory that all workers write to.

    Args:
        directory: Where the file is.
        name: Its name.
        schema: The kind of its blocks.
        instead: What happens where it cannot be used.
    """

    def __init__(self, directory: StateDirectory, name: str, schema: str, instead: str) -> None:
        self._directory = directory
        self._name = name
        self._schema = schema
        self._instead = instead
        self._begin()

    def _begin(self) -> None:
        self._mutex = RLock()
        self._depth = 0
        self._file: BlockFile | None = None
        self._lock = -1
        self._held = False
        #: When the lock is worth waiting for again, and when the file may be there.
        self._patient = self._again = 0.0
        self._parts: dict[tuple[str, ...], Part] = {}

    def after_fork(self) -> None:
        """Begin anew in a forked child, with a lock of its own."""
        if self._lock >= 0:
            with suppress(OSError):  # a daemon has closed all that it found open
                os.close(self._lock)
        if self._file is not None:
            self._file.close()
        self._begin()

    def _open(self) -> None:
        now = time.monotonic()
        if self._lock >= 0 or now < self._again or not self._directory.ready:
            return  # whose the directory is must be known first
        path = self._directory.path / self._name
        try:
            if self._file is None:
                with self._directory.locked(), _making(path):
                    self._file = self._directory.open_file(path)
            if self._file is not None:
                self._lock = open_private(path, create=False)
            self._directory.troubles.work(self._name)
        except OSError as error:
            self._directory.troubles.fail(self._name, error, self._instead)
        else:
            self._again = 0.0 if self._lock >= 0 else now + _IMPATIENT_SECONDS

    @contextmanager
    def read(self) -> Generator[None]:
        """Keep other threads of this process away, and see what other workers have added."""
        with self._mutex:
            self._open()
            self._catch_up()
            yield

    @contextmanager
    def held(self) -> Generator[bool]:
        """Hold the lock of the file; a finalizer or signal handler may come here again.

        Yields:
            Whether the lock is held, so that the file may be written to.
        """
        with self._mutex:
            self._open()
            self._depth += 1
            try:
                if self._depth == 1 and self._lock >= 0:
                    self._held = self._acquire()
                self._catch_up()
                yield self._held
            finally:
                self._depth -= 1
                if self._depth == 0 and self._held:
                    self._held = False
                    fcntl.flock(self._lock, fcntl.LOCK_UN)

    def _acquire(self) -> bool:
        seconds = _LOCK_SECONDS if time.monotonic() >= self._patient else 0
        try:
            held = acquire(self._lock, fcntl.LOCK_EX, seconds)
        except OSError as error:
            self._directory.troubles.fail(self._name, error, self._instead)
            return False
        if not held and seconds:
            self._patient = time.monotonic() + _IMPATIENT_SECONDS
        return held

    def _catch_up(self) -> None:
        file = self._file
        if file is None:
            return
        try:
            found = file.sync()
        except OSError as error:
            self._directory.troubles.fail(self._name, error, self._instead)
            return
        for stored in found:
            if stored.entry.fingerprint == names.FINGERPRINTS[self._schema]:
                self._parts[stored.entry.labels] = Part.of(0, stored)

    def cells(self, labels: tuple[str, ...]) -> Cells | None:
        """Return the cells of a block, or ``None`` where there is no such block."""
        part = self._parts.get(labels)
        return None if part is None else part.cells

    def make(self, labels: tuple[str, ...], size: int) -> Cells | None:
        """Return the cells of a new block, or ``None`` where there is no room; while it is held."""
        if self._file is None:
            return None
        fingerprint = names.FINGERPRINTS[self._schema]
        try:
            stored = self._file.append(self._schema, labels, size, fingerprint, time.time_ns())
        except (OSError, ValueError) as error:
            self._directory.troubles.fail(self._name, error, self._instead)
            return None
        self._directory.troubles.work(self._name)
        return self._parts.setdefault(labels, Part.of(0, stored)).cells
