"""Token usage read off what model libraries return, without importing any of them.

What is looked for, and under which names, is in ``spellings``; what the figures mean, in
``_figures``. Whatever is odd is ignored: a number of tokens that is no whole number was never
meant.
"""

import inspect
from collections.abc import Mapping
from types import FunctionType, MethodType
from typing import Final, NamedTuple

from agent_analytics.instrumentation import spellings
from agent_analytics.instrumentation._fields import (
    PLAIN,
    count,
    field,
    items,
    plain,
    text,
    whole,
)
from agent_analytics.instrumentation._figures import Basis, Figures, settle
from agent_analytics.instrumentation.spellings import Path, Spelling


class Usage(NamedTuple):
    """Tokens of one answer; cached and written are parts of input, reasoning of output."""

    input_tokens: int = 0
    output_tokens: int = 0
    cached_input_tokens: int = 0
    reasoning_tokens: int = 0
    model: str | None = None
    cache_write_input_tokens: int = 0
    #: The part of the written that is kept for an hour.
    cache_write_1h_input_tokens: int = 0
    provider: str | None = None


#: So many fields of a usage, the first, are the tokens of its parts and its wholes.
TOKENS: Final = 4


class Found(NamedTuple):
    """What one value says of model calls.

    Attributes:
        usages: One for each call, or each model, that it tells of.
        call_id: The model's own id of its answer; that of the message where it has none.
        of_run: Whether it sums up a whole run and not one call.
        adds: Whether it is what was used since the chunk before, and not a running total.
    """

    usages: tuple[Usage, ...]
    call_id: str | None = None
    of_run: bool = False
    adds: bool = False


#: Where an answer keeps its usage, in words that were ever read by any means.
_USAGE: Final = ("usage", "usage_metadata")
#: The same, as plain data alone; where a library sums up a run, one key more leads to the sum.
_USAGE_PLAIN: Final[tuple[Path, ...]] = (
    ("usageMetadata",),
    ("token_usage",),
    ("metrics", "accumulated_usage"),
    ("metrics",),
    ("meta",),
    ("x_groq", "usage"),
)
#: What wraps an answer or a chunk; the first two by any means, the rest as plain data alone.
_ROUND: Final = ("message", "response")
_ROUND_PLAIN: Final = (
    "data",
    "event",
    "metadata",
    "delta",
    "chunk",
    "output",
    "raw",
    "result",
    "model_response",
)
_DEEPEST: Final = 3
#: A usage object of a run says how many calls it sums up; so does what carries it.
_RUN_USAGE: Final = ("requests", "successful_requests")
_RUN: Final = ("num_turns", "total_cost_usd")
#: Fields that say of a camel-cased usage that Bedrock itself has sent it.
_BEDROCK: Final = ("ResponseMetadata", "stopReason")
_MESSAGE_TYPES: Final = frozenset({"ai", "AIMessageChunk"})
_CHUNK: Final = "AIMessageChunk"
#: Read by any means, in this order, where a usage object keeps no plain data.
_BY_PROPERTY: Final[tuple[tuple[str, ...], ...]] = (
    ("prompt_tokens", "completion_tokens"),
    ("input_tokens", "output_tokens"),
    ("prompt_token_count", "candidates_token_count"),
    ("request_tokens", "response_tokens"),
)


def read_usage(result: object) -> Found | None:
    """Return the usage that a result or a chunk of a stream carries, or None.

    Chunks carry it some levels down in some streams (Anthropic's ``message_start``, OpenAI's
    ``response.completed``, Bedrock's ``metadata``). Never raises what a stranger's attribute does.
    """
    if type(result) in PLAIN:
        return None
    try:
        return _search(result, 0)
    except KeyboardInterrupt:
        raise  # a person's
    except BaseException:  # noqa: BLE001 - a stranger's attribute may do anything; it is no usage
        return None


def _search(source: object, depth: int) -> Found | None:
    found = _read(source)
    if found is not None or depth == _DEEPEST:
        return found
    for key in _ROUND:
        inner = field(source, key) if depth == 0 else plain(source, key)
        if type(inner) not in PLAIN:
            found = _search(inner, depth + 1)
            if found is not None:
                return found
    for key in _ROUND_PLAIN:
        inner = plain(source, key)
        if type(inner) not in PLAIN:
            found = _search(inner, depth + 1)
            if found is not None:
                return found
    return None


def _read(source: object) -> Found | None:
    usage = _usage_of(source)
    if usage is None:
        return None
    model = _model_of(source)
    provider = _first_text(source, spellings.PROVIDER)
    usages = tuple(
        one
        for part in _parts(usage)
        if (one := _settled(part, source, model, provider)) is not None
    )
    if not usages:
        return None
    is_run = any(plain(usage, key) is not None for key in _RUN_USAGE) or any(
        plain(source, key) is not None for key in _RUN
    )
    is_run = is_run or plain(plain(source, "metrics"), "accumulated_usage") is usage
    kind = plain(source, "type")
    return Found(
        usages,
        _first_text(source, spellings.RESPONSE_ID),
        is_run,
        # The chunks of LangChain say what each added; a message of it says all.
        type(kind) is str and kind == _CHUNK,
    )


def _parts(usage: object) -> list[object]:
    """Return the usage, or each of those that it sums up: they tell more than their sum."""
    if type(usage) is list:
        return list(items(usage))
    iterations = list(items(plain(usage, "iterations")))
    return iterations or [usage]


def _settled(
    usage: object, source: object, model: str | None, provider: str | None
) -> Usage | None:
    paths: dict[str, Path] = {}
    told = _figures(usage, paths)
    if told is None:
        return None
    basis = _basis(paths, told, source)
    settled = settle(
        told,
        basis,
        reasoning_beside=paths["output"] in spellings.BESIDE_REASONING,
        rest_is_input=basis in (Basis.BESIDE, Basis.DOUBTFUL),
    )
    own = text(plain(usage, "model"))
    return Usage(
        settled.input,
        settled.output,
        settled.cached,
        settled.reasoning,
        own or model,
        settled.written,
        settled.written_1h,
        provider,
    )


def _basis(paths: Mapping[str, Path], told: Figures, source: object) -> Basis:
    beside = spellings.BESIDE_INPUT.get(paths["input"])
    if beside is None:
        return Basis.UNKNOWN
    if not any(
        paths.get(part) in beside
        for part, tokens in (("cached", told.cached), ("written", told.written))
        if tokens
    ):
        return Basis.UNKNOWN
    if paths["input"] == ("inputTokens",) and not any(
        plain(source, key) is not None for key in _BEDROCK
    ):
        return Basis.DOUBTFUL
    return Basis.BESIDE


def _figures(usage: object, paths: dict[str, Path]) -> Figures | None:
    """Return the figures of a usage object; ``paths`` learns where they were found."""

    def told(what: str, spelling: Spelling) -> int | None:
        first: int | None = None
        for path in spelling.fields:
            found = count(usage, path)
            if found is not None:
                if found or first is None:
                    paths[what] = path
                    first = found
                if found:
                    break
        return first

    paths["input"] = paths["output"] = ()
    given, made = told("input", spellings.INPUT), told("output", spellings.OUTPUT)
    if given is None and made is None:
        return _by_property(usage, paths)
    brief, hour = (
        told("5m", spellings.WRITTEN_5M),
        told("1h", spellings.WRITTEN_1H),
    )
    written = told("written", spellings.WRITTEN)
    if hour is None:
        hour = _listed(usage)
    if brief is not None or hour is not None:
        by_lifetime = (brief or 0) + (hour or 0)
        if by_lifetime > (written or 0):
            written = by_lifetime
            paths.setdefault("written", ("cache_creation_input_tokens",))
    return Figures(
        given,
        made,
        told("cached", spellings.CACHED),
        written,
        hour,
        told("reasoning", spellings.REASONING),
        told("tool_prompt", spellings.TOOL_PROMPT),
        told("total", spellings.TOTAL),
        told("fresh", spellings.FRESH),
    )


def _listed(usage: object) -> int | None:
    """Return what was written for an hour, where writes are a list."""
    where, lifetime, tokens, hour = spellings.WRITTEN_LIST
    counts = [
        whole(plain(one, tokens)) or 0
        for one in items(plain(usage, where))
        if plain(one, lifetime) == hour
    ]
    return sum(counts) if counts else None


def _by_property(usage: object, paths: dict[str, Path]) -> Figures | None:
    """Return the figures of an object that has them as properties, as protocol buffers do."""
    if isinstance(usage, Mapping):
        return None
    for sent, received in _BY_PROPERTY:
        given, made = whole(field(usage, sent)), whole(field(usage, received))
        if given is None and made is None:
            continue
        paths["input"], paths["output"] = (sent,), (received,)
        details: list[int | None] = []
        for what, spelling in (
            ("cached", spellings.CACHED),
            ("written", spellings.WRITTEN),
            ("reasoning", spellings.REASONING),
        ):
            details.append(_property(usage, paths, what, spelling))
        google = sent == "prompt_token_count"
        return Figures(
            given,
            made,
            details[0],
            details[1],
            None,
            details[2],
            whole(field(usage, "tool_use_prompt_token_count")) if google else None,
            whole(field(usage, "total_token_count")) if google else None,
        )
    return None


#: What was ever read by any means, of what is only a part of another figure.
_PROPERTIES: Final = frozenset(
    {
        ("prompt_tokens_details", "cached_tokens"),
        ("input_tokens_details", "cached_tokens"),
        ("input_token_details", "cache_read"),
        ("cache_read_input_tokens",),
        ("cache_read_tokens",),
        ("cached_content_token_count",),
        ("cache_creation_input_tokens",),
        ("completion_tokens_details", "reasoning_tokens"),
        ("output_tokens_details", "reasoning_tokens"),
        ("output_token_details", "reasoning"),
        ("details", "reasoning_tokens"),
        ("thoughts_token_count",),
    }
)


def _property(usage: object, paths: dict[str, Path], what: str, spelling: Spelling) -> int | None:
    for path in spelling.fields:
        if path not in _PROPERTIES:
            continue
        found = usage
        for key in path:
            found = None if type(found) in PLAIN else field(found, key)
        tokens = whole(found)
        if tokens is not None:
            paths[what] = path
            return tokens
    return None


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
    for key in _USAGE:
        found = field(source, key)
        if isinstance(found, MethodType):
            found = found() if _callable_bare(found) else None
        if found is not None and (type(found) not in PLAIN or type(found) is list):
            return found
    for path in _USAGE_PLAIN:
        found = source
        for key in path:
            found = None if type(found) in PLAIN else plain(found, key)
        if type(found) not in PLAIN and _has_figures(found):
            return found
    # Ollama's answers are their own usage.
    return source if count(source, ("eval_count",)) is not None else None


def _has_figures(usage: object) -> bool:
    return any(
        count(usage, path) is not None
        for spelling in (spellings.INPUT, spellings.OUTPUT)
        for path in spelling.fields
    )


def _first_text(source: object, spelling: Spelling) -> str | None:
    for (key,) in spelling.fields:
        found = text(plain(source, key))
        if found is not None:
            return found
    return None


def _model_of(source: object) -> str | None:
    for key in ("model", "model_name", "model_version"):
        found = text(field(source, key))
        if found is not None:
            return found
    metadata = field(source, "response_metadata")
    if type(metadata) not in PLAIN:
        for key in ("model", "model_name", "model_version"):
            found = text(field(metadata, key))
            if found is not None:
                return found
    return _first_text(source, spellings.MODEL)
