"""The slot of one worker: taken, looked after, moved, and given up.

Where none can be taken, memory stands for one until one can be: cells never move, so nothing that
counts knows of it. The same goes for what a slot has no room to grow by.
"""

import os
import weakref
from contextlib import suppress
from typing import Final

from agent_analytics.processor._durable._files.directory import DirectoryError, StateDirectory
from agent_analytics.processor._durable._files.file import BlockFile
from agent_analytics.processor._durable._files.locks import unlock
from agent_analytics.processor._durable._files.slots import empty_slot, slot_in_memory, take_slot
from agent_analytics.processor._durable.parts import IN_MEMORY
from agent_analytics.processor.private_files import open_private

#: What fails, for messages.
_DIRECTORY: Final = "the directory"
_SLOT: Final = "a slot"
_GROWTH: Final = "room for new series"


class Slot:
    """What one worker holds of a state directory, or memory in its place.

    Args:
        directory: The state directory.

    Attributes:
        number: Of the slot; ``IN_MEMORY`` where it is none of the directory's yet.
        file: Its file.
    """

    def __init__(self, directory: StateDirectory) -> None:
        self._directory = directory
        self._begin()

    def _begin(self) -> None:
        self.number: int | None = None
        self.file: BlockFile | None = None
        self._lock = -1
        self._failed = False
        self._taking = False
        self._closer: weakref.finalize[[BlockFile, int], Slot] | None = None

    def take(self) -> bool:
        """Take a slot if there is none yet, and return whether that was now."""
        if self.file is not None or self._failed:
            return False
        # A signal handler may come here while this very thread is taking a slot: it takes one
        # of its own, and that is the worker's then.
        outermost, self._taking = not self._taking, True
        found: BlockFile | None
        try:
            number, lock, found = take_slot(self._directory, alone=outermost)
        except (OSError, DirectoryError) as error:
            number, lock, found = IN_MEMORY, -1, slot_in_memory(self._directory)
            self._directory.troubles.fail(
                self._what(),
                error,
                "no slot can be taken; this worker counts in memory "
                + ("until one can be" if found is not None else "")
                + ", and what it counts is lost if it ends before",
            )
        finally:
            if outermost:
                self._taking = False
        if found is None:
            self._failed = True
            return False
        if self._taken_meanwhile():
            _release(found, lock)
            return False
        self.number, self.file = number, found
        self._hold(found, lock)
        return True

    def _taken_meanwhile(self) -> bool:
        return self.file is not None

    def _hold(self, file: BlockFile, lock: int) -> None:
        if self._closer is not None:
            self._closer.detach()
        self._lock = lock
        self._closer = weakref.finalize(self, _release, file, lock)
        # At the end of the process spans may still end: the kernel lets the slot go after them.
        self._closer.atexit = False

    def note_growth(self) -> None:
        """Say so where memory stands for what the slot had no room to grow by."""
        file = self.file
        if file is not None and file.refused is not None:
            refused, file.refused = file.refused, None
            self._directory.troubles.fail(
                _GROWTH,
                refused,
                "new series find no room; they are counted in memory until there is some, and lost "
                "if this process ends before; the series that are stored stay stored",
            )

    def look_after(self, most: int) -> bool:
        """Mend the slot where somebody has cut it off or taken it away, and remember what it holds.

        Args:
            most: How many bytes are remembered now; others are in their turn.

        Returns:
            Whether the worker has another slot now.
        """
        file, troubles = self.file, self._directory.troubles
        if file is None:
            return False
        moved = False
        try:
            if not file.homeless and (file.lost or not file.sound()):
                self._directory.say(
                    f"{file.path.name} was cut off while in use; it is mended, and what it "
                    "counted in the last second may be lost. Find out who writes to it"
                )
                file.mend()
            if file.homeless or not file.named:
                self._move(file)
                moved = True
            if file.waiting:
                file.place()
            troubles.work(_GROWTH)
            file.keep(most)
        except (OSError, DirectoryError) as error:
            what = self._what() if file.homeless else file.path.name
            troubles.fail(what, error, "what it counts is in memory until it can be")
        else:
            troubles.work(_SLOT)
            troubles.work(file.path.name)
        return moved

    def _what(self) -> str:
        return _SLOT if self._directory.ready else _DIRECTORY

    def _move(self, file: BlockFile) -> None:
        """Go on in another slot: there was none before, or the directory was removed, mostly.

        Raises:
            OSError: There is no room for it, mostly.
            DirectoryError: The directory cannot be made again.
        """
        self._directory.prepare()
        number, lock = empty_slot(self._directory)
        path = self._directory.slot_path(number)
        homeless = file.homeless
        try:
            descriptor = open_private(path, create=False)
            try:
                file.mend(descriptor)
            except BaseException:
                os.close(descriptor)
                raise
        except BaseException:
            unlock(lock)
            raise
        if not homeless:
            self._directory.say(
                f"{file.path.name} was taken away while in use; its worker has written it again, "
                f"as {path.name}. What workers had counted that are gone is lost: stop all workers "
                "before the directory is removed"
            )
        file.path = path
        old = self._lock
        self.number = number
        self._hold(file, lock)
        if old >= 0:
            unlock(old)

    def after_fork(self) -> None:
        """Leave the slot to the parent, in a forked child."""
        if self._closer is not None:
            self._closer.detach()
        if self._lock >= 0:
            with suppress(OSError):  # a daemon has closed all that it found open
                os.close(self._lock)  # not unlocked: that would unlock the parent's
        if self.file is not None:
            self.file.close()
        self._begin()


def _release(file: BlockFile, lock: int) -> None:
    file.close()
    if lock >= 0:
        unlock(lock)
