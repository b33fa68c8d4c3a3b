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
from pathlib import Path
from typing import Final

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
_LISTENS: Final = "0A"


def share(listener: socket.socket) -> None:
    """Allow later sockets of the same user to listen beside this one."""
    if hasattr(socket, "SO_REUSEPORT"):
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)


def beside(listener: socket.socket) -> int:
    """Return how many sockets listen where ``listener`` does, itself among them; 1 if unknown."""
    inode = str(os.fstat(listener.fileno()).st_ino)
    table = Path(
        "/proc/self/net/tcp6" if listener.family == socket.AF_INET6 else "/proc/self/net/tcp"
    )
    try:
        lines = [line.split() for line in table.read_text().splitlines()[1:]]
    except OSError:
        return 1
    listening = [line for line in lines if len(line) > _INODE and line[_STATE] == _LISTENS]
    own = {line[_ADDRESS] for line in listening if line[_INODE] == inode}
    return max(1, sum(line[_ADDRESS] in own for line in listening))


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
