"""Odd requests get what RFC 9110 and RFC 9112 say, from the server and from the applications."""

import asyncio
import socket
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast
from wsgiref.util import setup_testing_defaults

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.patience import patience

from agent_analytics.exporters import (
    MetricsServer,
    make_asgi_app,
    make_wsgi_app,
    start_http_server,
)
from agent_analytics.exporters._http.request import BadRequestError, parse
from agent_analytics.processor import AgentMetricsProcessor

HOST = b"\r\nHost: localhost:9464\r\n\r\n"


@pytest.fixture(autouse=True)
def locks_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the claims of ports apart from those of other test runs on this machine."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


@pytest.fixture
def server(processor: AgentMetricsProcessor) -> Iterator[MetricsServer]:
    """Run a server on a free port."""
    with start_http_server(processor) as server:
        yield server


def say(server: MetricsServer, data: bytes) -> tuple[int, bytes, bytes]:
    """Return status, head and body of the answer to raw bytes; the client keeps its side open."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=patience()) as client:
        client.sendall(data)
        answer = b""
        while chunk := client.recv(65536):
            answer += chunk
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split(b" ")[1]), head, body


@pytest.mark.parametrize(
    ("target", "status"),
    [
        # Absolute-form, as proxies send it (RFC 9112, 3.2.2).
        ("http://localhost:9464/metrics", 200),
        ("HTTP://[::1]:9464/metrics?x=1", 200),
        ("https://localhost/metrics/sketches", 200),
        ("http://localhost", 200),
        ("http://localhost?x=1", 200),
        ("http:///metrics", 400),
        ("http://user@localhost/metrics", 400),
        ("ftp://localhost/metrics", 400),
        ("http://[/metrics", 400),
        # Asterisk-form is of OPTIONS alone; authority-form of CONNECT alone.
        ("*", 400),
        ("localhost:9464", 400),
        ("metrics", 400),
        # Another path is another resource, and two slashes are another path (RFC 3986, 3.3).
        ("//", 404),
        ("//metrics", 404),
        ("/metrics//", 404),
        ("/metrics//sketches", 404),
        ("/metrics/", 200),
        ("/./metrics", 404),
        # A letter may be encoded; an encoded slash is none (RFC 3986, 2.2 and 6.2.2).
        ("/%6Detrics", 200),
        ("/metrics%2Fsketches", 404),
        ("/metrics%2fsketches", 404),
        ("/metrics%3Fx", 404),
        ("/metrics%00", 404),
        ("/%E2%82%AC", 404),
        ("/metrics%", 400),
        ("/metrics%zz", 400),
        # A fragment stays with the client.
        ("/metrics#top", 400),
        ("/metrics?x=1#top", 400),
        ("/metrics?", 200),
        ("/metrics?collect[]=a&collect[]=b", 200),
        ("/metrics?x=%zz", 400),
        ("/metrics;v=1", 404),
        ("/metr\xefcs", 400),
        ("/metrics\x7f", 400),
        ("/" + "x" * 7_900, 404),
        ("/" + "x" * 9_000, 414),
        ("/metrics?" + "x" * 30_000, 414),
    ],
)
def test_targets(server: MetricsServer, target: str, status: int) -> None:
    """Each form of a request target has its status, and GET alone has the four forms' meanings."""
    request = b"GET " + target.encode("latin-1") + b" HTTP/1.1" + HOST
    found, _, body = say(server, request)
    assert found == status
    if status == 200 and "metrics" in target:
        assert body.startswith(b"# HELP")
    assert say(server, b"GET /-/healthy HTTP/1.1" + HOST)[0] == 200


@pytest.mark.parametrize(
    ("line", "status", "allow"),
    [
        (b"OPTIONS * HTTP/1.1", 204, True),
        (b"OPTIONS /metrics HTTP/1.1", 405, True),
        (b"CONNECT localhost:9464 HTTP/1.1", 405, True),
        (b"TRACE / HTTP/1.1", 405, True),
        (b"PATCH /metrics HTTP/1.1", 405, True),
        (b"PUT /nothing HTTP/1.1", 404, False),
        # Methods are compared by letter (RFC 9110, 9.1), and one that is unknown is a 501.
        (b"get /metrics HTTP/1.1", 501, False),
        (b"FETCH /nothing HTTP/1.1", 501, False),
        (b"PROPFIND /metrics HTTP/1.1", 501, False),
        (b"G(T /metrics HTTP/1.1", 400, False),
        (b"GET  /metrics HTTP/1.1", 400, False),
        (b" GET /metrics HTTP/1.1", 400, False),
        (b"GET /metrics HTTP/1.1 ", 400, False),
        (b"GET /metrics http/1.1", 400, False),
        (b"GET /metrics HTTP/1.10", 400, False),
        (b"GET /metrics HTTP/1.2", 200, False),
        (b"GET /metrics HTTP/1.0", 200, False),
        (b"GET /metrics HTTP/0.9", 505, False),
        (b"GET /metrics", 400, False),
        (b"PRI * HTTP/2.0", 505, False),
    ],
)
def test_request_lines(server: MetricsServer, line: bytes, status: int, allow: bool) -> None:  # noqa: FBT001 - parametrized
    """Methods and versions: what is known and not allowed is a 405 that names what is."""
    found, head, _ = say(server, line + HOST)
    assert found == status
    assert (b"\r\nAllow: GET, HEAD" in head) is allow


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        # Exactly one Host in HTTP/1.1 (RFC 9112, 3.2); it may be empty.
        (b"", 400),
        (b"Host: a\r\nHost: a\r\n", 400),
        (b"Host: a,b\r\n", 200),  # a name may have commas
        (b"Host: a b\r\n", 400),
        (b"Host: http://a\r\n", 400),
        (b"Host:\r\n", 200),
        (b"HOST: [fe80::1%25eth0]:9464\r\n", 200),
        (b"Host : a\r\n", 400),
        (b"Host: a\r\nX y: 1\r\n", 400),
        (b"Host: a\r\nX: a\x00b\r\n", 400),
        (b"Host: a\r\nX: a\rb\r\n", 400),
        (b"Host: a\r\n: b\r\n", 400),
        (b"Host: a\r\n folded\r\n", 400),
        # The expectation that there is needs no answer of its own: the final one comes at once.
        (b"Host: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n", 200),
        (b"Host: a\r\nExpect: a-miracle\r\n", 417),
        # How long a body is must be clear, though nobody reads it.
        (b"Host: a\r\nContent-Length: 5, 5\r\n", 200),
        (b"Host: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n", 400),
        (b"Host: a\r\nContent-Length: -1\r\n", 400),
        (b"Host: a\r\nContent-Length: +5\r\n", 400),
        (b"Host: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n", 400),
        (b"Host: a\r\nTransfer-Encoding: chunked\r\n", 200),
        (b"Host: a\r\nTransfer-Encoding: zip\r\n", 501),
    ],
)
def test_headers(server: MetricsServer, headers: bytes, status: int) -> None:
    """What a server must refuse in a head is refused, and what it may not is not."""
    assert say(server, b"GET /metrics HTTP/1.1\r\n" + headers + b"\r\n")[0] == status


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"GET /metrics HTTP/1.0\r\n\r\n",  # no Host before HTTP/1.1
        b"GET /metrics HTTP/1.0\r\nExpect: a-miracle\r\n\r\n",  # nor expectations
        b"\r\n\r\nGET /metrics HTTP/1.1" + HOST,  # RFC 9112, 2.2: empty lines come before
        b"GET /metrics HTTP/1.1\nHost: a\n\n",  # a line may end without carriage return
        b"GET /metrics HTTP/1.1\r\nHost: a\r\nAccept:\ttext/plain \t\r\n\r\n",
    ],
)
def test_what_a_server_reads_all_the_same(server: MetricsServer, request_bytes: bytes) -> None:
    """Older and plainer clients are served."""
    found, _, body = say(server, request_bytes)
    assert (found, body[:6]) == (200, b"# HELP")


def test_one_request_a_connection(server: MetricsServer) -> None:
    """Of requests in a row the first is answered, with the word that the connection ends."""
    _, head, body = say(server, (b"GET /-/healthy HTTP/1.1" + HOST) * 3)
    assert b"\r\nConnection: close" in head
    assert body == b"200 OK\n"


@pytest.mark.parametrize("target", [b"/", b"/metrics", b"/-/healthy", b"/nothing", b"//"])
def test_head_is_get_without_its_body(server: MetricsServer, target: bytes) -> None:
    """HEAD has the status and the type of GET and no body, on pages that are not there, too."""
    got = say(server, b"GET " + target + b" HTTP/1.1" + HOST)
    asked = say(server, b"HEAD " + target + b" HTTP/1.1" + HOST)
    assert (asked[0], asked[2]) == (got[0], b"")
    kinds = [
        [x for x in head.splitlines() if x.startswith(b"Content-Type")]
        for _, head, _ in (got, asked)
    ]
    assert kinds[0] == kinds[1]


def test_tls_to_a_server_without(server: MetricsServer) -> None:
    """A client that speaks TLS is refused at once, not when its time is over."""
    assert say(server, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"x" * 500)[0] == 400


@given(st.binary(max_size=200))
def test_any_head_is_read_or_refused(data: bytes) -> None:
    """Whatever the bytes are, they are a request or a status of 400 and more; nothing else."""
    try:
        read = parse(data.decode("latin-1")).path
    except BadRequestError as error:
        read = f"/{error.status.value}"
    assert read[:1] in {"/", "*"}


APP_TARGETS = [
    ("/metrics", b"/metrics", 200),
    ("//metrics", b"//metrics", 404),
    ("//", b"//", 404),
    ("/metrics/", b"/metrics/", 200),
    ("/metrics/sketches", b"/metrics%2Fsketches", 404),
    ("/metrics", b"/metrics?x=a%2Fb", 200),
    ("http://localhost/metrics", b"http://localhost/metrics", 200),
    ("http://[/", b"http://[/", 404),
]


@pytest.mark.parametrize(("path", "raw", "status"), APP_TARGETS)
def test_targets_of_the_wsgi_app(
    processor: AgentMetricsProcessor, path: str, raw: bytes, status: int
) -> None:
    """The application decides as the server does, by what its web server hands on."""
    environ: dict[str, Any] = {"PATH_INFO": path, "RAW_URI": raw.decode(), "SERVER_PORT": "7"}
    setup_testing_defaults(environ)
    started: list[str] = []
    make_wsgi_app(processor)(environ, lambda status, _headers, *_: started.append(status))  # type: ignore[arg-type]  # a callable is all it takes
    assert started[0].startswith(f"{status} ")


@pytest.mark.parametrize(("path", "raw", "status"), APP_TARGETS)
@pytest.mark.parametrize("method", ["GET", "FETCH"])
def test_targets_of_the_asgi_app(
    processor: AgentMetricsProcessor, path: str, raw: bytes, status: int, method: str
) -> None:
    """The same for ASGI; a method that nobody knows is a 501 there, too."""
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request"}

    async def send(message: Any) -> None:  # noqa: ANN401 - a message of ASGI
        sent.append(message)

    scope: dict[str, Any] = {
        "type": "http", "method": method, "path": path, "raw_path": raw, "headers": [],
        "server": ("127.0.0.1", 7),
    }  # fmt: skip
    asyncio.run(cast("Any", make_asgi_app(processor)(scope, receive, send)))
    assert sent[0]["status"] == (status if method == "GET" else 501)


def test_many_odd_requests_leave_no_thread(server: MetricsServer) -> None:
    """Refusals end their connections."""
    for _ in range(30):
        say(server, b"\x00\r\n\r\n")
    server.close()
    assert not [t for t in threading.enumerate() if t.name.startswith("agent-analytics-http")]
