"""One HTTP/1.1 connection: a request within a deadline, an answer within another, then the end.

Every read and write is bounded in total, not each on its own: a client that sends a byte a second
is cut off as one that sends none.
"""

import re
import socket
import ssl
import time
from contextlib import suppress
from email.utils import formatdate
from http import HTTPStatus
from typing import Final

from agent_analytics.exporters._request import BadRequestError, Head, parse
from agent_analytics.exporters._responses import Response

_MAX_HEAD_BYTES: Final = 16 * 1024
_CHUNK_BYTES: Final = 64 * 1024
#: RFC 9112 wants 8,000 at least.
_MAX_LINE_BYTES: Final = 8 * 1024
#: A line may end without its carriage return.
_END: Final = re.compile(rb"\r?\n\r?\n")
_BEGINS: Final = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]")
#: How long a client may take to close after its answer, and what it may still send.
_LINGER_SECONDS: Final = 0.5
_LINGER_BYTES: Final = 256 * 1024


def read_head(connection: socket.socket, deadline: float) -> Head:
    """Read a request up to the end of its headers.

    Args:
        connection: Where to read from.
        deadline: Reading of ``time.monotonic()`` at which to give up.

    Raises:
        BadRequestError: It is no HTTP/1 request or its head is too large.
        OSError: The client was too slow or went away.
    """
    data = b""
    while (end := _END.search(data)) is None:
        _check_size(data)
        connection.settimeout(_remaining(deadline))
        chunk = connection.recv(_MAX_HEAD_BYTES)
        if not chunk:
            msg = "closed before the request was complete"
            raise ConnectionAbortedError(msg)
        # Empty lines before a request do not count; some clients end the last one with them.
        data = data + chunk if data else chunk.lstrip(b"\r\n")
    head = data[: end.start()]
    _check_size(head)
    return parse(head.decode("latin-1"))


def _check_size(data: bytes) -> None:
    """Refuse a request line or a head that is too long, and what begins as no request does.

    A client that speaks TLS to a server that does not would wait for an answer to it else.
    """
    if data and not _BEGINS.match(data):
        raise BadRequestError(HTTPStatus.BAD_REQUEST)
    if data.find(b"\n", 0, _MAX_LINE_BYTES) < 0 and len(data) > _MAX_LINE_BYTES:
        raise BadRequestError(HTTPStatus.REQUEST_URI_TOO_LONG)
    if len(data) > _MAX_HEAD_BYTES:
        raise BadRequestError(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)


def send(connection: socket.socket, response: Response, deadline: float) -> None:
    """Send an answer, announcing that the connection ends with it.

    Raises:
        OSError: The client was too slow or went away.
    """
    head = [
        f"HTTP/1.1 {response.status.value} {response.status.phrase}",
        f"Date: {formatdate(usegmt=True)}",
        "Connection: close",
        *(f"{name}: {value}" for name, value in response.headers),
        "\r\n",
    ]
    # One send for a small answer, so that it leaves in one packet.
    rest = memoryview("\r\n".join(head).encode("latin-1") + response.body)
    while rest:
        connection.settimeout(_remaining(deadline))
        rest = rest[connection.send(rest[:_CHUNK_BYTES]) :]


def finish(connection: socket.socket) -> None:
    """End a connection so that the client gets all of its answer.

    Closing a socket with unread input resets it, and the client may lose what was sent.
    """
    deadline = time.monotonic() + _LINGER_SECONDS
    with suppress(OSError, ValueError):
        connection.settimeout(_LINGER_SECONDS)
        if isinstance(connection, ssl.SSLSocket):
            connection = connection.unwrap()
        connection.shutdown(socket.SHUT_WR)
        left = _LINGER_BYTES
        while left > 0:
            connection.settimeout(_remaining(deadline))
            chunk = connection.recv(_CHUNK_BYTES)
            if not chunk:
                break
            left -= len(chunk)


def _remaining(deadline: float) -> float:
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        raise TimeoutError
    return seconds
