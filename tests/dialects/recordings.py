"""The recordings that the tests play back, and what each instrumentation does not tell.

``captures/*.jsonl`` holds one recording a line: spans in the order of their ends, what they were
when they started, and the truth that the driver kept beside them (``tests/frameworks/lab``).
Content is left out.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent / "captures"

INPUT, OUTPUT, CACHED, REASONING = "input", "output", "cached_input", "reasoning_output"
TOKENS = frozenset({INPUT, OUTPUT, CACHED, REASONING})
PLAIN, DETAILS = frozenset({INPUT, OUTPUT}), frozenset({CACHED, REASONING})
MODELS, TOOLS, INVOCATIONS = "model_calls", "tools", "invocations"
#: How a call or a run ended, though that it was is told.
TOOL_OUTCOMES, OUTCOMES = "tool_outcomes", "outcomes"
#: What the agent is called, which names the listing where nothing else does.
NAMES = "names"
#: Where fresh input is all that is told, and cached tokens are not.
_FRESH = frozenset({INPUT, CACHED})

#: The client of a model knows no agent and runs no tool.
CLIENT = frozenset({INVOCATIONS, TOOLS})

#: What an instrumentation of a framework does not tell: of every run, or of one scenario.
_FRAMEWORKS: Mapping[str, Mapping[str, frozenset[str]]] = {
    "agent-framework/native": {"cancelled": frozenset({OUTCOMES, TOOL_OUTCOMES})},
    "agent-framework/openinference": {"cancelled": frozenset({OUTCOMES, TOOL_OUTCOMES})},
    "agent-framework/oi-sdk": {"cancelled": frozenset({OUTCOMES, TOOL_OUTCOMES})},
    "agent-framework/otel-sdk": {"cancelled": frozenset({OUTCOMES, TOOL_OUTCOMES})},
    "ag2/native": {"subtask_bare": frozenset({MODELS, TOOLS})},
    "agentscope/loongsuite": {
        "*": frozenset({REASONING}),
        "tool_error": frozenset({TOOL_OUTCOMES}),
    },
    "agentscope/native": {"*": frozenset({REASONING})},
    "agno/openinference": {"*": frozenset({REASONING})},
    "agno/otel-genai": {"*": TOKENS | {MODELS}, "agent_error": frozenset({OUTCOMES})},
    "agno/otel-genai+otel-sdk": {"agent_error": frozenset({OUTCOMES})},
    "agno/traceloop": {
        "*": TOKENS | {MODELS},
        "agent_error": frozenset({OUTCOMES}),
        "tool_error": frozenset({TOOL_OUTCOMES}),
    },
    "anthropic-sdk/oi+tl": {"*": CLIENT},
    "autogen/native": {"*": TOKENS | {MODELS}},
    "autogen/openinference": {"*": DETAILS},
    "bedrock/all": {"*": CLIENT},
    "bedrock/botocore": {"*": CLIENT},
    "beeai/openinference": {"*": DETAILS, "agent_error": frozenset({MODELS})},
    "crewai/openinference": {"*": TOKENS | {MODELS}},
    "crewai/traceloop": {"*": TOKENS | {MODELS, TOOLS}, "solo": frozenset({INVOCATIONS})},
    "dspy/openinference": {"*": TOKENS},
    "dspy/otel-genai": {"*": frozenset({TOOLS})},
    "haystack/native": {"*": TOKENS | {NAMES}},
    "haystack/openinference": {"*": TOKENS | {MODELS, TOOLS, INVOCATIONS}},
    "haystack/openinference+oi-sdk": {"*": frozenset({TOOLS, INVOCATIONS})},
    "google-adk/native": {
        "*": frozenset({OUTPUT}),
        "cancelled": frozenset({OUTCOMES, TOOL_OUTCOMES}),
    },
    "google-adk-1.14/native": {"*": DETAILS, "streaming": PLAIN},
    "google-adk/oi-litellm": {"cancelled": frozenset({OUTCOMES, TOOL_OUTCOMES})},
    "google-adk/openinference": {
        "*": TOKENS | {MODELS},
        "cancelled": frozenset({TOOL_OUTCOMES}),
    },
    "langchain-0.3/langsmith": {"*": DETAILS},
    "langchain-0.3/traceloop": {"*": frozenset({REASONING})},
    "langchain/traceloop": {"*": frozenset({REASONING})},
    "langchain/traceloop+tl-sdk": {"*": frozenset({REASONING})},
    "litellm-sdk/native+oi": {"*": CLIENT},
    "claude-agent-sdk/openinference": {"*": frozenset({REASONING, MODELS})},
    "deepagents/traceloop": {"*": frozenset({REASONING})},
    "llama-index-0.12/openinference": {
        "*": TOKENS | {NAMES},
        "agent_error": frozenset({OUTCOMES}),
    },
    "openai-agents-0.2/openinference": {
        "*": DETAILS,
        "agent_error": frozenset({OUTCOMES, MODELS}),
        "streaming": PLAIN,
    },
    "pydantic-ai-1.0/native": {"*": frozenset({CACHED})},
    "traceloop-sdk/tl-sdk": {"streaming": frozenset({REASONING})},
    "llama-index/openinference": {"*": frozenset({NAMES}), "streaming": TOKENS},
    "llama-index/openinference+oi-sdk": {"*": frozenset({NAMES}), "streaming": TOKENS},
    "llama-index/otel-genai": {"*": TOKENS | {MODELS}},
    "llama-index/otel-genai+otel-sdk": {"streaming": TOKENS},
    "llama-index/traceloop": {
        "*": TOKENS | {MODELS, NAMES},
        "agent_error": frozenset({INVOCATIONS}),
        "tool_error": frozenset({TOOL_OUTCOMES}),
    },
    "openai-agents/openinference": {"*": DETAILS, "streaming": PLAIN},
    "openai-agents/openinference+otel-genai": {"*": DETAILS, "streaming": PLAIN},
    "openai-agents/openinference+oi-sdk": {"streaming": TOKENS},
    "openai-agents/openinference+otel-sdk": {"streaming": TOKENS},
    "openai-agents/otel-genai": {"*": TOKENS | {MODELS}},
    "openai-agents/otel-genai+otel-sdk": {"streaming": TOKENS},
    "openai-agents/traceloop": {"*": TOKENS},
    "openai-agents/traceloop+tl-sdk": {
        "streaming": TOKENS,
        "streaming_usage": frozenset({REASONING}),
    },
    "pydantic-ai/native-1.0.10": {"*": frozenset({CACHED})},
    "semantic-kernel/native": {"*": DETAILS},
    "smolagents/openinference": {"*": DETAILS},
    "smolagents/otel-genai": {"*": TOKENS | {MODELS, TOOLS}},
    "smolagents/otel-genai+otel-sdk": {"*": frozenset({TOOLS})},
    "strands/native": {"*": frozenset({REASONING}), "cancelled": frozenset({TOOL_OUTCOMES})},
    "strands/oi-sdk": {"*": frozenset({REASONING}), "cancelled": frozenset({TOOL_OUTCOMES})},
    "strands/otel-sdk": {"cancelled": frozenset({TOOL_OUTCOMES})},
    "strands/openinference": {
        "*": frozenset({REASONING}),
        "cancelled": frozenset({OUTCOMES, TOOL_OUTCOMES}),
    },
}

#: The same of clients of models, where nobody says that an agent is at work.
_CLIENTS: Mapping[str, Mapping[str, frozenset[str]]] = {
    "anthropic/native": {},
    "anthropic/openinference": {},
    "anthropic/openinference+traceloop": {},
    "anthropic/otel-genai": {},
    "anthropic/traceloop": {},
    "boto3/botocore": {"invoke": _FRESH, "invoke_streaming": _FRESH},
    "boto3/botocore+openinference": {"invoke_streaming": frozenset({CACHED})},
    "boto3/openinference": {"invoke_streaming": frozenset({CACHED})},
    "boto3/otel-genai": {},
    "boto3/traceloop": {"invoke_streaming": _FRESH},
    "cohere/openinference": {"*": frozenset({CACHED})},
    "cohere-5/traceloop": {"*": frozenset({CACHED})},
    "google-genai/openinference": {"auto_tools": TOKENS | {MODELS, TOOLS}},
    "google-genai/traceloop": {
        "*": frozenset({REASONING}),
        "auto_tools": TOKENS - {REASONING} | {MODELS, TOOLS},
        "server_tools": PLAIN,
    },
    "google-genai-2/openinference+otel-genai": {"auto_tools": TOKENS | {MODELS}},
    "google-genai-2/otel-genai": {
        "auto_tools": TOKENS | {MODELS},
        "server_tools": frozenset({INPUT}),
    },
    "groq/openinference": {"streaming": TOKENS, "async_streaming": TOKENS},
    "groq/openinference+traceloop": {
        "streaming": frozenset({REASONING}),
        "async_streaming": frozenset({REASONING}),
    },
    "groq/traceloop": {"*": frozenset({REASONING})},
    "litellm/openinference": {},
    "mistral/openinference": {},
    "mistral-1/traceloop": {},
    "ollama/openinference": {},
    "ollama/openinference+traceloop": {},
    "ollama/traceloop": {},
    "openai/openlit": {"*": frozenset({REASONING})},
}

#: What an instrumentation does not tell: of every run, or of one scenario.
UNTOLD: Mapping[str, Mapping[str, frozenset[str]]] = {
    **_FRAMEWORKS,
    **{
        name: {**told, "*": told.get("*", frozenset()) | {INVOCATIONS}}
        for name, told in _CLIENTS.items()
    },
}

#: Figures that are told, and wrong: what is not told is not more than the truth, but for these.
MISTOLD: Mapping[str, frozenset[str]] = {
    # A total holds what tools of the provider's gave back, and nothing says that it is input.
    "google-genai/traceloop": frozenset({OUTPUT}),
    # The framework adds the reasoning to the output that already contains it.
    "google-adk/native": frozenset({OUTPUT}),
    "google-adk/openinference": frozenset({OUTPUT}),
}


def untold(variant: str, scenario: str) -> frozenset[str]:
    """Return what an instrumentation does not tell of a run."""
    told = UNTOLD.get(variant, {})
    return told.get("*", frozenset()) | told.get(scenario, frozenset())


@dataclass(frozen=True)
class Case:
    """One recorded run.

    Attributes:
        recording: Its spans.
        truth: What really happened.
    """

    recording: Mapping[str, Any]
    truth: Mapping[str, Any]

    @property
    def variant(self) -> str:
        """Framework and instrumentation."""
        return f"{self.truth['framework']}/{self.truth['instrumentation']}"

    @property
    def scenario(self) -> str:
        """What was run."""
        return str(self.truth["scenario"])

    @property
    def name(self) -> str:
        """For test ids."""
        return f"{self.variant}/{self.scenario}"

    @property
    def untold(self) -> frozenset[str]:
        """What the instrumentation does not tell of this run."""
        return untold(self.variant, self.scenario.removeprefix("given_"))

    @property
    def mistold(self) -> frozenset[str]:
        """What the framework gets wrong."""
        return MISTOLD.get(self.variant, frozenset())


@cache
def cases() -> tuple[Case, ...]:
    """Return every recorded run."""
    return tuple(
        Case(**json.loads(line))
        for path in sorted(HERE.glob("*.jsonl"))
        for line in path.read_text(encoding="utf-8").splitlines()
    )
