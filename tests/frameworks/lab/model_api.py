"""A look-alike of the models' servers on loopback, which keeps the truth; `wires` speaks.

What the model "says" follows from the request alone: each model has a plan, a list of turns (tool
calls), and takes the first turn that the conversation does not show yet; after the last it answers.
So any number of runs may share one server.
"""

# requests are JSON, whose types are not known
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false

import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any, Literal

from model_answers import CACHED, REASONING, Answer, Call
from wires import Asked, Reply, Wire, wire_of
from wires.base import whole

#: The tools that a model calls at once, or ``"error"``.
Turn = Sequence[str] | Literal["error"]

ARGUMENTS: dict[str, dict[str, Any]] = {
    "search": {"query": "opentelemetry"},
    "calculator": {"expression": "2+2"},
    "slow": {"query": "x"},
    "ask_researcher": {"query": "help"},
    "final_answer": {"answer": "4"},
}
#: Numbers of answers: no two servers of a process give one id to two answers.
_NUMBERS = count()
_UNKNOWN = {"query": "help", "input": "help"}


@dataclass
class ModelApi:
    """The server, its plans by model, and every call that it answered.

    Attributes:
        plans: Turns by model.
        calls: What was answered, in order.
        answer: What a model says when it calls no tool.
    """

    plans: dict[str, list[Turn]] = field(default_factory=dict[str, list[Turn]])
    calls: list[Call] = field(default_factory=list[Call])
    answer: str = "The answer is 4."

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._server = _Server(self)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def root(self) -> str:
        """Where clients that add the whole path find it."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def base_url(self) -> str:
        """Where OpenAI's client, and what is built on that client, finds it."""
        return f"{self.root}/v1"

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()

    def says(self, asked: Asked, wire: Wire) -> Answer | None:
        """Return what the model says to a request, and note it; None when it fails."""
        model, streamed = asked.model, asked.streamed
        turn = self._turn(model, list(asked.called))
        with self._lock:
            number = len(self.calls)
            if turn == "error":
                self.calls.append(Call(model, 500, streamed=streamed))
                return None
            # Each call costs something else, so that no two of them can be taken for one another.
            extra = number % 50
            call = Call(
                model,
                200,
                101 + 13 * extra,
                17 + 3 * extra,
                streamed,
                cached=wire.cached,
                written=wire.written,
                reasoning=wire.reasoning,
            )
            self.calls.append(call)
            text, number = self.answer, next(_NUMBERS)
        tools = [
            (f"call_{number}_{index}", name, ARGUMENTS.get(name, _UNKNOWN))
            for index, name in enumerate(turn)
        ]
        if not tools and "final_answer" in asked.offered:
            tools = [(f"call_{number}_f", "final_answer", ARGUMENTS["final_answer"])]
        call.tools = len(tools)
        return Answer(number, call, tools, text)

    def _turn(self, model: str, called: list[str]) -> Turn:
        for turn in self.plans.get(model, ()):
            if turn == "error":
                return "error"
            missing: list[str] = []
            for name in turn:
                if name in called:
                    called.remove(name)
                else:
                    missing.append(name)
            if missing:
                return missing
        return []


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def __init__(self, api: ModelApi) -> None:
        self.api = api
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as it is called
        """Say nothing."""

    def do_GET(self) -> None:
        """List no models."""
        self._send(whole({"object": "list", "data": [], "models": []}))

    def do_POST(self) -> None:
        """Answer as the model."""
        body = self.rfile.read(int(self.headers["content-length"]))
        path = self.path.partition("?")[0]
        wire = wire_of(path)
        asked = wire.asked(path, json.loads(body))
        if isinstance(asked, Reply):
            self._send(asked)
            return
        server = self.server
        answer = server.api.says(asked, wire) if isinstance(server, _Server) else None
        self._send(wire.failure() if answer is None else wire.reply(asked, answer))

    def _send(self, reply: Reply) -> None:
        self.send_response(reply.status)
        self.send_header("content-type", reply.content_type)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if len(reply.pieces) == 1:
            self.send_header("content-length", str(len(reply.pieces[0])))
        else:
            self.send_header("connection", "close")
            self.close_connection = True
        self.end_headers()
        for piece in reply.pieces:
            self.wfile.write(piece)
            self.wfile.flush()


__all__ = ["ARGUMENTS", "CACHED", "REASONING", "ModelApi", "Turn"]
