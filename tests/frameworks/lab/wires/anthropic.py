"""Anthropic's messages API: input tokens are fresh ones only, cached and written stand beside."""

# requests are JSON, whose types are not known
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false

from collections.abc import Iterator, Mapping
from typing import Any

from model_answers import Answer
from wires.base import Asked, Reply, Wire, events, whole


class Anthropic(Wire):
    """Anthropic's server."""

    written = 3

    def takes(self, path: str) -> bool:
        """Return whether it is Anthropic's."""
        return path.startswith(("/v1/messages", "/anthropic/"))

    def asked(self, path: str, body: Mapping[str, Any]) -> Asked | Reply:
        """Return what a request asks of a model; a count of tokens asks none."""
        if path.endswith("/count_tokens"):
            return whole({"input_tokens": 101})
        return Asked(
            str(body["model"]),
            called(body),
            [tool.get("name") for tool in body.get("tools") or []],
            bool(body.get("stream")),
        )

    def reply(self, asked: Asked, answer: Answer) -> Reply:
        """Return a message, whole or streamed."""
        if asked.streamed:
            return events(message_events(answer), named=True)
        return whole(message(answer), headers={"request-id": f"req_lab{answer.number}"})

    def failure(self) -> Reply:
        """Return an internal error."""
        error = {"type": "api_error", "message": "Internal server error"}
        return whole({"type": "error", "error": error}, 500)


def called(body: Mapping[str, Any]) -> list[str]:
    """Return the tools that a conversation shows as called."""
    return [
        block["name"]
        for one in body["messages"]
        if one["role"] == "assistant" and not isinstance(one["content"], str)
        for block in one["content"]
        if block["type"] == "tool_use"
    ]


def message(answer: Answer) -> dict[str, Any]:
    """Return a message in one piece."""
    content: list[dict[str, Any]] = [
        {"type": "tool_use", "id": call_id, "name": name, "input": dict(arguments)}
        for call_id, name, arguments in answer.tools
    ]
    return {
        "id": f"msg_lab{answer.number}",
        "type": "message",
        "role": "assistant",
        "model": answer.version,
        "content": content or [{"type": "text", "text": answer.text}],
        "stop_reason": "tool_use" if answer.tools else "end_turn",
        "stop_sequence": None,
        "usage": usage(answer),
    }


def usage(answer: Answer) -> dict[str, Any]:
    """Return what a call used."""
    call = answer.call
    return {
        "input_tokens": call.input_tokens - call.cached - call.written,
        "cache_creation_input_tokens": call.written,
        "cache_read_input_tokens": call.cached,
        "cache_creation": {
            "ephemeral_5m_input_tokens": call.written,
            "ephemeral_1h_input_tokens": 0,
        },
        "output_tokens": call.output_tokens,
        "output_tokens_details": {"thinking_tokens": call.reasoning},
        "service_tier": "standard",
    }


def message_events(answer: Answer) -> Iterator[dict[str, Any]]:
    """Return the events of a message in pieces; usage is a running total."""
    made = message(answer)
    begun = {**made["usage"], "output_tokens": 1, "output_tokens_details": None}
    yield {
        "type": "message_start",
        "message": {**made, "content": [], "stop_reason": None, "usage": begun},
    }
    for index, block in enumerate(made["content"]):
        empty = {**block, "input": {}} if block["type"] == "tool_use" else {**block, "text": ""}
        yield {"type": "content_block_start", "index": index, "content_block": empty}
        for delta in _deltas(answer, index, block):
            yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}
    yield {
        "type": "message_delta",
        "delta": {"stop_reason": made["stop_reason"], "stop_sequence": None},
        "usage": {
            key: n
            for key, n in made["usage"].items()
            if key.endswith("_tokens") or key == "output_tokens_details"
        },
    }
    yield {"type": "message_stop"}


def _deltas(answer: Answer, index: int, block: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    if block["type"] == "text":
        for word in answer.text.split(" "):
            yield {"type": "text_delta", "text": word}
    else:
        yield {"type": "input_json_delta", "partial_json": answer.arguments(index)}
