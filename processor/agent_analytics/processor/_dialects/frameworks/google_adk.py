"""Google's ADK: words of its own up to its version 1, the conventions since."""

import json
from collections.abc import Mapping
from typing import Any, Final, cast

from agent_analytics.processor._dialects import facts as f
from agent_analytics.processor._dialects._shared.input_row import Basis, Input
from agent_analytics.processor._dialects._shared.names import plain_name
from agent_analytics.processor._dialects.dialect import Dialect
from agent_analytics.processor._dialects.facts import Facts

_ANSWER: Final = "gcp.vertex.agent.llm_response"
_IN_ANSWER: Final = '"usage_metadata":'
_AGENT: Final = "agent_run ["
_TOOL: Final = "tool_call ["
_SESSIONS: Final = ("gcp.vertex.agent.session_id",)
_DECODER: Final = json.JSONDecoder()
_SCOPE: Final = "gcp.vertex.agent"


def _what(facts: Facts, name: str, attributes: Mapping[str, Any]) -> None:
    """Read the name of an agent or a tool from that of its span, where nothing else holds it."""
    del attributes
    if facts.role in (f.AGENT, f.TOOL) and name.startswith((_AGENT, _TOOL)) and name[-1] == "]":
        facts.name, facts.named = plain_name(name[name.index("[") + 1 : -1]), True


def _usage(facts: Facts, attributes: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return what an answer says of its tokens, which old versions leave in it.

    Quotes within the answer's texts are escaped.
    """
    answer = attributes.get(_ANSWER)
    if facts.role != f.MODEL or type(answer) is not str:
        return None
    start = answer.rfind(_IN_ANSWER)
    if start < 0:
        return None
    try:
        usage: Any = _DECODER.raw_decode(answer, start + len(_IN_ANSWER))[0]
    except (ValueError, RecursionError):  # it was cut
        return None
    if not isinstance(usage, dict):
        return None
    return cast("Mapping[str, Any]", usage)


GOOGLE_ADK: Final = Dialect(
    name="google-adk",
    scopes=(_SCOPE, "google.adk", "google_adk"),
    names={_AGENT: f.AGENT, "invoke_agent ": f.AGENT, _TOOL: f.TOOL, "call_llm": f.MODEL},
    conversations=_SESSIONS,
    summaries=("(merged",),
    inputs=(Input(_SCOPE, Basis.WITHIN),),
    content=(r"gcp\.vertex\.agent\.(llm_request|llm_response|tool_call_args|tool_response|data)",),
    content_off={"ADK_CAPTURE_MESSAGE_CONTENT_IN_SPANS": "false"},
    what=_what,
    usage=_usage,
)
