"""The metrics over HTTP from threads of this process."""

import errno
import math
import os
import threading
import weakref
from functools import partial
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from agent_analytics.exporters._access.password_line import PasswordLine
from agent_analytics.exporters._access.sketch_readers import is_local, readers_of
from agent_analytics.exporters._access.web_config import Security, WebConfig
from agent_analytics.exporters._http.connection import Connection
from agent_analytics.exporters._http.listening import Sharing, bare, is_every, listen
from agent_analytics.exporters._http.reception import Reception
from agent_analytics.exporters._http.renderings import Answer, Reading, Rendered, renderings_of
from agent_analytics.exporters._http.request import Head
from agent_analytics.exporters._http.responses import (
    PARTS,
    READER,
    SKETCHES,
    Request,
    Response,
    for_method,
    mounted_path,
    plain,
    rendered,
    route,
)
from agent_analytics.exporters._settings.settings import UNSET, OrUnset
from agent_analytics.exporters._workers.shared_port import beside, inode_of
from agent_analytics.processor import AgentMetricsProcessor

_CHALLENGE: Final = ("WWW-Authenticate", 'Basic realm="agent-analytics", charset="UTF-8"')
_JOIN_SECONDS: Final = 5.0


class MetricsServer:
    """Serves ``/metrics``, ``/metrics/sketches`` and ``/-/healthy``; a context manager, too.

    Every connection carries one request. One thread owns all connections; others render and check
    passwords, one at a time each, while somebody waits for it.
    """

    def __init__(
        self,
        processor: AgentMetricsProcessor,
        port: int = 0,
        addr: str = "127.0.0.1",
        *,
        web_config: str | os.PathLike[str] | None = None,
        sharing: Sharing = Sharing.ALONE,
        sketches_token: OrUnset[str | None] = UNSET,
    ) -> None:
        self._readers = readers_of(processor, sketches_token)
        self._renderings = renderings_of(processor)
        self._processor = processor
        self._security = WebConfig(Path(web_config)) if web_config is not None else None
        self._listeners = listeners = listen(addr, port, sharing)
        #: How many listen where each of ours does, where we have come beside them.
        self._beside = [beside(each) for each in listeners] if sharing is Sharing.BESIDE else []
        self._port: int = listeners[0].getsockname()[1]
        self._addr = addr
        self._line = PasswordLine()
        self._reception = Reception(
            listeners, self._current_security, self._asked, self._renderings.close
        )
        self._lock = threading.Lock()
        self._closed = False
        self._thread = threading.Thread(
            target=self._reception.run, name="agent-analytics-http", daemon=True
        )
        self._thread.start()
        _LIVE.add(self)

    @property
    def port(self) -> int:
        """The port that is listened on, also where port 0 was asked for."""
        return self._port

    @property
    def url(self) -> str:
        """Address of the index page, as reached from this machine."""
        host = "127.0.0.1" if is_every(self._addr) else bare(self._addr)
        scheme = "https" if self._current_security().tls else "http"
        return f"{scheme}://{f'[{host}]' if ':' in host else host}:{self._port}"

    @property
    def sockets(self) -> list[int]:
        """Numbers of the sockets that listen: see ``_workers.shared_port``."""
        return [inode_of(each) for each in self._listeners]

    def unsettled(self) -> bool:
        """Return whether one of several that listen here has gone: who gets what is open then."""
        now = [beside(each) for each in self._listeners] if self._beside else []
        return any(1 < number != before for number, before in zip(now, self._beside, strict=True))

    def close(self) -> None:
        """Stop listening, let answers under way finish for up to two seconds; idempotent."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
        self._reception.close()
        self._thread.join(_JOIN_SECONDS)
        self._line.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def abandon(self) -> None:
        """Give up the port in a forked child: the parent serves it."""
        self._closed = True
        self._lock = threading.Lock()  # the old one may be held by a thread left behind
        self._reception.abandon()

    # --- requests, in the thread that owns the connections ---------------------------------------

    def _current_security(self) -> Security:
        return self._security.current() if self._security else Security()

    def _asked(self, connection: Connection, head: Head) -> None:
        users = self._current_security().users
        own = PARTS.get(mounted_path("", head.path)) == SKETCHES and self._readers.token is not None
        if users is None or own:  # registers have a credential of their own
            self._permitted(connection, head)
            return
        credential = users.read(head.headers.get("authorization", ""))
        known = False if credential is None else users.known(credential)
        if credential is None or known is False:
            _answer(connection, head, plain(HTTPStatus.UNAUTHORIZED, _CHALLENGE))
        elif known:
            self._permitted(connection, head)
        else:

            def then(right: bool) -> None:  # noqa: FBT001 - called with it alone
                # Asked again, since meanwhile the file may have changed.
                again = self._asked if right else self._wrong
                self._reception.call(partial(again, connection, head))

            def refused(after: float) -> None:
                retry = ("Retry-After", str(math.ceil(after)))
                response = plain(HTTPStatus.TOO_MANY_REQUESTS, retry)
                self._reception.call(partial(_answer, connection, head, response))

            self._line.enter(users, credential, connection.address, then, refused)

    def _wrong(self, connection: Connection, head: Head) -> None:
        _answer(connection, head, plain(HTTPStatus.UNAUTHORIZED, _CHALLENGE))

    def _permitted(self, connection: Connection, head: Head) -> None:
        request = Request(
            head.method,
            mounted_path("", head.path),
            head.headers.get("accept", ""),
            head.headers.get("accept-encoding", ""),
            head.headers.get("authorization", ""),
            is_local(connection.address, head.headers.get("host", ""), head.headers),
            head.headers.get(READER.lower(), ""),
        )
        found = route(self._processor, self._readers, request)
        if isinstance(found, Response):
            _answer(connection, head, found)
            return

        def then(answer: Answer) -> None:
            self._reception.call(partial(self._show, connection, request, answer))

        self._renderings.ask(found, then)

    def _show(self, connection: Connection, request: Request, answer: Answer) -> None:
        if connection.done or connection.awaits:  # gone, or answered that it takes too long
            return
        reading: Reading | None = None
        if isinstance(answer, Rendered):

            def cut() -> None:
                self._reception.call(connection.give_up)

            reading = self._renderings.open(answer.body, cut)
        connection.answer(rendered(request, answer), reading)


def _answer(connection: Connection, head: Head, response: Response) -> None:
    if not connection.done and not connection.awaits:
        connection.answer(for_method(head.method, response))


def start_http_server(
    processor: AgentMetricsProcessor,
    port: int = 0,
    addr: str = "127.0.0.1",
    *,
    web_config: str | os.PathLike[str] | None = None,
    sketches_token: OrUnset[str | None] = UNSET,
) -> MetricsServer:
    """Serve a processor's metrics over HTTP from a daemon thread.

    Args:
        processor: Whose metrics are served.
        port: Where to listen; 0 takes any free port.
        addr: Name or address of the interface to listen on, in every family that it has;
            ``""``, ``*``, ``0.0.0.0`` and ``::`` are every interface, over IPv4 and IPv6.
        web_config: A Prometheus web configuration file that switches on TLS, basic
            authentication or both. It is read anew when it or a file that it names changes.
        sketches_token: Bearer token for ``/metrics/sketches``; AGENT_ANALYTICS_SKETCHES_TOKEN, or
            that of ``configure()``, by default.

    Returns:
        The running server, with ``port``, ``url`` and ``close()``.

    Raises:
        ValueError: A bad port or token, or a web configuration that is wrong.
        ImportError: The web configuration needs a package that is not installed.
        OSError: The port is in use or the address is not ours.
    """
    try:
        return MetricsServer(
            processor, port, addr, web_config=web_config, sketches_token=sketches_token
        )
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
