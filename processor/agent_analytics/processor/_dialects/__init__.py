"""Dialects: what spans of agent frameworks mean, whoever wrote them.

One table for each family of instrumentations, and one reader that goes by them; no framework is
ever imported.
"""

from agent_analytics.processor._dialects._shared.costs import stated_cost
from agent_analytics.processor._dialects._shared.protocols import same_tool
from agent_analytics.processor._dialects.facts import (
    AGENT,
    GRAPH,
    GRAPH_AGENT,
    GRAPH_FUNCTION,
    GRAPH_PLUMBING,
    GRAPH_STEP,
    HANDOFF,
    MODEL,
    NO_GRAPH,
    OTHER,
    TOOL,
    USAGE,
    WORKFLOW,
    Facts,
    StatedCost,
    Tokens,
)
from agent_analytics.processor._dialects.functions import failure_of
from agent_analytics.processor._dialects.reader import first_chunk_at, plain_name, read
from agent_analytics.processor._dialects.shape import shape_of
from agent_analytics.processor._dialects.signs import (
    FRAMEWORKS,
    NEVER,
    PERHAPS,
    SPEAKS,
    TELLING,
    Signs,
    is_known,
    starts_agent,
    states_success,
)

__all__ = [
    "AGENT",
    "FRAMEWORKS",
    "GRAPH",
    "GRAPH_AGENT",
    "GRAPH_FUNCTION",
    "GRAPH_PLUMBING",
    "GRAPH_STEP",
    "HANDOFF",
    "MODEL",
    "NEVER",
    "NO_GRAPH",
    "OTHER",
    "PERHAPS",
    "SPEAKS",
    "TELLING",
    "TOOL",
    "USAGE",
    "WORKFLOW",
    "Facts",
    "Signs",
    "StatedCost",
    "Tokens",
    "failure_of",
    "first_chunk_at",
    "is_known",
    "plain_name",
    "read",
    "same_tool",
    "shape_of",
    "starts_agent",
    "stated_cost",
    "states_success",
]
