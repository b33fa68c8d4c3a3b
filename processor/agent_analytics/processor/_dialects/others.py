"""Everything else that is known to speak of agents, by the name of its instrumentation scope."""

from typing import Final

from agent_analytics.processor._dialects._dialect import Dialect

OTHERS: Final = Dialect(
    name="others",
    scopes=(
        "agent_framework",
        "agno",
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
