"""The metrics over HTTP from a thread of this process."""

import contextlib
import errno
import os
import selectors
import socket
import ssl
import threading
import time
import weakref
from collections.abc import Iterable
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from agent_analytics.exporters._connection import finish, read_head, send
from agent_analytics.exporters._listening import bare, is_every, listen
from agent_analytics.exporters._request import BadRequestError
from agent_analytics.exporters._responses import (
    Request,
    Response,
    for_method,
    mounted_path,
    plain,
    respond,
)
from agent_analytics.exporters._web_config import Security, WebConfig
from agent_analytics.instrumentation.health import note_internal_error
from agent_analytics.processor import AgentMetricsProcessor

#: Connections served at once, a thread each. Prometheus needs one or two.
_MAX_CONNECTIONS: Final = 16
_READ_SECONDS: Final = 10.0
#: Prometheus gives up after its scrape_timeout, 10 s by default.
_WRITE_SECONDS: Final = 30.0
_ROOM_SECONDS: Final = 1.0
_CLOSE_SECONDS: Final = 2.0
_CHALLENGE: Final = ("WWW-Authenticate", 'Basic realm="agent-analytics", charset="UTF-8"')


class MetricsServer:
    """Serves ``/metrics``, ``/metrics/sketches`` and ``/-/healthy``; a context manager, too.

    Every connection carries one request. When too many are open, the oldest that has not yet
    asked anything makes room, so that idle clients cannot keep Prometheus out.
    """

    def __init__(
        self,
        processor: AgentMetricsProcessor,
        port: int = 0,
        addr: str = "127.0.0.1",
        *,
        web_config: str | os.PathLike[str] | None = None,
    ) -> None:
        self._processor = processor
        self._security = WebConfig(Path(web_config)) if web_config is not None else None
        self._listeners = listen(addr, port)
        self._wake, self._waker = socket.socketpair()
        self._changed = threading.Condition()
        #: Open connections, oldest first; True until a permitted request has been read.
        self._waiting: dict[socket.socket, bool] = {}
        self._threads: set[threading.Thread] = set()
        self._closed = False
        self._port: int = self._listeners[0].getsockname()[1]
        self._addr = addr
        self._acceptor = threading.Thread(
            target=self._accept, name="agent-analytics-http", daemon=True
        )
        self._acceptor.start()
        _LIVE.add(self)

    @property
    def port(self) -> int:
        """The port that is listened on, also where port 0 was asked for."""
        return self._port

    @property
    def url(self) -> str:
        """Address of the index page, as reached from this machine."""
        host = "127.0.0.1" if is_every(self._addr) else bare(self._addr)
        scheme = "https" if self._security and self._security.current().tls else "http"
        return f"{scheme}://{f'[{host}]' if ':' in host else host}:{self._port}"

    def close(self) -> None:
        """Stop listening, let answers under way finish for up to two seconds; idempotent."""
        with self._changed:
            if self._closed:
                return
            self._closed = True
        self._waker.send(b"x")
        self._acceptor.join()
        self._close_sockets()
        with self._changed:
            self._cut(connection for connection, waits in self._waiting.items() if waits)
            self._changed.wait_for(lambda: not self._waiting, _CLOSE_SECONDS)
            self._cut(self._waiting)
            threads = list(self._threads)
        for thread in threads:
            thread.join(_CLOSE_SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _close_sockets(self) -> None:
        for each in (*self._listeners, self._wake, self._waker):
            each.close()

    def abandon(self) -> None:
        """Give up the port in a forked child: the parent serves it."""
        self._closed = True
        self._changed = threading.Condition()  # the old one may be held by a thread left behind
        self._waiting = {}
        self._close_sockets()

    # --- the accepting thread -------------------------------------------------------------------

    def _accept(self) -> None:
        with selectors.DefaultSelector() as selector:
            for each in (*self._listeners, self._wake):
                selector.register(each, selectors.EVENT_READ)
            while True:
                ready = [key.fileobj for key, _ in selector.select()]
                if self._closed:
                    return
                for listener in self._listeners:
                    if listener in ready:
                        self._accept_from(listener)

    def _accept_from(self, listener: socket.socket) -> None:
        try:
            connection, _ = listener.accept()
        except BlockingIOError:
            return
        except OSError:
            # Out of file descriptors, mostly: spinning would not bring them back.
            time.sleep(0.05)
            return
        try:
            self._admit(connection)
        except Exception:  # noqa: BLE001 - one client must not end the server
            note_internal_error("exporters.server")
            connection.close()

    def _admit(self, connection: socket.socket) -> None:
        if not self._make_room():
            connection.close()
            return
        connection.settimeout(_READ_SECONDS)
        security = self._security.current() if self._security else Security()
        if security.tls is not None:
            try:
                connection = security.tls.wrap_socket(
                    connection, server_side=True, do_handshake_on_connect=False
                )
            except OSError:  # the client has gone away already
                connection.close()
                return
        thread = threading.Thread(
            target=self._serve,
            args=(connection, security),
            name="agent-analytics-http-connection",
            daemon=True,
        )
        with self._changed:
            self._waiting[connection] = True
            self._threads.add(thread)
        try:
            thread.start()
        except RuntimeError:  # no more threads to be had
            with self._changed:
                del self._waiting[connection]
                self._threads.discard(thread)
            connection.close()

    def _make_room(self) -> bool:
        def room() -> bool:
            return len(self._waiting) < _MAX_CONNECTIONS

        with self._changed:
            if not room():
                self._cut([c for c, waits in self._waiting.items() if waits][:1])
            return self._changed.wait_for(room, _ROOM_SECONDS)

    def _cut(self, connections: Iterable[socket.socket]) -> None:
        for connection in connections:
            with contextlib.suppress(OSError):
                # Not the method of SSLSocket, which takes the TLS state from under its thread.
                socket.socket.shutdown(connection, socket.SHUT_RDWR)

    # --- a thread for each connection -----------------------------------------------------------

    def _serve(self, connection: socket.socket, security: Security) -> None:
        try:
            response = self._answer(connection, security)
            send(connection, response, time.monotonic() + _WRITE_SECONDS)
            finish(connection)
        except OSError:
            pass  # too slow, gone, or no TLS: nobody is left to be told
        except Exception:  # noqa: BLE001 - one client must not print a traceback in the host
            note_internal_error("exporters.connection")
        finally:
            connection.close()
            with self._changed:
                del self._waiting[connection]
                self._threads.discard(threading.current_thread())
                self._changed.notify_all()

    def _answer(self, connection: socket.socket, security: Security) -> Response:
        deadline = time.monotonic() + _READ_SECONDS
        if isinstance(connection, ssl.SSLSocket):
            connection.settimeout(_READ_SECONDS)
            connection.do_handshake()
            if not security.knows(connection):
                return plain(HTTPStatus.FORBIDDEN)
        try:
            head = read_head(connection, deadline)
        except BadRequestError as error:
            return plain(error.status)
        users = security.users
        if users is not None and not users.allow(head.headers.get("authorization", "")):
            return for_method(head.method, plain(HTTPStatus.UNAUTHORIZED, _CHALLENGE))
        with self._changed:
            self._waiting[connection] = False
        request = Request(
            head.method,
            mounted_path("", head.path),
            head.headers.get("accept", ""),
            head.headers.get("accept-encoding", ""),
        )
        return respond(self._processor, request)


def start_http_server(
    processor: AgentMetricsProcessor,
    port: int = 0,
    addr: str = "127.0.0.1",
    *,
    web_config: str | os.PathLike[str] | None = None,
) -> MetricsServer:
    """Serve a processor's metrics over HTTP from a daemon thread.

    Args:
        processor: Whose metrics are served.
        port: Where to listen; 0 takes any free port.
        addr: Name or address of the interface to listen on, in every family that it has;
            ``""``, ``*``, ``0.0.0.0`` and ``::`` are every interface, over IPv4 and IPv6.
        web_config: A Prometheus web configuration file that switches on TLS, basic
            authentication or both. It is read anew when it or a file that it names changes.

    Returns:
        The running server, with ``port``, ``url`` and ``close()``.

    Raises:
        ValueError: A bad port, or a web configuration that is wrong.
        ImportError: The web configuration needs a package that is not installed.
        OSError: The port is in use or the address is not ours.
    """
    try:
        return MetricsServer(processor, port, addr, web_config=web_config)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            msg = f"{error.strerror}. port= takes another one, 0 any free one"
            raise OSError(error.errno, msg) from None
        raise


_LIVE: Final[weakref.WeakSet[MetricsServer]] = weakref.WeakSet()


def _abandon_in_child() -> None:
    for server in list(_LIVE):
        server.abandon()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_abandon_in_child)
