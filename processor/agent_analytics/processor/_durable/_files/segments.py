"""Mapped stretches of files, and what keeps a process alive when a file is cut off under them.

A page of a mapping that the file does not have any more, or that the disk has no room for, cannot
be read or written: the kernel sends SIGBUS, which ends the process. Looking at the size first
leaves a moment in between. So on Linux the signal is caught: memory of the process takes the place
of the stretch, in one step, with what is known of it, and the instruction is tried again. A signal
that has nothing to do with our files goes to whoever had it before.
"""

import ctypes
import mmap
import os
import signal
import sys
from threading import RLock
from typing import Any, Final, Protocol
from weakref import WeakSet

#: Of Linux on 64-bit machines: the layout of what sigaction and a handler are given.
_SA_SIGINFO: Final = 4
_SA_NODEFER: Final = 0x40000000
_SA_RESTART: Final = 0x10000000
_CODE: Final = 8
_ADDRESS: Final = 16
_MAP_FIXED: Final = 0x10
_REMAP: Final = 3  # to a place of our choice
_FAILED: Final = ctypes.c_void_p(-1).value
#: Errors of ours in a handler after which it is given up.
_MOST_ERRORS: Final = 100


class _Action(ctypes.Structure):
    _fields_ = (
        ("handler", ctypes.c_void_p),
        ("mask", ctypes.c_ulong * 16),
        ("flags", ctypes.c_int),
        ("restorer", ctypes.c_void_p),
    )


class Mapped(Protocol):
    """A file with segments, which knows what was in them."""

    @property
    def segments(self) -> "list[Segment]":
        """Its segments, in order."""
        ...

    def rescue(self, index: int) -> bool:
        """Put memory in the place of a segment; called by whoever could not read or write it."""
        ...


class Segment:
    """A stretch of a file.

    Attributes:
        memory: The mapping.
        cells: The same as 64-bit integers.
        offset: Where in the file it starts.
        lost: Whether memory of this process has taken the place of the file.
        waiting: Whether the file has never had it: there was no room, or there is no file.
        kept: What the file held when that was last looked at; may be shorter.
    """

    __slots__ = ("_address", "cells", "kept", "lost", "memory", "offset", "waiting")

    def __init__(self, descriptor: int, length: int, offset: int) -> None:
        self.lost = self.waiting = descriptor < 0
        self.memory = (
            mmap.mmap(-1, length, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
            if self.waiting
            else mmap.mmap(descriptor, length, offset=offset)
        )
        self.cells = memoryview(self.memory).cast("q")
        self.offset = offset
        self.kept = bytearray()
        self._address = ctypes.addressof(ctypes.c_char.from_buffer(self.memory))

    def holds(self, address: int) -> bool:
        """Return whether an address is in the segment."""
        return self._address <= address < self._address + len(self.cells) * 8

    def replace(self, content: bytearray) -> bool:
        """Put memory with a content in the place of the file, in one step."""
        length = len(self.cells) * 8
        library = _library
        if library is None:
            return False
        flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
        place = library.mmap(None, length, mmap.PROT_READ | mmap.PROT_WRITE, flags, -1, 0)
        if place in {None, _FAILED}:
            return False
        ctypes.memmove(place, bytes(content), min(len(content), length))
        if library.mremap(place, length, length, _REMAP, self._address) != self._address:
            return False
        self.lost = True
        return True

    def follow(self, descriptor: int) -> bool:
        """Map a file where the segment is; what is in the segment must stand in the file."""
        if _library is None:
            return False
        length = len(self.cells) * 8
        flags = mmap.MAP_SHARED | _MAP_FIXED
        protection = mmap.PROT_READ | mmap.PROT_WRITE
        place = _library.mmap(self._address, length, protection, flags, descriptor, self.offset)
        self.lost = place != self._address
        self.waiting = self.waiting and self.lost
        return not self.lost


_files: Final[WeakSet[Any]] = WeakSet()
_errors: Final = [0]
_before: Final = _Action()
#: Held while memory takes the place of a file: two threads may meet the same page.
_guards: Final = [RLock()]


def guard() -> Any:
    """Return the lock that is held while a segment is replaced."""
    return _guards[0]


def watch(file: Mapped) -> None:
    """Rescue a file's segments from now on, for as long as the file is used."""
    _files.add(file)
    if _library is not None and not _installed:
        _install(_library)


def _rescue(address: int | None) -> bool:
    """Rescue the segment of an address, or every one; return whether there was any of ours."""
    found = False
    for file in list(_files):
        for index, segment in enumerate(list(file.segments)):
            if address is None or segment.holds(address):
                found = bool(file.rescue(index)) or found
    return found


def _handle(_: int, information: int, __: int) -> None:
    try:
        code = ctypes.c_int.from_address(information + _CODE).value
        address = ctypes.c_void_p.from_address(information + _ADDRESS).value or 0
        # A handler of somebody else's that raises the signal again names no address.
        mended = _rescue(address if code > 0 else None)
    except BaseException:  # noqa: BLE001 - an exception has nowhere to go; the next try is at once
        _errors[0] += 1
        mended = _errors[0] < _MOST_ERRORS
    if not mended and _library is not None:
        _library.sigaction(signal.SIGBUS, ctypes.byref(_before), None)


_handler: Final = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)
_callback: Final[list[Any]] = []
_installed: Final[list[bool]] = []


def _open_library() -> Any:
    """Return the C library with the calls that are needed; None where the system is another."""
    if not sys.platform.startswith("linux") or ctypes.sizeof(ctypes.c_void_p) != 8:  # noqa: PLR2004 - bytes
        return None
    if os.uname().machine.startswith(("mips", "sparc", "parisc", "alpha")):
        return None  # its numbers are others
    library = ctypes.PyDLL(None, use_errno=True)  # keeps the interpreter's lock
    try:
        library.mmap.restype = library.mremap.restype = ctypes.c_void_p
        place, size, number = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int
        library.mmap.argtypes = (place, size, number, number, number, ctypes.c_long)
        library.mremap.argtypes = (place, size, size, number, place)
        library.sigaction.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)
    except AttributeError:
        return None
    return library


_library: Final = _open_library()


def can_wait() -> bool:
    """Return whether memory may stand for a stretch until a file can be mapped in its place."""
    return _library is not None


def _install(library: Any) -> None:
    _installed.append(True)
    try:
        _callback.append(_handler(_handle))
    except MemoryError:  # a machine that lets no program make code
        return
    action = _Action(flags=_SA_SIGINFO | _SA_NODEFER | _SA_RESTART)
    action.handler = ctypes.cast(_callback[0], ctypes.c_void_p)
    library.sigaction(signal.SIGBUS, ctypes.byref(action), ctypes.byref(_before))


def _after_fork() -> None:
    _guards[0] = RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
