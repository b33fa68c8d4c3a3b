"""Frameworks without a page of their own, and older versions that people still run."""

from collections.abc import Mapping

from tests.frameworks.framework import Framework

_OI, _TL = "openinference-instrumentation-", "opentelemetry-instrumentation-"
_GENAI = _TL + "genai-"
_BASIC = ("ok", "tool_error", "agent_error", "streaming", "parallel", "nested")


def _of(
    package: str,
    instrumentations: Mapping[str, tuple[str, ...]],
    *scenarios: str,
    native: bool = False,
    note: str = "",
    driver: str = "",
) -> Framework:
    return Framework(
        package,
        instrumentations,
        scenarios,
        native=native,
        note=note,
        driver=driver,
        guide=False,
    )


FURTHER: Mapping[str, Framework] = {
    "ag2": _of(
        "ag2",
        {
            "native": (),
            "openinference": (_OI + "ag2",),
            "otel-sdk": (_GENAI + "openai",),
        },
        *_BASIC,
        "agent_as_tool",
        native=True,
        note="Its spans come from its `TelemetryMiddleware`.",
    ),
    "agentscope": _of(
        "agentscope",
        {
            "native": (),
            "oi-sdk": (_OI + "openai",),
            "loongsuite": ("loongsuite-instrumentation-agentscope",),
        },
        *_BASIC,
        native=True,
        note="Its own spans come from its `TracingMiddleware`, which `loongsuite` does without.",
    ),
    "claude-agent-sdk": _of(
        "claude-agent-sdk",
        {"openinference": (_OI + "claude-agent-sdk",)},
        "ok",
        "tool_error",
        "agent_error",
        "parallel",
        note=(
            "The program that it starts is a stand-in of the lab's, which speaks its protocol and"
            " asks the look-alike of Anthropic's server."
        ),
    ),
    "deepagents": _of(
        "deepagents",
        {
            "openinference": (_OI + "langchain",),
            "otel-genai": (_GENAI + "langchain",),
            "traceloop": (_TL + "langchain",),
            "langsmith": (),
        },
        *_BASIC,
        note="`langsmith` is LangSmith's own export (`LANGSMITH_OTEL_ENABLED=true`).",
    ),
    "traceloop-sdk": _of(
        "traceloop-sdk",
        {
            "tl-sdk": (_TL + "openai",),
        },
        *_BASIC,
        "many",
        "async",
        "pipeline",
        "workflow",
        native=True,
        note="`@workflow`, `@agent` and `@tool` round functions that call OpenAI's client.",
    ),
    # --- older versions --------------------------------------------------------------------------
    "google-adk-1.14": _of(
        "google-adk",
        {"native": ()},
        *_BASIC,
        "handoff",
        "sequential",
        "parallel_agents",
        "mid_error",
        native=True,
        driver="google-adk",
    ),
    "langchain-0.3": _of(
        "langchain",
        {
            "openinference": (_OI + "langchain",),
            "traceloop": (_TL + "langchain",),
        },
        *_BASIC,
        "async",
        "chain",
        "graph_with_agent",
        "mid_error",
        "plain_graph",
        "unnamed",
        driver="langchain",
        note="Agents are langgraph's `create_react_agent`.",
    ),
    "llama-index-0.12": _of(
        "llama-index-core",
        {"openinference": (_OI + "llama-index",)},
        *_BASIC,
        "handoff",
        driver="llama-index",
    ),
    "openai-agents-0.2": _of(
        "openai-agents",
        {
            "openinference": (_OI + "openai-agents",),
        },
        *_BASIC,
        "handoff",
        "responses",
        driver="openai-agents",
    ),
    "pydantic-ai-1.0": _of(
        "pydantic-ai-slim",
        {
            "native": (),
        },
        *_BASIC,
        native=True,
        driver="pydantic-ai",
    ),
}
