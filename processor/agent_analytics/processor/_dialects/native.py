"""What frameworks say in words of their own, beside or instead of a convention."""

from typing import Final

from agent_analytics.processor._dialects import _facts as f
from agent_analytics.processor._dialects._dialect import Dialect

PYDANTIC_AI: Final = Dialect(
    name="pydantic-ai",
    scopes=("pydantic-ai", "pydantic_ai", "logfire.pydantic_ai"),
    agent_names=("agent_name",),
    tool_names=("tool_name",),
    models=("model_name",),
    names={
        "agent run": f.AGENT,
        "running tool": f.TOOL,
    },
)

STRANDS: Final = Dialect(
    name="strands",
    scopes=("strands", "strands-agents"),
    tells_success=True,
    first_chunk_ms=("gen_ai.server.time_to_first_token",),
    failures={"tool.status": ("error",), "gen_ai.tool.status": ("error",)},
)

GOOGLE_ADK: Final = Dialect(
    name="google-adk",
    scopes=("gcp.vertex.agent", "google.adk", "google_adk"),
    names={"agent_run [": f.AGENT, "invoke_agent ": f.AGENT},
)

HAYSTACK: Final = Dialect(
    name="haystack",
    scopes=("haystack",),
    names={
        "haystack.agent.run": f.AGENT,
        "haystack.agent.step.tool": f.TOOL,
        "haystack.agent.step.llm": f.MODEL,
    },
    # It names no agent; what it names its spans is no name of one.
    prefixes=("haystack.agent.run", "haystack.agent.step.tool", "haystack.agent.step.llm"),
    tool_names=("haystack.tool.name",),
    failures={"haystack.tool.error": (True,)},
)

#: Everything else that is known to speak of agents, by the name of its instrumentation scope.
OTHERS: Final = Dialect(
    name="others",
    scopes=(
        "agent_framework",
        "agno",
        "ag2",
        "autogen",
        "autogen-core",
        "autogen_core",
        "autogen_agentchat",
        "autogen_ext",
        "beeai",
        "crewai",
        "dspy",
        "langchain",
        "langgraph",
        "langsmith",
        "litellm",
        "llama_index",
        "llamaindex",
        "llama-index",
        "mcp",
        "microsoft.agents",
        "microsoft.semantic_kernel",
        "openai.agents",
        "openai_agents",
        "openlit",
        "semantic_kernel",
        "smolagents",
    ),
)
