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
from typing import Final, cast

from agent_analytics.processor._durable import _format as form
from agent_analytics.processor._durable._file import BlockFile, FileError

logger: Final = logging.getLogger("agent_analytics")

_IDENTITY: Final = "service.json"
_LOCK: Final = "lock"
_SLOT: Final = "slot-"
EVENT_IDS: Final = "event-ids"
_LOCK_SECONDS: Final = 1.0
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
    flags = os.O_RDWR | os.O_CLOEXEC | (os.O_CREAT if create else 0)
    descriptor = os.open(path, flags, 0o666)
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
    with suppress(OSError):
        fcntl.flock(descriptor, fcntl.LOCK_UN)
    os.close(descriptor)


def boot() -> int:
    """Return a number that is another one after the machine was started anew; 0 if unknown."""
    try:
        text = Path("/proc/sys/kernel/random/boot_id").read_bytes().strip()
    except OSError:
        return 0
    return int.from_bytes(hashlib.blake2b(text, digest_size=7).digest(), "little") + 1


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

    def say(self, message: str) -> None:
        """Log a message, once in this process."""
        if message not in self._said:
            self._said.add(message)
            logger.error("agent-analytics: state directory %s: %s", self.path, message)

    def prepare(self) -> None:
        """Make the directory, and see that it is for this service.

        Raises:
            DirectoryError: It cannot be used.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            with self.locked():
                self._identify()
        except OSError as error:
            msg = f"cannot be written to ({error.strerror or error})"
            raise DirectoryError(msg) from error

    def _identify(self) -> None:
        path = self.path / _IDENTITY
        try:
            document: object = json.loads(path.read_bytes())
        except FileNotFoundError:
            document = None
        except ValueError:
            self.say(f"{_IDENTITY} is damaged; it is written anew")
            document = None
        known: dict[str, object] = (
            cast("dict[str, object]", document) if isinstance(document, dict) else {}
        )
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
            fresh = path.with_suffix(".new")
            text = {"format": form.VERSION, "service": self.service or service}
            fresh.write_text(json.dumps(text) + "\n")
            fresh.replace(path)

    @contextmanager
    def locked(self) -> Generator[None]:
        """Hold the lock of the directory; go on without after some seconds.

        Whoever holds it does so for microseconds. One that was stopped meanwhile must not stop
        everybody else.
        """
        descriptor = lock_file(self.path / _LOCK, _LOCK_SECONDS)
        try:
            yield
        finally:
            if descriptor is not None:
                unlock(descriptor)

    # --- slots -----------------------------------------------------------------------------------

    def slots(self) -> list[int]:
        """Return the numbers of the slots that have a file."""
        numbers: list[int] = []
        with suppress(FileNotFoundError):
            for name in os.listdir(self.path):  # noqa: PTH208 - a third of the time, each scrape
                digits = name.removeprefix(_SLOT)
                if digits != name and digits.isdigit():
                    numbers.append(int(digits))
        return sorted(numbers)

    def slot_path(self, number: int) -> Path:
        """Return where the file of a slot is."""
        return self.path / f"{_SLOT}{number:04d}"

    def take_slot(self, *, alone: bool = True) -> tuple[int, int, BlockFile]:
        """Take the lowest free slot: its number, the descriptor that holds its lock, its file.

        Args:
            alone: Whether to wait for others to be done with the directory.

        Raises:
            OSError: The disk is full, mostly.
            DirectoryError: There is no free slot.
        """
        with self.locked() if alone else nullcontext():
            for number in range(_MAX_SLOTS):
                path = self.slot_path(number)
                lock = lock_file(path, 0)
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
        flags = os.O_RDWR | os.O_CLOEXEC | (os.O_CREAT if create else 0)
        descriptor = os.open(path, flags, 0o666)
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
