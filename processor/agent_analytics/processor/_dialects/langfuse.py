"""Langfuse's SDK, whose spans are observations: generations, agents, tools and others."""

from typing import Final

from agent_analytics.processor._dialects import _facts as f
from agent_analytics.processor._dialects._dialect import Dialect

LANGFUSE: Final = Dialect(
    name="langfuse",
    scopes=("langfuse-sdk",),
    kind_keys=("langfuse.observation.type",),
    kinds={"generation": f.MODEL, "agent": f.AGENT, "tool": f.TOOL},
    models=("langfuse.observation.model.name",),
    failures={"langfuse.observation.level": ("ERROR",)},
)
