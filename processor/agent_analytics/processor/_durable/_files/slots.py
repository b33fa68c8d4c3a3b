"""The slots of a state directory: found, taken, made and mended.

Every worker holds one slot, by a lock on the slot's file that the kernel lets go when the worker
dies, however it dies. The lock belongs to a descriptor of its own: a mapping keeps a duplicate of
the descriptor that it was made from, and would keep the lock with it in a forked child.
"""

import os
from contextlib import nullcontext
from pathlib import Path
from typing import Final

from agent_analytics.processor._durable._files import format as form
from agent_analytics.processor._durable._files import names
from agent_analytics.processor._durable._files.directory import DirectoryError, StateDirectory
from agent_analytics.processor._durable._files.file import BlockFile
from agent_analytics.processor._durable._files.locks import lock_file, unlock
from agent_analytics.processor._durable._files.segments import can_wait
from agent_analytics.processor.machine import boot
from agent_analytics.processor.private_files import OddFileError

_MAX_SLOTS: Final = 10_000


def take_slot(directory: StateDirectory, *, alone: bool = True) -> tuple[int, int, BlockFile]:
    """Take the lowest free slot: its number, the descriptor that holds its lock, its file.

    Args:
        directory: Where to take it.
        alone: Whether to wait for others to be done with the directory.

    Raises:
        OSError: The disk is full, mostly.
        DirectoryError: There is no free slot.
    """
    if not directory.ready or not directory.path.is_dir():  # it was removed since
        directory.prepare()
    with directory.locked() if alone else nullcontext():
        for number in range(_MAX_SLOTS):
            path = directory.slot_path(number)
            lock = _lock(directory, path)
            if lock is None:
                continue
            try:
                taken = _taken(directory, path)
            except BaseException:
                unlock(lock)
                raise
            if taken is not None:
                return number, lock, taken
            unlock(lock)
    msg = "it has no free slot"
    raise DirectoryError(msg)


def slot_in_memory(directory: StateDirectory) -> BlockFile | None:
    """Return a slot that is none of the directory's yet; ``None`` where the system has no such."""
    if not can_wait():
        return None
    try:
        file = BlockFile.in_memory(directory.path, directory.digest, directory.key)
    except OSError:
        return None
    file.take()
    file.counters[form.BOOT] = boot()
    file.counters[form.PID] = os.getpid()
    return file


def _lock(directory: StateDirectory, path: Path) -> int | None:
    """Lock a slot, made if it is not there; ``None`` where it is another's, or cannot be used.

    Raises:
        OSError: It cannot be made.
    """
    try:
        lock = lock_file(path, 0)
    except OddFileError as error:
        directory.say(f"{error.strerror}; it is left alone")
        return None
    except OSError as error:
        if not path.is_file():
            raise
        directory.troubles.fail(path.name, error, "another slot is taken")
        return None
    directory.troubles.work(path.name)
    return lock


def mend(directory: StateDirectory, file: BlockFile) -> None:
    """Write down again what is known of a slot that was cut off, and that no worker has.

    Raises:
        OSError: The disk is full, mostly.
    """
    with directory.locked():
        lock = lock_file(file.path, 0, create=False)
        if lock is not None:
            try:
                file.mend()
            finally:
                unlock(lock)


def empty_slot(directory: StateDirectory) -> tuple[int, int]:
    """Take the lowest slot that nobody has ever used: its number, and what holds its lock.

    Raises:
        OSError: There is no room for it, mostly.
        DirectoryError: There is no free slot.
    """
    with directory.locked():
        for number in range(_MAX_SLOTS):
            lock = _lock(directory, directory.slot_path(number))
            if lock is not None:
                if os.fstat(lock).st_size == 0:
                    return number, lock
                unlock(lock)
    msg = "it has no free slot"
    raise DirectoryError(msg)


def _taken(directory: StateDirectory, path: Path, *, create: bool = True) -> BlockFile | None:
    file = directory.open_file(path, create=create)
    if file is None:
        return None
    file.waits = create and can_wait()
    counters = file.counters
    anew = file.take()
    if anew:
        directory.say(f"{path.name} was cut short; {anew} block of series begins again at 0")
    missing = file.missing()
    if missing > counters[form.SAID]:
        directory.say(
            f"{path.name}: {missing - counters[form.SAID]} of {len(file.blocks) + missing} "
            "blocks of series are damaged and begin again at 0; the others are whole"
        )
    counters[form.SAID] = missing
    show_at_once(file)
    counters[form.BOOT] = boot()
    counters[form.PID] = os.getpid()
    return file


def show_at_once(file: BlockFile) -> None:
    """Hold nothing back of a file that was last in use before the machine was started anew.

    After a crash of the machine, pages may be older than what was last scraped. Held at 0, all of
    what has a history would seem to happen again. In blocks of other kinds than series the cell
    means something else: a sketch has its epoch there.
    """
    if file.counters[form.BOOT] in {0, boot()}:
        return
    for stored in file.blocks.values():
        if stored.entry.schema in names.ADDED:
            stored.state[form.LIVE] = 1


def view_file(directory: StateDirectory, number: int) -> BlockFile | None:
    """Map the file of a slot to read it; ``None`` if it cannot be.

    One that was cut short, and has no worker to see to it, is seen to first.

    Raises:
        OSError: It cannot be opened.
    """
    path = directory.slot_path(number)
    if not form.is_whole(path.stat().st_size):
        with directory.locked():
            lock = lock_file(path, 0, create=False)
            if lock is not None:
                try:
                    return _taken(directory, path, create=False)
                finally:
                    unlock(lock)
    return directory.open_file(path, create=False)
