"""A look-alike of the OpenAI chat and responses API on loopback, which keeps the truth.

What the model "says" follows from the request alone: each model has a plan, a list of turns (tool
calls), and takes the first turn that the conversation does not show yet; after the last it answers.
So any number of runs may share one server.
"""

import json
import re
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

ARGUMENTS: dict[str, dict[str, Any]] = {
    "search": {"query": "opentelemetry"},
    "calculator": {"expression": "2+2"},
    "slow": {"query": "x"},
    "ask_researcher": {"query": "help"},
}
CACHED, REASONING = 5, 2
_NAMED = re.compile(r"""name[\\\\"']+: *[\\\\"']+(\w+)""")


@dataclass
class Call:
    """One answered request."""

    model: str
    status: int
    input_tokens: int
    output_tokens: int


@dataclass
class ModelApi:
    """The server, its plans by model, and every call that it answered.

    Attributes:
        plans: Turns by model; a turn is a list of tool names, or ``"error"``.
        calls: What was answered, in order.
    """

    plans: dict[str, list[Any]] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)
    answer: str = "The answer is 4."

    def __post_init__(self) -> None:
        api = self
        self._lock = threading.Lock()

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None:
                pass

            def do_GET(self) -> None:
                self._json(200, {"object": "list", "data": []})

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                api._serve(self, body)

            def _json(self, status: int, data: object) -> None:
                raw = json.dumps(data).encode()
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

            def _events(self, events: list[Any], *, named: bool) -> None:
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

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 256

        self._server = Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def base_url(self) -> str:
        """Where clients find it."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()

    # --- what it says ----------------------------------------------------------------------------

    def _turn(self, model: str, called: list[str]) -> Any:
        seen = list(called)
        for turn in self.plans.get(model, []):
            if turn == "error":
                return turn
            missing = []
            for name in turn:
                if name in seen:
                    seen.remove(name)
                else:
                    missing.append(name)
            if missing:
                return missing
        return None

    def _serve(self, handler: Any, body: dict[str, Any]) -> None:
        responses = "input" in body and "messages" not in body
        if "input" in body and handler.path.endswith("/embeddings"):
            handler._json(
                200,
                {
                    "object": "list",
                    "data": [{"object": "embedding", "index": 0, "embedding": [0.1] * 8}],
                    "model": body["model"],
                    "usage": {"prompt_tokens": 3, "total_tokens": 3},
                },
            )
            return
        model = body["model"]
        called = _called(body["input"]) if responses else _called_in_chat(body["messages"])
        turn = self._turn(model, called)
        tools = [
            t.get("name") or t.get("function", {}).get("name") for t in body.get("tools") or []
        ]
        with self._lock:
            number = len(self.calls)
            if turn == "error":
                self.calls.append(Call(model, 500, 0, 0))
            else:
                self.calls.append(
                    Call(model, 200, 101 + 13 * (number % 50), 17 + 3 * (number % 50))
                )
            call = self.calls[-1]
        if turn == "error":
            handler._json(
                500,
                {
                    "error": {
                        "message": "The server had an error",
                        "type": "server_error",
                        "param": None,
                        "code": "internal_error",
                    }
                },
            )
            return
        calls = [
            (f"call_{number}_{i}", name, ARGUMENTS.get(name, {"query": "help", "input": "help"}))
            for i, name in enumerate(turn or [])
        ]
        if not calls and "final_answer" in tools:
            calls = [(f"call_{number}_f", "final_answer", {"answer": "4"})]
        version = {"gpt-4o": "gpt-4o-2024-08-06", "gpt-4o-mini": "gpt-4o-mini-2024-07-18"}.get(
            model, model
        )
        if responses:
            _answer_response(handler, body, call, version, calls, self.answer, number)
        else:
            _answer_chat(handler, body, call, version, calls, self.answer, number)


def _called_in_chat(messages: list[dict[str, Any]]) -> list[str]:
    called = [
        call["function"]["name"] for message in messages for call in message.get("tool_calls") or []
    ]
    # Some frameworks send the calls back as text.
    for message in messages:
        if message["role"] in {"assistant", "tool-call"} and not message.get("tool_calls"):
            called += _NAMED.findall(json.dumps(message.get("content") or ""))
    return called


def _called(items: Any) -> list[str]:
    if isinstance(items, str):
        return []
    return [item["name"] for item in items if item.get("type") == "function_call"]


def _usage(call: Call) -> dict[str, Any]:
    return {
        "prompt_tokens": call.input_tokens,
        "completion_tokens": call.output_tokens,
        "total_tokens": call.input_tokens + call.output_tokens,
        "prompt_tokens_details": {"cached_tokens": CACHED, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": REASONING,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def _answer_chat(
    handler: Any, body: Any, call: Call, version: str, calls: Any, answer: str, number: int
) -> None:
    head = {"id": f"chatcmpl-lab{number}", "created": 1700000000, "model": version}
    finish = "tool_calls" if calls else "stop"
    message: dict[str, Any] = {"role": "assistant", "content": None if calls else answer}
    if calls:
        message["tool_calls"] = [
            {"id": i, "type": "function", "function": {"name": n, "arguments": json.dumps(a)}}
            for i, n, a in calls
        ]
    if not body.get("stream"):
        handler._json(
            200,
            {
                **head,
                "object": "chat.completion",
                "choices": [
                    {"index": 0, "message": message, "finish_reason": finish, "logprobs": None}
                ],
                "usage": _usage(call),
            },
        )
        return
    chunk = {**head, "object": "chat.completion.chunk"}
    events: list[Any] = [
        {
            **chunk,
            "choices": [
                {"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}
            ],
        }
    ]
    if calls:
        events += [
            {
                **chunk,
                "choices": [
                    {
                        "index": 0,
                        "delta": {
                            "tool_calls": [
                                {
                                    "index": k,
                                    "id": i,
                                    "type": "function",
                                    "function": {"name": n, "arguments": json.dumps(a)},
                                }
                            ]
                        },
                        "finish_reason": None,
                    }
                ],
            }
            for k, (i, n, a) in enumerate(calls)
        ]
    else:
        events += [
            {**chunk, "choices": [{"index": 0, "delta": {"content": part}, "finish_reason": None}]}
            for part in answer.split(" ")
        ]
    events.append({**chunk, "choices": [{"index": 0, "delta": {}, "finish_reason": finish}]})
    if (body.get("stream_options") or {}).get("include_usage"):
        events.append({**chunk, "choices": [], "usage": _usage(call)})
    handler._events(events, named=False)


def _answer_response(
    handler: Any, body: Any, call: Call, version: str, calls: Any, answer: str, number: int
) -> None:
    output = [
        {
            "type": "function_call",
            "id": f"fc_{i}",
            "call_id": i,
            "name": n,
            "arguments": json.dumps(a),
            "status": "completed",
        }
        for i, n, a in calls
    ] or [
        {
            "type": "message",
            "id": f"msg_{number}",
            "role": "assistant",
            "status": "completed",
            "content": [{"type": "output_text", "text": answer, "annotations": []}],
        }
    ]
    base: dict[str, Any] = {
        "id": f"resp_lab{number}", "object": "response", "created_at": 1700000000, "model": version,
        "status": "completed", "output": output, "parallel_tool_calls": True, "tool_choice": "auto",
        "tools": body.get("tools") or [], "error": None, "incomplete_details": None, "instructions": None,
        "metadata": {}, "temperature": 1.0, "top_p": 1.0,
        "usage": {"input_tokens": call.input_tokens, "input_tokens_details": {"cached_tokens": CACHED}, "output_tokens": call.output_tokens, "output_tokens_details": {"reasoning_tokens": REASONING}, "total_tokens": call.input_tokens + call.output_tokens},
    }  # fmt: skip
    if not body.get("stream"):
        handler._json(200, base)
        return
    events: list[Any] = [
        {
            "type": "response.created",
            "response": {**base, "status": "in_progress", "output": [], "usage": None},
        }
    ]
    for index, item in enumerate(output):
        events.append({"type": "response.output_item.added", "output_index": index, "item": item})
        if item["type"] == "message":
            part = {"type": "output_text", "text": "", "annotations": []}
            events.append(
                {
                    "type": "response.content_part.added",
                    "output_index": index,
                    "item_id": item["id"],
                    "content_index": 0,
                    "part": part,
                }
            )
            events += [
                {
                    "type": "response.output_text.delta",
                    "output_index": index,
                    "item_id": item["id"],
                    "content_index": 0,
                    "delta": word,
                    "logprobs": [],
                }
                for word in answer.split(" ")
            ]
        else:
            events.append(
                {
                    "type": "response.function_call_arguments.delta",
                    "output_index": index,
                    "item_id": item["id"],
                    "delta": item["arguments"],
                }
            )
        events.append({"type": "response.output_item.done", "output_index": index, "item": item})
    events.append({"type": "response.completed", "response": base})
    for order, event in enumerate(events):
        event["sequence_number"] = order
    handler._events(events, named=True)
