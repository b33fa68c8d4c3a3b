"""Everything else that is known to speak of agents, by the name of its instrumentation scope."""

from typing import Final

from agent_analytics.processor._dialects._shared.input_row import APART, Basis, Input
from agent_analytics.processor._dialects.dialect import Dialect

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
    frameworks={"langgraph": "langchain"},
    # semantic-kernel 1.0, python and .NET
    tokens={
        "sent": ("gen_ai.response.prompt_tokens",),
        "received": ("gen_ai.response.completion_tokens",),
    },
    costs=(("openrouter.cost", None),),
    inputs=(
        # openlit hands on what clients return (1.20 to 1.45); frameworks have counted it in.
        Input("openlit.instrumentation.anthropic", Basis.BESIDE),
        Input("openlit.instrumentation.bedrock", Basis.BESIDE),
        Input("openlit.instrumentation", Basis.UNKNOWN),
        Input("openlit", Basis.BESIDE, APART),
        # Frameworks that hand on what the clients of Anthropic and Bedrock return.
        Input("agent_framework", Basis.BESIDE, APART),
        Input("agent_framework", Basis.WITHIN),
        Input("agno", Basis.BESIDE, APART),
        Input("pipecat", Basis.BESIDE, APART),
    ),
    content=(r"system_prompt|prompt|completion|content",),
)
