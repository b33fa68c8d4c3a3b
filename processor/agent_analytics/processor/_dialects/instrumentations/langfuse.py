"""Langfuse's SDK, whose spans are observations: generations, agents, tools and others."""

from typing import Any, Final

from agent_analytics.processor._dialects import facts as f
from agent_analytics.processor._dialects._shared.input_row import Basis, Input
from agent_analytics.processor._dialects._shared.texts import LONGEST
from agent_analytics.processor._dialects.dialect import Dialect, Object, UsageText

# --- usage, in buckets that do not overlap -------------------------------------------------------

_INPUTS: Final = ("input", "input_tokens", "prompt_tokens", "promptTokens", "inputTokens")
_OUTPUTS: Final = (
    "output", "output_tokens", "completion_tokens", "completionTokens", "outputTokens",
)  # fmt: skip
_TOTALS: Final = ("total", "total_tokens", "totalTokens")
_REST_OF_INPUT: Final = ("input_", "prompt_")
_REST_OF_OUTPUT: Final = ("output_", "completion_")


def _of_buckets(buckets: Object) -> Object:
    """Return a usage object of numbers that do not overlap; one of a client's as it is."""
    if any(isinstance(value, dict) for value in buckets.values()):
        return buckets
    given = next((buckets[key] for key in _INPUTS if key in buckets), None)
    made = next((buckets[key] for key in _OUTPUTS if key in buckets), None)
    parts = {"cached": 0, "written": 0, "reasoning": 0, "more": 0, "more made": 0}
    for key, value in buckets.items():
        if type(value) is int and key not in (*_INPUTS, *_OUTPUTS, *_TOTALS):
            part = _part(key.lower())
            if part is not None:
                parts[part] += value
    usage: dict[str, Any] = {
        "cached_tokens": parts["cached"] or None,
        "cache_write_tokens": parts["written"] or None,
        "reasoning_tokens": parts["reasoning"] or None,
    }
    total = next((buckets[key] for key in _TOTALS if key in buckets), None)
    within = type(given) is int and type(made) is int and given + made == total
    if type(given) is int:
        more = parts["cached"] + parts["written"] + parts["more"]
        usage["input_tokens"] = given if within else given + more
    if type(made) is int:
        more = parts["reasoning"] + parts["more made"]
        usage["output_tokens"] = made if within else made + more
    return usage


def _part(key: str) -> str | None:
    if "cache" in key:
        return "written" if "creation" in key or "write" in key else "cached"
    if "reasoning" in key or "thinking" in key:
        return "reasoning"
    if key.startswith(_REST_OF_INPUT):
        return "more"
    return "more made" if key.startswith(_REST_OF_OUTPUT) else None


LANGFUSE: Final = Dialect(
    name="langfuse",
    scopes=("langfuse-sdk",),
    signs=("langfuse.observation.type",),
    kind_keys=("langfuse.observation.type",),
    kinds={"generation": f.MODEL, "agent": f.AGENT, "tool": f.TOOL},
    models=("langfuse.observation.model.name",),
    failures={"langfuse.observation.level": ("ERROR",)},
    usage_texts=(UsageText("langfuse.observation.usage_details", LONGEST, _of_buckets),),
    # What it keeps of usage is put into the words of the conventions.
    inputs=(Input("langfuse-sdk", Basis.WITHIN),),
    cost_objects=("langfuse.observation.cost_details",),
)
