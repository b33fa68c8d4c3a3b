"""Usage that a span holds as text: an object of JSON, or as Python prints it.

What no attribute of its own says is found there. Some vendors have an object of their own shape,
which is put into the words of a usage object first.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, cast

from agent_analytics.instrumentation import spellings
from agent_analytics.instrumentation._fields import count

Object = Mapping[str, Any]

#: A longer text is content. What a provider adds to an answer may hold sources, too.
_LONGEST: Final = 4_096
_LONGEST_OF_PROVIDER: Final = 65_536
PROVIDERS: Final = "ai.response.providerMetadata"
BUCKETS: Final = "langfuse.observation.usage_details"


def with_texts(
    values: Sequence[Any], attributes: Mapping[str, Any], counts: Sequence[spellings.Spelling]
) -> Sequence[Any]:
    """Return the values with what only a text says."""
    for usage in _usages(attributes):
        values = [
            value if value is not None else first(usage, spelling)
            for value, spelling in zip(values, counts, strict=True)
        ]
    return values


def first(usage: object, spelling: spellings.Spelling) -> int | None:
    """Return the most believed number of a usage object under one spelling, or ``None``."""
    return next(
        (found for path in spelling.fields if (found := count(usage, path)) is not None), None
    )


def parsed(text: object, longest: int = _LONGEST) -> dict[str, Any] | None:
    """Return a mapping from JSON, or from what Python prints of one without quotes inside."""
    if type(text) is not str or len(text) > longest or not text.startswith("{"):
        return None
    if '"' not in text and "\\" not in text:
        text = (
            text.replace("'", '"')
            .replace("None", "null")
            .replace("True", "true")
            .replace("False", "false")
        )
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return cast("dict[str, Any]", found) if type(found) is dict else None


def _usages(attributes: Mapping[str, Any]) -> Iterator[Object]:
    for key, place in spellings.TEXTS.items():
        usage = parsed(attributes.get(key))
        if usage is not None:
            yield usage if place is None else {place: usage}
    for key, longest, translate in _TRANSLATED:
        usage = parsed(attributes.get(key), longest)
        if usage is not None:
            yield translate(usage)


# --- what a provider adds to an answer, as the AI SDK of Vercel keeps it -------------------------

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


# --- Langfuse's buckets, which do not overlap ----------------------------------------------------

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


_TRANSLATED: Final[tuple[tuple[str, int, Callable[[Object], Object]], ...]] = (
    (PROVIDERS, _LONGEST_OF_PROVIDER, _of_providers),
    (BUCKETS, _LONGEST, _of_buckets),
)
#: Attributes that hold usage as text.
KEYS: Final = (*spellings.TEXTS, PROVIDERS, BUCKETS)
