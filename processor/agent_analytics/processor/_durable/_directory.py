"""A state directory: whose it is, its slots, and who holds them.

Every worker holds one slot, by a lock on the slot's file that the kernel lets go when the worker
dies, however it dies. The lock belongs to a descriptor of its own: a mapping keeps a duplicate of
the descriptor that it was made from, and would keep the lock with it in a forked child.
"""

import fcntl
import hashlib
import json
import logging
import os
import time
from collections.abc import Generator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Final

from agent_analytics.processor._durable import _format as form
from agent_analytics.processor._durable._file import BlockFile, FileError
from agent_analytics.processor._durable._identity import (
    IDENTITY,
    LOCK,
    is_ours,
    number_of,
    read_identity,
    slot_name,
)
from agent_analytics.processor.machine import boot
from agent_analytics.processor.private_files import (
    OddFileError,
    is_shared,
    make_private,
    make_private_directory,
    open_private,
    open_to_others,
)

logger: Final = logging.getLogger("agent_analytics")

_LOCK_SECONDS: Final = 1.0
#: How long the lock is not waited for again, when it was waited for in vain.
_IMPATIENT_SECONDS: Final = 60.0
_RETRY_SECONDS: Final = 0.001
_MAX_SLOTS: Final = 10_000
_DIGEST: Final = 16


class DirectoryError(Exception):
    """A state directory that cannot be used; the message tells a person why."""


def lock_file(
    path: Path, seconds: float, *, shared: bool = False, create: bool = True
) -> int | None:
    """Return a descriptor that holds a lock on ``path``, or ``None`` if it was not to be had.

    Raises:
        OSError: The file cannot be opened.
    """
    descriptor = open_private(path, create=create)
    if _flock(descriptor, fcntl.LOCK_SH if shared else fcntl.LOCK_EX, seconds):
        return descriptor
    os.close(descriptor)
    return None


def _flock(descriptor: int, kind: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                return False
            time.sleep(_RETRY_SECONDS)
        else:
            return True


def unlock(descriptor: int) -> None:
    """Let a lock go, also where a forked child has a copy of the descriptor."""
    with suppress(OSError):  # closed by a daemon, with all that it found open
        fcntl.flock(descriptor, fcntl.LOCK_UN)
        os.close(descriptor)


class StateDirectory:
    """Slots of the workers of one service.

    Args:
        path: The directory; made if it does not exist.
        service: Name of the service; empty where it is not known, and then not compared.
        key: Secret that tenants are hashed with; only a digest of it is stored.
    """

    def __init__(self, path: Path, service: str, key: bytes) -> None:
        self.path = path
        self.service = service
        self._service = hashlib.blake2b(service.encode(), digest_size=_DIGEST).digest()
        self.key = hashlib.blake2b(key, digest_size=8, person=b"agent-analytics").digest()
        self._said: set[str] = set()
        #: When the lock of the directory is worth waiting for again, on the monotonic clock.
        self._patient = 0.0

    def say(self, message: str) -> None:
        """Log a message, once in this process."""
        if message not in self._said:
            self._said.add(message)
            logger.error("agent-analytics: state directory %s: %s", self.path, message)

    def prepare(self) -> None:
        """Make the directory, and see that it is for this service, and for no other user.

        Raises:
            DirectoryError: It cannot be used.
        """
        try:
            make_private_directory(self.path)
            self._shut()
            with self.locked(needed=True):
                self._identify()
        except OSError as error:
            msg = f"cannot be written to ({error.strerror or error})"
            raise DirectoryError(msg) from error

    def _shut(self) -> None:
        """Take a directory that an earlier version made from all other users."""
        if not open_to_others(self.path):
            return
        names = os.listdir(self.path)  # noqa: PTH208 - names alone
        if is_shared(self.path) or not all(map(is_ours, names)):
            self.say(
                "it is shared, or has files of others, so other users may look into it as before; "
                "what is ours in it is for its owner alone. Give the service a directory of its own"
            )
        elif not make_private(self.path):
            self.say("other users may look into it, and it is not ours to change: chmod 700 it")

    def _identify(self) -> None:
        path = self.path / IDENTITY
        try:
            known, damaged = read_identity(path)
        except OddFileError as error:
            self.say(f"{error.strerror}; it is left alone, and whose the directory is not known")
            return
        if damaged:
            self.say(f"{IDENTITY} is damaged; it is written anew")
        version = known.get("format", 1)
        if isinstance(version, int) and version > form.VERSION:
            msg = f"it was written by a later version of agent-analytics (format {version})"
            raise DirectoryError(msg)
        service = known.get("service", "")
        if service and self.service and service != self.service:
            msg = (
                f"it belongs to service {service!r} and this is {self.service!r}; two services "
                "need two directories"
            )
            raise DirectoryError(msg)
        if not known or (self.service and not service):
            self._write_identity(path, {"format": form.VERSION, "service": self.service or service})

    def _write_identity(self, path: Path, document: dict[str, object]) -> None:
        fresh = path.with_suffix(".new")
        try:
            with suppress(FileNotFoundError):
                fresh.unlink()  # left by somebody who was killed, or none of ours
            with os.fdopen(open_private(fresh), "w") as file:
                file.write(json.dumps(document) + "\n")
            fresh.replace(path)
        except OSError as error:
            self.say(f"{IDENTITY} cannot be written ({error.strerror or error})")

    @contextmanager
    def locked(self, *, needed: bool = False) -> Generator[None]:
        """Hold the lock of the directory; go on without where it is not to be had for a second.

        Args:
            needed: Whether to raise where there can be no lock, as of a disk that fails.

        Whoever holds it does so for microseconds. One that was stopped meanwhile, or that holds
        it to stop others, must not: it is waited for once in a while and not each time.
        """
        now = time.monotonic()
        try:
            descriptor = lock_file(self.path / LOCK, _LOCK_SECONDS if now >= self._patient else 0)
        except FileNotFoundError:  # the directory was removed
            descriptor = None
        except OddFileError as error:
            self.say(f"{error.strerror}; it is left alone")
            descriptor = None
        except OSError as error:
            if needed:
                raise
            self._say_unreadable(error)
            descriptor = None
        else:
            self._patient = 0.0 if descriptor is not None else now + _IMPATIENT_SECONDS
        try:
            yield
        finally:
            if descriptor is not None:
                unlock(descriptor)

    # --- slots -----------------------------------------------------------------------------------

    def slots(self) -> list[int]:
        """Return the numbers of the slots that have a file."""
        numbers: list[int] = []
        try:
            names = os.listdir(self.path)  # noqa: PTH208 - a third of the time, each scrape
        except FileNotFoundError:
            return numbers
        except OSError as error:
            self._say_unreadable(error)
            return numbers
        for name in names:
            number = number_of(name)
            if number is not None:
                numbers.append(number)
        return sorted(numbers)

    def _say_unreadable(self, error: OSError) -> None:
        self.say(
            f"it cannot be read now ({error.strerror or error}); what is known of it is shown, "
            "and this process counts on"
        )

    def slot_path(self, number: int) -> Path:
        """Return where the file of a slot is."""
        return self.path / slot_name(number)

    def take_slot(self, *, alone: bool = True) -> tuple[int, int, BlockFile]:
        """Take the lowest free slot: its number, the descriptor that holds its lock, its file.

        Args:
            alone: Whether to wait for others to be done with the directory.

        Raises:
            OSError: The disk is full, mostly.
            DirectoryError: There is no free slot.
        """
        if not self.path.is_dir():  # it was removed since
            self.prepare()
        with self.locked() if alone else nullcontext():
            for number in range(_MAX_SLOTS):
                path = self.slot_path(number)
                try:
                    lock = lock_file(path, 0)
                except OddFileError as error:
                    self.say(f"{error.strerror}; it is left alone")
                    continue
                if lock is None:
                    continue
                try:
                    taken = self._taken(path)
                except BaseException:
                    unlock(lock)
                    raise
                if taken is not None:
                    return number, lock, taken
                unlock(lock)
        msg = "it has no free slot"
        raise DirectoryError(msg)

    def mend(self, file: BlockFile) -> None:
        """Write down again what is known of a slot that was cut off, and that no worker has.

        Raises:
            OSError: The disk is full, mostly.
        """
        with self.locked():
            lock = lock_file(file.path, 0, create=False)
            if lock is not None:
                try:
                    file.mend()
                finally:
                    unlock(lock)

    def empty_slot(self) -> tuple[int, int]:
        """Take the lowest slot that nobody has ever used: its number, and what holds its lock.

        Raises:
            OSError: There is no room for it, mostly.
            DirectoryError: There is no free slot.
        """
        with self.locked():
            for number in range(_MAX_SLOTS):
                try:
                    lock = lock_file(self.slot_path(number), 0)
                except OddFileError:
                    continue
                if lock is not None:
                    if os.fstat(lock).st_size == 0:
                        return number, lock
                    unlock(lock)
        msg = "it has no free slot"
        raise DirectoryError(msg)

    def _taken(self, path: Path, *, create: bool = True) -> BlockFile | None:
        file = self.open_file(path, create=create)
        if file is None:
            return None
        counters = file.counters
        anew = file.take()
        if anew:
            self.say(f"{path.name} was cut short; {anew} block of series begins again at 0")
        missing = file.missing()
        if missing > counters[form.SAID]:
            self.say(
                f"{path.name}: {missing - counters[form.SAID]} of {len(file.blocks) + missing} "
                "blocks of series are damaged and begin again at 0; the others are whole"
            )
        counters[form.SAID] = missing
        now = boot()
        if counters[form.BOOT] not in {0, now}:
            # After a crash of the machine, pages may be older than what was last scraped. What
            # has a history is shown at once: held at 0, all of it would seem to happen again.
            for stored in file.blocks.values():
                stored.state[form.LIVE] = 1
        counters[form.BOOT] = now
        counters[form.PID] = os.getpid()
        return file

    def open_file(self, path: Path, *, create: bool = True) -> BlockFile | None:
        """Map a file of the directory; ``None`` if it is none that can be used, which is said.

        Raises:
            OSError: It cannot be opened, or the disk is full.
        """
        descriptor = open_private(path, create=create)
        try:
            file = BlockFile.open(path, descriptor)
            if file is None and create:
                file = BlockFile.create(path, descriptor, self._service, self.key)
                self._keep_name()
        except FileError as error:
            self.say(str(error))
            file = None
        except BaseException:
            os.close(descriptor)
            raise
        if file is None:
            os.close(descriptor)
        return file

    def _keep_name(self) -> None:
        """Put the name of a new file on the disk, too."""
        descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def view_file(self, number: int) -> BlockFile | None:
        """Map the file of a slot to read it; ``None`` if it cannot be.

        One that was cut short, and has no worker to see to it, is seen to first.

        Raises:
            OSError: It cannot be opened.
        """
        path = self.slot_path(number)
        if not form.is_whole(path.stat().st_size):
            with self.locked():
                lock = lock_file(path, 0, create=False)
                if lock is not None:
                    try:
                        return self._taken(path, create=False)
                    finally:
                        unlock(lock)
        return self.open_file(path, create=False)

    def alive(self, number: int) -> bool:
        """Tell whether a worker holds a slot.

        Called with the directory's lock held, so that no worker in search of a slot finds this
        one busy for being asked about.
        """
        try:
            descriptor = lock_file(self.slot_path(number), 0, shared=True, create=False)
        except OSError:
            return False
        if descriptor is None:
            return True
        unlock(descriptor)
        return False
