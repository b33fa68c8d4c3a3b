"""AgentScope: the conventions, with outcomes of tools in the results that it writes."""

import json
from collections.abc import Mapping
from typing import Any, Final, cast

from agent_analytics.instrumentation import vocabulary as v
from agent_analytics.processor._dialects import facts as f
from agent_analytics.processor._dialects._shared.input_row import APART, Basis, Input
from agent_analytics.processor._dialects.dialect import Dialect
from agent_analytics.processor._dialects.facts import Facts

_RESULT: Final = "gen_ai.tool.call.result"
#: A tool that somebody has stopped, or has not allowed, did not fail.
_STOPPED: Final = ("interrupted", "denied")
#: A longer result is not parsed: its state is unknown.
_LONGEST: Final = 1_000_000


def _more(facts: Facts, name: str, attributes: Mapping[str, Any]) -> None:
    """Read the state of a tool's result: the span itself ends well whatever it is."""
    del name
    result = attributes.get(_RESULT)
    if facts.role != f.TOOL or type(result) is not str or len(result) > _LONGEST:
        return
    try:
        parsed: Any = json.loads(result)
    except (ValueError, RecursionError):  # it was cut
        return
    if not isinstance(parsed, dict):
        return
    state = cast("Mapping[str, Any]", parsed).get("state")
    if state == "error":
        facts.failed = True
    elif state in _STOPPED:
        facts.outcome = v.CANCELLED


AGENTSCOPE: Final = Dialect(
    name="agentscope",
    scopes=("agentscope",),
    # It hands on what the clients of Anthropic and Bedrock return.
    inputs=(Input("agentscope", Basis.BESIDE, APART), Input("agentscope", Basis.WITHIN)),
    more=_more,
)
