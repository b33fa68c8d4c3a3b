"""Spring AI: the conventions for model calls, words of its own for tools."""

from collections.abc import Mapping
from typing import Any, Final

from agent_analytics.processor._dialects import facts as f
from agent_analytics.processor._dialects.dialect import Dialect
from agent_analytics.processor._dialects.facts import Facts

_KIND: Final = "spring.ai.kind"
_TOOL: Final = "tool_call"


def _what(facts: Facts, name: str, attributes: Mapping[str, Any]) -> None:
    """Find the tools, whose operation is that of whatever the framework does."""
    del name
    if attributes.get(_KIND) == _TOOL:
        facts.role = f.TOOL


SPRING: Final = Dialect(
    name="spring-ai",
    scopes=("org.springframework.boot", "io.micrometer"),
    tool_names=("spring.ai.tool.definition.name",),
    # Micrometer's tracers, which it writes to.
    texts_alone=("org.springframework", "io.micrometer"),
    what=_what,
)
