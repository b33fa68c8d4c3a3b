"""Token usage read off what model libraries return, without importing any of them.

What is looked for, and under which names, is in ``spellings``; what the figures mean, in
``_figures``. Whatever is odd is ignored: a number of tokens that is no whole number was never
meant.
"""

import inspect
from collections.abc import Callable, Iterator, Mapping
from types import FunctionType, MethodType
from typing import Final, NamedTuple, cast

from agent_analytics.instrumentation import spellings
from agent_analytics.instrumentation._fields import (
    PLAIN,
    count,
    field,
    items,
    plain,
    text,
    unwrapped,
)
from agent_analytics.instrumentation._figures import Basis, Figures, settle
from agent_analytics.instrumentation._meant import BESIDE_INPUT, BESIDE_REASONING
from agent_analytics.instrumentation._stated import stated_in, stated_round
from agent_analytics.instrumentation._usage_objects import (
    figures_of,
    gives_no_answer,
    has_figures,
)
from agent_analytics.instrumentation.spellings import Path, Spelling

#: How a field is read: by any means, or as plain data alone.
Look = Callable[[object, str], object]


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
    #: What it cost as the answer states it, in nano-dollars; None if it does not.
    stated_nano: int | None = None


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
    ("usage_details",),
    ("token_usage",),
    ("context_wrapper", "usage"),
    ("_state", "usage"),
    ("metrics", "accumulated_usage"),
    ("metrics",),
    ("meta",),
    ("x_groq", "usage"),
    ("usage_metrics",),
    ("models_usage",),
    ("amazon-bedrock-invocationMetrics",),
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
    "body",
    "_meta",
    "meta",
    "_raw_response",
)
#: Answers that are their own usage: Ollama's, and those of Llama at Bedrock.
_OWN_USAGE: Final = (("eval_count",), ("generation_token_count",))
_DEEPEST: Final = 3
#: A usage object of a run says how many calls it sums up; so does what carries it.
_RUN_USAGE: Final = ("requests", "successful_requests")
_RUN: Final = ("num_turns", "total_cost_usd")
#: Providers whose clients count the cache beside the input.
_APART: Final = ("anthropic", "bedrock")
#: Fields that say of a camel-cased usage that Bedrock itself has sent it.
_BEDROCK: Final = ("ResponseMetadata", "stopReason")
_CHUNK: Final = "AIMessageChunk"


def read_usage(result: object) -> Found | None:
    """Return the usage that a result or a chunk of a stream carries, or None.

    Chunks carry it some levels down in some streams (Anthropic's ``message_start``, OpenAI's
    ``response.completed``, Bedrock's ``metadata``). Never raises what a stranger's attribute does.
    """
    if type(result) in PLAIN:
        return None
    try:
        return usage_in(result)
    except KeyboardInterrupt:
        raise  # a person's
    except BaseException:  # noqa: BLE001 - a stranger's attribute may do anything; it is no usage
        return None


def usage_in(result: object) -> Found | None:
    """Return the same, and raise what a stranger's attribute does."""
    return None if type(result) in PLAIN else _search(result, 0, by_any_means=True)


def usage_by_model(source: object, usages: object) -> Found | None:
    """Return the usage of a run that is kept by the names of models, or ``None``."""
    if not isinstance(usages, Mapping):
        return None
    told = [
        one._replace(model=text(model))
        for model, usage in cast("Mapping[object, object]", usages).items()
        if (one := _settled(usage, source, None, None)) is not None
    ]
    if not told:
        return None
    if len(told) == 1 and told[0].stated_nano is None:
        told = [told[0]._replace(stated_nano=stated_round(source))]
    return Found(tuple(told), of_run=True)


def _search(source: object, depth: int, *, by_any_means: bool) -> Found | None:
    found = _read(source, field if by_any_means else plain)
    if found is None and depth < _DEEPEST:
        found = _search_inside(source, depth, by_any_means=by_any_means)
        if found is not None and any(usage.model is None for usage in found.usages):
            # What is round an answer may name the model that gave it.
            model = _first_text(source, spellings.MODEL)
            found = found._replace(
                usages=tuple(usage._replace(model=usage.model or model) for usage in found.usages)
            )
    return found


def _search_inside(source: object, depth: int, *, by_any_means: bool) -> Found | None:
    for key in _ROUND:
        inner = unwrapped(field(source, key) if by_any_means else plain(source, key))
        if inner is not None:
            found = _search(inner, depth + 1, by_any_means=by_any_means and depth == 0)
            if found is not None:
                return found
    for key in _ROUND_PLAIN:
        inner = unwrapped(plain(source, key))
        if inner is not None:
            found = _search(inner, depth + 1, by_any_means=False)
            if found is not None:
                return found
    return None


def _read(source: object, look: Look) -> Found | None:
    usage = _usage_of(source, look)
    if usage is None:
        return None
    metadata = look(source, "response_metadata")
    model = _model_of(source, metadata, look)
    if gives_no_answer(source, model):
        return None
    provider = _first_text(source, spellings.PROVIDER) or _first_text(metadata, spellings.PROVIDER)
    usages = tuple(
        one
        for part in _parts(usage)
        if (one := _settled(part, source, model, provider)) is not None
    )
    if not usages:
        return None
    whole = stated_round(source)
    if whole is not None:
        usages = (usages[0]._replace(stated_nano=whole), *usages[1:])
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
        listed: object = cast("object", usage)
        return list(items(listed))
    return (
        [one for one in items(plain(usage, "iterations")) if has_figures(one)]
        or [one for one in _by_role(plain(usage, "details")) if has_figures(one)]
        or [usage]
    )


def _by_role(details: object) -> Iterator[object]:
    """Yield what each model of a run used, which agno keeps by what the models do in it."""
    if isinstance(details, Mapping):
        for models in cast("Mapping[object, object]", details).values():
            yield from items(models)


def _settled(
    usage: object, source: object, model: str | None, provider: str | None
) -> Usage | None:
    paths: dict[str, Path] = {}
    told = figures_of(usage, paths)
    if told is None:
        return None
    provider_of_part = text(plain(usage, "provider"))
    provider = provider_of_part or provider
    basis = _basis(paths, told, source, provider)
    settled = settle(
        told,
        basis,
        reasoning_beside=paths["output"] in BESIDE_REASONING,
        rest_is_input=basis in (Basis.BESIDE, Basis.DOUBTFUL),
    )
    own = text(plain(usage, "model")) or (text(plain(usage, "id")) if provider_of_part else None)
    return Usage(
        settled.input,
        settled.output,
        settled.cached,
        settled.reasoning,
        own or model,
        settled.written,
        settled.written_1h,
        provider,
        stated_in(usage),
    )


def _basis(paths: Mapping[str, Path], told: Figures, source: object, provider: str | None) -> Basis:
    beside = BESIDE_INPUT.get(paths["input"])
    if provider is not None and plain(source, "metrics") is not None:
        # agno hands on what clients return, under names of its own.
        if any(one in provider.lower() for one in _APART):
            return Basis.BESIDE
        beside = None
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


def _usage_of(source: object, look: Look) -> object:
    """Return the part of an answer that holds its usage, or None."""
    for key in _USAGE:
        found = look(source, key)
        if isinstance(found, MethodType):
            found = found() if look is field and _callable_bare(found) else None
        if type(found) not in PLAIN or _is_list(found):
            return found
    for path in _USAGE_PLAIN:
        found = source
        for key in path:
            found = None if type(found) in PLAIN else plain(found, key)
        if type(found) not in PLAIN and has_figures(found):
            return found
    return source if any(count(source, path) is not None for path in _OWN_USAGE) else None


def _is_list(value: object) -> bool:
    return type(value) is list


def _first_text(source: object, spelling: Spelling) -> str | None:
    if type(source) in PLAIN:
        return None
    for (key,) in spelling.fields:
        found = text(plain(source, key))
        if found is not None:
            return found
    return None


def _model_of(source: object, metadata: object, look: Look) -> str | None:
    for holder in (source, metadata):
        if type(holder) in PLAIN:
            continue
        for key in ("model", "model_name", "model_version"):
            found = text(look(holder, key))
            if found is not None:
                return found
    return _first_text(source, spellings.MODEL)
