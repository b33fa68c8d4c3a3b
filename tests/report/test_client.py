"""The client: what goes wrong says so, and nothing escapes from a matcher."""

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import promql_parser
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.effort import examples

from agent_analytics.insights._prometheus.client import (
    PrometheusClient,
    PrometheusUnreachable,
    QueryFailed,
    equals,
)

Answer = tuple[int, bytes, dict[str, str]]


@pytest.fixture
def stand_in() -> Iterator[Callable[[Answer], tuple[str, list[dict[str, str]]]]]:
    """Run a server that gives one answer, for what a real Prometheus does not do when asked.

    What it was asked is with the headers, under "asked".
    """
    servers: list[ThreadingHTTPServer] = []

    def begin(answer: Answer) -> tuple[str, list[dict[str, str]]]:
        seen: list[dict[str, str]] = []

        class Given(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                asked = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
                seen.append({**dict(self.headers.items()), "asked": asked})
                status, body, headers = answer
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - overrides
                """Keep quiet."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Given)
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        return f"127.0.0.1:{server.server_address[1]}", seen

    yield begin
    for server in servers:
        server.shutdown()
        server.server_close()


def test_nothing_listens() -> None:
    """An address where nothing answers is named."""
    with pytest.raises(PrometheusUnreachable, match=r"no answer from Prometheus at http://127\."):
        PrometheusClient("http://127.0.0.1:9").query("1", at=0)


@pytest.mark.parametrize(
    "url", ["localhost:9090", "ftp://host", "file:///etc/passwd", "", "http://"]
)
def test_address_is_of_http(url: str) -> None:
    """What is no address of HTTP is refused before anything is asked."""
    with pytest.raises(ValueError, match="expected an address"):
        PrometheusClient(url)


REFUSALS: list[tuple[Answer, str]] = [
    ((200, b"<html>hello</html>", {}), "does not answer like a Prometheus"),
    ((200, b"[1]", {}), "does not answer like a Prometheus"),
    ((200, b'{"status": "success", "data": {"result": 3}}', {}), "does not answer like"),
    ((401, b"no", {}), "does not accept the credentials"),
    ((503, b"busy", {}), "HTTP 503"),
    ((302, b"", {"Location": "http://127.0.0.1:9/"}), "HTTP 302"),
    ((422, b'{"status": "error", "error": "too many samples"}', {}), "too many samples"),
]


@pytest.mark.parametrize(("answer", "told"), REFUSALS)
def test_refusals_are_told(
    stand_in: Callable[[Answer], tuple[str, list[dict[str, str]]]], answer: Answer, told: str
) -> None:
    """Whatever stands at the address and is no Prometheus, or refuses, is told apart."""
    place, _ = stand_in(answer)
    with pytest.raises(QueryFailed, match=told) as caught:
        PrometheusClient(f"http://{place}").query("1", at=0)
    assert place in str(caught.value)


def test_credentials_are_sent_and_never_told(
    stand_in: Callable[[Answer], tuple[str, list[dict[str, str]]]],
) -> None:
    """A user and a password in the address become a header and stand in no message."""
    place, seen = stand_in((401, b"", {}))
    client = PrometheusClient(f"http://me:s%40cret@{place}/", headers={"X-Scope": "7"})
    with pytest.raises(QueryFailed) as caught:
        client.query("1", at=0)
    assert "cret" not in str(caught.value)
    assert seen[0]["Authorization"] == "Basic bWU6c0BjcmV0"
    assert seen[0]["X-Scope"] == "7"


@pytest.mark.parametrize(
    "result",
    [
        pytest.param('{"metric": {}, "value": [12.5, "12.5"]}', id="Prometheus"),
        # VictoriaMetrics 1.79 and 1.151 answer what is a scalar to Prometheus as a series, too.
        pytest.param('{"metric": {}, "value": [12, "12.5"], "groupId": 0}', id="VictoriaMetrics"),
    ],
)
def test_the_clock_is_asked_for_as_every_engine_answers(
    stand_in: Callable[[Answer], tuple[str, list[dict[str, str]]]], result: str
) -> None:
    """The time of the server is read from a series: not every engine has scalars."""
    data = f'{{"resultType": "vector", "result": [{result}]}}'
    place, seen = stand_in((200, f'{{"status": "success", "data": {data}}}'.encode(), {}))
    assert PrometheusClient(f"http://{place}").now() == 12.5
    assert seen[0]["asked"] == "query=vector%28time%28%29%29"


def test_no_clock_is_no_time(
    stand_in: Callable[[Answer], tuple[str, list[dict[str, str]]]],
) -> None:
    """A server without an answer to what time it is does not pass for a Prometheus."""
    place, _ = stand_in((200, b'{"status": "success", "data": {"result": []}}', {}))
    with pytest.raises(QueryFailed, match="does not answer like a Prometheus"):
        PrometheusClient(f"http://{place}").now()


def test_a_range_is_asked_for_at_its_very_times(
    stand_in: Callable[[Answer], tuple[str, list[dict[str, str]]]],
) -> None:
    """VictoriaMetrics moves the times of a long range unless it may not answer from its cache."""
    place, seen = stand_in((200, b'{"status": "success", "data": {"result": []}}', {}))
    client = PrometheusClient(f"http://{place}")
    assert client.query_range("up", start=1, end=61, step=1) == []
    assert seen[0]["asked"] == "query=up&start=1.000&end=61.000&step=1&nocache=1"


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
@settings(max_examples=examples(300))
def test_no_value_escapes_from_its_matcher(value: str) -> None:
    """A parser of PromQL reads one matcher with exactly the value that was put in."""
    parsed = promql_parser.parse(f"m{{{equals('publisher_id', value)}}}")
    assert isinstance(parsed, promql_parser.VectorSelector)
    matchers = [(each.name, each.value) for each in parsed.matchers.matchers]
    assert matchers == [("publisher_id", value)]


@pytest.mark.servers
@pytest.mark.parametrize(
    "value", ['"', "\\", "a\nb", "}", "\x00\x1f\x7f", "\N{SNOWMAN}\U0001f600", "`"]
)
def test_prometheus_reads_back_what_was_matched(url: str, value: str) -> None:
    """A real Prometheus takes hostile values for what they are."""
    client = PrometheusClient(url)
    absent = client.query(f"absent(up{{{equals('y', value)}}})", at=0)
    assert [sample.labels["y"] for sample in absent] == [value]


@pytest.mark.servers
def test_message_of_prometheus_is_told(url: str) -> None:
    """What Prometheus says about a query is passed on."""
    with pytest.raises(QueryFailed, match="parse error"):
        PrometheusClient(url).query("sum(", at=0)


@pytest.mark.servers
def test_one_refused_query_of_many_is_told(url: str) -> None:
    """Of several queries, the one that is refused decides."""
    with pytest.raises(QueryFailed, match="parse error"):
        PrometheusClient(url).query_many({"good": "vector(1)", "bad": "sum("}, at=0)
