"""Locks on files, which the kernel lets go when their holder dies.

Whoever holds one does so for microseconds, but for a disk that is slow. Somebody who was stopped
meanwhile, or holds it to stop others, must not: so nobody waits longer than it takes to see that
the holder is at nothing. As long as the lock goes from hand to hand, which its file says, it is
worth waiting for, however many want it and however busy the machine is.
"""

import fcntl
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

from agent_analytics.processor.private_files import open_private

_SHORTEST_SECONDS: Final = 0.001
_PAUSE_SECONDS: Final = 0.01
#: How often longer than for a holder that does nothing is waited for a lock that goes round.
_ROUNDS: Final = 10
_HAND: Final = 8


def lock_file(
    path: Path, seconds: float, *, shared: bool = False, create: bool = True
) -> int | None:
    """Return a descriptor that holds a lock on ``path``, or ``None`` if it was not to be had.

    Args:
        path: The file.
        seconds: How long to wait.
        shared: Whether others may hold it, too.
        create: Whether to make the file.

    Raises:
        OSError: The file cannot be opened, or not be locked.
    """
    descriptor = open_private(path, create=create)
    try:
        if acquire(descriptor, fcntl.LOCK_SH if shared else fcntl.LOCK_EX, seconds):
            return descriptor
    except BaseException:
        os.close(descriptor)
        raise
    os.close(descriptor)
    return None


def lock_in_turn(path: Path, seconds: float) -> int | None:
    """Return a descriptor that holds the lock on a file that says nothing else.

    Args:
        path: The file; it says whose turn it is.
        seconds: How long to wait for a holder in whose hands it stays; ten times as long for a
            lock that goes from hand to hand.

    Raises:
        OSError: The file cannot be opened, or not be locked.
    """
    descriptor = open_private(path)
    try:
        held = acquire(descriptor, fcntl.LOCK_EX, seconds, in_turn=True)
    except BaseException:
        os.close(descriptor)
        raise
    if not held:
        os.close(descriptor)
        return None
    with suppress(OSError):  # a full disk
        os.pwrite(descriptor, os.urandom(_HAND), 0)
    return descriptor


def acquire(descriptor: int, kind: int, seconds: float, *, in_turn: bool = False) -> bool:
    """Lock a file, and return whether that was possible in time.

    Raises:
        OSError: It cannot be locked.
    """
    begin = since = time.monotonic()
    hand = b""
    pause = _SHORTEST_SECONDS
    while True:
        try:
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            now = time.monotonic()
            if in_turn and seconds and now - begin < seconds * _ROUNDS:
                hand, before = _hand(descriptor), hand
                since = since if hand == before else now
            if now - since >= seconds:
                return False
            time.sleep(pause)
            pause = min(2 * pause, _PAUSE_SECONDS)
        else:
            return True


def _hand(descriptor: int) -> bytes:
    try:
        return os.pread(descriptor, _HAND, 0)
    except OSError:
        return b""


def unlock(descriptor: int) -> None:
    """Let a lock go, also where a forked child has a copy of the descriptor."""
    with suppress(OSError):  # closed by a daemon, with all that it found open
        fcntl.flock(descriptor, fcntl.LOCK_UN)
        os.close(descriptor)
