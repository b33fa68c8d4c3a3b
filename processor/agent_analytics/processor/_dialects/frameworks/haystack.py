"""Haystack: names of spans, and tags of its own on tools."""

from typing import Final

from agent_analytics.processor._dialects import facts as f
from agent_analytics.processor._dialects.dialect import Dialect

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
