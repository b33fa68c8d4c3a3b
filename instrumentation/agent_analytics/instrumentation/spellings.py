"""How the world spells what a model call used: one table for spans and for returned values.

For each quantity: the fields of a usage object that a model library returns, as paths, and the
attributes of spans. Of several with one meaning the first that is stated is believed. Data alone:
``_usage.fields`` and ``_usage.usage`` read returned values by it, the dialects of the
processor read spans.

Sources: OpenAI, Anthropic, Google, Bedrock, Cohere, Mistral, Groq, Ollama, DeepSeek, xAI,
OpenRouter and LiteLLM clients; LangChain, pydantic-ai, strands, agno, AgentScope, CrewAI and
the OpenTelemetry, OpenInference and OpenLLMetry conventions, in their oldest and newest releases.
"""

from typing import Final, NamedTuple

#: Keys from a usage object down to a number.
Path = tuple[str, ...]


class Spelling(NamedTuple):
    """How one quantity is spelled.

    Attributes:
        fields: Where a returned usage object holds it, the most believed first.
        attributes: What a span calls it, the most believed first.
        own: What a span calls it that speaks of an agent and all its model calls together.
    """

    fields: tuple[Path, ...]
    attributes: tuple[str, ...] = ()
    own: tuple[str, ...] = ()


INPUT: Final = Spelling(
    fields=(
        ("prompt_tokens",),
        ("input_tokens",),
        ("tokens", "input_tokens"),
        ("prompt_token_count",),
        ("inputTokens",),
        ("promptTokenCount",),
        ("total_input_tokens",),
        ("request_tokens",),
        ("promptTokens",),
        ("prompt_eval_count",),
        ("input_token_count",),
        ("billed_units", "input_tokens"),
        ("inputTokenCount",),
    ),
    attributes=(
        "gen_ai.usage.input_tokens",
        "gen_ai.usage.prompt_tokens",
        "llm.token_count.prompt",
        "llm.usage.prompt_tokens",
        "llm.usage.input_tokens",
        "ai.usage.inputTokens",
        "ai.usage.promptTokens",
    ),
    own=("gen_ai.aggregated_usage.input_tokens",),
)

OUTPUT: Final = Spelling(
    fields=(
        ("completion_tokens",),
        ("output_tokens",),
        ("tokens", "output_tokens"),
        ("candidates_token_count",),
        ("outputTokens",),
        ("candidatesTokenCount",),
        ("response_token_count",),
        ("responseTokenCount",),
        ("total_output_tokens",),
        ("response_tokens",),
        ("completionTokens",),
        ("eval_count",),
        ("output_token_count",),
        ("billed_units", "output_tokens"),
        ("generation_token_count",),
        ("outputTokenCount",),
    ),
    attributes=(
        "gen_ai.usage.output_tokens",
        "gen_ai.usage.completion_tokens",
        "llm.token_count.completion",
        "llm.usage.completion_tokens",
        "llm.usage.output_tokens",
        "ai.usage.outputTokens",
        "ai.usage.completionTokens",
    ),
    own=("gen_ai.aggregated_usage.output_tokens",),
)

#: Read from the cache: a part of the input.
CACHED: Final = Spelling(
    fields=(
        ("prompt_tokens_details", "cached_tokens"),
        ("input_tokens_details", "cached_tokens"),
        ("input_token_details", "cache_read"),
        ("input_token_details", "cached_tokens"),
        ("cache_read_input_tokens",),
        ("anthropic.cache_read_input_tokens",),
        ("cache_read_input_token_count",),
        ("cache_read_tokens",),
        ("cached_content_token_count",),
        ("cacheReadInputTokens",),
        ("cacheReadInputTokenCount",),
        ("cachedContentTokenCount",),
        ("inputTokenDetails", "cacheReadTokens"),
        ("total_cached_tokens",),
        ("cached_input_tokens",),
        ("cachedInputTokens",),
        ("cache_input_tokens",),
        ("cached_prompt_tokens",),
        ("prompt_cache_hit_tokens",),
        ("cached_prompt_text_tokens",),
        ("num_cached_tokens",),
        ("cached_tokens",),
        ("details", "cache_read_tokens"),
        ("details", "cached_tokens"),
        ("details", "cached_content_tokens"),
    ),
    attributes=(
        "gen_ai.usage.cache_read.input_tokens",
        "gen_ai.usage.cache_read_input_tokens",
        "gen_ai.usage.input_tokens.cached",
        "gen_ai.usage.cached_input_tokens",
        "gen_ai.usage.cached_tokens",
        "gen_ai.usage.input_cached_tokens",
        "gen_ai.usage.cached_prompt_text_tokens",
        "gen_ai.usage.cache_read_tokens",
        "gen_ai.usage.cache_tokens",
        "gen_ai.usage.prompt_tokens_details.cached_tokens",
        "gen_ai.usage.input_tokens_details.cached_tokens",
        "gen_ai.usage.details.cache_read_tokens",
        "gen_ai.usage.details.cached_tokens",
        "gen_ai.usage.details.cached_content_tokens",
        "gen_ai.usage.details.cache_read_input_tokens",
        "llm.token_count.prompt_details.cache_read",
        "llm.token_count.prompt_details.cache_input",
        "llm.usage.cache_read_input_tokens",
        "llm.usage.cached_input_tokens",
        "llm.usage.cached_tokens",
        "ai.usage.inputTokenDetails.cacheReadTokens",
        "ai.usage.cachedInputTokens",
        "agentscope.usage.cache_input_tokens",
    ),
    own=(
        "gen_ai.aggregated_usage.cache_read.input_tokens",
        "gen_ai.aggregated_usage.details.cache_read_tokens",
        "gen_ai.aggregated_usage.details.cached_tokens",
    ),
)

#: The part of the input that had nothing to do with the cache, where that stands beside the input.
FRESH: Final = Spelling(
    fields=(
        ("inputTokenDetails", "noCacheTokens"),
        ("prompt_cache_miss_tokens",),
    ),
    attributes=(
        "ai.usage.inputTokenDetails.noCacheTokens",
        "gen_ai.usage.input_tokens.uncached",
    ),
)

#: Written to the cache: a part of the input, apart from what was read from it.
WRITTEN: Final = Spelling(
    fields=(
        ("cache_creation_input_tokens",),
        ("anthropic.cache_creation_input_tokens",),
        ("cache_creation_input_token_count",),
        ("cache_write_input_tokens",),
        ("cache_write_tokens",),
        ("prompt_tokens_details", "cache_write_tokens"),
        ("prompt_tokens_details", "cache_creation_tokens"),
        ("input_tokens_details", "cache_write_tokens"),
        ("input_tokens_details", "cache_creation_tokens"),
        ("input_token_details", "cache_creation"),
        ("cacheWriteInputTokens",),
        ("cacheWriteInputTokenCount",),
        ("cacheCreationInputTokens",),
        ("inputTokenDetails", "cacheWriteTokens"),
        ("cache_creation_tokens",),
        ("details", "cache_write_tokens"),
        ("details", "cache_creation_input_tokens"),
    ),
    attributes=(
        "gen_ai.usage.cache_creation.input_tokens",
        "gen_ai.usage.cache_write.input_tokens",
        "gen_ai.usage.cache_creation_input_tokens",
        "gen_ai.usage.cache_write_input_tokens",
        "gen_ai.usage.cache_creation_tokens",
        "gen_ai.usage.cache_write_tokens",
        "gen_ai.usage.input_tokens.cache_write",
        "gen_ai.usage.input_cache_creation",
        "gen_ai.usage.prompt_tokens_details.cache_creation_tokens",
        "gen_ai.usage.prompt_tokens_details.cache_write_tokens",
        "gen_ai.usage.input_tokens_details.cache_write_tokens",
        "gen_ai.usage.details.cache_write_tokens",
        "gen_ai.usage.details.cache_creation_input_tokens",
        "llm.token_count.prompt_details.cache_write",
        "llm.usage.cache_creation_input_tokens",
        "ai.usage.inputTokenDetails.cacheWriteTokens",
        "agentscope.usage.cache_creation_input_tokens",
    ),
    own=(
        "gen_ai.aggregated_usage.cache_creation.input_tokens",
        "gen_ai.aggregated_usage.details.cache_write_tokens",
    ),
)

#: The parts of what was written that are kept for five minutes and for an hour.
WRITTEN_5M: Final = Spelling(
    fields=(
        ("cache_creation", "ephemeral_5m_input_tokens"),
        ("input_token_details", "ephemeral_5m_input_tokens"),
        ("prompt_tokens_details", "cache_creation_token_details", "ephemeral_5m_input_tokens"),
        ("details", "ephemeral_5m_input_tokens"),
        ("details", "cache_write_5m_tokens"),
    ),
    attributes=(
        "gen_ai.usage.cache_creation.ephemeral_5m_input_tokens",
        "gen_ai.usage.cache_creation_5m_input_tokens",
        "gen_ai.usage.details.ephemeral_5m_input_tokens",
        "gen_ai.usage.details.cache_write_5m_tokens",
        "llm.token_count.prompt_details.ephemeral_5m_input_tokens",
    ),
)
WRITTEN_1H: Final = Spelling(
    fields=(
        ("cache_creation", "ephemeral_1h_input_tokens"),
        ("cache_creation_input_tokens_above_1hr",),
        ("input_token_details", "ephemeral_1h_input_tokens"),
        ("prompt_tokens_details", "cache_creation_token_details", "ephemeral_1h_input_tokens"),
        ("details", "ephemeral_1h_input_tokens"),
        ("details", "cache_write_1h_tokens"),
    ),
    attributes=(
        "marketplace.usage.cache_creation_1h.input_tokens",
        "gen_ai.usage.cache_creation.ephemeral_1h_input_tokens",
        "gen_ai.usage.cache_creation_1h_input_tokens",
        "gen_ai.usage.details.ephemeral_1h_input_tokens",
        "gen_ai.usage.details.cache_write_1h_tokens",
        "llm.token_count.prompt_details.ephemeral_1h_input_tokens",
    ),
)
#: Bedrock lists writes with the lifetime of each: a list, its keys, and the value of an hour.
WRITTEN_LIST: Final = ("cacheDetails", "ttl", "inputTokens", "1h")

#: Spent on reasoning: a part of the output, or beside it.
REASONING: Final = Spelling(
    fields=(
        ("completion_tokens_details", "reasoning_tokens"),
        ("output_tokens_details", "reasoning_tokens"),
        ("output_tokens_details", "thinking_tokens"),
        ("output_token_details", "reasoning"),
        ("output_token_details", "reasoning_tokens"),
        ("thoughts_token_count",),
        ("thoughtsTokenCount",),
        ("outputTokenDetails", "reasoningTokens"),
        ("total_thought_tokens",),
        ("total_reasoning_tokens",),
        ("reasoning_tokens",),
        ("thinking_tokens",),
        ("thought_tokens",),
        ("thoughts_tokens",),
        ("reasoning_output_tokens",),
        ("reasoningTokens",),
        ("details", "reasoning_tokens"),
        ("details", "thoughts_tokens"),
        ("details", "thinking_tokens"),
    ),
    attributes=(
        "gen_ai.usage.reasoning.output_tokens",
        "gen_ai.usage.reasoning_output_tokens",
        "gen_ai.usage.reasoning_tokens",
        "gen_ai.usage.thinking_tokens",
        "gen_ai.usage.thoughts_tokens",
        "gen_ai.usage.thoughts_token_count",
        "gen_ai.usage.output_tokens.reasoning",
        "gen_ai.usage.output_reasoning_tokens",
        "gen_ai.usage.completion_tokens_details.reasoning_tokens",
        "gen_ai.usage.output_tokens_details.reasoning_tokens",
        "gen_ai.usage.details.reasoning_tokens",
        "gen_ai.usage.details.thoughts_tokens",
        "gen_ai.usage.details.thinking_tokens",
        "llm.token_count.completion_details.reasoning",
        "llm.usage.reasoning_tokens",
        "ai.usage.outputTokenDetails.reasoningTokens",
        "ai.usage.reasoningTokens",
        "agentscope.usage.reasoning_tokens",
    ),
    own=(
        "gen_ai.aggregated_usage.reasoning.output_tokens",
        "gen_ai.aggregated_usage.details.reasoning_tokens",
        "gen_ai.aggregated_usage.details.thoughts_tokens",
    ),
)

#: Spent on reasoning and counted beside the output: by Google, and by its ADK before 2.0.
REASONING_BESIDE: Final = Spelling(
    fields=(("thoughts_token_count",), ("thoughtsTokenCount",)),
    attributes=("gen_ai.usage.experimental.reasoning_tokens",),
)

#: What tools of the provider's returned to the model: input that the prompt does not hold.
TOOL_PROMPT: Final = Spelling(
    fields=(
        ("tool_use_prompt_token_count",),
        ("toolUsePromptTokenCount",),
        ("total_tool_use_tokens",),
    ),
    # Not ``details.tool_use_prompt_tokens`` of pydantic-ai, whose input holds them.
    attributes=(
        "gen_ai.usage.tool_use_prompt_tokens",
        "gen_ai.usage.tool_use_prompt_token_count",
        "llm.token_count.prompt_details.tool_use",
    ),
)

#: All of it: input and output reach it, whatever their names leave out.
TOTAL: Final = Spelling(
    fields=(
        ("total_tokens",),
        ("total_token_count",),
        ("totalTokens",),
        ("totalTokenCount",),
    ),
    attributes=(
        "gen_ai.usage.total_tokens",
        "llm.token_count.total",
        "llm.usage.total_tokens",
        "ai.usage.totalTokens",
        "ag2.usage.total_tokens",
    ),
)

#: What was used beside all of these: Anthropic's own spans leave out what compactions took.
MORE_INPUT: Final = Spelling(fields=(), attributes=("anthropic.usage.compaction.input_tokens",))
MORE_OUTPUT: Final = Spelling(fields=(), attributes=("anthropic.usage.compaction.output_tokens",))

#: Attributes that hold a usage object as text (JSON, or as Python prints it), by the key under
#: which a usage object would hold it: what no attribute of its own says is found there.
TEXTS: Final[dict[str, str | None]] = {
    "langsmith.metadata.usage_metadata": None,
    "metadata.usage_object": None,
    "mlflow.chat.tokenUsage": None,
    "gen_ai.usage.raw": None,
    "gen_ai.usage.input_token_details": "input_token_details",
    "gen_ai.usage.output_token_details": "output_token_details",
}

#: The model and the provider, of an answer or of its metadata.
MODEL: Final = Spelling(
    fields=(
        ("model",),
        ("model_name",),
        ("model_version",),
        ("modelVersion",),
        ("model_id",),
        ("ai_model_id",),
    ),
)
PROVIDER: Final = Spelling(fields=(("model_provider",), ("provider_name",)))
#: The model's own id of its answer.
RESPONSE_ID: Final = Spelling(
    fields=(
        ("id",),
        ("response_id",),
        ("responseId",),
        ("provider_response_id",),
        ("message_id",),
    ),
)
