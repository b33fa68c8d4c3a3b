"""One HTTP/1.1 connection that never blocks: a request, an answer, the end, each within its time.

All of it happens in the thread that owns the connection. Times are bounded in total, not step by
step: a client that sends or takes a byte a second is cut off as one that does nothing.
"""

import math
import selectors
import socket
import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from email.utils import formatdate
from http import HTTPStatus
from typing import Final

from agent_analytics.exporters._access.web_config import Security
from agent_analytics.exporters._http.renderings import Reading
from agent_analytics.exporters._http.request import BadRequestError, Head, HeadReader
from agent_analytics.exporters._http.responses import Response, plain

_READ_SECONDS: Final = 10.0
#: Prometheus gives up after its scrape_timeout, 10 s by default.
_WRITE_SECONDS: Final = 30.0
#: How long an answer may be in the making.
_MAKE_SECONDS: Final = 70.0
#: How long a client may take to close after its answer, and what it may still send.
_LINGER_SECONDS: Final = 0.5
_LINGER_BYTES: Final = 256 * 1024
_CHUNK_BYTES: Final = 64 * 1024
_PIECE_BYTES: Final = 256 * 1024
#: What the system keeps for a client that does not read, about.
_SEND_BUFFER_BYTES: Final = 256 * 1024
#: Steps that one connection may take before others have their turn.
_STEPS: Final = 8
#: A client that has taken nothing for so long does not keep up.
_STALLED_SECONDS: Final = 0.2

#: Takes the connection and the head of its request.
Asked = Callable[["Connection", Head], None]


class Connection:
    """A connection on its way from a request to the end.

    Attributes:
        client: The socket.
        address: The address at the other end.
        security: What the web configuration asked for when the connection was made.
        awaits: What the client has to do (``selectors.EVENT_READ`` or ``EVENT_WRITE``); 0 while an
            answer is in the making.
        moved: When the client last did what was waited for, by ``time.monotonic()``.
        deadline: When it is over, whatever has happened.
        done: Whether it is.
    """

    def __init__(
        self, client: socket.socket, address: str, security: Security, asked: Asked
    ) -> None:
        self.address = address
        self.security = security
        self.awaits = selectors.EVENT_READ
        self.moved = time.monotonic()
        self.deadline = self.moved + _READ_SECONDS
        self.done = False
        self._asked = asked
        self._head = HeadReader()
        self._out = memoryview(b"")
        self._reading: Reading | None = None
        self._left = _LINGER_BYTES
        self._direction = selectors.EVENT_READ
        client.settimeout(0)
        with suppress(OSError):
            client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER_BYTES)
        self.client = client
        self._step: Callable[[], bool] = self._read
        if security.tls is not None:
            self._step = self._shake_hands
            self.client = security.tls.wrap_socket(
                client, server_side=True, do_handshake_on_connect=False
            )

    @property
    def asks(self) -> bool:
        """Whether the client has not asked anything yet."""
        return self._step in (self._read, self._shake_hands)

    @property
    def lags(self) -> bool:
        """Whether the client is what the connection waits for, and has had time."""
        if not self.awaits:
            return False
        return self._step != self._write or time.monotonic() - self.moved >= _STALLED_SECONDS

    def advance(self) -> None:
        """Do what can be done at once."""
        try:
            for _ in range(_STEPS):
                if self.done or not self._step():
                    return
            self.awaits = self._direction
        except (BlockingIOError, InterruptedError):
            self.awaits = self._direction
        except ssl.SSLWantReadError:
            self.awaits = selectors.EVENT_READ
        except ssl.SSLWantWriteError:
            self.awaits = selectors.EVENT_WRITE
        except OSError:  # gone, or no TLS: nobody is left to answer
            self.done = True

    def expire(self) -> None:
        """End what has taken too long."""
        if self.awaits:
            self.done = True
        else:
            self.answer(plain(HTTPStatus.SERVICE_UNAVAILABLE))

    def answer(self, response: Response, reading: Reading | None = None) -> None:
        """Send an answer, announcing that the connection ends with it.

        Args:
            response: The answer.
            reading: Reads its body, where that is shared with others.
        """
        head = [
            f"HTTP/1.1 {response.status.value} {response.status.phrase}",
            f"Date: {formatdate(usegmt=True)}",
            "Connection: close",
            *(f"{name}: {value}" for name, value in response.headers),
            "\r\n",
        ]
        # One send for a small answer, so that it leaves in one packet.
        body = response.body if reading is None else b""
        self._out = memoryview("\r\n".join(head).encode("latin-1") + body)
        self._reading = reading
        self._step = self._write
        self._direction = self.awaits = selectors.EVENT_WRITE
        self.moved = time.monotonic()
        self.deadline = self.moved + _WRITE_SECONDS

    def give_up(self) -> None:
        """End at once: what is being read was taken away."""
        self.done = True

    def close(self) -> Reading | None:
        """Close the socket; return what was being read of a shared body, if anything was."""
        self.done = True
        self.client.close()
        reading, self._reading = self._reading, None
        return reading

    # --- steps: each returns whether there may be more to do at once ----------------------------

    def _shake_hands(self) -> bool:
        client = self.client
        if isinstance(client, ssl.SSLSocket):
            client.do_handshake()
            if not self.security.knows(client):
                self.answer(plain(HTTPStatus.FORBIDDEN))
                return True
        self._step = self._read
        return True

    def _read(self) -> bool:
        chunk = self.client.recv(_CHUNK_BYTES)
        if not chunk:  # closed before the request was complete
            self.done = True
            return False
        try:
            head = self._head.feed(chunk)
        except BadRequestError as error:
            self.answer(plain(error.status))
            return True
        if head is None:
            return True
        self.awaits = 0
        self.deadline = time.monotonic() + _MAKE_SECONDS
        self._step = self._wait
        self._asked(self, head)
        return bool(self.awaits)

    def _wait(self) -> bool:
        return False

    def _write(self) -> bool:
        if self._out:
            self._out = self._out[self.client.send(self._out[:_PIECE_BYTES]) :]
            return True
        reading = self._reading
        if reading is not None:
            piece = reading.look(_PIECE_BYTES)
            if piece:
                reading.take(self.client.send(piece))
                self.moved = reading.moved
                return True
            if reading.was_cut:
                self.done = True
                return False
        self._end()
        return True

    def _end(self) -> None:
        """End the connection so that the client gets all of its answer.

        Closing a socket with unread input resets it, and the client may lose what was sent.
        """
        self.moved = -math.inf  # it has what it came for: the first to make room
        self.deadline = time.monotonic() + _LINGER_SECONDS
        client = self.client
        if isinstance(client, ssl.SSLSocket):
            with suppress(OSError, ValueError):
                client.unwrap()  # says goodbye, and need not hear it
        socket.socket.shutdown(client, socket.SHUT_WR)
        self._step = self._drain
        self._direction = selectors.EVENT_READ

    def _drain(self) -> bool:
        chunk = socket.socket.recv(self.client, _CHUNK_BYTES)
        self._left -= len(chunk)
        self.done = not chunk or self._left <= 0
        return not self.done
