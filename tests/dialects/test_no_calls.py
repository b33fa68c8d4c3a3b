"""Spans that an instrumentation marks as model calls: which are none, and what the others asked."""

import json
from typing import Any

import pytest
from opentelemetry.trace import StatusCode
from tests.dialects.spans import USAGE, Program

LLM = {"openinference.span.kind": "LLM", "llm.system": "openai"}
CHAT = {"gen_ai.operation.name": "chat", "gen_ai.system": "openai"}
ASKED = {**CHAT, "gen_ai.request.model": "some-model"}
AGENT = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "writer"}
OPENAI = "openinference.instrumentation.openai"
OPENAI_OTEL = "opentelemetry.instrumentation.openai.v1"
LITELLM = "litellm"
GENAI = "openinference.instrumentation.google_genai"
ANTHROPIC = "opentelemetry.instrumentation.anthropic"


def calls(scope: str, name: str, late: dict[str, Any], **more: Any) -> dict[str, int]:  # noqa: ANN401 - whatever the caller passes
    """Return the model calls, by outcome, that such a span in an agent counts."""
    program = Program("app")
    with program.span("invoke_agent writer", AGENT):
        program.one(name, late=late, scope=scope, **more)
    told = program.counted()
    assert told.invocations.total() == 1
    assert told.model_calls or not told.tokens
    return dict(told.model_calls)


@pytest.mark.parametrize(
    ("scope", "name", "late"),
    [
        # openinference-instrumentation-openai 0.1.66 marks every request, named after its result.
        (OPENAI, "SyncPage[Model]", LLM),
        (OPENAI, "AsyncCursorPage[FineTuningJob]", LLM),
        (OPENAI, "Model", LLM),
        (OPENAI, "FileObject", {**LLM, "output.value": "{}"}),
        (OPENAI, "VectorStore", {**LLM, "output.value": "{}"}),
        (OPENAI, "ModerationCreateResponse", {**LLM, "llm.model_name": "omni-moderation-latest"}),
        (OPENAI, "FineTuningJob", {**LLM, "llm.model_name": "gpt-4o-mini"}),
        (OPENAI, "Batch", {**LLM, "input.value": '{"endpoint": "/v1/chat/completions"}'}),
        # Vendors' own, with an operation of the conventions.
        (OPENAI_OTEL, "openai.models.list", CHAT),
        (OPENAI_OTEL, "files.create", CHAT),
        (OPENAI_OTEL, "openai.fine_tuning.jobs.create", {**CHAT, "gen_ai.request.model": "gpt-4o"}),
        (ANTHROPIC, "anthropic.messages.count_tokens", {**ASKED, **USAGE}),
        (GENAI, "CountTokens", {**LLM, "llm.model_name": "gemini", "llm.token_count.prompt": 10}),
        (GENAI, "caches.create", {**LLM, "llm.model_name": "gemini"}),
        # litellm 1.110.2 gives every request the operation chat; the model says what it was.
        (LITELLM, "litellm_request", {**CHAT, "gen_ai.request.model": "text-embedding-3", **USAGE}),
        (LITELLM, "litellm_request", {**CHAT, "gen_ai.request.model": "rerank-english-v3.0"}),
        # OpenLLMetry and openinference for Bedrock, where an embedding is an invoked model.
        ("opentelemetry.instrumentation.bedrock", "bedrock.completion",
         {**CHAT, "gen_ai.request.model": "amazon.titan-embed-text-v2:0", **USAGE}),
    ],
)  # fmt: skip
def test_a_request_that_asks_for_no_answer(scope: str, name: str, late: dict[str, Any]) -> None:
    """Lists, files, moderation, embeddings, counted tokens and caches are no model calls."""
    assert calls(scope, name, late) == {}


@pytest.mark.parametrize(
    ("scope", "name", "late"),
    [
        (OPENAI, "SyncPage[Model]", LLM),
        (OPENAI, "ModerationCreateResponse", LLM),
        (OPENAI_OTEL, "openai.models.list", CHAT),
    ],
)
def test_such_a_request_that_failed(scope: str, name: str, late: dict[str, Any]) -> None:
    """It is no failed model call either, by its name."""
    assert calls(scope, name, late, status=StatusCode.ERROR) == {}


@pytest.mark.parametrize(
    ("scope", "name", "late"),
    [
        (OPENAI, "ChatCompletion", {**LLM, "llm.model_name": "gpt-4o"}),
        (OPENAI, "ChatCompletion", {**LLM, "llm.output_messages.0.message.role": "assistant"}),
        (OPENAI, "Response", {**LLM, "llm.token_count.prompt": 10}),
        (OPENAI, "ChatCompletion", {**LLM, "llm.invocation_parameters": "{}"}),
        # openinference-instrumentation-bedrock 0.1.61, a chain and a class of users' own
        ("openinference.instrumentation.bedrock", "bedrock.invoke_model", {**LLM, **USAGE}),
        ("openinference.instrumentation.langchain", "ask_model", {**LLM, **USAGE}),
        ("openinference.instrumentation.langchain", "landing_page", {**LLM, **USAGE}),
        (OPENAI_OTEL, "chat", {**CHAT, "gen_ai.response.finish_reasons": ["stop"]}),
        (OPENAI_OTEL, "chat list models", {**CHAT, "gen_ai.request.model": "list models"}),
        (OPENAI_OTEL, "chat modeling", {**CHAT, "gen_ai.request.model": "modeling"}),
        # openinference-instrumentation-bedrock 0.1.61, whose method ends in the word for a model.
        (
            "openinference.instrumentation.bedrock",
            "bedrock.invoke_model",
            {**LLM, "llm.model_name": "anthropic.claude-3-5-haiku-20241022-v1:0"},
        ),
        # A framework's own span may say nothing of the model: haystack-ai, smolagents.
        ("haystack", "haystack.agent.step.llm", {}),
    ],
)
def test_a_call_that_says_little(scope: str, name: str, late: dict[str, Any]) -> None:
    """A model, tokens, a choice, or how it was to be made: one of them makes a call."""
    assert calls(scope, name, late) == {"success": 1}


@pytest.mark.parametrize(
    ("operation", "counted"),
    [
        ("acompletion", 1),
        ("atext_completion", 1),
        ("aresponses", 1),
        ("anthropic_messages", 1),
        ("agenerate_content_stream", 1),
        ("aembedding", 0),
        ("arerank", 0),
        ("amoderation", 0),
        ("afile_list", 0),
    ],
)
def test_a_function_of_litellm_as_operation(operation: str, counted: int) -> None:
    """Litellm 1.110.2's callback names its function: what asks a model for an answer is a call."""
    late = {**ASKED, **USAGE, "gen_ai.operation.name": operation}
    assert calls(LITELLM, "litellm_request", late).get("success", 0) == counted


def test_a_call_that_failed_before_it_said_anything() -> None:
    """One that raised is a failed call, with no word of its model."""
    assert calls(OPENAI_OTEL, "chat", CHAT, status=StatusCode.ERROR) == {"error": 1}


@pytest.mark.parametrize(
    "late",
    [
        {**LLM, "llm.invocation_parameters": json.dumps({"model": "m-1", "temperature": 0})},
        {**LLM, "llm.invocation_parameters": json.dumps({"model_name": "m-1", "_type": "openai"})},
        {**LLM, "llm.invocation_parameters": json.dumps({"azure_deployment": "m-1"})},
        {**LLM, "metadata": json.dumps({"ls_provider": "openai", "ls_model_name": "m-1"})},
        {**LLM, "llm.request.model_name": "m-1"},
        {**CHAT, "gen_ai.request.parameters": json.dumps({"model_id": "m-1"})},
        {**CHAT, "langsmith.metadata.ls_model_name": "m-1"},
    ],
)
def test_a_failed_call_names_its_model_in_its_parameters(late: dict[str, Any]) -> None:
    """No answer says which model failed; what the call was made with does.

    openinference-instrumentation-openai, -langchain, -anthropic 3.1.0, langsmith 0.15.1.
    """
    program = Program("app")
    with program.span("invoke_agent writer", AGENT):
        program.one("ChatCompletion", late=late, scope=OPENAI, status=StatusCode.ERROR)
    assert program.models() == {("m-1", "error"): 1}


@pytest.mark.parametrize("text", ["{", "[1]", "{}", '{"model": 3}', "x" * 10, "{" * 200_000])
def test_parameters_that_name_no_model(text: str) -> None:
    """Text that is no object, or holds no name, leaves the model unknown."""
    program = Program("app")
    with program.span("invoke_agent writer", AGENT):
        late = {**LLM, "llm.invocation_parameters": text}
        program.one("ChatCompletion", late=late, scope=OPENAI, status=StatusCode.ERROR)
    assert program.models() == {("unknown", "error"): 1}
