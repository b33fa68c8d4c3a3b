"""The OpenAI Agents SDK as its instrumentations see it."""

from collections.abc import Mapping
from typing import Any, Final

from agent_analytics.processor._dialects import facts as f
from agent_analytics.processor._dialects._shared.names import plain_name
from agent_analytics.processor._dialects.dialect import Dialect
from agent_analytics.processor._dialects.facts import Facts

#: OpenInference's older versions name an agent nowhere else.
_NODE: Final = "graph.node.id"


def _what(facts: Facts, name: str, attributes: Mapping[str, Any]) -> None:
    del name
    if facts.role == f.AGENT and _NODE in attributes:
        facts.name = plain_name(attributes[_NODE])
        facts.named = facts.name is not None


OPENAI_AGENTS: Final = Dialect(
    name="openai-agents",
    scopes=("openinference.instrumentation.openai_agents",),
    handoffs=("handoff",),
    what=_what,
)
