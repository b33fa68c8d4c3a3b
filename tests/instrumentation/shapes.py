"""What model libraries return, each in the shape of its newest release, and the truth of it."""

from collections.abc import Callable, Mapping
from types import MappingProxyType, SimpleNamespace
from typing import Any, cast

KEYS = {
    "gen_ai.usage.input_tokens": "input",
    "gen_ai.usage.output_tokens": "output",
    "gen_ai.usage.cache_read.input_tokens": "cached",
    "gen_ai.usage.cache_creation.input_tokens": "written",
    "marketplace.usage.cache_creation_1h.input_tokens": "hour",
    "gen_ai.usage.reasoning.output_tokens": "reasoning",
    "gen_ai.request.model": "model",
    "gen_ai.provider.name": "provider",
}

Form = Callable[[Any], object]


def as_it_is(value: object) -> object:
    """Return plain dicts."""
    return value


def read_only(value: object) -> object:
    """Return a mapping that is no dict."""
    return MappingProxyType(cast("dict[str, object]", value))


def objects(value: object) -> object:
    """Return nested mappings as objects, as the libraries' own models are."""
    if isinstance(value, Mapping):
        fields = cast("Mapping[str, object]", value)
        return SimpleNamespace(**{key: objects(item) for key, item in fields.items()})
    if isinstance(value, list):
        return [objects(item) for item in cast("list[object]", value)]
    return value


FORMS: tuple[Form, ...] = (as_it_is, objects, read_only)


def usage(attributes: Mapping[str, object]) -> dict[str, object]:
    """Return what a span says of usage, under short names."""
    return {short: attributes[key] for key, short in KEYS.items() if key in attributes}


def anthropic(fresh: int, made: int, read: int, written: int, **more: object) -> dict[str, Any]:
    """Return usage as Anthropic's interface gives it (anthropic 2.14.0)."""
    return {
        "input_tokens": fresh,
        "output_tokens": made,
        "cache_read_input_tokens": read,
        "cache_creation_input_tokens": written,
        **more,
    }


#: By who returns it: the value, and what it means.
SHAPES: Mapping[str, tuple[dict[str, Any], dict[str, object]]] = {
    # The report's message (litellm#9812): 12,304 tokens were written to the cache.
    "anthropic": (
        {"model": "m", "usage": anthropic(3, 550, 0, 12_304)},
        {"input": 12_307, "output": 550, "written": 12_304, "model": "m"},
    ),
    # anthropic 2.14.0: writes by lifetime, thinking within the output.
    "anthropic, by lifetime": (
        {
            "model": "m",
            "usage": anthropic(
                10,
                50,
                100,
                300,
                cache_creation={
                    "ephemeral_5m_input_tokens": 100,
                    "ephemeral_1h_input_tokens": 200,
                },
                output_tokens_details={"thinking_tokens": 30},
            ),
        },
        {
            "input": 410,
            "output": 50,
            "cached": 100,
            "written": 300,
            "hour": 200,
            "reasoning": 30,
            "model": "m",
        },
    ),
    # anthropic 2.14.0, beta: a compaction is in no field of the usage but in its iterations.
    "anthropic, iterations": (
        {
            "model": "m",
            "usage": anthropic(
                20,
                30,
                0,
                0,
                iterations=[
                    {"type": "compaction", **anthropic(1_000, 70, 0, 0)},
                    {"type": "message", **anthropic(8, 10, 5, 2)},
                    {"type": "message", **anthropic(12, 20, 0, 0)},
                ],
            ),
        },
        {"input": 1_027, "output": 100, "cached": 5, "written": 2, "model": "m"},
    ),
    "usage that is a list": (
        {"model": "m", "usage": [anthropic(8, 10, 5, 2), anthropic(12, 20, 0, 0)]},
        {"input": 27, "output": 30, "cached": 5, "written": 2, "model": "m"},
    ),
    # openai 3.57.0: cache_write_tokens is a part of the prompt.
    "openai chat": (
        {
            "model": "m",
            "usage": {
                "prompt_tokens": 101,
                "completion_tokens": 53,
                "total_tokens": 154,
                "prompt_tokens_details": {"cached_tokens": 29, "cache_write_tokens": 40},
                "completion_tokens_details": {"reasoning_tokens": 17},
            },
        },
        {
            "input": 101,
            "output": 53,
            "cached": 29,
            "written": 40,
            "reasoning": 17,
            "model": "m",
        },
    ),
    "openai responses": (
        {
            "model": "m",
            "usage": {
                "input_tokens": 101,
                "output_tokens": 53,
                "total_tokens": 154,
                "input_tokens_details": {"cached_tokens": 29, "cache_write_tokens": 40},
                "output_tokens_details": {"reasoning_tokens": 17},
            },
        },
        {
            "input": 101,
            "output": 53,
            "cached": 29,
            "written": 40,
            "reasoning": 17,
            "model": "m",
        },
    ),
    # xAI through OpenAI's client: reasoning beside the completion.
    "xai": (
        {
            "model": "grok",
            "usage": {
                "prompt_tokens": 32,
                "completion_tokens": 9,
                "total_tokens": 135,
                "completion_tokens_details": {"reasoning_tokens": 94},
            },
        },
        {"input": 32, "output": 103, "reasoning": 94, "model": "grok"},
    ),
    # Gemini through OpenAI's client: thoughts are in the total alone.
    "gemini as openai": (
        {
            "model": "g",
            "usage": {"prompt_tokens": 10, "completion_tokens": 20, "total_tokens": 130},
        },
        {"input": 10, "output": 120, "model": "g"},
    ),
    # DeepSeek and Moonshot through OpenAI's client.
    "deepseek": (
        {
            "model": "d",
            "usage": {
                "prompt_tokens": 100,
                "completion_tokens": 20,
                "total_tokens": 120,
                "prompt_cache_hit_tokens": 64,
                "prompt_cache_miss_tokens": 36,
            },
        },
        {"input": 100, "output": 20, "cached": 64, "model": "d"},
    ),
    "moonshot": (
        {"model": "k", "usage": {"prompt_tokens": 9, "completion_tokens": 2, "cached_tokens": 4}},
        {"input": 9, "output": 2, "cached": 4, "model": "k"},
    ),
    # google-genai 3.6.1: the total is the sum of all four.
    "google": (
        {
            "model_version": "g",
            "usage_metadata": {
                "prompt_token_count": 100,
                "candidates_token_count": 20,
                "thoughts_token_count": 60,
                "tool_use_prompt_token_count": 30,
                "cached_content_token_count": 40,
                "total_token_count": 210,
            },
        },
        {"input": 130, "output": 80, "cached": 40, "reasoning": 60, "model": "g"},
    ),
    "google as JSON": (
        {
            "modelVersion": "g",
            "usageMetadata": {
                "promptTokenCount": 100,
                "candidatesTokenCount": 20,
                "thoughtsTokenCount": 60,
                "toolUsePromptTokenCount": 30,
                "totalTokenCount": 210,
            },
        },
        {"input": 130, "output": 80, "reasoning": 60, "model": "g"},
    ),
    "google interactions": (
        {
            "model": "g",
            "usage": {
                "total_input_tokens": 100,
                "total_output_tokens": 20,
                "total_thought_tokens": 60,
                "total_tool_use_tokens": 30,
                "total_cached_tokens": 40,
                "total_tokens": 210,
            },
        },
        {"input": 130, "output": 80, "cached": 40, "reasoning": 60, "model": "g"},
    ),
    # boto3 1.44.8, Converse: input is fresh, the total holds all; writes as a list, too.
    "bedrock": (
        {
            "ResponseMetadata": {"HTTPStatusCode": 200},
            "output": {"message": {"role": "assistant", "content": []}},
            "stopReason": "end_turn",
            "usage": {
                "inputTokens": 12,
                "outputTokens": 40,
                "totalTokens": 2_052,
                "cacheReadInputTokens": 1_500,
                "cacheWriteInputTokens": 500,
                "cacheDetails": [
                    {"ttl": "1h", "inputTokens": 300},
                    {"ttl": "5m", "inputTokens": 200},
                ],
            },
        },
        {"input": 2_012, "output": 40, "cached": 1_500, "written": 500, "hour": 300},
    ),
    # strands-agents 1.62.0 with OpenAI's model: the same fields, and the cache is within.
    "strands": (
        {
            "stop_reason": "end_turn",
            "metrics": {
                "accumulated_usage": {
                    "inputTokens": 100,
                    "outputTokens": 20,
                    "totalTokens": 120,
                    "cacheReadInputTokens": 64,
                },
            },
        },
        {"input": 100, "output": 20, "cached": 64},
    ),
    "strands on bedrock": (
        {
            "metrics": {
                "accumulated_usage": {
                    "inputTokens": 12,
                    "outputTokens": 40,
                    "totalTokens": 2_052,
                    "cacheReadInputTokens": 1_500,
                    "cacheWriteInputTokens": 500,
                },
            },
        },
        {"input": 2_012, "output": 40, "cached": 1_500, "written": 500},
    ),
    # cohere 7.3.1: floats; what was billed stands beside.
    "cohere": (
        {
            "id": "c",
            "usage": {
                "billed_units": {"input_tokens": 5.0, "output_tokens": 2.0},
                "tokens": {"input_tokens": 70.0, "output_tokens": 12.0},
                "cached_tokens": 8.0,
            },
        },
        {"input": 70, "output": 12, "cached": 8},
    ),
    "cohere, its first interface": (
        {"meta": {"tokens": {"input_tokens": 70.0, "output_tokens": 12.0}}},
        {"input": 70, "output": 12},
    ),
    # ollama 0.6.3: an answer is its own usage.
    "ollama": (
        {"model": "l", "done": True, "prompt_eval_count": 26, "eval_count": 9},
        {"input": 26, "output": 9, "model": "l"},
    ),
    # groq 1.7.0, mistralai 3.7.0.
    "groq": (
        {
            "model": "q",
            "x_groq": {"id": "r", "usage": {"prompt_tokens": 9, "completion_tokens": 2}},
        },
        {"input": 9, "output": 2, "model": "q"},
    ),
    # langchain-core 1.8.4; langchain-anthropic 1.7.10 moves writes to their lifetimes.
    "langchain": (
        {
            "type": "ai",
            "response_metadata": {"model_name": "m", "model_provider": "anthropic"},
            "usage_metadata": {
                "input_tokens": 410,
                "output_tokens": 50,
                "total_tokens": 460,
                "input_token_details": {
                    "cache_read": 100,
                    "cache_creation": 0,
                    "ephemeral_5m_input_tokens": 100,
                    "ephemeral_1h_input_tokens": 200,
                },
                "output_token_details": {"reasoning": 30},
            },
        },
        {
            "input": 410,
            "output": 50,
            "cached": 100,
            "written": 300,
            "hour": 200,
            "reasoning": 30,
            "model": "m",
            "provider": "anthropic",
        },
    ),
    # langchain-aws before it added up: the total says that the cache is beside.
    "langchain-aws, older": (
        {
            "response_metadata": {"model_name": "m"},
            "usage_metadata": {
                "input_tokens": 12,
                "output_tokens": 40,
                "total_tokens": 2_052,
                "input_token_details": {"cache_read": 1_500, "cache_creation": 500},
            },
        },
        {"input": 2_012, "output": 40, "cached": 1_500, "written": 500, "model": "m"},
    ),
    # langchain-google-genai 2.0: thoughts are in the total alone.
    "langchain-google-genai, older": (
        {
            "usage_metadata": {"input_tokens": 10, "output_tokens": 20, "total_tokens": 130},
        },
        {"input": 10, "output": 120},
    ),
    # pydantic-ai 2.68.0: a response, all in the input.
    "pydantic-ai": (
        {
            "kind": "response",
            "model_name": "m",
            "provider_name": "anthropic",
            "usage": {
                "input_tokens": 410,
                "output_tokens": 50,
                "cache_read_tokens": 100,
                "cache_write_tokens": 300,
                "details": {"thinking_tokens": 30},
            },
        },
        {
            "input": 410,
            "output": 50,
            "cached": 100,
            "written": 300,
            "reasoning": 30,
            "model": "m",
            "provider": "anthropic",
        },
    ),
    # litellm 1.110.2: Anthropic's fields beside OpenAI's, and counted in.
    "litellm": (
        {
            "model": "m",
            "usage": {
                "prompt_tokens": 410,
                "completion_tokens": 50,
                "total_tokens": 460,
                "cache_read_input_tokens": 100,
                "cache_creation_input_tokens": 300,
                "prompt_tokens_details": {
                    "cached_tokens": 100,
                    "cache_creation_tokens": 300,
                    "cache_creation_token_details": {
                        "ephemeral_5m_input_tokens": 100,
                        "ephemeral_1h_input_tokens": 200,
                    },
                },
            },
        },
        {
            "input": 410,
            "output": 50,
            "cached": 100,
            "written": 300,
            "hour": 200,
            "model": "m",
        },
    ),
    # agno 3.1.10: a run, in words of agno's, as the client of its provider counts.
    "agno": (
        {
            "model": "m",
            "model_provider": "Anthropic",
            "metrics": {
                "input_tokens": 10,
                "output_tokens": 50,
                "total_tokens": 60,
                "cache_read_tokens": 100,
                "cache_write_tokens": 300,
            },
        },
        {
            "input": 410,
            "output": 50,
            "cached": 100,
            "written": 300,
            "model": "m",
            "provider": "Anthropic",
        },
    ),
    "agno before 2.0": (
        {"model": "m", "metrics": {"input_tokens": [101, 114], "output_tokens": [17, 20]}},
        {"input": 215, "output": 37, "model": "m"},
    ),
    # agent-framework-anthropic 1.0.0b and agent-framework-openai.
    "agent-framework": (
        {
            "usage_details": {
                "input_token_count": 10,
                "output_token_count": 50,
                "anthropic.cache_read_input_tokens": 100,
                "anthropic.cache_creation_input_tokens": 300,
            },
        },
        {"input": 410, "output": 50, "cached": 100, "written": 300},
    ),
    # openai-agents 0.24.0: the result of a run.
    "openai-agents": (
        {
            "final_output": "…",
            "context_wrapper": {
                "usage": {
                    "requests": 2,
                    "input_tokens": 215,
                    "output_tokens": 37,
                    "total_tokens": 252,
                    "input_tokens_details": {"cached_tokens": 10},
                    "output_tokens_details": {"reasoning_tokens": 4},
                },
            },
        },
        {"input": 215, "output": 37, "cached": 10, "reasoning": 4},
    ),
    # claude-agent-sdk 0.2.189: the message with which a run ends.
    "claude-agent-sdk": (
        {
            "subtype": "success",
            "num_turns": 2,
            "session_id": "s",
            "total_cost_usd": 0.1,
            "usage": anthropic(10, 50, 100, 300),
        },
        {"input": 410, "output": 50, "cached": 100, "written": 300},
    ),
    # crewai, smolagents 1.26.0.
    "crewai": (
        {
            "raw": "…",
            "token_usage": {
                "total_tokens": 252,
                "prompt_tokens": 215,
                "cached_prompt_tokens": 10,
                "completion_tokens": 37,
                "successful_requests": 2,
            },
        },
        {"input": 215, "output": 37, "cached": 10},
    ),
    "smolagents": (
        {"output": "…", "token_usage": {"input_tokens": 215, "output_tokens": 37}},
        {"input": 215, "output": 37},
    ),
}

__all__ = ["FORMS", "SHAPES", "Form", "anthropic", "as_it_is", "objects", "read_only", "usage"]
