"""Fixtures of the portal's tests: a Prometheus that remembers what it was asked."""

import json
import threading
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from tests.patience import patience


@dataclass(slots=True)
class Recorder:
    """What stands for a Prometheus.

    Attributes:
        url: Its address.
        asked: Paths with their forms, in the order in which they came.
        answer: What every question is answered with.
        answers: Other answers by the beginning of a path below ``/api/v1/``.
        hold: Questions are not answered until it is set.
        came: Set when a question has come.
        left: Set when whoever asked has closed the connection before an answer.
    """

    url: str = ""
    asked: list[tuple[str, dict[str, list[str]]]] = field(
        default_factory=list[tuple[str, dict[str, list[str]]]]
    )
    answer: dict[str, object] = field(
        default_factory=lambda: {
            "status": "success",
            "data": {"resultType": "vector", "result": []},
        }
    )
    answers: dict[str, object] = field(default_factory=dict[str, object])
    hold: threading.Event = field(default_factory=threading.Event)
    came: threading.Event = field(default_factory=threading.Event)
    left: threading.Event = field(default_factory=threading.Event)

    @property
    def queries(self) -> list[str]:
        """The expressions that were asked."""
        return [form["query"][0] for _, form in self.asked if "query" in form]


@pytest.fixture
def prometheus() -> Iterator[Recorder]:
    """Run what stands for a Prometheus, and answers at once."""
    recorder = Recorder()
    recorder.hold.set()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            self._answer(self.path, urllib.parse.parse_qs(body))

        def do_GET(self) -> None:
            path, _, query = self.path.partition("?")
            self._answer(path, urllib.parse.parse_qs(query))

        def _answer(self, path: str, form: dict[str, list[str]]) -> None:
            recorder.asked.append((path, form))
            recorder.came.set()
            if not recorder.hold.is_set():
                self.connection.settimeout(patience())
                # Whoever has asked sends nothing more, so that what comes is the end.
                if self.connection.recv(1) == b"":
                    recorder.left.set()
                return
            below = path.removeprefix("/api/v1/")
            others = (each for name, each in recorder.answers.items() if below.startswith(name))
            body = json.dumps(next(others, recorder.answer)).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - inherited
            """Keep the terminal free."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        recorder.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield recorder
        server.shutdown()
        thread.join()
