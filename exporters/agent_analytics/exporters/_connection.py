"""One HTTP/1.1 connection: a request within a deadline, an answer within another, then the end.

Every read and write is bounded in total, not each on its own: a client that sends a byte a second
is cut off as one that sends none.
"""

import socket
import ssl
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from email.utils import formatdate
from http import HTTPStatus
from typing import Final
from urllib.parse import unquote, urlsplit

from agent_analytics.exporters._responses import Response

_MAX_HEAD_BYTES: Final = 16 * 1024
_CHUNK_BYTES: Final = 64 * 1024
_REQUEST_LINE_WORDS: Final = 3
#: How long a client may take to close after its answer, and what it may still send.
_LINGER_SECONDS: Final = 0.5
_LINGER_BYTES: Final = 256 * 1024


class BadRequestError(Exception):
    """A request that is answered with an error status instead of being read."""

    def __init__(self, status: HTTPStatus) -> None:
        super().__init__(status.phrase)
        self.status = status


@dataclass(frozen=True, slots=True)
class Head:
    """Request line and headers; the names of headers are in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]


def read_head(connection: socket.socket, deadline: float) -> Head:
    """Read a request up to the end of its headers.

    Args:
        connection: Where to read from.
        deadline: Reading of ``time.monotonic()`` at which to give up.

    Raises:
        BadRequestError: It is no HTTP/1 request or its head is too large.
        OSError: The client was too slow or went away.
    """
    data = bytearray()
    while (end := data.find(b"\r\n\r\n")) < 0:
        if len(data) > _MAX_HEAD_BYTES:
            raise BadRequestError(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        connection.settimeout(_remaining(deadline))
        chunk = connection.recv(_MAX_HEAD_BYTES)
        if not chunk:
            msg = "closed before the request was complete"
            raise ConnectionAbortedError(msg)
        data += chunk
    if end > _MAX_HEAD_BYTES:
        raise BadRequestError(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
    return _parse(data[:end].decode("latin-1").split("\r\n"))


def _parse(lines: list[str]) -> Head:
    words = lines[0].split(" ")
    if len(words) != _REQUEST_LINE_WORDS or not words[2].startswith("HTTP/"):
        raise BadRequestError(HTTPStatus.BAD_REQUEST)
    method, target, version = words
    if not version.startswith("HTTP/1."):
        raise BadRequestError(HTTPStatus.HTTP_VERSION_NOT_SUPPORTED)
    headers: dict[str, str] = {}
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if not colon or not name or name != name.strip():
            raise BadRequestError(HTTPStatus.BAD_REQUEST)
        name = name.lower()
        value = value.strip()
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    try:
        path = unquote(urlsplit(target).path)
    except ValueError:
        raise BadRequestError(HTTPStatus.BAD_REQUEST) from None
    return Head(method, path, headers)


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
