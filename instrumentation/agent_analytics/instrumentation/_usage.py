"""Token usage read off what model libraries return, without importing any of them.

Shapes: OpenAI chat completions and responses, Anthropic messages, Google's generate_content,
LangChain messages, pydantic-ai runs, and whatever looks like one of these, as objects or mappings.
Whatever is odd is ignored: a number of tokens that is no plain whole number was never meant.
"""

import inspect
from collections.abc import Mapping
from types import FunctionType, MethodType, NoneType
from typing import Final, NamedTuple, cast

from agent_analytics.instrumentation._checks import MAX_TEXT, MAX_TOKENS

#: Exact types that carry no usage: the early way out for most results and chunks.
PLAIN: Final = frozenset(
    {str, bytes, bytearray, int, float, complex, bool, NoneType, list, tuple, set, frozenset}
)


class Usage(NamedTuple):
    """Tokens of one answer; cached are a subset of input, reasoning of output."""

    input_tokens: int = 0
    output_tokens: int = 0
    cached_input_tokens: int = 0
    reasoning_tokens: int = 0
    model: str | None = None


def _field(source: object, key: str) -> object:
    if isinstance(source, Mapping):
        return cast("Mapping[object, object]", source).get(key)
    return getattr(source, key, None)


def _count(source: object, key: str) -> int | None:
    value = _field(source, key)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_TOKENS:
        return int(value)
    return None


def _detail(usage: object, *paths: tuple[str, str]) -> int:
    """Return the first count found in a nested object."""
    for outer, inner in paths:
        nested = _field(usage, outer)
        if nested is not None:
            found = _count(nested, inner)
            if found is not None:
                return found
    return 0


def _chat(usage: object) -> Usage | None:
    """OpenAI chat completions; cached ones are part of the prompt."""
    given, made = _count(usage, "prompt_tokens"), _count(usage, "completion_tokens")
    if given is None and made is None:
        return None
    cached = _detail(usage, ("prompt_tokens_details", "cached_tokens"))
    return Usage(
        given or 0,
        made or 0,
        # LiteLLM repeats Anthropic's field beside OpenAI's and has counted it in.
        cached or _count(usage, "cache_read_input_tokens") or 0,
        _detail(usage, ("completion_tokens_details", "reasoning_tokens")),
    )


def _messages(usage: object) -> Usage | None:
    """OpenAI responses, Anthropic, LangChain, pydantic-ai: all say input_tokens."""
    given, made = _count(usage, "input_tokens"), _count(usage, "output_tokens")
    if given is None and made is None:
        return None
    read = _count(usage, "cache_read_input_tokens")
    written = _count(usage, "cache_creation_input_tokens")
    if read is None and written is None:
        cached = _detail(
            usage,
            ("input_tokens_details", "cached_tokens"),
            ("input_token_details", "cache_read"),
        ) or (_count(usage, "cache_read_tokens") or 0)
        total = given or 0
    else:
        # Anthropic's input_tokens are those that had nothing to do with the cache.
        cached = read or 0
        total = (given or 0) + cached + (written or 0)
    reasoning = _detail(
        usage,
        ("output_tokens_details", "reasoning_tokens"),
        ("output_token_details", "reasoning"),
        ("details", "reasoning_tokens"),
    )
    return Usage(total, made or 0, cached, reasoning)


def _candidates(usage: object) -> Usage | None:
    """Google: thoughts are not among the candidates' tokens."""
    given, made = _count(usage, "prompt_token_count"), _count(usage, "candidates_token_count")
    if given is None and made is None:
        return None
    thoughts = _count(usage, "thoughts_token_count") or 0
    cached = _count(usage, "cached_content_token_count") or 0
    return Usage(given or 0, (made or 0) + thoughts, cached, thoughts)


def _requests(usage: object) -> Usage | None:
    """pydantic-ai before 1.0."""
    given, made = _count(usage, "request_tokens"), _count(usage, "response_tokens")
    if given is None and made is None:
        return None
    return Usage(given or 0, made or 0)


_SHAPES: Final = (_chat, _messages, _candidates, _requests)


def _callable_bare(method: MethodType) -> bool:
    """Tell whether a bound method is synchronous and can be called without arguments."""
    function: object = method.__func__
    if not isinstance(function, FunctionType):
        return False
    code = function.__code__
    return (
        code.co_argcount - len(function.__defaults__ or ()) <= 1
        and code.co_kwonlyargcount == len(function.__kwdefaults__ or {})
        and not code.co_flags & (inspect.CO_COROUTINE | inspect.CO_GENERATOR)
        and not code.co_flags & inspect.CO_ASYNC_GENERATOR
    )


def _usage_of(source: object) -> object:
    """Return the part of an answer that holds its usage, or None."""
    for key in ("usage", "usage_metadata"):
        found = _field(source, key)
        if isinstance(found, MethodType):
            found = found() if _callable_bare(found) else None
        if found is not None and type(found) not in PLAIN:
            return found
    return None


def _model_of(source: object) -> str | None:
    for key in ("model", "model_name", "model_version"):
        value = _field(source, key)
        if isinstance(value, str) and 0 < len(value) <= MAX_TEXT:
            return value
    return None


def _read(source: object) -> Usage | None:
    found = _usage_of(source)
    if found is None:
        return None
    for shape in _SHAPES:
        usage = shape(found)
        if usage is not None:
            break
    else:
        return None
    model = _model_of(source)
    if model is None:
        metadata = _field(source, "response_metadata")
        if metadata is not None and type(metadata) not in PLAIN:
            model = _model_of(metadata)
    # A subset larger than the whole is a misunderstanding of the shape.
    return Usage(
        usage.input_tokens,
        usage.output_tokens,
        usage.cached_input_tokens if usage.cached_input_tokens <= usage.input_tokens else 0,
        usage.reasoning_tokens if usage.reasoning_tokens <= usage.output_tokens else 0,
        model,
    )


def read_usage(result: object) -> Usage | None:
    """Return the usage that a result or a chunk of a stream carries, or None.

    Chunks carry it one level down in some streams (Anthropic's ``message_start``, OpenAI's
    ``response.completed``). Never raises.
    """
    if type(result) in PLAIN:
        return None
    try:
        found = _read(result)
        if found is None:
            for key in ("message", "response"):
                inner = _field(result, key)
                if inner is not None and type(inner) not in PLAIN:
                    found = _read(inner)
                    if found is not None:
                        break
    except Exception:  # noqa: BLE001 - a stranger's attribute may do anything; then it is no usage
        return None
    return found


def merge(old: Usage | None, new: Usage | None) -> Usage | None:
    """Return the larger of each field: the chunks of a stream repeat running totals."""
    if old is None or new is None:
        return old or new
    return Usage(
        max(old.input_tokens, new.input_tokens),
        max(old.output_tokens, new.output_tokens),
        max(old.cached_input_tokens, new.cached_input_tokens),
        max(old.reasoning_tokens, new.reasoning_tokens),
        old.model or new.model,
    )
