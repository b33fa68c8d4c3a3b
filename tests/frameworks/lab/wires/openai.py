"""OpenAI's chat and responses API, and servers that speak much like it: Groq's and Mistral's."""

# requests are JSON, whose types are not known
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false

import json
import re
from collections.abc import Mapping
from typing import Any

from model_answers import (
    Answer,
    chat,
    chat_chunks,
    embedding,
    failure,
    response,
    response_events,
)
from wires.base import Asked, Reply, Wire, events, whole

_NAMED = re.compile(r"""name[\\\\"']+: *[\\\\"']+(\w+)""")
_DONE = b"data: [DONE]\n\n"


class OpenAI(Wire):
    """OpenAI's server."""

    def takes(self, path: str) -> bool:  # noqa: ARG002 - it takes all
        """Return true: whatever no other server takes is asked of this one."""
        return True

    def asked(self, path: str, body: Mapping[str, Any]) -> Asked | Reply:
        """Return what a request asks of a model; an embedding where one is asked for."""
        if path.endswith("/embeddings"):
            return whole(embedding(str(body["model"])))
        return Asked(
            str(body["model"]),
            called(body),
            [tool.get("name") or tool.get("function", {}).get("name") for tool in _tools(body)],
            bool(body.get("stream")),
            body,
        )

    def reply(self, asked: Asked, answer: Answer) -> Reply:
        """Return a chat completion, or a response, whole or streamed."""
        if "messages" not in asked.also:
            made = response(answer, asked.also.get("tools"))
            if asked.streamed:
                return events(response_events(made, answer.text), named=True)
            return whole(made)
        if asked.streamed:
            usage = bool((asked.also.get("stream_options") or {}).get("include_usage"))
            return events(chat_chunks(answer, usage=usage), named=False, last=_DONE)
        return whole(chat(answer))

    def failure(self) -> Reply:
        """Return an internal error."""
        return whole(failure(), 500)


class Groq(OpenAI):
    """Groq's server: a stream tells its usage in the last chunk, in a field of its own."""

    def takes(self, path: str) -> bool:
        """Return whether it is Groq's."""
        return path.startswith("/openai/v1/")

    def reply(self, asked: Asked, answer: Answer) -> Reply:
        """Return a chat completion, whole or streamed."""
        if not asked.streamed:
            return whole({**chat(answer), "x_groq": {"id": "req_lab"}})
        *chunks, last, usage = chat_chunks(answer, usage=True)
        last["x_groq"] = {"id": "req_lab", "usage": usage["usage"]}
        return events([*chunks, last], named=False, last=_DONE)


class Mistral(OpenAI):
    """Mistral's server: neither cached nor reasoning tokens, and usage in every stream."""

    cached = reasoning = 0

    def takes(self, path: str) -> bool:
        """Return whether it is Mistral's."""
        return path.startswith("/mistral/")

    def reply(self, asked: Asked, answer: Answer) -> Reply:
        """Return a chat completion, whole or streamed."""
        if not asked.streamed:
            return whole({**chat(answer), "usage": _plain(chat(answer))})
        *chunks, last, usage = chat_chunks(answer, usage=True)
        last["usage"] = _plain(usage)
        return events([*chunks, last], named=False, last=_DONE)


def _plain(told: Mapping[str, Any]) -> dict[str, Any]:
    return {key: n for key, n in told["usage"].items() if not key.endswith("_details")}


def _tools(body: Mapping[str, Any]) -> list[dict[str, Any]]:
    return list(body.get("tools") or [])


def called(body: Mapping[str, Any]) -> list[str]:
    """Return the tools that a conversation shows as called."""
    if "messages" not in body:
        items = body["input"]
        if isinstance(items, str):
            return []
        return [item["name"] for item in items if item.get("type") == "function_call"]
    names: list[str] = []
    for message in body["messages"]:
        calls = message.get("tool_calls") or []
        names += [call["function"]["name"] for call in calls]
        # Some frameworks send the calls back as text.
        if message["role"] in {"assistant", "tool-call"} and not calls:
            names += _NAMED.findall(json.dumps(message.get("content") or ""))
    return names
