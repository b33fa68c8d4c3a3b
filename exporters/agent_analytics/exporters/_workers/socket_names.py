"""Whose the sockets are that have a name in no file system, by what Linux says of them.

Asked by netlink (https://man7.org/linux/man-pages/man7/sock_diag.7.html): connecting fails where
who has the name does not listen, or has as many waiting as it wants, and the lines of
/proc/net/unix carry names as they are, with line feeds that make a line of somebody else's.
"""

import socket
import struct
import sys
from collections.abc import Iterator
from typing import Final

_SOCK_DIAG: Final = 4
_BY_FAMILY: Final = 20
_REQUEST_DUMP: Final = 0x301
_ERROR, _DONE = 2, 3
_ALL_STATES: Final = 0xFFFF_FFFF
_SHOW_NAME, _SHOW_USER = 0x01, 0x40
_NAME, _USER = 0, 7
#: Length, type, flags, sequence, port.
_HEADER: Final = struct.Struct("=IHHII")
#: Family, protocol, padding, states, inode, what to show, cookie.
_ASK: Final = struct.Struct("=BBHIIIII")
#: Family, type of socket, state, padding, inode, cookie.
_FOUND: Final = struct.Struct("=BBBBIII")
#: Length, type.
_ATTRIBUTE: Final = struct.Struct("=HH")
_SECONDS: Final = 1.0


def users_of(name: bytes) -> frozenset[int]:
    """Return the users whose stream sockets have a name; nobody where Linux does not say.

    Args:
        name: The name, with the NUL that it begins with.
    """
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _SOCK_DIAG) as asked:
            asked.settimeout(_SECONDS)
            question = _ASK.pack(
                socket.AF_UNIX, 0, 0, _ALL_STATES, 0, _SHOW_NAME | _SHOW_USER, 0, 0
            )
            length = _HEADER.size + len(question)
            asked.send(_HEADER.pack(length, _BY_FAMILY, _REQUEST_DUMP, 1, 0) + question)
            return frozenset(_users(asked, name))
    except (OSError, struct.error):  # not offered here, or of another form
        return frozenset()


def _users(asked: socket.socket, name: bytes) -> Iterator[int]:
    while True:
        for kind, body in _messages(asked.recv(1 << 16)):
            if kind in {_ERROR, _DONE}:
                return
            found = dict(_attributes(body[_FOUND.size :]))
            if (
                _FOUND.unpack_from(body)[1] == socket.SOCK_STREAM
                and found.get(_NAME) == name
                and _USER in found
            ):
                yield int.from_bytes(found[_USER], sys.byteorder)


def _messages(data: bytes) -> Iterator[tuple[int, bytes]]:
    while len(data) >= _HEADER.size:
        length, kind, *_ = _HEADER.unpack_from(data)
        yield kind, data[_HEADER.size : length]
        data = data[max(_padded(length), _HEADER.size) :]


def _attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    while len(data) >= _ATTRIBUTE.size:
        length, kind = _ATTRIBUTE.unpack_from(data)
        yield kind, data[_ATTRIBUTE.size : length]
        data = data[max(_padded(length), _ATTRIBUTE.size) :]


def _padded(length: int) -> int:
    return (length + 3) & ~3
