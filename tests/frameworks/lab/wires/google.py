"""Google's Gemini API: thinking stands beside the candidates, and usage is told in every chunk."""

# requests are JSON, whose types are not known
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false

import re
from collections.abc import Mapping
from typing import Any

from model_answers import Answer
from wires.base import Asked, Reply, Wire, events, whole

_PATH = re.compile(r"/models/(?P<model>[^/:]+):(?P<method>\w+)")
#: Tokens of input that are what tools on the provider's side gave back.
TOOL_USE = 4


class Google(Wire):
    """Google's server."""

    def takes(self, path: str) -> bool:
        """Return whether it is Google's."""
        return _PATH.search(path) is not None

    def asked(self, path: str, body: Mapping[str, Any]) -> Asked | Reply:
        """Return what a request asks of a model; a count of tokens asks none."""
        found = _PATH.search(path)
        if found is None or found["method"] == "countTokens":
            return whole({"totalTokens": 101})
        tools = body.get("tools") or []
        return Asked(
            found["model"],
            [
                part["functionCall"]["name"]
                for content in body["contents"]
                if content.get("role") == "model"
                for part in content["parts"]
                if "functionCall" in part
            ],
            [one["name"] for tool in tools for one in tool.get("functionDeclarations") or []],
            found["method"] == "streamGenerateContent",
            {"searches": any("googleSearch" in tool for tool in tools)},
        )

    def reply(self, asked: Asked, answer: Answer) -> Reply:
        """Return candidates, whole or streamed."""
        searches = bool(asked.also["searches"])
        if not asked.streamed:
            return whole(_response(answer, _parts(answer), searches=searches, last=True))
        parts = _parts(answer)
        return events(
            [
                _response(answer, [part], searches=searches, last=part is parts[-1])
                for part in parts
            ],
            named=False,
        )

    def failure(self) -> Reply:
        """Return an internal error."""
        error = {"code": 500, "message": "Internal error", "status": "INTERNAL"}
        return whole({"error": error}, 500)


def _parts(answer: Answer) -> list[dict[str, Any]]:
    if answer.tools:
        return [
            {"functionCall": {"id": call_id, "name": name, "args": dict(arguments)}}
            for call_id, name, arguments in answer.tools
        ]
    return [{"text": word} for word in answer.text.split(" ")]


def _response(
    answer: Answer, parts: list[dict[str, Any]], *, searches: bool, last: bool
) -> dict[str, Any]:
    call = answer.call
    candidate: dict[str, Any] = {"content": {"role": "model", "parts": parts}, "index": 0}
    written = call.output_tokens - call.reasoning if last else 1
    used: dict[str, Any] = {
        "promptTokenCount": call.input_tokens - (TOOL_USE if searches else 0),
        "cachedContentTokenCount": call.cached,
        "candidatesTokenCount": written,
        "thoughtsTokenCount": call.reasoning,
        "totalTokenCount": call.input_tokens + written + call.reasoning,
    }
    if searches:
        used["toolUsePromptTokenCount"] = TOOL_USE
    if last:
        candidate["finishReason"] = "STOP"
    return {
        "candidates": [candidate],
        "usageMetadata": used,
        "modelVersion": answer.version,
        "responseId": f"resp-lab{answer.number}",
    }
