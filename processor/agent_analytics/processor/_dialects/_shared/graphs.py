"""Frameworks that run everything as a graph, and write into metadata what a span is in it.

LangChain's instrumentations mark spans by their names: anything called "agent" becomes one, and an
agent of another name does not. The framework itself says more: which node of a graph a span is,
and whether the graph was built as an agent.
"""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from agent_analytics.processor._dialects import facts as f
from agent_analytics.processor._dialects.registry import joined

#: Where instrumentations write the framework's metadata, one attribute for each.
_PREFIXES: Final[tuple[str, ...]] = joined("metadata")
#: What the framework calls what a span is of, where its own name says more than that.
_ENTITIES: Final[tuple[str, ...]] = joined("entities")
_INTEGRATION: Final = "ls_integration"
#: The step that a span is in; before its version 1.0 the framework says no more of a span.
_STEP: Final = "langgraph_node"
_KEYS: Final = ("lc_agent_name", _STEP, _INTEGRATION, "langgraph_triggers")
#: Either says that the framework runs a span.
_SIGNS: Final = (_INTEGRATION, _STEP)
_TELLING: Final = re.compile(r'"(lc_agent_name|langgraph_node|ls_integration)": ?"([^"]*)"')
_TRIGGERS: Final = re.compile(r'"langgraph_triggers": ?\[')
_BUILT_AS_AGENT: Final = ("langchain_create_agent", "deepagents")
_NODES: Final = "gen_ai.workflow.nodes"
#: What starts the function that a graph was declared by, and the first step of older graphs.
_START: Final = "__start__"
#: Names of what the framework does between steps, called after the steps that it is between.
_PLUMBING: Final = re.compile(r"(?:Channel\w*|Branch)<")
#: Attributes without any of which there is nothing to find.
CLUES: Final = ("metadata", *(prefix + sign for prefix in _PREFIXES for sign in _SIGNS), _NODES)


def graph_of(name: str, attributes: Mapping[str, Any]) -> int:
    """Return what a span says of its place in a graph."""
    said = _metadata(attributes)
    if said is None:
        return f.GRAPH if _NODES in attributes else f.NO_GRAPH
    name = name_in_graph(name, attributes)
    if _PLUMBING.match(name) is not None:
        return f.GRAPH_PLUMBING
    node = said.get(_STEP)
    built_as_agent = said.get(_INTEGRATION) in _BUILT_AS_AGENT
    if said.get("lc_agent_name") == name and built_as_agent:
        return f.GRAPH_AGENT
    if node is not None and node == name:
        started = name != _START and _by_start_alone(said.get("langgraph_triggers"))
        return f.GRAPH_FUNCTION if started else f.GRAPH_STEP
    if node is None and built_as_agent:
        return f.GRAPH_AGENT  # one without a name
    return f.GRAPH


def name_in_graph(name: str, attributes: Mapping[str, Any]) -> str:
    """Return what the framework calls what a span is of, where its own name says more than that."""
    for key in _ENTITIES:
        entity = attributes.get(key)
        if type(entity) is str and entity:
            return entity
    return name


def _by_start_alone(triggers: object) -> bool:
    """Tell whether a step is started by the input of its graph: a function that is declared so.

    The first step of a graph of nodes is started by a channel of its own.
    """
    if type(triggers) is str:
        try:
            triggers = json.loads(triggers.replace("'", '"'))
        except (ValueError, RecursionError):
            return False
    return isinstance(triggers, (list, tuple)) and list(triggers) == [_START]  # pyright: ignore[reportUnknownArgumentType] # of any type


def agent_of(attributes: Mapping[str, Any]) -> object:
    """Return the name of the agent that a span says it is in, or ``None``."""
    said = _metadata(attributes)
    return None if said is None else said.get("lc_agent_name")


def _metadata(attributes: Mapping[str, Any]) -> Mapping[str, Any] | None:
    metadata = attributes.get("metadata")
    if type(metadata) is str and any(sign in metadata for sign in _SIGNS):
        said = dict(_TELLING.findall(metadata))
        triggers = _TRIGGERS.search(metadata)
        if triggers is not None:
            begin = triggers.end() - 1
            said["langgraph_triggers"] = metadata[begin : metadata.find("]", begin) + 1]
        return said
    for prefix in _PREFIXES:
        if any(prefix + sign in attributes for sign in _SIGNS):
            return {key: attributes.get(prefix + key) for key in _KEYS}
    return None
