"""Bedrock's runtime: Converse, and InvokeModel with Anthropic's messages, whole or streamed."""

# requests are JSON, whose types are not known
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false

import base64
import json
import re
import struct
from binascii import crc32
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote

from model_answers import Answer
from wires import anthropic
from wires.base import Asked, Reply, Wire, whole

_PATH = re.compile(r"^/model/(?P<model>[^/]+)/(?P<method>[\w-]+)$")
_STREAM = "application/vnd.amazon.eventstream"


class Bedrock(Wire):
    """The server of Bedrock's runtime; it speaks of no thinking."""

    written = 3
    reasoning = 0

    def takes(self, path: str) -> bool:
        """Return whether it is Bedrock's."""
        return _PATH.match(path) is not None

    def asked(self, path: str, body: Mapping[str, Any]) -> Asked | Reply:
        """Return what a request asks of a model."""
        found = _PATH.match(path)
        method = found["method"] if found else ""
        invoke = method.startswith("invoke")
        tools = [] if invoke else (body.get("toolConfig") or {}).get("tools") or []
        return Asked(
            unquote(found["model"]) if found else "",
            anthropic.called(body) if invoke else _called(body),
            [tool["toolSpec"]["name"] for tool in tools],
            method.endswith("stream"),
            {"invoke": invoke},
        )

    def reply(self, asked: Asked, answer: Answer) -> Reply:
        """Return an answer of either method, whole or streamed."""
        if asked.also["invoke"]:
            return _invoked(asked, answer)
        if asked.streamed:
            return Reply([_message(*event) for event in _events(answer)], _STREAM)
        return whole(
            {
                "output": {"message": {"role": "assistant", "content": _content(answer)}},
                "stopReason": _stop(answer),
                "usage": _usage(answer),
                "metrics": {"latencyMs": 7},
            }
        )

    def failure(self) -> Reply:
        """Return an internal error."""
        headers = {"x-amzn-errortype": "InternalServerException"}
        return whole({"message": "Internal server error"}, 500, headers)


def _called(body: Mapping[str, Any]) -> list[str]:
    return [
        block["toolUse"]["name"]
        for message in body["messages"]
        for block in message["content"]
        if "toolUse" in block
    ]


def _stop(answer: Answer) -> str:
    return "tool_use" if answer.tools else "end_turn"


def _content(answer: Answer) -> list[dict[str, Any]]:
    if not answer.tools:
        return [{"text": answer.text}]
    return [
        {"toolUse": {"toolUseId": call_id, "name": name, "input": dict(arguments)}}
        for call_id, name, arguments in answer.tools
    ]


def _usage(answer: Answer) -> dict[str, int]:
    call = answer.call
    return {
        "inputTokens": call.input_tokens - call.cached - call.written,
        "outputTokens": call.output_tokens,
        "totalTokens": call.input_tokens + call.output_tokens,
        "cacheReadInputTokens": call.cached,
        "cacheWriteInputTokens": call.written,
    }


def _events(answer: Answer) -> Iterator[tuple[str, dict[str, Any]]]:
    yield "messageStart", {"role": "assistant"}
    for index, (call_id, name, _) in enumerate(answer.tools):
        where = {"contentBlockIndex": index}
        start = {"toolUse": {"toolUseId": call_id, "name": name}}
        yield "contentBlockStart", {"start": start, **where}
        delta = {"toolUse": {"input": answer.arguments(index)}}
        yield "contentBlockDelta", {"delta": delta, **where}
        yield "contentBlockStop", where
    if not answer.tools:
        for word in answer.text.split(" "):
            yield "contentBlockDelta", {"delta": {"text": word}, "contentBlockIndex": 0}
        yield "contentBlockStop", {"contentBlockIndex": 0}
    yield "messageStop", {"stopReason": _stop(answer)}
    yield "metadata", {"usage": _usage(answer), "metrics": {"latencyMs": 7}}


def _invoked(asked: Asked, answer: Answer) -> Reply:
    """Return Anthropic's own message, with the counts that Bedrock puts into its headers."""
    call = answer.call
    fresh = call.input_tokens - call.cached - call.written
    if not asked.streamed:
        headers = {
            "x-amzn-bedrock-input-token-count": str(fresh),
            "x-amzn-bedrock-output-token-count": str(call.output_tokens),
            "x-amzn-bedrock-cache-read-input-token-count": str(call.cached),
            "x-amzn-bedrock-cache-write-input-token-count": str(call.written),
        }
        return whole(_without_thinking(anthropic.message(answer)), headers=headers)
    events = [_without_thinking(event) for event in anthropic.message_events(answer)]
    events[-1]["amazon-bedrock-invocationMetrics"] = {
        "inputTokenCount": fresh,
        "outputTokenCount": call.output_tokens,
        "cacheReadInputTokenCount": call.cached,
        "cacheWriteInputTokenCount": call.written,
        "invocationLatency": 7,
        "firstByteLatency": 3,
    }
    return Reply(
        [
            _message("chunk", {"bytes": base64.b64encode(json.dumps(event).encode()).decode()})
            for event in events
        ],
        _STREAM,
        headers={"x-amzn-bedrock-content-type": "application/json"},
    )


def _without_thinking(data: Mapping[str, Any]) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(json.dumps(data))
    for place in (told, told.get("message") or {}):
        (place.get("usage") or {}).pop("output_tokens_details", None)
    return told


def _message(kind: str, payload: Mapping[str, Any]) -> bytes:
    """Return one message of Amazon's event streams: lengths, headers, payload, sums."""
    headers = b"".join(
        struct.pack(">B", len(name)) + name + b"\x07" + struct.pack(">H", len(text)) + text
        for name, text in (
            (b":event-type", kind.encode()),
            (b":content-type", b"application/json"),
            (b":message-type", b"event"),
        )
    )
    body = json.dumps(payload).encode()
    start = struct.pack(">II", 16 + len(headers) + len(body), len(headers))
    start += struct.pack(">I", crc32(start))
    message = start + headers + body
    return message + struct.pack(">I", crc32(message))
