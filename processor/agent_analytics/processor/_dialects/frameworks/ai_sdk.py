"""The AI SDK of Vercel (``ai.*``), which programs in TypeScript send.

A call of one of its functions is an agent where its caller gave it a name (``functionId``), or
else see-through; each step in it is a model call.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final, cast

from agent_analytics.processor._dialects import facts as f
from agent_analytics.processor._dialects._shared.input_row import APART, Basis, Input
from agent_analytics.processor._dialects._shared.texts import parsed
from agent_analytics.processor._dialects.dialect import Dialect, Object, UsageText
from agent_analytics.processor._dialects.facts import Facts, StatedCost

_NAMED: Final = "ai.telemetry.functionId"
_FUNCTIONS: Final = ("generateText", "streamText", "generateObject", "streamObject")
_STEPS: Final = ("doGenerate", "doStream")
#: What a provider adds to an answer, which may hold sources, too.
_PROVIDERS: Final = "ai.response.providerMetadata"
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
    if facts.role == f.MODEL and facts.cost is None and _PROVIDERS in attributes:
        stated = parsed(attributes[_PROVIDERS], _LONGEST)
        for path in _COSTS:
            cost: object = stated
            for key in path:
                cost = cast("Mapping[str, object]", cost).get(key) if type(cost) is dict else None
            if cost is not None:
                facts.cost = StatedCost((cost,))
                return


# --- usage, in what a provider adds to an answer ------------------------------------------------

#: Names that the usage objects of no client have.
_RENAMED: Final = {
    "cachedPromptTokens": "cached_tokens",
    "promptCacheHitTokens": "prompt_cache_hit_tokens",
    "promptCacheMissTokens": "prompt_cache_miss_tokens",
}
_INSIDE: Final = ("usage", "usageMetadata")
_DETAILS: Final = (
    ("promptTokensDetails", "cachedTokens", "cached_tokens"),
    ("completionTokensDetails", "reasoningTokens", "reasoning_tokens"),
)
#: Anthropic's own input is what had nothing to do with the cache.
_ANTHROPIC: Final = "anthropic"


def _of_providers(providers: Object) -> Object:
    """Return one usage object of what each provider adds."""
    usage: dict[str, Any] = {}
    for provider, added in providers.items():
        for one in _and_inside(added):
            usage.update({_RENAMED.get(key, key): value for key, value in one.items()})
            for details, key, name in _DETAILS:
                inside = one.get(details)
                if isinstance(inside, dict):
                    usage[name] = cast("Object", inside).get(key)
        if provider == _ANTHROPIC:
            usage["prompt_cache_miss_tokens"] = usage.pop("input_tokens", None)
    return usage


def _and_inside(added: object) -> Iterator[Object]:
    if isinstance(added, dict):
        stated = cast("Object", added)
        yield stated
        for key in _INSIDE:
            inside = stated.get(key)
            if isinstance(inside, dict):
                yield cast("Object", inside)


AI_SDK: Final = Dialect(
    name="ai-sdk",
    scopes=("ai",),
    signs=("ai.operationId",),
    usage_texts=(UsageText(_PROVIDERS, _LONGEST, _of_providers),),
    # What was fresh since its version 6; before, Anthropic's counts, with a total that is no more
    # than their sum.
    inputs=(Input("ai", Basis.BESIDE, APART),),
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
