"""A file of blocks that every worker writes to: a lock makes what is done in it one step."""

import fcntl
import os
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Final

from agent_analytics.processor._durable import _names
from agent_analytics.processor._durable._directory import StateDirectory, lock_file, unlock
from agent_analytics.processor._durable._parts import Part
from agent_analytics.processor._store import Cells
from agent_analytics.processor.private_files import open_private

if TYPE_CHECKING:
    from agent_analytics.processor._durable._file import BlockFile

#: Nobody holds the lock for longer than microseconds; a process that was stopped with it in its
#: hands must not stop the host.
_LOCK_SECONDS: Final = 0.05
#: The same while the file is made, which happens once and takes as long as the disk does.
_MAKING_SECONDS: Final = 1.0
#: How long the lock is not waited for again, when it was waited for in vain: each name would pay.
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
        self._failed = False
        self._patient = 0.0
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
        if self._lock >= 0 or self._failed:
            return
        path = self._directory.path / self._name
        try:
            with self._directory.locked(), _making(path):
                self._file = self._directory.open_file(path)
            if self._file is not None:
                self._lock = open_private(path, create=False)
        except OSError as error:
            self._directory.say(
                f"{self._name} cannot be used ({error.strerror or error}); {self._instead}"
            )
        self._failed = self._file is None

    @contextmanager
    def read(self) -> Generator[None]:
        """Keep other threads of this process away, and see what other workers have added."""
        with self._mutex:
            self._open()
            self._catch_up()
            yield

    @contextmanager
    def held(self) -> Generator[None]:
        """Hold the lock of the file; a finalizer or signal handler may come here again."""
        with self._mutex:
            self._open()
            held = False
            self._depth += 1
            try:
                if self._depth == 1 and self._lock >= 0:
                    held = self._acquire()
                self._catch_up()
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

    def _catch_up(self) -> None:
        file = self._file
        if file is None:
            return
        for stored in file.sync():
            if stored.entry.fingerprint == _names.FINGERPRINTS[self._schema]:
                self._parts[stored.entry.labels] = Part.of(0, stored)

    def cells(self, labels: tuple[str, ...]) -> Cells | None:
        """Return the cells of a block, or ``None`` where there is no such block."""
        part = self._parts.get(labels)
        return None if part is None else part.cells

    def make(self, labels: tuple[str, ...], size: int) -> Cells:
        """Return the cells of a new block; in memory where the disk has no room for it."""
        part = Part.in_memory(size, 0)
        if self._file is not None:
            fingerprint = _names.FINGERPRINTS[self._schema]
            try:
                stored = self._file.append(self._schema, labels, size, fingerprint, time.time_ns())
            except (OSError, ValueError) as error:
                reason = getattr(error, "strerror", None) or error
                self._directory.say(f"{self._name} cannot grow ({reason}); {self._instead}")
            else:
                part = Part.of(0, stored)
        return self._parts.setdefault(labels, part).cells
