"""Files that are ours alone: regular ones, which nobody else on the machine reads or writes.

Whatever else has the name of such a file (a pipe, a device, a link, a directory) is neither opened
nor changed: opening a pipe may wait for ever, and opening a device may do anything.
"""

import errno
import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import Final

FILE_MODE: Final = 0o600
DIRECTORY_MODE: Final = 0o700
_OTHERS: Final = 0o077
#: Not through a link, not waiting, and not becoming the terminal of the process.
_FLAGS: Final = os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY
_KINDS: Final = {
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFDIR: "a directory",
    stat.S_IFLNK: "a symbolic link",
}


class OddFileError(OSError):
    """Something that is no regular file has the name of one."""


def open_private(path: Path, *, create: bool = True, write: bool = True) -> int:
    """Open a regular file that only its owner may read, made if it is not there.

    Args:
        path: The file. One that others may read or write is taken from them.
        create: Whether to make it.
        write: Whether to open it for writing, too.

    Returns:
        A descriptor, which a program that is started does not inherit.

    Raises:
        OddFileError: It is no regular file; it is left alone.
        OSError: It cannot be opened.
    """
    with suppress(FileNotFoundError):
        _check(path, os.lstat(path).st_mode)
    flags = _FLAGS | (os.O_RDWR if write else os.O_RDONLY)
    try:
        descriptor = os.open(path, flags | (os.O_CREAT if create else 0), FILE_MODE)
    except OSError as error:
        if error.errno == errno.ELOOP:  # it has become a link meanwhile
            raise _odd(path, stat.S_IFLNK) from error
        raise
    try:
        mode = os.fstat(descriptor).st_mode
        _check(path, mode)
        if mode & _OTHERS or not mode & stat.S_IWUSR:
            _chmod(descriptor, FILE_MODE)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def make_private_directory(path: Path) -> None:
    """Make a directory that only its owner may look into, and by the umask those that it is in.

    Raises:
        OSError: It cannot be made, or something else has its name.
    """
    for each in (*reversed(path.parents), path):
        try:
            each.mkdir(DIRECTORY_MODE if each is path else 0o777)
        except FileExistsError:
            if not each.is_dir():
                raise
        except OSError:
            # Nobody need be allowed to write where the directories above are.
            if not each.is_dir():
                raise
        else:
            # The umask may have taken more than others' rights.
            made = 0 if each is path else stat.S_IMODE(each.stat().st_mode)
            each.chmod(made | DIRECTORY_MODE)


def open_to_others(path: Path) -> bool:
    """Return whether others than its owner may look into a directory."""
    return bool(path.stat().st_mode & _OTHERS)


def is_shared(path: Path) -> bool:
    """Return whether a directory is one that everybody makes files in, such as ``/tmp``."""
    return bool(path.stat().st_mode & stat.S_ISVTX)


def make_private(path: Path) -> bool:
    """Take a directory from all but its owner, and return whether that could be done."""
    with suppress(OSError):
        path.chmod(DIRECTORY_MODE)
    return not open_to_others(path)


def _chmod(descriptor: int, mode: int) -> None:
    # A file of somebody else's that may be written to is used as it is.
    with suppress(OSError):
        os.fchmod(descriptor, mode)


def _check(path: Path, mode: int) -> None:
    if not stat.S_ISREG(mode):
        raise _odd(path, stat.S_IFMT(mode))


def _odd(path: Path, kind: int) -> OddFileError:
    what = _KINDS.get(kind, "no file")
    return OddFileError(errno.EINVAL, f"{path.name} is {what} and no regular file")
