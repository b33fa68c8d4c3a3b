"""pydantic-ai: words of its own on agents and tools up to its version 1, the conventions since."""

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
        # The step in which the tools of one answer run; each has a span of its own in it.
        "running tools": f.OTHER,
        "running tool": f.TOOL,
    },
)
