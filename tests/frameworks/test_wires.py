"""The lab's servers say what they keep as the truth, each in its provider's own words."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from tests.zero_code.launch import model_api

ASKS: dict[str, tuple[str, dict[str, Any]]] = {
    "anthropic": ("/v1/messages", {"model": "m", "messages": []}),
    "bedrock": ("/model/m/converse", {"messages": []}),
    "bedrock invoke": ("/model/m/invoke", {"messages": []}),
    "cohere": ("/v2/chat", {"model": "m", "messages": []}),
    "google": ("/v1beta/models/m:generateContent", {"contents": []}),
    "groq": ("/openai/v1/chat/completions", {"model": "m", "messages": []}),
    "mistral": ("/mistral/v1/chat/completions", {"model": "m", "messages": []}),
    "ollama": ("/api/chat", {"model": "m", "messages": [], "stream": False}),
    "openai": ("/v1/chat/completions", {"model": "m", "messages": []}),
    "openai responses": ("/v1/responses", {"model": "m", "input": "x"}),
}


@pytest.fixture
def api() -> Iterator[Any]:
    """Run the servers."""
    server = model_api().ModelApi()
    yield server
    server.close()


def ask(api: Any, provider: str) -> dict[str, Any]:  # noqa: ANN401 - the lab is untyped, it runs in environments of its own
    """Return what a server answers."""
    path, body = ASKS[provider]
    request = urllib.request.Request(
        api.root + path, json.dumps(body).encode(), {"content-type": "application/json"}
    )
    with urllib.request.urlopen(request) as answer:
        told: dict[str, Any] = json.load(answer)
        return told


def _google(told: dict[str, Any]) -> tuple[int, int, int, int]:
    used = told["usageMetadata"]
    read, thought = used["promptTokenCount"], used["thoughtsTokenCount"]
    assert used["totalTokenCount"] == read + used["candidatesTokenCount"] + thought
    return read, used["candidatesTokenCount"] + thought, used["cachedContentTokenCount"], thought


def _bedrock(told: dict[str, Any]) -> tuple[int, int, int, int]:
    used = told["usage"]
    cached, written = used["cacheReadInputTokens"], used["cacheWriteInputTokens"]
    read = used["inputTokens"] + cached + written
    assert used["totalTokens"] == read + used["outputTokens"]
    return read, used["outputTokens"], cached, 0


def _anthropic(told: dict[str, Any]) -> tuple[int, int, int, int]:
    used = told["usage"]
    cached, written = used["cache_read_input_tokens"], used["cache_creation_input_tokens"]
    thought = used.get("output_tokens_details", {}).get("thinking_tokens", 0)
    return used["input_tokens"] + cached + written, used["output_tokens"], cached, thought


def _cohere(told: dict[str, Any]) -> tuple[int, int, int, int]:
    used = told["usage"]
    billed = used["billed_units"]
    return billed["input_tokens"], billed["output_tokens"], used["cached_tokens"], 0


def _responses(told: dict[str, Any]) -> tuple[int, int, int, int]:
    used = told["usage"]
    cached = used["input_tokens_details"]["cached_tokens"]
    thought = used["output_tokens_details"]["reasoning_tokens"]
    return used["input_tokens"], used["output_tokens"], cached, thought


def _ollama(told: dict[str, Any]) -> tuple[int, int, int, int]:
    return told["prompt_eval_count"], told["eval_count"], 0, 0


def _chat(told: dict[str, Any]) -> tuple[int, int, int, int]:
    used = told["usage"]
    cached = used.get("prompt_tokens_details", {}).get("cached_tokens", 0)
    thought = used.get("completion_tokens_details", {}).get("reasoning_tokens", 0)
    return used["prompt_tokens"], used["completion_tokens"], cached, thought


#: Input, output, cached and reasoning tokens as a provider bills them; `_chat` where none is named.
BILLED = {
    "anthropic": _anthropic,
    "bedrock": _bedrock,
    "bedrock invoke": _anthropic,
    "cohere": _cohere,
    "google": _google,
    "ollama": _ollama,
    "openai responses": _responses,
}


@pytest.mark.parametrize("provider", ASKS)
def test_usage_is_the_truth(api: Any, provider: str) -> None:  # noqa: ANN401 - as above
    """What a provider bills is what the lab notes of the call."""
    told = BILLED.get(provider, _chat)(ask(api, provider))
    (call,) = api.calls
    assert told == (call.input_tokens, call.output_tokens, call.cached, call.reasoning)
    assert call.input_tokens > call.cached + call.written


@pytest.mark.parametrize("provider", ASKS)
def test_a_failure_is_one(api: Any, provider: str) -> None:  # noqa: ANN401 - as above
    """A model whose plan is to fail answers with the status of a server that failed."""
    api.plans = {"m": ["error"]}
    with pytest.raises(urllib.error.HTTPError) as raised:
        ask(api, provider)
    raised.value.close()
    assert raised.value.code == 500
    assert [(call.status, call.input_tokens) for call in api.calls] == [(500, 0)]
