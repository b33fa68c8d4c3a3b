"""Vendors' own words for what a span is and what it used, as their releases write them."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from opentelemetry.trace import StatusCode
from tests.dialects.spans import USAGE, Program

from agent_analytics.processor._dialects import read

Told = Mapping[str, Any]
#: Tokens that a call used: input, output, cached, reasoning.
Tokens = tuple[int, int, int | None, int | None]


def ai_call(provider: str, used: Told, added: Told | None = None) -> Told:
    """Return a step of the AI SDK, with what the provider adds to its answer."""
    told: dict[str, Any] = {
        "ai.operationId": "ai.generateText.doGenerate",
        "ai.model.id": "m",
        "ai.model.provider": provider,
        "gen_ai.system": provider,
        "gen_ai.request.model": "m",
        **used,
    }
    if added is not None:
        told["ai.response.providerMetadata"] = json.dumps(added)
    return told


def ai_used(sent: int, received: int, **more: int) -> Told:
    """Return usage as the AI SDK writes it: twice, since its version 4."""
    return {
        "ai.usage.inputTokens": sent,
        "ai.usage.outputTokens": received,
        "gen_ai.usage.input_tokens": sent,
        "gen_ai.usage.output_tokens": received,
        **{f"ai.usage.{key.replace('_', '.')}": value for key, value in more.items()},
    }


#: What had nothing to do with the cache, beside what had, in Anthropic's own usage.
ANTHROPIC_USAGE = {
    "input_tokens": 12,
    "cache_creation_input_tokens": 500,
    "cache_read_input_tokens": 1_500,
    "output_tokens": 40,
}


def langfuse(usage: Told) -> Told:
    """Return a generation of Langfuse's SDK."""
    return {
        "langfuse.observation.type": "generation",
        "langfuse.observation.model.name": "m",
        "langfuse.observation.usage_details": json.dumps(usage),
    }


#: Scope, attributes, tokens.
USED: Mapping[str, tuple[str, Told, Tokens]] = {
    # ai 4.0 with @ai-sdk/anthropic 1.0: the cache is told in what the provider adds alone.
    "vercel 4, anthropic": (
        "ai",
        ai_call(
            "anthropic.messages",
            {"ai.usage.promptTokens": 12, "ai.usage.completionTokens": 40},
            {"anthropic": {"cacheCreationInputTokens": 500, "cacheReadInputTokens": 1_500}},
        ),
        (2_012, 40, 1_500, None),
    ),
    # ai 5: a total that is the sum of what was fresh and the output, and so says nothing.
    "vercel 5, anthropic": (
        "ai",
        ai_call(
            "anthropic.messages",
            ai_used(1_800, 40, totalTokens=1_840, cachedInputTokens=1_500),
            {"anthropic": {"cacheCreationInputTokens": 500}},
        ),
        (3_800, 40, 1_500, None),
    ),
    # ai 6, generateObject: all input, and no detail but in Anthropic's own usage.
    "vercel 6, anthropic": (
        "ai",
        ai_call(
            "anthropic.messages",
            {"ai.usage.promptTokens": 2_012, "ai.usage.completionTokens": 40},
            {"anthropic": {"usage": ANTHROPIC_USAGE, "cacheCreationInputTokens": 500}},
        ),
        (2_012, 40, 1_500, None),
    ),
    # Vercel's gateway and OpenRouter answer in OpenAI's words, whatever model they ask.
    "vercel 5, gateway": (
        "ai",
        {
            **ai_call("gateway", ai_used(2_012, 40, cachedInputTokens=1_500)),
            "ai.model.id": "anthropic/claude-sonnet-4",
            "gen_ai.request.model": "anthropic/claude-sonnet-4",
        },
        (2_012, 40, 1_500, None),
    ),
    "agno, openrouter": (
        "openinference.instrumentation.agno",
        {
            "openinference.span.kind": "LLM",
            "llm.model_name": "anthropic/claude-sonnet-4",
            "llm.provider": "OpenRouter",
            "llm.token_count.prompt": 2_012,
            "llm.token_count.completion": 40,
            "llm.token_count.prompt_details.cache_read": 1_500,
        },
        (2_012, 40, 1_500, None),
    ),
    "vercel 5, bedrock": (
        "ai",
        ai_call(
            "amazon-bedrock",
            ai_used(12, 40, totalTokens=2_052, cachedInputTokens=1_500),
            {"bedrock": {"usage": {"cacheWriteInputTokens": 500}}},
        ),
        (2_012, 40, 1_500, None),
    ),
    "vercel 4, openai": (
        "ai",
        ai_call(
            "openai.chat",
            ai_used(100, 20),
            {"openai": {"cachedPromptTokens": 40, "reasoningTokens": 5}},
        ),
        (100, 20, 40, 5),
    ),
    "vercel 5, google": (
        "ai",
        ai_call(
            "google.generative-ai",
            ai_used(30, 20, totalTokens=60, reasoningTokens=10),
            {
                "google": {
                    "usageMetadata": {
                        "promptTokenCount": 30,
                        "candidatesTokenCount": 20,
                        "thoughtsTokenCount": 10,
                        "cachedContentTokenCount": 8,
                        "totalTokenCount": 60,
                    }
                }
            },
        ),
        (30, 30, 8, 10),
    ),
    "vercel 4, deepseek": (
        "ai",
        ai_call(
            "deepseek.chat",
            ai_used(100, 20),
            {"deepseek": {"promptCacheHitTokens": 40, "promptCacheMissTokens": 60}},
        ),
        (100, 20, 40, None),
    ),
    "vercel 5, openrouter": (
        "ai",
        ai_call(
            "openrouter",
            ai_used(100, 20),
            {
                "openrouter": {
                    "usage": {
                        "promptTokensDetails": {"cachedTokens": 40},
                        "completionTokensDetails": {"reasoningTokens": 5},
                    }
                }
            },
        ),
        (100, 20, 40, 5),
    ),
    # langfuse 3 to 5: a client's usage as it is, and buckets that do not overlap.
    "langfuse, openai": (
        "langfuse-sdk",
        langfuse(
            {
                "prompt_tokens": 100,
                "completion_tokens": 20,
                "total_tokens": 120,
                "prompt_tokens_details": {"cached_tokens": 40},
                "completion_tokens_details": {"reasoning_tokens": 5},
            }
        ),
        (100, 20, 40, 5),
    ),
    "langfuse, anthropic": ("langfuse-sdk", langfuse(ANTHROPIC_USAGE), (2_012, 40, 1_500, None)),
    "langfuse, its own words": (
        "langfuse-sdk",
        langfuse({"input": 12, "output": 40, "cache_read_input_tokens": 1_500, "total": 1_552}),
        (1_512, 40, 1_500, None),
    ),
    "langfuse, langchain": (
        "langfuse-sdk",
        langfuse(
            {"input": 50, "input_audio": 10, "input_cache_read": 40, "output": 15, "total": 120}
            | {"output_reasoning": 5}
        ),
        (100, 20, 40, 5),
    ),
    "langfuse, against its own rules": (
        "langfuse-sdk",
        langfuse({"input": 100, "output": 20, "total": 120, "input_cached_tokens": 40}),
        (100, 20, 40, None),
    ),
    # mlflow 3.17
    "mlflow": (
        "mlflow.tracing.fluent",
        {
            "mlflow.spanType": '"CHAT_MODEL"',
            "mlflow.llm.model": '"m"',
            "mlflow.chat.tokenUsage": json.dumps(
                {"input_tokens": 2_012, "output_tokens": 40, "cache_read_input_tokens": 1_500}
            ),
        },
        (2_012, 40, 1_500, None),
    ),
    # Claude Code 2.1
    "claude code": (
        "com.anthropic.claude_code.tracing",
        {
            "span.type": "llm_request",
            "model": "m",
            "input_tokens": 12,
            "output_tokens": 40,
            "cache_read_tokens": 1_500,
            "cache_creation_tokens": 500,
            "success": True,
        },
        (2_012, 40, 1_500, None),
    ),
    # logfire 4.41: the cache and reasoning are told in what the client returned alone
    "logfire, anthropic": (
        "logfire.anthropic",
        {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "anthropic",
            "gen_ai.request.model": "m",
            "gen_ai.usage.input_tokens": 2_012,
            "gen_ai.usage.output_tokens": 40,
            "gen_ai.usage.raw": json.dumps(ANTHROPIC_USAGE),
        },
        (2_012, 40, 1_500, None),
    ),
    "logfire, openai": (
        "logfire.openai",
        {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "openai",
            "gen_ai.request.model": "m",
            "gen_ai.usage.input_tokens": 100,
            "gen_ai.usage.output_tokens": 20,
            "gen_ai.usage.raw": json.dumps(
                {
                    "input_tokens": 100,
                    "output_tokens": 20,
                    "total_tokens": 120,
                    "input_tokens_details": {"cached_tokens": 40},
                    "output_tokens_details": {"reasoning_tokens": 5},
                }
            ),
        },
        (100, 20, 40, 5),
    ),
    # pipecat-ai hands on what the clients of Anthropic and Bedrock return
    "pipecat": (
        "pipecat",
        {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "anthropic",
            "gen_ai.request.model": "m",
            "gen_ai.usage.input_tokens": 1_900,
            "gen_ai.usage.output_tokens": 40,
            "gen_ai.usage.cache_read.input_tokens": 1_500,
        },
        (3_400, 40, 1_500, None),
    ),
    # xai-sdk 1.21
    "xai": (
        "xai_sdk.sync.chat",
        {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "xai",
            "gen_ai.request.model": "m",
            "gen_ai.usage.input_tokens": 100,
            "gen_ai.usage.output_tokens": 15,
            "gen_ai.usage.total_tokens": 120,
            "gen_ai.usage.reasoning_tokens": 5,
            "gen_ai.usage.cached_prompt_text_tokens": 40,
        },
        (100, 20, 40, 5),
    ),
    # Spring AI 1.0 through Micrometer, whose tags are texts
    "spring": (
        "org.springframework.boot",
        {
            "gen_ai.operation.name": "chat",
            "gen_ai.request.model": "m",
            "gen_ai.usage.input_tokens": "100",
            "gen_ai.usage.output_tokens": "20",
            "gen_ai.usage.total_tokens": "120",
        },
        (100, 20, None, None),
    ),
    # semantic-kernel 1.0, python and .NET
    "older semantic-kernel": (
        "semantic_kernel.utils.telemetry.decorators",
        {
            "gen_ai.operation.name": "chat.completions",
            "gen_ai.request.model": "m",
            "gen_ai.response.prompt_tokens": 100,
            "gen_ai.response.completion_tokens": 20,
        },
        (100, 20, None, None),
    ),
    # Langfuse's and Sentry's keys under the prefix of the conventions
    "langfuse's keys": (
        "app",
        {
            "gen_ai.operation.name": "chat",
            "gen_ai.request.model": "m",
            "gen_ai.usage.input_tokens": 100,
            "gen_ai.usage.output_tokens": 20,
            "gen_ai.usage.input_cached_tokens": 40,
            "gen_ai.usage.output_reasoning_tokens": 5,
        },
        (100, 20, 40, 5),
    ),
}


@pytest.mark.parametrize("case", USED)
def test_what_a_call_used(case: str) -> None:
    """Input is all input and output all output, each with its parts, in a call of an agent."""
    scope, attributes, (sent, received, cached, reasoning) = USED[case]
    program = Program("app")
    agent = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "writer"}
    with program.span("invoke_agent writer", agent):
        program.one("a call", late=attributes, scope=scope)
    parts = {"cached_input": cached, "reasoning_output": reasoning}
    told_parts = {key: part for key, part in parts.items() if part is not None}
    wanted = {"input": sent, "output": received, **told_parts}
    told = program.counted()
    assert dict(told.tokens) == wanted
    assert dict(told.model_calls) == {"success": 1}


def test_the_written_part() -> None:
    """What was written to the cache is told in each vendor's own place."""
    for case in (
        "vercel 4, anthropic",
        "vercel 6, anthropic",
        "vercel 5, bedrock",
        "claude code",
        "logfire, anthropic",
    ):
        scope, attributes, _ = USED[case]
        assert read("a call", attributes, scope).cache_write == 500, case


@pytest.mark.parametrize(
    "added",
    [{"gateway": {"cost": "0.0012"}}, {"openrouter": {"usage": {"cost": 0.0012}}}],
    ids=["gateway", "openrouter"],
)
def test_what_a_router_states_through_the_ai_sdk(added: Told) -> None:
    """Vercel's gateway and OpenRouter say what a call cost in what the provider adds."""
    cost = read("a call", ai_call("gateway", ai_used(10, 4), added), "ai").cost
    assert cost is not None
    assert float(cost.amounts[0]) == 0.0012


@pytest.mark.parametrize("text", ["{", "[]", '{"anthropic": 3}', '{"google": {"usage": []}}', "1"])
def test_odd_texts(text: str) -> None:
    """What is no such object leaves what the attributes say."""
    told = {**ai_call("openai.chat", ai_used(10, 4)), "ai.response.providerMetadata": text}
    assert read("a call", told, "ai").tokens == (10, 4, None, None)
    told = {**USAGE, "langfuse.observation.type": "generation"}
    odd = {**told, "langfuse.observation.usage_details": text}
    assert read("a call", odd, "langfuse-sdk").tokens == (10, 4, None, None)


#: Scope, the attributes of agent, tool and model call, and of something that is none of them.
ROLES: Mapping[str, tuple[str, Told, Told, Told, Told]] = {
    "vercel": (
        "ai",
        {"ai.operationId": "ai.streamText", "ai.telemetry.functionId": "writer"},
        {"ai.operationId": "ai.toolCall", "ai.toolCall.name": "search"},
        ai_call("openai.chat", ai_used(10, 4)),
        {"ai.operationId": "ai.embed.doEmbed", "ai.model.id": "m", "ai.usage.tokens": 7},
    ),
    "langfuse": (
        "langfuse-sdk",
        {"langfuse.observation.type": "agent"},
        {"langfuse.observation.type": "tool"},
        langfuse({"input": 10, "output": 4}),
        {"langfuse.observation.type": "embedding", "langfuse.observation.model.name": "m"},
    ),
    "mlflow": (
        "mlflow.tracing.fluent",
        {"mlflow.spanType": '"AGENT"'},
        {"mlflow.spanType": '"TOOL"'},
        {"mlflow.spanType": '"LLM"', "mlflow.llm.model": '"m"', **USAGE},
        {"mlflow.spanType": '"RETRIEVER"'},
    ),
    "agentops": (
        "agentops",
        {"agentops.span.kind": "agent"},
        {"agentops.span.kind": "tool", "tool.name": "search"},
        {"agentops.span.kind": "llm", "gen_ai.request.model": "m", **USAGE},
        {"agentops.span.kind": "task"},
    ),
    "loongsuite": (
        "opentelemetry.instrumentation.dashscope",
        {"gen_ai.span.kind": "AGENT", "gen_ai.agent.name": "writer"},
        {"gen_ai.span.kind": "TOOL", "gen_ai.tool.name": "search"},
        {"gen_ai.span.kind": "LLM", "gen_ai.request.model": "m", **USAGE},
        {"gen_ai.span.kind": "RETRIEVER"},
    ),
    "laminar": (
        "lmnr",
        {"lmnr.span.type": "EXECUTOR"},
        {"lmnr.span.type": "TOOL"},
        {"lmnr.span.type": "LLM", "gen_ai.request.model": "m", **USAGE},
        {"lmnr.span.type": "EVALUATION"},
    ),
    "gemini cli": (
        "gemini-cli",
        {"gen_ai.operation.name": "agent_call", "gen_ai.agent.name": "writer"},
        {"gen_ai.operation.name": "tool_call", "gen_ai.tool.name": "search"},
        {"gen_ai.operation.name": "llm_call", "gen_ai.request.model": "m", **USAGE},
        {"gen_ai.operation.name": "system_prompt"},
    ),
}


@pytest.mark.parametrize("vendor", ROLES)
@pytest.mark.parametrize("fails", [False, True])
def test_what_a_span_is(vendor: str, *, fails: bool) -> None:
    """An agent, its tool and its model call count as one of each, and nothing else does."""
    scope, agent, tool, call, other = ROLES[vendor]
    program = Program(scope)
    status = StatusCode.ERROR if fails else None
    with program.span("writer", agent, status=status):
        program.one("search", tool, status=status)
        program.one("a call", call)
        program.one("something", other)
    outcome = "error" if fails else "success"
    told = program.counted()
    assert dict(told.agents) == {"writer": 1}
    assert dict(told.invocations) == {outcome: 1}
    assert dict(told.tools) == {("search", outcome): 1}
    assert program.models() == {("m", "success"): 1}
    assert dict(told.tokens) == {"input": 10, "output": 4}


def test_an_interaction_of_claude_code() -> None:
    """An interaction is the agent; what runs a tool and what waits for a person are steps."""
    program = Program("com.anthropic.claude_code.tracing")
    with program.span("claude_code.interaction", {"span.type": "interaction"}):
        program.one("claude_code.llm_request", USED["claude code"][1])
        with program.span("claude_code.tool", {"span.type": "tool", "tool_name": "Bash"}):
            program.one("claude_code.tool.blocked_on_user", {"span.type": "tool.blocked_on_user"})
            program.one("claude_code.tool.execution", {"span.type": "tool.execution"})
        failed = {"span.type": "llm_request", "model": "m", "success": False}
        program.one("claude_code.llm_request", failed)
    told = program.counted()
    assert dict(told.agents) == {"claude_code": 1}
    assert dict(told.tools) == {("Bash", "success"): 1}
    assert program.models() == {("m", "success"): 1, ("m", "error"): 1}
    assert dict(told.tokens) == {"input": 2_012, "output": 40, "cached_input": 1_500}


def test_a_function_of_vercel_without_a_name() -> None:
    """``generateText`` that nobody named is no agent: what is round it is, and counts its steps."""
    program = Program("ai")
    agent = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "writer"}
    whole = {"ai.operationId": "ai.generateText", "ai.model.id": "m", **ai_used(20, 8)}
    with (
        program.span("invoke_agent writer", agent, scope="app"),
        program.span("ai.generateText", whole),
    ):
        for _ in range(2):
            program.one("ai.generateText.doGenerate", ai_call("openai.chat", ai_used(10, 4)))
    told = program.counted()
    assert dict(told.agents) == {"writer": 1}
    assert dict(told.model_calls) == {"success": 2}
    assert dict(told.tokens) == {"input": 20, "output": 8}


def test_a_tool_of_spring() -> None:
    """Spring AI 1.0 gives its tools the operation of whatever the framework does."""
    program = Program("org.springframework.boot")
    agent = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "writer"}
    framework = {"gen_ai.operation.name": "framework", "gen_ai.system": "spring_ai"}
    tool = {"spring.ai.kind": "tool_call", "spring.ai.tool.definition.name": "search"}
    with (
        program.span("invoke_agent writer", agent, scope="app"),
        program.span("spring_ai chat_client", {**framework, "spring.ai.kind": "chat_client"}),
    ):
        program.one("chat m", USED["spring"][1])
        program.one("tool_call search", {**framework, **tool})
    told = program.counted()
    assert dict(told.tools) == {("search", "success"): 1}
    assert dict(told.model_calls) == {"success": 1}


def test_an_observation_that_says_it_failed() -> None:
    """Langfuse's level is a failure where the status says nothing."""
    program = Program("langfuse-sdk")
    attributes = {"langfuse.observation.type": "agent", "langfuse.observation.level": "ERROR"}
    program.one("writer", late=attributes)
    assert dict(program.counted().invocations) == {"error": 1}
