"""Cohere's second chat API: what is billed, and what the model read, as two figures."""

# requests are JSON, whose types are not known
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false

from collections.abc import Iterator, Mapping
from typing import Any

from model_answers import Answer
from wires.base import Asked, Reply, Wire, events, whole
from wires.openai import called


class Cohere(Wire):
    """Cohere's server."""

    reasoning = 0

    def takes(self, path: str) -> bool:
        """Return whether it is Cohere's."""
        return path.startswith("/v2/chat")

    def asked(self, path: str, body: Mapping[str, Any]) -> Asked | Reply:  # noqa: ARG002 - one path
        """Return what a request asks of a model."""
        return Asked(
            str(body["model"]),
            called(body),
            [tool["function"]["name"] for tool in body.get("tools") or []],
            bool(body.get("stream")),
        )

    def reply(self, asked: Asked, answer: Answer) -> Reply:
        """Return a message, whole or streamed."""
        if asked.streamed:
            return events(_events(answer), named=False)
        message: dict[str, Any] = {"role": "assistant"}
        if answer.tools:
            message |= {"tool_plan": "I will look.", "tool_calls": _calls(answer)}
        else:
            message["content"] = [{"type": "text", "text": answer.text}]
        return whole(
            {
                "id": f"lab-{answer.number}",
                "finish_reason": _finish(answer),
                "message": message,
                "usage": _usage(answer),
            }
        )

    def failure(self) -> Reply:
        """Return an internal error."""
        return whole({"id": "lab", "message": "internal server error"}, 500)


def _finish(answer: Answer) -> str:
    return "TOOL_CALL" if answer.tools else "COMPLETE"


def _calls(answer: Answer) -> list[dict[str, Any]]:
    return [
        {
            "id": call_id,
            "type": "function",
            "function": {"name": name, "arguments": answer.arguments(index)},
        }
        for index, (call_id, name, _) in enumerate(answer.tools)
    ]


def _usage(answer: Answer) -> dict[str, Any]:
    figures = {
        "input_tokens": float(answer.call.input_tokens),
        "output_tokens": float(answer.call.output_tokens),
    }
    return {
        "billed_units": figures,
        "tokens": figures,
        "cached_tokens": float(answer.call.cached),
    }


def _events(answer: Answer) -> Iterator[dict[str, Any]]:
    start = {"role": "assistant", "content": [], "tool_plan": "", "tool_calls": []}
    yield {
        "type": "message-start",
        "id": f"lab-{answer.number}",
        "delta": {"message": start},
    }
    for index, call in enumerate(_calls(answer)):
        yield {
            "type": "tool-call-start",
            "index": index,
            "delta": {"message": {"tool_calls": call}},
        }
        yield {"type": "tool-call-end", "index": index}
    if not answer.tools:
        text: dict[str, Any] = {"type": "text", "text": ""}
        yield {"type": "content-start", "index": 0, "delta": {"message": {"content": text}}}
        for word in answer.text.split(" "):
            content = {"message": {"content": {"text": word}}}
            yield {"type": "content-delta", "index": 0, "delta": content}
        yield {"type": "content-end", "index": 0}
    yield {
        "type": "message-end",
        "delta": {"finish_reason": _finish(answer), "usage": _usage(answer)},
    }
