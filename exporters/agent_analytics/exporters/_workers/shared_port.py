"""Several sockets that listen on one port, of which one gets every connection.

A process that is stopped keeps its socket, and with it its share of the connections. Who takes
over listens beside it, and asks the kernel to give all of them to the newcomer. On Linux alone;
elsewhere the kernel decides.
"""

import ctypes
import os
import socket
import struct
import sys
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Final, NamedTuple

#: Of Linux: a filter that says which socket of those on a port gets a connection.
_ATTACH_FILTER: Final = 51
#: One instruction of a classic filter, and the program that it is: return a number.
_INSTRUCTION: Final = struct.Struct("HBBI")
_PROGRAM: Final = struct.Struct("@HP")
_RETURN: Final = 0x06
#: Of a line of /proc/net/tcp: local address, state, inode.
_ADDRESS: Final = 1
_STATE: Final = 3
_INODE: Final = 9
#: How IPv6 writes an address of IPv4 there; and what stands for every interface of either.
_MAPPED: Final = "0000000000000000FFFF0000"
_EVERY: Final = "0"
_LISTENS: Final = "0A"


def share(listener: socket.socket) -> None:
    """Allow later sockets of the same user to listen beside this one."""
    if hasattr(socket, "SO_REUSEPORT"):
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)


class Listener(NamedTuple):
    """A socket that listens, as the kernel writes it down.

    Attributes:
        address: Its address, in hexadecimal digits.
        port: Its port, in the same.
        inode: Its number, which no other socket has until the machine starts anew.
    """

    address: str
    port: str
    inode: int


def _listening(family: socket.AddressFamily) -> list[Listener] | None:
    """Return all that listen in the network of this process; None where that is not known."""
    table = Path("/proc/self/net/tcp6" if family == socket.AF_INET6 else "/proc/self/net/tcp")
    try:
        lines = [line.split() for line in table.read_text().splitlines()[1:]]
    except OSError:
        return None
    listening = [line for line in lines if len(line) > _INODE and line[_STATE] == _LISTENS]
    parts = [(*line[_ADDRESS].partition(":"), int(line[_INODE])) for line in listening]
    return [Listener(address, port, inode) for address, _, port, inode in parts]


def beside(listener: socket.socket) -> int:
    """Return how many sockets listen where ``listener`` does, itself among them; 1 if unknown."""
    inode = inode_of(listener)
    found = _listening(listener.family) or []
    own = {each[:2] for each in found if each.inode == inode}
    return max(1, sum(each[:2] in own for each in found))


def inode_of(listener: socket.socket) -> int:
    """Return the number of a socket."""
    return os.fstat(listener.fileno()).st_ino


def listening(port: int) -> list[Listener] | None:
    """Return all that listen on a port, whatever the address; None where that is not known."""
    found = _listening(socket.AF_INET)
    if found is None:
        return None
    found += _listening(socket.AF_INET6) or []  # a machine without IPv6
    return [each for each in found if int(each.port, 16) == port]


def only_these(port: int, known: AbstractSet[int]) -> bool | None:
    """Return whether sockets that are known have a port, and no other one has it as well.

    Args:
        port: The port.
        known: Numbers of sockets.

    Returns:
        None where the system does not say. One on an address of its own is not in the way.
    """
    found = listening(port)
    if found is None:
        return None
    ours = {_plain(each.address) for each in found if each.inode in known}
    others = {_plain(each.address) for each in found if each.inode not in known}
    return bool(ours) and not (others and (_EVERY in ours | others or ours & others))


def _plain(address: str) -> str:
    """Return an address of IPv4 alike in both families, and one of every interface as one."""
    address = address.removeprefix(_MAPPED)
    return address if address.strip("0") else _EVERY


def steer(listener: socket.socket) -> None:
    """Let the socket that was the last to listen on its port get every connection.

    The kernel numbers the sockets of a port in the order in which they began to listen.

    Raises:
        OSError: The kernel cannot do that.
    """
    if not sys.platform.startswith("linux"):
        return
    number = beside(listener) - 1
    code = ctypes.create_string_buffer(_INSTRUCTION.pack(_RETURN, 0, 0, number))
    program = _PROGRAM.pack(1, ctypes.addressof(code))
    listener.setsockopt(socket.SOL_SOCKET, _ATTACH_FILTER, program)
