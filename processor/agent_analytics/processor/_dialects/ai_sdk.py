"""The AI SDK of Vercel (``ai.*``), which programs in TypeScript send.

A call of one of its functions is an agent where its caller gave it a name (``functionId``), or
else see-through; each step in it is a model call.
"""

from collections.abc import Mapping
from typing import Any, Final, cast

from agent_analytics.processor._dialects import _facts as f
from agent_analytics.processor._dialects._costs import StatedCost
from agent_analytics.processor._dialects._dialect import Dialect
from agent_analytics.processor._dialects._facts import Facts
from agent_analytics.processor._dialects._usage_texts import PROVIDERS, parsed

_NAMED: Final = "ai.telemetry.functionId"
_FUNCTIONS: Final = ("generateText", "streamText", "generateObject", "streamObject")
_STEPS: Final = ("doGenerate", "doStream")
_LONGEST: Final = 65_536
#: Who says what a call cost, and where: Vercel's gateway and OpenRouter.
_COSTS: Final = (("gateway", "cost"), ("openrouter", "usage", "cost"))


def _what(facts: Facts, name: str, attributes: Mapping[str, Any]) -> None:
    del name
    if facts.role == f.WORKFLOW and attributes.get(_NAMED):
        facts.role = f.AGENT


def _more(facts: Facts, name: str, attributes: Mapping[str, Any]) -> None:
    """Read what a router says that the call cost."""
    del name
    if facts.role == f.MODEL and facts.cost is None and PROVIDERS in attributes:
        stated = parsed(attributes[PROVIDERS], _LONGEST)
        for path in _COSTS:
            cost: object = stated
            for key in path:
                cost = cast("Mapping[str, object]", cost).get(key) if type(cost) is dict else None
            if cost is not None:
                facts.cost = StatedCost((cost,))
                return


AI_SDK: Final = Dialect(
    name="ai-sdk",
    scopes=("ai",),
    kind_keys=("ai.operationId",),
    kinds={
        **{f"ai.{function}": f.WORKFLOW for function in _FUNCTIONS},
        **{f"ai.{function}.{step}": f.MODEL for function in _FUNCTIONS for step in _STEPS},
        "ai.toolCall": f.TOOL,
    },
    agent_names=(_NAMED,),
    tool_names=("ai.toolCall.name",),
    models=("ai.model.id",),
    response_models=("ai.response.model",),
    providers=("ai.model.provider",),
    call_ids=("ai.toolCall.id",),
    first_chunk_ms=("ai.response.msToFirstChunk",),
    what=_what,
    more=_more,
)
