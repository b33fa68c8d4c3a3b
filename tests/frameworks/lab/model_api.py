"""A look-alike of the OpenAI chat and responses API on loopback, which keeps the truth.

What the model "says" follows from the request alone: each model has a plan, a list of turns (tool
calls), and takes the first turn that the conversation does not show yet; after the last it answers.
So any number of runs may share one server.
"""

# requests are JSON, whose types are not known
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false

import json
import re
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

from model_answers import (
    CACHED,
    REASONING,
    Answer,
    Call,
    chat,
    chat_chunks,
    embedding,
    failure,
    response,
    response_events,
)

#: The tools that a model calls at once, or ``"error"``.
Turn = Sequence[str] | Literal["error"]

ARGUMENTS: dict[str, dict[str, Any]] = {
    "search": {"query": "opentelemetry"},
    "calculator": {"expression": "2+2"},
    "slow": {"query": "x"},
    "ask_researcher": {"query": "help"},
    "final_answer": {"answer": "4"},
}
_UNKNOWN = {"query": "help", "input": "help"}
_NAMED = re.compile(r"""name[\\\\"']+: *[\\\\"']+(\w+)""")


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
    def base_url(self) -> str:
        """Where clients find it."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()

    def says(self, body: Mapping[str, Any]) -> Answer | None:
        """Return what the model says to a request, and note it; None when it fails."""
        model = str(body["model"])
        turn = self._turn(model, _called(body))
        streamed = bool(body.get("stream"))
        with self._lock:
            number = len(self.calls)
            if turn == "error":
                self.calls.append(Call(model, 500, streamed=streamed))
                return None
            # Each call costs something else, so that no two of them can be taken for one another.
            extra = number % 50
            call = Call(model, 200, 101 + 13 * extra, 17 + 3 * extra, streamed)
            self.calls.append(call)
            text = self.answer
        tools = [
            (f"call_{number}_{index}", name, ARGUMENTS.get(name, _UNKNOWN))
            for index, name in enumerate(turn)
        ]
        if not tools and "final_answer" in _offered(body):
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
        self._json(200, {"object": "list", "data": []})

    def do_POST(self) -> None:
        """Answer as the model."""
        body: dict[str, Any] = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if self.path.endswith("/embeddings"):
            self._json(200, embedding(str(body["model"])))
            return
        server = self.server
        answer = server.api.says(body) if isinstance(server, _Server) else None
        if answer is None:
            self._json(500, failure())
        elif "messages" in body:
            if body.get("stream"):
                usage = bool((body.get("stream_options") or {}).get("include_usage"))
                self._events(chat_chunks(answer, usage=usage), named=False)
            else:
                self._json(200, chat(answer))
        else:
            whole = response(answer, body.get("tools"))
            if body.get("stream"):
                self._events(response_events(whole, answer.text), named=True)
            else:
                self._json(200, whole)

    def _json(self, status: int, data: object) -> None:
        raw = json.dumps(data).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def _events(self, events: Sequence[Mapping[str, Any]], *, named: bool) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("connection", "close")
        self.end_headers()
        for event in events:
            if named:
                self.wfile.write(f"event: {event['type']}\n".encode())
            self.wfile.write(b"data: " + json.dumps(event).encode() + b"\n\n")
            self.wfile.flush()
        if not named:
            self.wfile.write(b"data: [DONE]\n\n")
        self.close_connection = True


def _offered(body: Mapping[str, Any]) -> list[str | None]:
    tools = body.get("tools") or []
    return [tool.get("name") or tool.get("function", {}).get("name") for tool in tools]


def _called(body: Mapping[str, Any]) -> list[str]:
    """Return the tools that a conversation shows as called."""
    if "messages" not in body:
        items = body["input"]
        if isinstance(items, str):
            return []
        return [item["name"] for item in items if item.get("type") == "function_call"]
    called: list[str] = []
    for message in body["messages"]:
        calls = message.get("tool_calls") or []
        called += [call["function"]["name"] for call in calls]
        # Some frameworks send the calls back as text.
        if message["role"] in {"assistant", "tool-call"} and not calls:
            called += _NAMED.findall(json.dumps(message.get("content") or ""))
    return called


__all__ = ["ARGUMENTS", "CACHED", "REASONING", "ModelApi", "Turn"]
