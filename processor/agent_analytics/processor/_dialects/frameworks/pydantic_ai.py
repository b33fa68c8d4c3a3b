"""pydantic-ai: words of its own on agents and tools up to its version 1, the conventions since."""

from collections.abc import Mapping
from typing import Any, Final

from agent_analytics.instrumentation import vocabulary as v
from agent_analytics.processor._dialects import facts as f
from agent_analytics.processor._dialects._shared.input_row import BEDROCK, Basis, Input
from agent_analytics.processor._dialects.dialect import Dialect
from agent_analytics.processor._dialects.facts import Facts

#: Of a tool that was deferred, or waits for approval: the exception, which is no error there.
_DEFERRAL: Final = "pydantic_ai.tool.deferral.name"


def _more(facts: Facts, name: str, attributes: Mapping[str, Any]) -> None:
    """Find tools that were put off: the call is the one that is made later."""
    del name
    if _DEFERRAL in attributes:
        facts.outcome = v.STEERED


PYDANTIC_AI: Final = Dialect(
    name="pydantic-ai",
    scopes=("pydantic-ai", "pydantic_ai", "logfire.pydantic_ai"),
    agent_names=("agent_name",),
    tool_names=("tool_name",),
    models=("model_name",),
    names={
        "agent run": f.AGENT,
        # The step in which the tools of one answer run; each has a span of its own in it.
        "running tools": f.OTHER,
        "running tool": f.TOOL,
    },
    # It adds all up: Anthropic's since 0.4, Bedrock's by 1.60.
    inputs=(
        Input("pydantic-ai", Basis.UNKNOWN, frozenset({BEDROCK}), before=(1, 60)),
        Input("pydantic-ai", Basis.WITHIN),
    ),
    content=(
        r"pydantic_ai\.all_messages|all_messages_events|events|final_result",
        r"tool_(arguments|response)|model_request_parameters",
    ),
    more=_more,
)
