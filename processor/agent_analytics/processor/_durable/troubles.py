"""What fails of a state directory now: said when it begins, and when it is over."""

import errno
import logging
import os
from pathlib import Path
from typing import Final, TypeGuard

from agent_analytics.processor.private_files import OddFileError

logger: Final = logging.getLogger("agent_analytics")

#: What a person does about an error of the system.
_ADVICE: Final = {
    errno.EACCES: "let the user that runs the service, {user}, read and write there",
    errno.EPERM: "let the user that runs the service, {user}, read and write there",
    errno.EROFS: "mount its file system for writing",
    errno.ENOSPC: "make room on its file system",
    errno.EDQUOT: "raise the quota of the user that runs the service, {user}, or make room",
    errno.EFBIG: "raise the limit on the size of files (ulimit -f)",
    errno.EIO: "look after its disk, of which the kernel's log says more",
    errno.ESTALE: "mount its file system again, or take a directory on a local disk",
    errno.ENOLCK: "take a directory on a local disk",
    errno.EMFILE: "raise the limit on open files (ulimit -n)",
    errno.ENFILE: "raise the limit on open files of the machine",
    errno.ENOMEM: "give the process more memory",
}


def reason(error: Exception) -> str:
    """Return what is wrong, without a path: the message names one."""
    return str(getattr(error, "strerror", None) or error)


def advice(error: Exception) -> str:
    """Return what a person may do about an error; empty where nothing is known."""
    number = None if isinstance(error, OddFileError) else getattr(error, "errno", None)
    found = _ADVICE.get(number or 0, "")
    return found and ". What to do: " + found.format(user=f"uid {os.geteuid()}")


def may_pass(error: BaseException | None) -> TypeGuard[OSError]:
    """Return whether an error is one of those that are gone when somebody has done something."""
    return isinstance(error, OSError) and error.errno in _ADVICE


class Troubles:
    """What this process could not do in a state directory when it last tried.

    Args:
        path: The directory.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._said: set[str] = set()
        self._failing: dict[str, str] = {}

    def __bool__(self) -> bool:
        """Return whether anything fails now."""
        return bool(self._failing)

    def say(self, message: str) -> None:
        """Log a message, once in this process."""
        if message not in self._said:
            self._said.add(message)
            logger.error("agent-analytics: state directory %s: %s", self._path, message)

    def fail(self, what: str, error: Exception, then: str) -> None:
        """Note that something fails, which is said once, with what to do about it.

        Args:
            what: What cannot be used.
            error: Why.
            then: What happens instead.
        """
        cause = error.__cause__ if isinstance(error.__cause__, OSError) else error
        why = reason(cause)
        if self._failing.get(what) != why:
            self._failing[what] = why
            what_to_do = advice(cause)
            if what_to_do in self._said:
                what_to_do = ""
            self._said.add(what_to_do)
            self.say(f"{what} cannot be used ({why}); {then}{what_to_do}")

    def work(self, what: str) -> None:
        """Note that something works, which is said where it did not."""
        if what in self._failing:
            del self._failing[what]
            logger.warning(
                "agent-analytics: state directory %s: %s can be used again", self._path, what
            )

    def forget(self) -> None:
        """Forget what fails, in a forked child: it has tried nothing yet."""
        self._failing.clear()
