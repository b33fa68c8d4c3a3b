"""Retries inside one span of a client: each try is a call, and the tokens count once."""

from typing import Any

import pytest
from opentelemetry.trace import StatusCode
from tests.dialects.spans import USAGE, Program

AGENT = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "writer"}
CHAT = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m"}
OUTER = "openinference.instrumentation.litellm"
LLM = {"openinference.span.kind": "LLM", "llm.model_name": "m"}
OUTER_USAGE = {"llm.token_count.prompt": 10, "llm.token_count.completion": 4}
INNER = "opentelemetry.instrumentation.openai.v1"
ANSWER = {"gen_ai.response.id": "chatcmpl-0123456789abcdef"}


def tried(program: Program, last: dict[str, Any], fails: int, *, scope: str = INNER) -> None:
    """Try a call until it succeeds."""
    for _ in range(fails):
        program.one("chat m", late=CHAT, scope=scope, status=StatusCode.ERROR)
    program.one("chat m", late={**CHAT, **USAGE, **last}, scope=scope)


@pytest.mark.parametrize("fails", [0, 1, 2])
@pytest.mark.parametrize("last", [{}, ANSWER])
def test_tries_in_a_span_of_another_instrumentation(fails: int, last: dict[str, Any]) -> None:
    """LiteLLM, Instructor or a router round the client that is tried again: the tries are calls."""
    program = Program("app")
    with (
        program.span("invoke_agent writer", AGENT),
        program.span("completion", late={**LLM, **OUTER_USAGE}, scope=OUTER),
    ):
        tried(program, last, fails)
    told = program.counted()
    assert told.model_calls["success"] == 1
    assert told.model_calls["error"] == fails
    assert dict(told.tokens) == {"input": 10, "output": 4}


@pytest.mark.parametrize("fails", [1, 2])
def test_tries_in_a_span_of_the_same_instrumentation(fails: int) -> None:
    """A fallback of models, each with a span of the framework's own in its call."""
    program = Program("pydantic-ai")
    with (
        program.span("invoke_agent writer", AGENT),
        program.span("chat fallback", late={**CHAT, **USAGE}),
    ):
        tried(program, {}, fails, scope="pydantic-ai")
    told = program.counted()
    assert told.model_calls["success"] == 1
    assert told.model_calls["error"] == fails
    assert dict(told.tokens) == {"input": 10, "output": 4}


def test_tries_that_all_failed() -> None:
    """Of three tries in a call that failed each is a failed call, and the call round them none."""
    program = Program("app")
    with (
        program.span("invoke_agent writer", AGENT),
        program.span("completion", late=LLM, scope=OUTER, status=StatusCode.ERROR),
    ):
        for _ in range(3):
            program.one("chat m", late=CHAT, scope=INNER, status=StatusCode.ERROR)
    assert dict(program.counted().model_calls) == {"error": 3}


def test_tries_within_one_span_alone() -> None:
    """Botocore retries inside its span: one call, whatever its attribute says of attempts."""
    program = Program("opentelemetry.instrumentation.botocore.bedrock-runtime")
    with program.span("invoke_agent writer", AGENT):
        program.one("chat m", late={**CHAT, **USAGE, "retry_attempts": 3})
    told = program.counted()
    assert dict(told.model_calls) == {"success": 1}
    assert dict(told.tokens) == {"input": 10, "output": 4}


@pytest.mark.parametrize("answered", [USAGE, {}], ids=["tokens", "no tokens"])
@pytest.mark.parametrize("outer", [OUTER_USAGE, {}], ids=["outer tokens", "no outer tokens"])
def test_a_router_that_falls_back_to_another_client(
    answered: dict[str, Any], outer: dict[str, Any]
) -> None:
    """Tries of one router at two clients follow each other: they are two calls, not two views."""
    program = Program("app")
    with (
        program.span("invoke_agent writer", AGENT),
        program.span("completion", late={**LLM, **outer}, scope=OUTER),
    ):
        program.one("chat m", late=CHAT, scope=INNER, status=StatusCode.ERROR)
        second = {**CHAT, "gen_ai.request.model": "m-2", **answered}
        program.one("chat m-2", late=second, scope="opentelemetry.instrumentation.anthropic")
    assert program.models() == {("m", "error"): 1, ("m-2", "success"): 1}
    if answered or outer:
        assert dict(program.counted().tokens) == {"input": 10, "output": 4}
