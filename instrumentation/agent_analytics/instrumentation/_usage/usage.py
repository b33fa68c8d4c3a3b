"""Token usage read off what model libraries return, without importing any of them.

What is looked for, and under which names, is in ``spellings``; what the figures mean, in
``figures``. Whatever is odd is ignored: a number of tokens that is no whole number was never
meant.
"""

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple, cast

from agent_analytics.instrumentation import spellings
from agent_analytics.instrumentation._strangers.plain_data import (
    constant,
    held,
    is_plain,
    plain,
    reading,
)
from agent_analytics.instrumentation._usage.fields import count, items, text, unwrapped, word
from agent_analytics.instrumentation._usage.stated_cost import stated_in, stated_round
from agent_analytics.instrumentation._usage.usage_meaning import BESIDE_INPUT, BESIDE_REASONING
from agent_analytics.instrumentation._usage.usage_objects import (
    figures_of,
    gives_no_answer,
    has_figures,
)
from agent_analytics.instrumentation.figures import Basis, Figures, settle
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
    #: What it cost as the answer states it, in nano-dollars; None if it does not.
    stated_nano: int | None = None


#: So many fields of a usage, the first, are the tokens of its parts and its wholes.
TOKENS: Final = 4


class Found(NamedTuple):
    """What one value says of model calls.

    Attributes:
        usages: One for each call, or each model, that it speaks of.
        call_id: The model's own id of its answer; that of the message where it has none.
        of_run: Whether it sums up a whole run and not one call.
        adds: Whether it is what was used since the chunk before, and not a running total.
    """

    usages: tuple[Usage, ...]
    call_id: str | None = None
    of_run: bool = False
    adds: bool = False


#: Where an answer keeps its usage.
_USAGE: Final = ("usage", "usage_metadata")
#: The same, where it has figures; where a library sums up a run, one key more leads to the sum.
_USAGE_BELOW: Final[tuple[Path, ...]] = (
    ("usageMetadata",),
    ("usage_details",),
    ("token_usage",),
    ("context_wrapper", "usage"),
    ("_state", "usage"),
    ("_graph_run", "_state", "usage"),
    ("_graph_run", "state", "usage"),
    ("metrics", "accumulated_usage"),
    ("metrics",),
    ("meta",),
    ("x_groq", "usage"),
    ("usage_metrics",),
    ("models_usage",),
    ("amazon-bedrock-invocationMetrics",),
)
#: A stream of pydantic-ai keeps what its run used before, and what its answer used until now.
_STREAMED: Final[tuple[Path, Path]] = (
    ("_initial_run_ctx_usage",),
    ("_raw_stream_response", "_usage"),
)
#: What wraps an answer or a chunk.
_ROUND: Final = (
    "message",
    "response",
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
    "_result",
    "_run_result",
    "_stream_response",
    "_streamed_run_result",
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
    ``response.completed``, Bedrock's ``metadata``). Nothing is raised.
    """
    try:
        with reading():
            return usage_in(result)
    except Exception:  # noqa: BLE001 - what cannot be read is no usage
        return None


def usage_in(result: object) -> Found | None:
    """Return the same, and raise where it cannot be read."""
    return None if is_plain(result) else _search(result, 0)


def usage_by_model(source: object, usages: object) -> Found | None:
    """Return the usage of a run that is kept by the names of models, or ``None``."""
    models = held(usages)
    if models is None:
        return None
    stated = [
        one._replace(model=text(model))
        for model, usage in models.items()
        if (one := _settled(usage, source, None, None)) is not None
    ]
    if not stated:
        return None
    if len(stated) == 1 and stated[0].stated_nano is None:
        stated = [stated[0]._replace(stated_nano=stated_round(source))]
    return Found(tuple(stated), of_run=True)


def _search(source: object, depth: int) -> Found | None:
    found = _read(source)
    if found is None and depth < _DEEPEST:
        found = _search_inside(source, depth)
        if found is not None and any(usage.model is None for usage in found.usages):
            # What is round an answer may name the model that gave it.
            model = _first_text(source, spellings.MODEL)
            found = found._replace(
                usages=tuple(usage._replace(model=usage.model or model) for usage in found.usages)
            )
    return found


def _search_inside(source: object, depth: int) -> Found | None:
    for key in _ROUND:
        inner = unwrapped(plain(source, key))
        if inner is not None:
            found = _search(inner, depth + 1)
            if found is not None:
                return found
    return None


def _read(source: object) -> Found | None:
    usage = _usage_of(source)
    if usage is None:
        return None
    metadata = plain(source, "response_metadata")
    model = _model_of(source, metadata)
    if gives_no_answer(source, model):
        return None
    provider = _first_text(source, spellings.PROVIDER) or _first_text(metadata, spellings.PROVIDER)
    parts = _parts(usage)
    usages = tuple(
        one for part in parts if (one := _settled(part, source, model, provider)) is not None
    )
    if not usages:
        return None
    whole = stated_round(source)
    if whole is not None:
        usages = (usages[0]._replace(stated_nano=whole), *usages[1:])
    is_run = any(
        plain(one, key) is not None for one in (usage, *parts) for key in _RUN_USAGE
    ) or any(plain(source, key) is not None for key in _RUN)
    is_run = is_run or plain(plain(source, "metrics"), "accumulated_usage") is usage
    return Found(
        usages,
        _first_text(source, spellings.RESPONSE_ID),
        is_run,
        # The chunks of LangChain say what each added; a message of it says all.
        word(source, "type") == _CHUNK,
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
    for models in (held(details) or {}).values():
        yield from items(models)


def _settled(
    usage: object, source: object, model: str | None, provider: str | None
) -> Usage | None:
    paths: dict[str, Path] = {}
    stated = figures_of(usage, paths)
    if stated is None:
        return None
    provider_of_part = text(plain(usage, "provider"))
    provider = provider_of_part or provider
    basis = _basis(paths, stated, source, provider)
    settled = settle(
        stated,
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


def _basis(
    paths: Mapping[str, Path], stated: Figures, source: object, provider: str | None
) -> Basis:
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
        for part, tokens in (("cached", stated.cached), ("written", stated.written))
        if tokens
    ):
        return Basis.UNKNOWN
    if paths["input"] == ("inputTokens",) and not any(
        plain(source, key) is not None for key in _BEDROCK
    ):
        return Basis.DOUBTFUL
    return Basis.BESIDE


def _usage_of(source: object) -> object:
    """Return the part of an answer that holds its usage, or None."""
    for key in _USAGE:
        found = constant(source, key)
        if not is_plain(found) or _is_list(found):
            return found
    before, now = (_at(source, path) for path in _STREAMED)
    if not is_plain(before) and not is_plain(now):
        return [before, now]
    for path in _USAGE_BELOW:
        found = _at(source, path)
        if not is_plain(found) and has_figures(found):
            return found
    return source if any(count(source, path) is not None for path in _OWN_USAGE) else None


def _at(source: object, path: Path) -> object:
    for key in path:
        source = plain(source, key)
    return source


def _is_list(value: object) -> bool:
    return type(value) is list


def _first_text(source: object, spelling: Spelling) -> str | None:
    if is_plain(source):
        return None
    for (key,) in spelling.fields:
        found = text(plain(source, key))
        if found is not None:
            return found
    return None


def _model_of(source: object, metadata: object) -> str | None:
    for holder in (source, metadata):
        for key in ("model", "model_name", "model_version"):
            found = text(constant(holder, key))
            if found is not None:
                return found
    return _first_text(source, spellings.MODEL)
