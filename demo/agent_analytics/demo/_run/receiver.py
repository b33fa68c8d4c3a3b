"""A webhook receiver on loopback: where the demo's Alertmanager sends its pages."""

import json
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Final, Self

from agent_analytics.demo._run.servers import LOOPBACK

_LONGEST_BODY: Final = 4 << 20
_MOST_PAGES: Final = 1_000


@dataclass(frozen=True, slots=True)
class Page:
    """One alert of one notification that arrived.

    Attributes:
        arrived: ``time.monotonic()`` of its arrival.
        receiver: Alertmanager's name for the receiver: who it was meant for.
        status: ``firing`` or ``resolved``.
        labels: The alert's labels.
        annotations: The alert's annotations.
    """

    arrived: float
    receiver: str
    status: str
    labels: dict[str, str]
    annotations: dict[str, str]

    def concerns(self, publisher: str, agent: str) -> bool:
        """Whether the alert is about that listing."""
        return (self.labels.get("publisher_id"), self.labels.get("agent_id")) == (publisher, agent)


class Receiver:
    """Listens for Alertmanager webhooks and keeps the last 1,000 pages in order of arrival."""

    def __init__(
        self,
        host: str = LOOPBACK,
        port: int = 0,
        *,
        on_page: Callable[[Page], None] | None = None,
    ) -> None:
        """Start to listen, on a free loopback port unless told otherwise.

        Args:
            host: Address to listen on.
            port: Port to listen on; 0 for any free one.
            on_page: Called with every page, on a thread of the receiver.

        Raises:
            OSError: The port is taken.
        """
        self._lock = threading.Lock()
        self._pages: deque[Page] = deque(maxlen=_MOST_PAGES)
        self._on_page = on_page
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                arrived = time.monotonic()
                length = int(self.headers.get("Content-Length", "0"))
                if length > _LONGEST_BODY:
                    self.send_error(413)
                    return
                receiver.take(json.loads(self.rfile.read(length)), arrived)
                self.send_response(200)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - inherited
                """Keep the terminal free."""

        self._server = ThreadingHTTPServer((host, port), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.1,), name="webhook-receiver", daemon=True
        )
        self._thread.start()

    @property
    def url(self) -> str:
        """Address to give to Alertmanager."""
        host, port = self._server.server_address[:2]
        return f"http://{host!s}:{port}/"

    @property
    def pages(self) -> list[Page]:
        """What has arrived so far."""
        with self._lock:
            return list(self._pages)

    def take(self, payload: dict[str, Any], arrived: float) -> None:
        """Keep every alert of one notification."""
        pages = [
            Page(
                arrived,
                str(payload.get("receiver", "")),
                str(alert.get("status", "")),
                dict(alert.get("labels", {})),
                dict(alert.get("annotations", {})),
            )
            for alert in payload.get("alerts", [])
        ]
        with self._lock:
            self._pages.extend(pages)
        if self._on_page:
            for page in pages:
                self._on_page(page)

    def first_page(self, publisher: str, agent: str, *, since: float = 0.0) -> Page | None:
        """Return the first critical firing page about a listing that arrived after ``since``."""
        for page in self.pages:
            if (
                page.arrived >= since
                and page.status == "firing"
                and page.labels.get("severity") == "critical"
                and page.concerns(publisher, agent)
            ):
                return page
        return None

    def __enter__(self) -> Self:
        """Return itself, listening."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)
