"""What the spelling of a usage object says of its meaning: what is counted beside what."""

from typing import Final

from agent_analytics.instrumentation.spellings import Path

#: By the path of the input: what of the cache is counted beside it. Everywhere else it is within.
BESIDE_INPUT: Final[dict[Path, frozenset[Path]]] = {
    # Anthropic's own API: input is what had nothing to do with the cache.
    ("input_tokens",): frozenset(
        {
            ("cache_read_input_tokens",),
            ("cache_creation_input_tokens",),
            ("cache_creation", "ephemeral_5m_input_tokens"),
            ("cache_creation", "ephemeral_1h_input_tokens"),
        },
    ),
    # Microsoft's agent-framework names those of Anthropic's client apart.
    ("input_token_count",): frozenset(
        {("anthropic.cache_read_input_tokens",), ("anthropic.cache_creation_input_tokens",)},
    ),
    # Bedrock's Converse alike; strands hands the same fields on for providers that count it in.
    ("inputTokens",): frozenset(
        {
            ("cacheReadInputTokens",),
            ("cacheReadInputTokenCount",),
            ("cacheWriteInputTokens",),
            ("cacheWriteInputTokenCount",),
            ("cacheCreationInputTokens",),
        },
    ),
    # The same in the numbers that Bedrock puts at the end of a stream.
    ("inputTokenCount",): frozenset(
        {("cacheReadInputTokenCount",), ("cacheWriteInputTokenCount",)},
    ),
}
#: Outputs that reasoning is counted beside.
BESIDE_REASONING: Final[frozenset[Path]] = frozenset(
    {
        ("candidates_token_count",),
        ("candidatesTokenCount",),
        ("response_token_count",),
        ("responseTokenCount",),
        ("total_output_tokens",),
    },
)
