"""A state directory: whose it is, which slots it has, and which of them have a worker."""

import errno
import hashlib
import json
import os
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from agent_analytics.processor._durable._files import format as form
from agent_analytics.processor._durable._files.file import BlockFile, FileError
from agent_analytics.processor._durable._files.identity import (
    IDENTITY,
    LOCK,
    is_ours,
    number_of,
    read_identity,
    slot_name,
)
from agent_analytics.processor._durable._files.locks import lock_file, lock_in_turn, unlock
from agent_analytics.processor._durable.troubles import Troubles, reason
from agent_analytics.processor.private_files import (
    OddFileError,
    is_shared,
    make_private,
    make_private_directory,
    open_private,
    open_to_others,
)

#: How long the lock is waited for that stays in the same hands.
_LOCK_SECONDS: Final = 1.0
#: How long the lock is not waited for again, when it was waited for in vain.
_IMPATIENT_SECONDS: Final = 60.0
_DIGEST: Final = 16


class DirectoryError(Exception):
    """A state directory that cannot be used; the message tells a person why."""


class StateDirectory:
    """Slots of the workers of one service.

    Args:
        path: The directory; made if it does not exist.
        service: Name of the service; empty where it is not known, and then not compared.
        key: Secret that tenants are hashed with; only a digest of it is stored.

    Attributes:
        troubles: What fails of it now.
        ready: Whether it was seen that it is for this service.
        owing: What writes down later what could not be written to a file, by the file's name.
    """

    def __init__(self, path: Path, service: str, key: bytes) -> None:
        self.path = path
        self.service = service
        self.digest = hashlib.blake2b(service.encode(), digest_size=_DIGEST).digest()
        self.key = hashlib.blake2b(key, digest_size=8, person=b"agent-analytics").digest()
        self.troubles = Troubles(path)
        self.ready = False
        self.owing: dict[str, Callable[[], None]] = {}
        #: When the lock of the directory is worth waiting for again, on the monotonic clock.
        self._patient = 0.0

    def say(self, message: str) -> None:
        """Log a message, once in this process."""
        self.troubles.say(message)

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
            why = "something else has its name" if error.errno == errno.EEXIST else reason(error)
            msg = f"cannot be written to ({why})"
            raise DirectoryError(msg) from error
        self.ready = True
        self.troubles.work("the directory")

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
            self.say(
                "other users may look into it, and it is not this user's to change; what is ours "
                "in it is for its owner alone"
            )

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
    def locked(self, *, needed: bool = False) -> Generator[bool]:
        """Hold the lock of the directory; go on without where it is not to be had.

        Args:
            needed: Whether to raise where there can be no lock, as of a disk that fails.

        Yields:
            Whether it is held. What is taken, made or mended has a lock of its own; without this
            one a worker may only find a slot busy that is being asked after.

        Somebody may be stopped with the lock: it is waited for once in a while, and not each time.
        """
        now = time.monotonic()
        descriptor: int | None
        try:
            seconds = _LOCK_SECONDS if now >= self._patient else 0
            descriptor = lock_in_turn(self.path / LOCK, seconds)
        except FileNotFoundError:  # the directory was removed
            descriptor = None
        except OddFileError as error:
            self.say(f"{error.strerror}; it is left alone")
            descriptor = None
        except OSError as error:
            if needed:
                raise
            self._unreadable("its lock", error)
            descriptor = None
        else:
            self.troubles.work("its lock")
            self._patient = 0.0 if descriptor is not None else max(now, self._patient)
            if descriptor is None and seconds:
                self._patient = time.monotonic() + _IMPATIENT_SECONDS
        try:
            yield descriptor is not None
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
            self._unreadable("it", error)
            return numbers
        self.troubles.work("it")
        for name in names:
            number = number_of(name)
            if number is not None:
                numbers.append(number)
        return sorted(numbers)

    def _unreadable(self, what: str, error: OSError) -> None:
        self.troubles.fail(what, error, "what is known of it is shown, and this process counts on")

    def slot_path(self, number: int) -> Path:
        """Return where the file of a slot is."""
        return self.path / slot_name(number)

    def open_file(self, path: Path, *, create: bool = True) -> BlockFile | None:
        """Map a file of the directory; ``None`` if it is none that can be used, which is said.

        Raises:
            OSError: It cannot be opened, or the disk is full.
        """
        descriptor = open_private(path, create=create)
        try:
            file = BlockFile.open(path, descriptor)
            if file is None and create:
                file = BlockFile.create(path, descriptor, self.digest, self.key)
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

    def alive(self, number: int) -> bool | None:
        """Tell whether a worker holds a slot; ``None`` where that cannot be seen now.

        Called with the directory's lock held, so that no worker in search of a slot finds this
        one busy for being asked about.
        """
        try:
            descriptor = lock_file(self.slot_path(number), 0, shared=True, create=False)
        except (FileNotFoundError, NotADirectoryError, OddFileError):
            return False
        except OSError:
            return None
        if descriptor is None:
            return True
        unlock(descriptor)
        return False
