"""The standalone server: what it answers, and how it bears clients that are slow or hostile."""

import gzip
import http.client
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import cast

import pytest
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text
from tests.patience import patience, wait_for

from agent_analytics.exporters import MetricsServer, exposition, start_http_server
from agent_analytics.exporters._http.renderings import renderings_of
from agent_analytics.processor import AgentMetricsProcessor

INVOCATIONS = "marketplace_agent_invocations_total"
OPENMETRICS = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"


@pytest.fixture
def server(processor: AgentMetricsProcessor) -> Iterator[MetricsServer]:
    """Run a server on a free port."""
    with start_http_server(processor) as server:
        yield server


def ask(
    server: MetricsServer, path: str, method: str = "GET", **headers: str
) -> tuple[http.client.HTTPResponse, bytes]:
    """Return the answer to a request and its body."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=patience())
    try:
        connection.request(
            method, path, headers={name.replace("_", "-"): text for name, text in headers.items()}
        )
        response = connection.getresponse()
        return response, response.read()
    finally:
        connection.close()


def say(server: MetricsServer, data: bytes) -> bytes:
    """Return what the server answers to raw bytes."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=patience()) as client:
        client.sendall(data)
        client.shutdown(socket.SHUT_WR)
        answer = b""
        while chunk := client.recv(65536):
            answer += chunk
        return answer


def families_of(text: str) -> list[object]:
    """Return the families that the official parser of OpenMetrics finds."""
    # Looked up by name, since it has no annotations.
    parse = vars(openmetrics)["text_string_to_metric_families"]
    return list(cast("Callable[[str], Iterator[object]]", parse)(text))


class TestAnswers:
    """What is answered under which path."""

    def test_metrics_in_the_text_format(self, server: MetricsServer) -> None:
        """A scrape without preferences gets text 0.0.4 that the official parser reads."""
        response, body = ask(server, "/metrics")
        samples = [
            sample.value
            for family in parse_text(body.decode())
            for sample in family.samples
            if sample.name == INVOCATIONS and sample.labels["outcome"] == "success"
        ]
        assert response.status == 200
        assert response.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        assert samples == [7.0]

    def test_metrics_as_openmetrics(self, server: MetricsServer) -> None:
        """A scrape that prefers OpenMetrics gets it, and caches may not mix the two up."""
        response, body = ask(server, "/metrics", Accept=OPENMETRICS)
        assert "application/openmetrics-text" in response.headers["Content-Type"]
        assert response.headers["Vary"] == "Accept, Accept-Encoding"
        assert len(families_of(body.decode())) > 5

    def test_sketches_have_a_path_of_their_own(self, server: MetricsServer) -> None:
        """Registers are under /metrics/sketches and nowhere else."""
        assert b"sketch_register{" in ask(server, "/metrics/sketches")[1]
        assert b"sketch_register{" not in ask(server, "/metrics")[1]

    @pytest.mark.parametrize("accepts", ["gzip", "deflate, gzip;q=0.5", "*", "GZIP"])
    def test_gzip_where_accepted(self, server: MetricsServer, accepts: str) -> None:
        """A compressed answer unpacks to the exposition."""
        response, body = ask(server, "/metrics", Accept_Encoding=accepts)
        assert response.headers["Content-Encoding"] == "gzip"
        assert gzip.decompress(body).count(INVOCATIONS.encode()) > 3

    @pytest.mark.parametrize("accepts", ["", "identity", "gzip;q=0", "*, gzip;q=0", "gzip;q=x"])
    def test_no_gzip_where_not_accepted(self, server: MetricsServer, accepts: str) -> None:
        """Whoever does not accept gzip gets plain text."""
        response, body = ask(server, "/metrics", Accept_Encoding=accepts)
        assert "Content-Encoding" not in response.headers
        assert body.startswith(b"# HELP")

    def test_tiny_bodies_are_not_compressed(self, server: MetricsServer) -> None:
        """What fits in a packet stays as it is."""
        response, _ = ask(server, "/-/healthy", Accept_Encoding="gzip")
        assert "Content-Encoding" not in response.headers

    def test_index_names_the_paths(self, server: MetricsServer) -> None:
        """The page at the root links to both parts and the health check."""
        response, body = ask(server, "/")
        assert response.headers["Content-Type"] == "text/html; charset=utf-8"
        for link in (b'"metrics"', b'"metrics/sketches"', b'"-/healthy"'):
            assert link in body

    @pytest.mark.parametrize(
        ("method", "path", "status"),
        [
            ("GET", "/-/healthy", 200),
            ("GET", "/metrics/", 200),
            ("GET", "/metrics?x=1", 200),
            ("GET", "http://somewhere/metrics", 200),
            ("GET", "/%6detrics", 200),
            ("GET", "/nothing", 404),
            ("GET", "/metrics/sketches/more", 404),
            ("GET", "/../metrics", 404),
            ("POST", "/metrics", 405),
            ("DELETE", "/", 405),
            ("HEAD", "/nothing", 404),
        ],
    )
    def test_status(self, server: MetricsServer, method: str, path: str, status: int) -> None:
        """Each path and method has its status."""
        response, _ = ask(server, path, method)
        assert response.status == status
        assert (response.headers["Allow"] == "GET, HEAD") == (status == 405)

    def test_head_is_no_scrape(self) -> None:
        """HEAD tells the type, sends no body, and does not release held values."""
        held = AgentMetricsProcessor(hold_seconds=30)
        scrapes: list[str] = []
        held.snapshot = lambda part="metrics": scrapes.append(part)  # type: ignore[assignment,method-assign,return-value]
        with start_http_server(held) as server:
            response, body = ask(server, "/metrics", "HEAD", Accept=OPENMETRICS)
        assert response.status == 200
        assert "openmetrics" in response.headers["Content-Type"]
        assert (body, scrapes) == (b"", [])

    def test_an_error_of_ours_is_a_500(self, processor: AgentMetricsProcessor) -> None:
        """An exposition that fails is answered without its text, and the server goes on."""

        def fail(part: str) -> None:
            raise RuntimeError(part + "secret")

        with start_http_server(processor) as server:
            processor.snapshot = fail  # type: ignore[assignment,method-assign]
            response, body = ask(server, "/metrics")
            assert (response.status, body) == (500, b"500 Internal Server Error\n")
            assert ask(server, "/-/healthy")[0].status == 200


class TestHostileClients:
    """Clients that are wrong, slow or many."""

    @pytest.mark.parametrize(
        ("request_bytes", "status"),
        [
            (b"\x16\x03\x01\x00\r\n\r\n", b"400"),
            (b"GET /metrics\r\n\r\n", b"400"),
            (b"GET /metrics HTTP/2.0\r\n\r\n", b"505"),
            (b"GET /metrics HTTP/1.1\r\nno colon\r\n\r\n", b"400"),
            (b"GET /metrics HTTP/1.1\r\nA: b\r\n folded: c\r\n\r\n", b"400"),
            (b"GET http://[ HTTP/1.1\r\n\r\n", b"400"),
            (b"GET / HTTP/1.1\r\nA: " + b"x" * 20_000 + b"\r\n\r\n", b"431"),
            (b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 4_000, b"431"),
        ],
    )
    def test_bad_requests(self, server: MetricsServer, request_bytes: bytes, status: bytes) -> None:
        """What is no request gets its status and does no harm."""
        assert say(server, request_bytes).startswith(b"HTTP/1.1 " + status)
        assert ask(server, "/metrics")[0].status == 200

    def test_a_body_does_not_cost_the_answer(self, server: MetricsServer) -> None:
        """A client that sends a body that nobody reads still gets its 405."""
        length = 200_000
        head = f"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n".encode()
        assert say(server, head + b"x" * length).startswith(b"HTTP/1.1 405")

    def test_idle_clients_do_not_keep_others_out(self, server: MetricsServer) -> None:
        """More silent connections than the server has room for, and a scrape gets through."""
        idle = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(40)]
        try:
            threads = threading.active_count()
            assert ask(server, "/metrics")[0].status == 200
            assert threads < 30
        finally:
            for client in idle:
                client.close()

    def test_a_client_that_drips_is_cut_off(
        self, processor: AgentMetricsProcessor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The time for a request is bounded in total, however often bytes come."""
        monkeypatch.setattr("agent_analytics.exporters._http.connection._READ_SECONDS", 0.3)
        between_bytes = 0.05
        with (
            start_http_server(processor) as server,
            socket.create_connection(("127.0.0.1", server.port)) as client,
        ):
            client.settimeout(between_bytes)
            gone_by = time.monotonic() + patience()
            while time.monotonic() < gone_by:
                try:
                    client.send(b"G")
                    if client.recv(1) == b"":
                        break
                except TimeoutError:
                    continue
                except ConnectionError:
                    break
            else:
                pytest.fail("still connected")

    def test_a_client_that_does_not_read_is_cut_off(
        self, processor: AgentMetricsProcessor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The time for an answer is bounded, too, and what was to be read is let go."""
        limit = "agent_analytics.exporters._http.connection._WRITE_SECONDS"
        monkeypatch.setattr(limit, patience(0.5))

        def text_of(snapshot: object, *, openmetrics: bool) -> Iterator[bytes]:
            del snapshot, openmetrics
            yield b"x" * 30_000_000

        monkeypatch.setattr("agent_analytics.exporters._http.renderings.text_of", text_of)
        with (
            start_http_server(processor) as server,
            socket.create_connection(("127.0.0.1", server.port)) as client,
        ):
            client.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
            assert client.recv(9) == b"HTTP/1.1 "
            reading = renderings_of(processor)._readings  # pyright: ignore[reportPrivateUsage] # noqa: SLF001 - who reads
            assert len(reading) == 1
            wait_for(lambda: not reading, "the reader to be cut off")

    def test_connections_at_once_are_all_served(self, server: MetricsServer) -> None:
        """Scrapes in parallel do not disturb each other."""
        statuses: list[int] = []
        threads = [
            threading.Thread(target=lambda: statuses.append(ask(server, "/metrics")[0].status))
            for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert statuses == [200] * 8


class TestLifecycle:
    """Starting and stopping."""

    def test_port_and_url(self, server: MetricsServer) -> None:
        """Port 0 becomes the port in use, and the address says so."""
        assert server.port > 0
        assert server.url == f"http://127.0.0.1:{server.port}"

    def test_every_interface_is_reached_by_loopback(self, processor: AgentMetricsProcessor) -> None:
        """The address of a wildcard server is one that can be opened."""
        with start_http_server(processor, addr="0.0.0.0") as server:  # noqa: S104 - the test
            assert server.url == f"http://127.0.0.1:{server.port}"
            assert ask(server, "/-/healthy")[0].status == 200

    def test_ipv6(self, processor: AgentMetricsProcessor) -> None:
        """An IPv6 address is bracketed in the address of the server."""
        try:
            server = start_http_server(processor, addr="::1")
        except OSError as error:
            pytest.skip(f"no IPv6 loopback here: {error}")
        with server:
            assert server.url == f"http://[::1]:{server.port}"

    def test_port_in_use(self, server: MetricsServer, processor: AgentMetricsProcessor) -> None:
        """A second server on the port is refused, by an error that names the port and a remedy."""
        message = f"127.0.0.1 port {server.port}: Address already in use. port= takes another one"
        with pytest.raises(OSError, match=message):
            start_http_server(processor, server.port)

    @pytest.mark.parametrize("port", [-1, 65536, True])
    def test_bad_port(self, processor: AgentMetricsProcessor, port: int) -> None:
        """A number that is no port is refused by name."""
        with pytest.raises(ValueError, match="port: expected"):
            start_http_server(processor, port)

    def test_close_frees_port_and_threads(self, processor: AgentMetricsProcessor) -> None:
        """After close, which may be repeated, the port is free and no thread is left."""
        server = start_http_server(processor)
        with socket.create_connection(("127.0.0.1", server.port)):
            server.close()
        server.close()
        assert not [t for t in threading.enumerate() if t.name.startswith("agent-analytics-http")]
        with start_http_server(processor, server.port) as again:
            assert ask(again, "/metrics")[0].status == 200

    @pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
    def test_a_forked_child_gives_the_port_up(self, processor: AgentMetricsProcessor) -> None:
        """A child that lives longer than the server does not keep its port."""
        server = start_http_server(processor)
        here, there = socket.socketpair()
        with here, there:
            child = os.fork()
            if child == 0:
                here.close()
                server.close()
                there.send(b"up")
                there.recv(1)
                os._exit(0)
            try:
                here.settimeout(patience())
                assert here.recv(2) == b"up"
                server.close()
                with start_http_server(processor, server.port):
                    pass
            finally:
                here.shutdown(socket.SHUT_RDWR)
                assert os.waitpid(child, 0)[1] == 0

    def test_both_ways_out_agree(
        self, server: MetricsServer, processor: AgentMetricsProcessor
    ) -> None:
        """The server sends what exposition() returns."""
        families = [
            line
            for line in exposition(processor)[0].splitlines()
            if line.startswith(b"marketplace_")
        ]
        body = ask(server, "/metrics")[1].splitlines()
        assert families
        assert [line for line in body if line.startswith(b"marketplace_")] == families
