"""The thread that owns every connection of a server: accepts, reads, writes, and never waits.

It renders nothing and checks no password; who does calls back. When too many connections are open,
one makes room whose client has kept it waiting for longest. New ones are taken while this thread
takes no more than 35 % of a core: a flood of them, or of TLS handshakes, is the flood's own delay.
"""

import selectors
import socket
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final

from agent_analytics.exporters._access.web_config import Security
from agent_analytics.exporters._http.connection import Asked, Connection
from agent_analytics.exporters._http.renderings import Reading
from agent_analytics.instrumentation.health import note_internal_error

#: Connections at once. Prometheus needs one or two, and each takes a file of the host's.
MAX_CONNECTIONS: Final = 128
#: Accepted in one go, before those that are there have their turn.
_ACCEPTED: Final = 16
#: Share of a core that this thread may take and still accept, and for how many seconds it may save.
_SHARE: Final = 0.35
_SAVED_SECONDS: Final = 0.5
#: How long nothing is accepted where there is no room, no time or no file.
_PAUSE_SECONDS: Final = 0.02
_CLOSE_SECONDS: Final = 2.0


class _Budget:
    """What the thread may still spend on new connections."""

    def __init__(self) -> None:
        self._left = _SAVED_SECONDS
        self._at = time.monotonic()
        self._used = time.thread_time()

    def spent(self) -> bool:
        """Return whether nothing is left."""
        now, used = time.monotonic(), time.thread_time()
        self._left += (now - self._at) * _SHARE - (used - self._used)
        self._left = min(self._left, _SAVED_SECONDS)
        self._at, self._used = now, used
        return self._left <= 0


class Reception:
    """Connections, from the first byte to the last."""

    def __init__(
        self,
        listeners: Sequence[socket.socket],
        security: Callable[[], Security],
        asked: Asked,
        ended: Callable[[Reading], None],
    ) -> None:
        self._listeners = listeners
        self._security = security
        self._asked = asked
        self._ended = ended
        self._wake, self._waker = socket.socketpair()
        for each in (self._wake, self._waker):
            each.settimeout(0)
        self._calls: deque[Callable[[], None]] = deque()
        self._connections: dict[Connection, int] = {}
        self._closing_at: float | None = None
        self._paused_until = 0.0
        self._accepting = False

    def call(self, what: Callable[[], None]) -> None:
        """Have something done by this thread, from any other."""
        self._calls.append(what)
        with suppress(OSError):  # full, so that it wakes anyway; or closed
            self._waker.send(b"x")

    def close(self) -> None:
        """Accept no more, and end within two seconds; from another thread."""
        self.call(self._begin_to_close)

    def abandon(self) -> list[Reading]:
        """Let go of every file, as in a forked child, whose parent has them.

        Returns:
            What was being read.
        """
        for each in (*self._listeners, self._wake, self._waker):
            each.close()
        connections, self._connections = self._connections, {}
        readings = [connection.close() for connection in connections]
        return [reading for reading in readings if reading is not None]

    def run(self) -> None:
        """Serve until closed."""
        try:
            with selectors.DefaultSelector() as selector:
                selector.register(self._wake, selectors.EVENT_READ)
                self._serve(selector)
        except Exception:  # noqa: BLE001 - no traceback of ours in the host
            note_internal_error("exporters.server")
        finally:
            for reading in self.abandon():
                self._ended(reading)

    def _serve(self, selector: selectors.BaseSelector) -> None:
        budget = _Budget()
        while True:
            now = time.monotonic()
            self._expire(selector, now)
            closing = self._closing_at
            if closing is not None and (now >= closing or not self._connections):
                return
            self._choose_to_accept(selector, now, spent=budget.spent())
            for key, _ in selector.select(self._patience(now)):
                if isinstance(key.data, Connection):
                    if key.data in self._connections:  # it may just have made room
                        self._advance(selector, key.data)
                elif key.fileobj is self._wake:
                    self._take_calls(selector)
                else:
                    self._accept(selector, key.data)

    def _patience(self, now: float) -> float | None:
        ends = [connection.deadline for connection in self._connections]
        if self._closing_at is not None:
            ends.append(self._closing_at)
        elif not self._accepting:
            ends.append(self._paused_until)
        return max(0.0, min(ends) - now) if ends else None

    def _take_calls(self, selector: selectors.BaseSelector) -> None:
        with suppress(OSError):
            while self._wake.recv(4096):
                pass
        while self._calls:
            self._calls.popleft()()
        for connection, known in list(self._connections.items()):
            if connection.done or (connection.awaits and not known):
                self._advance(selector, connection)

    def _begin_to_close(self) -> None:
        self._closing_at = time.monotonic() + _CLOSE_SECONDS
        for listener in self._listeners:  # a selector lets go of what is closed
            listener.close()
        for connection in self._connections:
            if connection.asks:
                connection.deadline = 0.0

    # --- connections ----------------------------------------------------------------------------

    def _advance(self, selector: selectors.BaseSelector, connection: Connection) -> None:
        try:
            connection.advance()
        except Exception:  # noqa: BLE001 - one client must not end the server
            note_internal_error("exporters.connection")
            connection.done = True
        if connection.done:
            self._drop(selector, connection)
            return
        known, awaits = self._connections[connection], connection.awaits
        if known == awaits:
            return
        if known and awaits:
            selector.modify(connection.client, awaits, connection)
        elif awaits:
            selector.register(connection.client, awaits, connection)
        else:
            selector.unregister(connection.client)
        self._connections[connection] = awaits

    def _drop(self, selector: selectors.BaseSelector, connection: Connection) -> None:
        if self._connections.pop(connection):
            selector.unregister(connection.client)
        reading = connection.close()
        if reading is not None:
            self._ended(reading)

    def _expire(self, selector: selectors.BaseSelector, now: float) -> None:
        for connection in [each for each in self._connections if each.deadline <= now]:
            connection.expire()
            self._advance(selector, connection)

    # --- new ones -------------------------------------------------------------------------------

    def _choose_to_accept(
        self, selector: selectors.BaseSelector, now: float, *, spent: bool
    ) -> None:
        if self._closing_at is not None:
            return
        if spent or not self._room():
            self._paused_until = max(self._paused_until, now + _PAUSE_SECONDS)
        accepting = now >= self._paused_until
        if accepting == self._accepting:
            return
        self._accepting = accepting
        for listener in self._listeners:
            if accepting:
                selector.register(listener, selectors.EVENT_READ, listener)
            else:
                selector.unregister(listener)

    def _room(self) -> bool:
        return len(self._connections) < MAX_CONNECTIONS or self._first_to_go() is not None

    def _first_to_go(self) -> Connection | None:
        """Return who makes room: of the address that has most, whose client moved longest ago."""
        lagging = [each for each in self._connections if each.lags]
        if not lagging:
            return None
        of_address = Counter(each.address for each in self._connections)
        return min(lagging, key=lambda each: (-of_address[each.address], each.moved))

    def _accept(self, selector: selectors.BaseSelector, listener: socket.socket) -> None:
        for _ in range(_ACCEPTED):
            if not self._room():
                return
            try:
                client, address = listener.accept()
            except BlockingIOError:
                return
            except OSError:  # out of files, mostly: asking again at once would not bring them back
                self._paused_until = time.monotonic() + _PAUSE_SECONDS
                return
            if len(self._connections) >= MAX_CONNECTIONS:
                first = self._first_to_go()
                if first is not None:
                    self._drop(selector, first)
            self._admit(selector, client, address)

    def _admit(
        self, selector: selectors.BaseSelector, client: socket.socket, address: tuple[object, ...]
    ) -> None:
        try:
            connection = Connection(client, str(address[0]), self._security(), self._asked)
        except OSError:  # the client has gone away already
            client.close()
            return
        except Exception:  # noqa: BLE001 - one client must not end the server
            note_internal_error("exporters.server")
            client.close()
            return
        self._connections[connection] = 0
        self._advance(selector, connection)
