"""Frameworks that run everything as a graph, and tell in metadata what a span is in it.

LangChain's instrumentations mark spans by their names: anything called "agent" becomes one, and an
agent of another name does not. The framework itself says more: which node of a graph a span is,
and whether the graph was built as an agent.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from agent_analytics.processor._dialects import _facts as f

_PREFIX: Final = "traceloop.association.properties."
_TELLING: Final = re.compile(r'"(lc_agent_name|langgraph_node|ls_integration)": ?"([^"]*)"')
_BUILT_AS_AGENT: Final = "langchain_create_agent"
_NODES: Final = "gen_ai.workflow.nodes"
#: Attributes without any of which there is nothing to find.
CLUES: Final = ("metadata", _PREFIX + "ls_integration", _NODES)


def graph_of(name: str, attributes: Mapping[str, Any]) -> int:
    """Return what a span says of its place in a graph."""
    told = _told(attributes)
    if told is None:
        return f.GRAPH if _NODES in attributes else f.NO_GRAPH
    if _PREFIX + "ls_integration" in attributes:
        name = attributes.get("traceloop.entity.name") or name
    node = told.get("langgraph_node")
    if told.get("lc_agent_name") == name and told.get("ls_integration") == _BUILT_AS_AGENT:
        return f.GRAPH_AGENT
    if node is not None and node == name:
        return f.GRAPH_STEP
    if node is None and told.get("ls_integration") == _BUILT_AS_AGENT:
        return f.GRAPH_AGENT  # one without a name
    return f.GRAPH


def agent_of(attributes: Mapping[str, Any]) -> object:
    """Return the name of the agent that a span says it is in, or ``None``."""
    told = _told(attributes)
    return None if told is None else told.get("lc_agent_name")


def _told(attributes: Mapping[str, Any]) -> Mapping[str, Any] | None:
    metadata = attributes.get("metadata")
    if type(metadata) is str and "ls_integration" in metadata:
        return dict(_TELLING.findall(metadata))
    if _PREFIX + "ls_integration" in attributes:
        return {
            key: attributes.get(_PREFIX + key)
            for key in ("lc_agent_name", "langgraph_node", "ls_integration")
        }
    return None
