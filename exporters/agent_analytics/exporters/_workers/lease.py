"""Who serves the metrics of a state directory: a file that is locked, and touched as time goes by.

The kernel lets the lock go when the holder dies. A holder that is stopped, or hangs, keeps the
lock and touches nothing: another worker then puts a file of its own in place of the holder's. So
the lock counts only on the file that has the name.
"""

import fcntl
import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Final, cast

from agent_analytics.processor.private_files import make_private_directory, open_private

_LONGEST: Final = 4096

#: By what a file and its last touch differ from others: inode and time of change.
Sign = tuple[int, int]


class Lease:
    """The right to serve, as one worker sees it.

    Args:
        path: The file; the worker that has it locked serves.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = -1
        #: Whether nobody had ever served when the lease was taken, as far as the file says.
        self.fresh = False

    @property
    def held(self) -> bool:
        """Whether this worker had the lease when it last looked."""
        return self._descriptor >= 0

    def take(self) -> bool:
        """Take the lease, unless another one has it.

        Raises:
            OSError: The file cannot be used.
        """
        descriptor = self._open()
        if not _locked(descriptor) or not self._named(descriptor):
            os.close(descriptor)
            return False
        self._descriptor = descriptor
        self.fresh = not os.pread(descriptor, 1, 0)
        return True

    def _open(self) -> int:
        try:
            return open_private(self._path)
        except FileNotFoundError:  # the directory was removed
            make_private_directory(self._path.parent)
            return open_private(self._path)

    def take_from(self, sign: Sign | None) -> bool:
        """Take the lease of a holder that does not live, if the holder is still the same.

        Args:
            sign: What was seen of the holder.

        Raises:
            OSError: The file cannot be used.
        """
        heir = open_private(self._path.with_suffix(".heir"))  # one at a time
        try:
            if not _locked(heir) or self.sign() != sign:
                return False
            mine = self._path.with_suffix(".new")
            with suppress(FileNotFoundError):
                mine.unlink()
            descriptor = open_private(mine)
            _locked(descriptor)
            if known := self.holder():  # which sockets are ours must not be lost
                _write(descriptor, known)
            mine.replace(self._path)
            self._descriptor = descriptor
            return True
        finally:
            os.close(heir)

    def sign(self) -> Sign | None:
        """Return what changes when the holder lives, or None where there is no file."""
        try:
            status = os.lstat(self._path)
        except OSError:
            return None
        return status.st_ino, status.st_mtime_ns

    def holder(self) -> dict[str, object]:
        """Return what the holder has written down; nothing where that cannot be read."""
        try:
            descriptor = open_private(self._path, create=False, write=False)
        except OSError:
            return {}
        try:
            document: object = json.loads(os.read(descriptor, _LONGEST))
        except (OSError, ValueError, RecursionError):
            return {}
        finally:
            os.close(descriptor)
        return cast("dict[str, object]", document) if isinstance(document, dict) else {}

    def write(self, holder: dict[str, object]) -> None:
        """Write down where this worker serves, if it has the lease."""
        if self._descriptor < 0:
            return
        _write(self._descriptor, holder)

    def beat(self) -> bool:
        """Say that this worker lives, and return whether it still has the lease."""
        if not self._named(self._descriptor):
            return False
        with suppress(OSError):  # a disk that is read-only; who doubts it asks the port
            os.utime(self._descriptor)
        return True

    def _named(self, descriptor: int) -> bool:
        own = os.fstat(descriptor)
        try:
            status = os.lstat(self._path)
        except OSError:
            return False
        return (own.st_dev, own.st_ino) == (status.st_dev, status.st_ino)

    def give_up(self, *, unlock: bool = True) -> None:
        """Let the lease go, or in a forked child leave it to the parent."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor < 0:
            return
        if unlock:
            with suppress(OSError):
                fcntl.flock(descriptor, fcntl.LOCK_UN)
        os.close(descriptor)


def _write(descriptor: int, holder: dict[str, object]) -> None:
    with suppress(OSError):  # the lock says enough
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps(holder).encode(), 0)


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
