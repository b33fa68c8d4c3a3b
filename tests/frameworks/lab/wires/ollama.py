"""Ollama's chat API: lines of JSON, and counts of what was evaluated."""

# requests are JSON, whose types are not known
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false

import json
from collections.abc import Mapping
from typing import Any

from model_answers import Answer
from wires.base import Asked, Reply, Wire, whole
from wires.openai import called


class Ollama(Wire):
    """Ollama's server."""

    cached = reasoning = 0

    def takes(self, path: str) -> bool:
        """Return whether it is Ollama's."""
        return path.startswith("/api/chat")

    def asked(self, path: str, body: Mapping[str, Any]) -> Asked | Reply:  # noqa: ARG002 - one path
        """Return what a request asks of a model; a stream unless it says otherwise."""
        return Asked(
            str(body["model"]),
            called(body),
            [tool["function"]["name"] for tool in body.get("tools") or []],
            body.get("stream", True) is not False,
        )

    def reply(self, asked: Asked, answer: Answer) -> Reply:
        """Return a message, whole or streamed."""
        last = {
            "done": True,
            "done_reason": "stop",
            "total_duration": 9,
            "load_duration": 1,
            "prompt_eval_count": answer.call.input_tokens,
            "prompt_eval_duration": 3,
            "eval_count": answer.call.output_tokens,
            "eval_duration": 5,
        }
        if not asked.streamed:
            return whole({**_part(answer, answer.text, tools=True), **last})
        words = [] if answer.tools else answer.text.split(" ")
        parts = [{**_part(answer, word), "done": False} for word in words]
        if answer.tools:
            parts = [{**_part(answer, "", tools=True), "done": False}]
        lines = [*parts, {**_part(answer, ""), **last}]
        return Reply([json.dumps(line).encode() + b"\n" for line in lines], "application/x-ndjson")

    def failure(self) -> Reply:
        """Return an internal error."""
        return whole({"error": "internal server error"}, 500)


def _part(answer: Answer, text: str, *, tools: bool = False) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": text}
    if tools and answer.tools:
        message["content"] = ""
        message["tool_calls"] = [
            {"function": {"name": name, "arguments": dict(arguments)}}
            for _, name, arguments in answer.tools
        ]
    return {
        "model": answer.version,
        "created_at": "2026-01-01T00:00:00Z",
        "message": message,
    }
