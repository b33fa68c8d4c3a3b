"""Claude Code, and agents that are built on it: an interaction, its model calls and its tools."""

from collections.abc import Mapping
from typing import Any, Final

from agent_analytics.processor._dialects import facts as f
from agent_analytics.processor._dialects._shared.input_row import Basis, Input
from agent_analytics.processor._dialects.dialect import Dialect
from agent_analytics.processor._dialects.facts import Facts

_TYPE: Final = "span.type"
_PREFIX: Final = "claude_code."
_ROLES: Final = {"interaction": f.AGENT, "llm_request": f.MODEL, "tool": f.TOOL}
_AGENT: Final = "claude_code"
_SCOPE: Final = "com.anthropic.claude_code"
_MODEL: Final = "model"
_TOOL: Final = "tool_name"
_CHUNK_MS: Final = "ttft_ms"


def _what(facts: Facts, name: str, attributes: Mapping[str, Any]) -> None:
    kind = attributes.get(_TYPE, name)
    if type(kind) is not str:
        return
    role = _ROLES.get(kind.removeprefix(_PREFIX))
    facts.role = f.OTHER if role is None else role
    if role == f.AGENT:
        facts.name, facts.named = _AGENT, True


def _more(facts: Facts, name: str, attributes: Mapping[str, Any]) -> None:
    """Read what stands under bare names."""
    del name
    if facts.role == f.TOOL:
        tool = attributes.get(_TOOL)
        if type(tool) is str and tool:
            facts.name, facts.named = tool, True
    elif facts.role == f.MODEL:
        model = attributes.get(_MODEL)
        if facts.model is None and type(model) is str and model:
            facts.model = model
        chunk = attributes.get(_CHUNK_MS)
        if isinstance(chunk, (int, float)) and chunk >= 0:
            facts.first_chunk = chunk / 1000.0
        facts.failed = facts.failed or attributes.get("success") is False


def _usage(facts: Facts, attributes: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the attributes of a model call: their bare names are those of a usage object."""
    return attributes if facts.role == f.MODEL and facts.tokens is None else None


CLAUDE_CODE: Final = Dialect(
    name="claude-code",
    scopes=(_SCOPE,),
    inputs=(Input(_SCOPE, Basis.BESIDE),),
    usage=_usage,
    conversations=("session.id",),
    what=_what,
    more=_more,
)
