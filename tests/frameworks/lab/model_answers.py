"""What an answer looks like on the wire: chat completions and responses, whole or streamed."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

CACHED, REASONING = 5, 2
VERSIONS = {"gpt-4o": "gpt-4o-2024-08-06", "gpt-4o-mini": "gpt-4o-mini-2024-07-18"}


@dataclass
class Call:
    """One answered request.

    Attributes:
        model: What was asked for.
        status: The HTTP status of the answer.
        input_tokens: What it read; 0 unless it went well.
        output_tokens: What it wrote; 0 unless it went well.
        streamed: Whether the answer came in pieces.
        tools: How many tools it called at once.
        cached: What of the input was read from a cache.
        written: What of the input was written to a cache.
        reasoning: What of the output went into thinking.
    """

    model: str
    status: int
    input_tokens: int = 0
    output_tokens: int = 0
    streamed: bool = False
    tools: int = 0
    cached: int = 0
    written: int = 0
    reasoning: int = 0


@dataclass(frozen=True)
class Answer:
    """What the model says to one request.

    Attributes:
        number: Which answer of the process it is.
        call: The figures.
        tools: Id, name and arguments of each tool that it calls.
        text: What it says when it calls none.
    """

    number: int
    call: Call
    tools: Sequence[tuple[str, str, Mapping[str, Any]]]
    text: str

    @property
    def version(self) -> str:
        """The model that answers, which is not spelled as the one that was asked for."""
        return VERSIONS.get(self.call.model, self.call.model)

    def arguments(self, index: int) -> str:
        """Return the arguments of one of the tools as text."""
        return json.dumps(self.tools[index][2])


def chat(answer: Answer) -> dict[str, Any]:
    """Return a chat completion."""
    message: dict[str, Any] = {
        "role": "assistant",
        "content": None if answer.tools else answer.text,
    }
    if answer.tools:
        message["tool_calls"] = [_tool_call(*tool) for tool in answer.tools]
    choice = {"index": 0, "message": message, "finish_reason": _finish(answer), "logprobs": None}
    return {
        **_head(answer),
        "object": "chat.completion",
        "choices": [choice],
        "usage": _usage(answer.call),
    }


def chat_chunks(answer: Answer, *, usage: bool) -> list[dict[str, Any]]:
    """Return the chunks of a streamed chat completion; usage only where it was asked for."""
    if answer.tools:
        parts: list[dict[str, Any]] = [
            {"tool_calls": [{"index": index, **_tool_call(*tool)}]}
            for index, tool in enumerate(answer.tools)
        ]
    else:
        parts = [{"content": word} for word in answer.text.split(" ")]
    deltas = [{"role": "assistant", "content": ""}, *parts, {}]
    head = {**_head(answer), "object": "chat.completion.chunk"}
    chunks: list[dict[str, Any]] = [
        {**head, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]}
        for delta in deltas
    ]
    chunks[-1]["choices"][0]["finish_reason"] = _finish(answer)
    if usage:
        chunks.append({**head, "choices": [], "usage": _usage(answer.call)})
    return chunks


def response(answer: Answer, tools: object) -> dict[str, Any]:
    """Return an object of the responses API."""
    call = answer.call
    return {
        "id": f"resp_lab{answer.number}",
        "object": "response",
        "created_at": 1700000000,
        "model": answer.version,
        "status": "completed",
        "output": _output(answer),
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": tools or [],
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "metadata": {},
        "temperature": 1.0,
        "top_p": 1.0,
        "usage": {
            "input_tokens": call.input_tokens,
            "input_tokens_details": {"cached_tokens": call.cached},
            "output_tokens": call.output_tokens,
            "output_tokens_details": {"reasoning_tokens": call.reasoning},
            "total_tokens": call.input_tokens + call.output_tokens,
        },
    }


def response_events(whole: Mapping[str, Any], text: str) -> list[dict[str, Any]]:
    """Return the events of a streamed response."""
    begun: dict[str, Any] = {**whole, "status": "in_progress", "output": [], "usage": None}
    events: list[dict[str, Any]] = [{"type": "response.created", "response": begun}]
    for index, item in enumerate(whole["output"]):
        where = {"output_index": index, "item_id": item["id"]}
        events.append({"type": "response.output_item.added", "output_index": index, "item": item})
        if item["type"] == "message":
            part: dict[str, Any] = {"type": "output_text", "text": "", "annotations": []}
            events.append(
                {"type": "response.content_part.added", **where, "content_index": 0, "part": part}
            )
            events += [
                {
                    "type": "response.output_text.delta",
                    **where,
                    "content_index": 0,
                    "delta": word,
                    "logprobs": [],
                }
                for word in text.split(" ")
            ]
        else:
            events.append(
                {
                    "type": "response.function_call_arguments.delta",
                    **where,
                    "delta": item["arguments"],
                }
            )
        events.append({"type": "response.output_item.done", "output_index": index, "item": item})
    events.append({"type": "response.completed", "response": dict(whole)})
    return [{**event, "sequence_number": order} for order, event in enumerate(events)]


def embedding(model: str) -> dict[str, Any]:
    """Return an embedding."""
    return {
        "object": "list",
        "data": [{"object": "embedding", "index": 0, "embedding": [0.1] * 8}],
        "model": model,
        "usage": {"prompt_tokens": 3, "total_tokens": 3},
    }


def failure() -> dict[str, Any]:
    """Return what a server that fails says."""
    return {
        "error": {
            "message": "The server had an error",
            "type": "server_error",
            "param": None,
            "code": "internal_error",
        }
    }


def _head(answer: Answer) -> dict[str, Any]:
    return {"id": f"chatcmpl-lab{answer.number}", "created": 1700000000, "model": answer.version}


def _finish(answer: Answer) -> str:
    return "tool_calls" if answer.tools else "stop"


def _tool_call(call_id: str, name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    function = {"name": name, "arguments": json.dumps(arguments)}
    return {"id": call_id, "type": "function", "function": function}


def _usage(call: Call) -> dict[str, Any]:
    return {
        "prompt_tokens": call.input_tokens,
        "completion_tokens": call.output_tokens,
        "total_tokens": call.input_tokens + call.output_tokens,
        "prompt_tokens_details": {"cached_tokens": call.cached, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": call.reasoning,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def _output(answer: Answer) -> list[dict[str, Any]]:
    if answer.tools:
        return [
            {
                "type": "function_call",
                "id": f"fc_{call_id}",
                "call_id": call_id,
                "name": name,
                "arguments": json.dumps(arguments),
                "status": "completed",
            }
            for call_id, name, arguments in answer.tools
        ]
    return [
        {
            "type": "message",
            "id": f"msg_{answer.number}",
            "role": "assistant",
            "status": "completed",
            "content": [{"type": "output_text", "text": answer.text, "annotations": []}],
        }
    ]
