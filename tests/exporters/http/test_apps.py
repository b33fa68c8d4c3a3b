"""The WSGI and ASGI applications, under real servers and under validators."""

import asyncio
import socket
import tempfile
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server
from wsgiref.types import WSGIApplication
from wsgiref.util import setup_testing_defaults
from wsgiref.validate import validator

import httpx
import pytest
import uvicorn
from tests.patience import patience

from agent_analytics.exporters import make_asgi_app, make_wsgi_app
from agent_analytics.exporters._http.apps import Message, Scope
from agent_analytics.processor import AgentMetricsProcessor

INVOCATIONS = "marketplace_agent_invocations_total"


@pytest.fixture(autouse=True)
def locks_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the claims of ports apart from those of other test runs on this machine."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


class Quiet(WSGIRequestHandler):
    """Logs nothing."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - overrides
        """Keep quiet."""


@contextmanager
def served_by_wsgiref(app: WSGIApplication) -> Generator[str]:
    """Run an application under the reference server, checked by the reference validator."""
    with make_server("127.0.0.1", 0, validator(app), handler_class=Quiet) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def served_by_uvicorn(app: Any, root_path: str = "") -> Generator[str]:  # noqa: ANN401 - uvicorn's
    """Run an application under a real ASGI server."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(
            app, root_path=root_path, lifespan="on", log_level="error", ws="none"
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            deadline = time.monotonic() + patience()
            while not server.started:
                assert time.monotonic() < deadline
                time.sleep(0.01)
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(patience())


class TestWsgi:
    """make_wsgi_app."""

    def test_under_a_real_server(self, processor: AgentMetricsProcessor) -> None:
        """The app obeys the protocol for every kind of answer."""
        with (
            served_by_wsgiref(make_wsgi_app(processor)) as url,
            httpx.Client(base_url=url) as client,
        ):
            scrape = client.get("/metrics")
            assert scrape.headers["Content-Encoding"] == "gzip"
            assert INVOCATIONS in scrape.text
            assert client.get("/metrics/sketches").status_code == 200
            assert client.head("/metrics").text == ""
            assert client.get("/").headers["Content-Type"] == "text/html; charset=utf-8"
            assert client.get("/nothing").status_code == 404
            assert client.post("/metrics").status_code == 405
            accept = {"Accept": "application/openmetrics-text; version=1.0.0"}
            assert client.get("/metrics", headers=accept).text.endswith("# EOF\n")

    @pytest.mark.parametrize(
        ("mount", "path", "status", "content"),
        [
            ("", "/metrics", "200 OK", INVOCATIONS),
            ("/analytics", "/metrics", "200 OK", INVOCATIONS),
            ("/metrics", "", "200 OK", INVOCATIONS),
            ("/metrics", "/", "200 OK", INVOCATIONS),
            ("/app/metrics", "/sketches", "200 OK", "sketch_register{"),
            ("/analytics", "", "200 OK", "<html"),
            ("/metrics", "/nothing", "404 Not Found", "404"),
        ],
    )
    def test_mounted(
        self, processor: AgentMetricsProcessor, mount: str, path: str, status: str, content: str
    ) -> None:
        """Under a prefix the paths stay the same; under /metrics the root is the metrics."""
        environ: dict[str, Any] = {
            "SCRIPT_NAME": mount,
            "PATH_INFO": path,
            "REMOTE_ADDR": "127.0.0.1",
        }
        setup_testing_defaults(environ)
        statuses: list[str] = []

        def start_response(status: str, *_: object) -> Any:  # noqa: ANN401 - as WSGI has it
            statuses.append(status)

        body = b"".join(make_wsgi_app(processor)(environ, start_response))
        assert statuses == [status]
        assert content in body.decode()


class TestAsgi:
    """make_asgi_app."""

    def test_under_a_real_server(self, processor: AgentMetricsProcessor) -> None:
        """The app starts, answers and stops under uvicorn."""
        with (
            served_by_uvicorn(make_asgi_app(processor)) as url,
            httpx.Client(base_url=url) as client,
        ):
            scrape = client.get("/metrics")
            assert scrape.headers["Content-Encoding"] == "gzip"
            assert INVOCATIONS in scrape.text
            assert client.head("/metrics").text == ""
            assert client.get("/nothing").status_code == 404
            assert client.post("/metrics").status_code == 405

    def test_under_a_root_path(self, processor: AgentMetricsProcessor) -> None:
        """A server that puts the prefix into the path is understood."""
        with served_by_uvicorn(make_asgi_app(processor), "/analytics") as url:
            assert INVOCATIONS in httpx.get(f"{url}/metrics").text

    @pytest.mark.parametrize(
        ("root", "path", "status"),
        [
            ("", "/metrics", 200),
            ("/metrics", "/metrics", 200),
            ("/metrics", "/", 200),
            ("/metrics", "/metrics/sketches", 200),
            ("/a", "/a/metrics", 200),
            ("/a", "/ab/metrics", 404),
        ],
    )
    def test_mounted(
        self, processor: AgentMetricsProcessor, root: str, path: str, status: int
    ) -> None:
        """The prefix is known with and without being repeated in the path."""
        sent = asyncio.run(call(processor, {"root_path": root, "path": path}))
        assert sent[0]["status"] == status
        assert sent[1]["type"] == "http.response.body"

    def test_repeated_headers_count_together(self, processor: AgentMetricsProcessor) -> None:
        """Two Accept-Encoding headers are one list."""
        headers = [(b"accept-encoding", b"br"), (b"accept-encoding", b"gzip")]
        sent = asyncio.run(call(processor, {"path": "/metrics", "headers": headers}))
        assert (b"content-encoding", b"gzip") in sent[0]["headers"]

    def test_the_loop_goes_on_while_rendering(self, processor: AgentMetricsProcessor) -> None:
        """A scrape that takes long does not stop the service's own requests."""
        release = threading.Event()
        real = processor.snapshot

        def slow(part: Any = "metrics") -> Any:  # noqa: ANN401 - wraps the real one
            assert release.wait(patience())
            return real(part)

        processor.snapshot = slow  # type: ignore[method-assign]

        async def main() -> list[Message]:
            scrape = asyncio.create_task(call(processor, {"path": "/metrics"}))
            await asyncio.sleep(0.01)
            release.set()
            return await scrape

        assert asyncio.run(main())[0]["status"] == 200

    def test_other_scopes(self, processor: AgentMetricsProcessor) -> None:
        """A websocket is closed, an unknown scope is refused as the protocol asks."""
        sent = asyncio.run(call(processor, {"type": "websocket", "path": "/metrics"}))
        assert [message["type"] for message in sent] == ["websocket.close"]
        with pytest.raises(ValueError, match="unknown ASGI scope 'mail'"):
            asyncio.run(call(processor, {"type": "mail"}))


async def call(processor: AgentMetricsProcessor, changes: dict[str, Any]) -> list[Message]:
    """Return what the application sends for one scope."""
    sent: list[Message] = []
    scope: Scope = {
        "type": "http",
        "method": "GET",
        "headers": [],
        "root_path": "",
        "client": ("127.0.0.1", 50_000),
        **changes,
    }

    async def receive() -> Message:
        return {"type": "http.request"}

    async def send(message: Message) -> None:
        sent.append(message)

    await make_asgi_app(processor)(scope, receive, send)
    return sent
