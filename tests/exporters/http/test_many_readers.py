"""Many readers at once, and readers that do not read: one rendering for all, and room for the next.

Attacks on real sockets, each with a scrape meanwhile; the long forms, with figures, are in
``test_withstand.py``.
"""

import asyncio
import gzip
import http.client
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from http import HTTPStatus
from socketserver import ThreadingMixIn
from typing import Any, cast
from wsgiref.simple_server import WSGIServer, make_server

import pytest
from opentelemetry.sdk.trace import TracerProvider
from tests.exporters.conftest import record
from tests.exporters.crowd import crowd
from tests.exporters.http.test_apps import Quiet, served_by_uvicorn
from tests.patience import patience, wait_for

from agent_analytics.exporters import (
    MetricsServer,
    make_asgi_app,
    make_wsgi_app,
    start_http_server,
)
from agent_analytics.exporters._http.reception import MAX_CONNECTIONS
from agent_analytics.exporters._http.renderings import (
    _KEPT_BYTES,  # pyright: ignore[reportPrivateUsage]
    Rendered,
    Renderings,
    Want,
    renderings_of,
)
from agent_analytics.processor import AgentMetricsProcessor, Part, Snapshot

OPENMETRICS = "application/openmetrics-text; version=1.0.0"
SUCCESS = (
    'marketplace_agent_invocations_total{publisher_id="acme",agent_id="finder",outcome="success"} '
)


class Gated(AgentMetricsProcessor):
    """A processor whose snapshots are counted, and wait for a gate to be opened."""

    def __init__(
        self, hold_seconds: float = 0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__(hold_seconds, clock=clock)
        self.begun: list[str] = []
        self.gate = threading.Event()
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(self)
        self.tracer = provider.get_tracer("test")

    def snapshot(self, part: Part = "metrics") -> Snapshot:
        """Take a snapshot when the gate is open."""
        self.begun.append(part)
        assert self.gate.wait(patience())
        return super().snapshot(part)

    def renderings_waiting(self) -> int:
        """Return how many wait for the rendering after the one that is made."""
        return len(renderings_of(self)._waiting)  # pyright: ignore[reportPrivateUsage] # noqa: SLF001 - who waits


def scrape(port: int, path: str = "/metrics", **headers: str) -> tuple[int, str]:
    """Return status and text of a scrape."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=patience())
    try:
        connection.request(
            "GET", path, headers={k.replace("_", "-"): v for k, v in headers.items()}
        )
        response = connection.getresponse()
        body = response.read()
        packed = response.headers["Content-Encoding"] == "gzip"
        return response.status, (gzip.decompress(body) if packed else body).decode()
    finally:
        connection.close()


Ask = Callable[[int], tuple[int, str]]


def ask_at_once(processor: Gated, ask: Ask, readers: int = 16) -> list[tuple[int, str]]:
    """Let one reader begin a rendering, the others come meanwhile, and return what each got."""
    with ThreadPoolExecutor(readers) as pool:
        first = pool.submit(ask, 0)
        wait_for(lambda: processor.begun, "a rendering to begin")
        others = [pool.submit(ask, number) for number in range(1, readers)]
        wait_for(lambda: processor.renderings_waiting() == readers - 1, "the others to wait")
        processor.gate.set()
        return [each.result(patience()) for each in (first, *others)]


class TestOneRendering:
    """One at a time, shared by all who wait."""

    def test_the_server(self) -> None:
        """Sixteen scrapers at once cost two renderings: the one under way, and one for the rest."""
        processor = Gated()
        record(processor.tracer, 3)
        with start_http_server(processor) as server:
            kinds = [{}, {"Accept": OPENMETRICS}, {"Accept_Encoding": "gzip"}]
            found = ask_at_once(processor, lambda number: scrape(server.port, **kinds[number % 3]))
        assert processor.begun == ["metrics"] * 2
        assert [status for status, _ in found] == [200] * 16
        assert all(SUCCESS + "3" in text for _, text in found)
        assert [text.endswith("# EOF\n") for _, text in found] == [n % 3 == 1 for n in range(16)]

    def test_wsgi(self) -> None:
        """So do sixteen threads of a WSGI server: one of those that wait renders for all."""

        class Threading(ThreadingMixIn, WSGIServer):
            daemon_threads = True
            request_queue_size = 64

        processor = Gated()
        app = make_wsgi_app(processor)
        with make_server("127.0.0.1", 0, app, Threading, Quiet) as server:
            thread = threading.Thread(target=server.serve_forever, args=(0.05,))
            thread.start()
            found = ask_at_once(processor, lambda _: scrape(server.server_port))
            server.shutdown()
            thread.join()
        assert (processor.begun, [status for status, _ in found]) == (["metrics"] * 2, [200] * 16)

    def test_asgi(self) -> None:
        """So do sixteen requests of an ASGI server, and no thread of its pool waits for them."""
        processor = Gated()
        app = make_asgi_app(processor)

        async def beside(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 - as ASGI has it
            if scope.get("path") == "/own":
                assert (
                    await asyncio.get_running_loop().run_in_executor(None, processor.gate.is_set)
                    is False
                )
            await app(scope, receive, send)

        def ask(number: int) -> tuple[int, str]:
            port = int(url.rpartition(":")[2])
            if number == 15:
                scrape(port, "/own")
            return scrape(port)

        with served_by_uvicorn(beside) as url:
            found = ask_at_once(processor, ask)
        assert (processor.begun, [status for status, _ in found]) == (["metrics"] * 2, [200] * 16)

    def test_who_asks_later_sees_what_was_counted_meanwhile(self) -> None:
        """A rendering is shared with those alone who asked before it began."""
        processor = Gated()
        record(processor.tracer)
        with start_http_server(processor) as server, ThreadPoolExecutor() as pool:
            first = pool.submit(scrape, server.port)
            wait_for(lambda: processor.begun, "a rendering to begin")
            record(processor.tracer)
            second = pool.submit(scrape, server.port)
            wait_for(processor.renderings_waiting, "the second to wait")
            processor.gate.set()
            assert first.result(patience())[0] == 200
            assert SUCCESS + "2" in second.result(patience())[1]

    def test_zeros_of_newborn_series_are_seen_by_all_who_share_them(self) -> None:
        """A shared rendering is one scrape: all see the newborn at 0, and all at once see more."""
        now = [0.0]
        processor = Gated(hold_seconds=30, clock=lambda: now[0])
        record(processor.tracer, 3)
        now[0] = 31.0  # long enough, but nobody has seen the zeros yet
        with start_http_server(processor) as server:
            for shown in ("0", "3"):
                found = ask_at_once(
                    processor,
                    lambda number: scrape(
                        server.port, "/metrics" if number else "/metrics/sketches"
                    ),
                )
                values = {text.partition(SUCCESS)[2].partition("\n")[0] for _, text in found[1:]}
                assert values == {shown}
                assert processor.begun == ["sketches", "metrics"]
                processor.begun.clear()
                processor.gate.clear()

    def test_a_rendering_that_fails_fails_for_its_own_part(self) -> None:
        """Who waits for the other part is answered, and so is who comes next."""
        processor = AgentMetricsProcessor(0)
        renderings = Renderings(processor)
        fails = [True]
        real = processor.snapshot

        def snapshot(part: Part = "metrics") -> Snapshot:
            if part == "metrics" and fails.pop():
                raise MemoryError
            return real(part)

        cast("Any", processor).snapshot = snapshot
        assert renderings.get(Want("metrics")) is HTTPStatus.INTERNAL_SERVER_ERROR
        assert isinstance(renderings.get(Want("sketches")), Rendered)
        fails.append(False)
        assert isinstance(renderings.get(Want("metrics")), Rendered)

    def test_a_leader_that_is_interrupted_hands_on(self) -> None:
        """Where who renders is killed, others are served: a timeout of gevent is no Exception."""
        processor = Gated()
        renderings = renderings_of(processor)
        kills = [True]
        real = processor.snapshot

        def snapshot(part: Part = "metrics") -> Snapshot:
            found = real(part)
            if kills.pop():
                raise KeyboardInterrupt
            return found

        cast("Any", processor).snapshot = snapshot
        kills.insert(0, False)

        def ask(_: int) -> tuple[int, str]:
            try:
                found = renderings.get(Want("metrics"))
            except KeyboardInterrupt:
                return 0, ""
            return (200, "") if isinstance(found, Rendered) else (found.value, "")

        assert [status for status, _ in ask_at_once(processor, ask, 5)] == [0, 200, 200, 200, 200]

    def test_who_waits_and_is_interrupted_leaves(self) -> None:
        """A time limit of the web server ends one wait; the scrapes that come later go on."""
        processor = Gated()
        renderings = renderings_of(processor)
        here = threading.get_ident()

        def interrupt() -> None:
            wait_for(lambda: processor.renderings_waiting() == 1, "this thread to wait")
            signal.pthread_kill(here, signal.SIGUSR1)

        before = signal.signal(signal.SIGUSR1, signal.default_int_handler)
        try:
            with ThreadPoolExecutor(3) as pool:
                first = pool.submit(renderings.get, Want("metrics"))
                wait_for(lambda: processor.begun, "a rendering to begin")
                interrupting = pool.submit(interrupt)
                with pytest.raises(KeyboardInterrupt):
                    renderings.get(Want("metrics"))
                interrupting.result(patience())
                assert processor.renderings_waiting() == 0
                processor.gate.set()
                assert isinstance(first.result(patience()), Rendered)
                later = pool.submit(renderings.get, Want("metrics"))
                assert isinstance(later.result(patience()), Rendered)
        finally:
            signal.signal(signal.SIGUSR1, before)


@pytest.fixture(scope="module")
def large() -> AgentMetricsProcessor:
    """Return a processor whose text is more than systems keep for a client: 2.4 MB."""
    return crowd(20_000)


@pytest.fixture
def server(large: AgentMetricsProcessor) -> Iterator[MetricsServer]:
    """Serve it."""
    with start_http_server(large) as server:
        yield server


def connect(port: int, data: bytes, source: str = "127.0.0.1") -> socket.socket:
    """Return a connection that has sent something and reads nothing."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.settimeout(patience())
    client.bind((source, 0))
    client.connect(("127.0.0.1", port))
    client.sendall(data)
    return client


GET = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"


class TestHostileReaders:
    """Whoever does not read, does not send, or floods keeps nobody out."""

    @pytest.mark.parametrize(
        "sent",
        [
            pytest.param(GET, id="asks and does not read"),
            pytest.param(GET * 50, id="asks fifty times on one connection and does not read"),
            pytest.param(GET.replace(b"Host", b"Accept-Encoding: gzip\r\nHost"), id="gzip"),
            pytest.param(b"GET /metrics HTTP/1.1\r\nHost: x\r\nA: ", id="never ends its headers"),
            pytest.param(b"GET / HTTP/1.1\r\nHost: x\r\nA: " + b"x" * 30_000, id="huge headers"),
            pytest.param(
                b"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 9999\r\n\r\n", id="no body"
            ),
            pytest.param(b"", id="silent"),
        ],
    )
    def test_a_scrape_gets_through(
        self, server: MetricsServer, sent: bytes, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """More than the server has room for, and a scrape waits for no deadline of theirs."""
        for name in ("_READ_SECONDS", "_WRITE_SECONDS", "_LINGER_SECONDS"):
            monkeypatch.setattr(f"agent_analytics.exporters._http.connection.{name}", 1e6)
        with ExitStack() as clients:
            for _ in range(MAX_CONNECTIONS + 30):
                clients.enter_context(connect(server.port, sent))
            status, text = scrape(server.port)
        assert (status, len(text) > 2_000_000) == (200, True)

    def test_a_half_closed_client_gets_its_answer(self, server: MetricsServer) -> None:
        """A client that can send no more still reads all of a large answer."""
        with socket.create_connection(("127.0.0.1", server.port), patience()) as client:
            client.sendall(GET)
            client.shutdown(socket.SHUT_WR)
            got = 0
            while chunk := client.recv(1 << 20):
                got += len(chunk)
        assert got > 2_000_000

    def test_who_has_just_been_answered_has_time_to_read(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A full house that is answered all at once is not cut for those who come next."""
        monkeypatch.setattr("agent_analytics.exporters._http.reception.MAX_CONNECTIONS", 8)
        # Sixteen threads of a busy machine may not read for longer than a client has.
        monkeypatch.setattr(
            "agent_analytics.exporters._http.connection._STALLED_SECONDS", patience()
        )

        def text_of(snapshot: object, *, openmetrics: bool) -> Iterator[bytes]:
            del snapshot, openmetrics
            yield b"#" * 5_000_000

        monkeypatch.setattr("agent_analytics.exporters._http.renderings.text_of", text_of)
        processor = Gated()
        with start_http_server(processor) as server, ThreadPoolExecutor(16) as pool:
            first = pool.submit(scrape, server.port)
            wait_for(lambda: processor.begun, "a rendering to begin")
            house = [first, *(pool.submit(scrape, server.port) for _ in range(7))]
            wait_for(lambda: processor.renderings_waiting() == 7, "a full house")
            house += [pool.submit(scrape, server.port) for _ in range(8)]
            processor.gate.set()
            found = [each.result(patience()) for each in house]
        assert [(status, len(text)) for status, text in found] == [(200, 5_000_000)] * 16

    def test_a_slow_reader_gets_all_while_others_flood(self, server: MetricsServer) -> None:
        """A reader that goes on reading is not the one that makes room."""
        with (
            socket.create_connection(("127.0.0.1", server.port), patience()) as slow,
            ExitStack() as clients,
        ):
            slow.sendall(GET)
            got = 0
            while chunk := slow.recv(32_768):
                got += len(chunk)
                if got < 3_000_000 and len(clients._exit_callbacks) < 150:  # type: ignore[attr-defined]  # pyright: ignore  # noqa: SLF001, PGH003 - what no public name shows
                    clients.enter_context(connect(server.port, GET))
        assert got > 2_000_000

    def test_the_address_with_most_connections_makes_room(self, server: MetricsServer) -> None:
        """A silent client of another address stays while a flood goes round."""
        with ExitStack() as clients:
            other = clients.enter_context(connect(server.port, b"GET /metrics HTTP/1.1\r\n"))
            for _ in range(2 * MAX_CONNECTIONS):
                clients.enter_context(connect(server.port, b"", source="127.0.0.2"))
            other.sendall(b"Host: x\r\n\r\n")
            assert other.recv(15) == b"HTTP/1.1 200 OK"

    def test_a_client_that_goes_while_it_is_answered_leaves_nothing(
        self, large: AgentMetricsProcessor
    ) -> None:
        """Of a hundred that ask and go at once, no connection, thread or body is left."""
        with start_http_server(large) as server:
            for _ in range(100):
                connect(server.port, GET).close()
            assert scrape(server.port)[0] == 200
            readings = renderings_of(large)._readings  # pyright: ignore[reportPrivateUsage] # noqa: SLF001 - who reads
            wait_for(lambda: not readings, "every reader to be gone")

    def test_memory_is_bounded_whatever_the_count_of_readers(self) -> None:
        """Bodies that somebody stands still in are taken away when newer ones need the room."""
        processor = AgentMetricsProcessor(0)
        renderings = Renderings(processor)
        cut: list[int] = []
        bodies = [bytes(_KEPT_BYTES // 4) for _ in range(12)]
        readings = [
            renderings.open(body, partial(cut.append, number)) for number, body in enumerate(bodies)
        ]
        for number, reading in enumerate(readings):
            reading.moved = 100.0 if number == 0 else number  # the first has just read on
        renderings.get(Want("metrics"))
        assert cut == [1, 2, 3, 4, 5, 6, 7, 8]
        assert bytes(readings[0].look(1)) == b"\0"
        assert (bytes(readings[1].look(1)), readings[1].was_cut) == (b"", True)

    def test_an_asgi_app_keeps_little_for_readers_that_stand_still(
        self, processor: AgentMetricsProcessor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Uvicorn is given a piece at a time: ten that do not read hold four bodies, not ten."""
        size = _KEPT_BYTES // 4  # more than systems keep for a client

        def text_of(snapshot: object, *, openmetrics: bool) -> Iterator[bytes]:
            del snapshot, openmetrics
            yield b"#" * (size - 1) + b"\n"

        monkeypatch.setattr("agent_analytics.exporters._http.renderings.text_of", text_of)
        readings = renderings_of(processor)._readings  # pyright: ignore[reportPrivateUsage] # noqa: SLF001 - who reads
        with served_by_uvicorn(make_asgi_app(processor)) as url, ExitStack() as clients:
            port = int(url.rpartition(":")[2])
            for _ in range(10):
                clients.enter_context(connect(port, GET))
                assert scrape(port)[0] == 200
            held = {id(each.body) for each in set(readings) if each.body}
        assert 0 < len(held) <= 5
