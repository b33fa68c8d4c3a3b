"""Which results are over when a function returns, and which are a stream, by their class.

Nothing of theirs is run to find out: see ``_strangers.plain_data``.
"""

import asyncio
import concurrent.futures
import inspect
import io
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from enum import Enum, auto
from types import AsyncGeneratorType, CoroutineType, FunctionType, GeneratorType
from typing import Any, Final

from agent_analytics.instrumentation._strangers.plain_data import (
    attribute,
    defined,
    full_names,
    is_kind_of,
    namespaces,
    own_fields,
)

#: Full names of responses and context managers that hold a stream, and the attributes it is in.
HOLDERS: Final = {
    "bottle.BaseResponse": "body",
    "llama_index.core.base.response.schema.AsyncStreamingResponse": "response_gen",
    "llama_index.core.base.response.schema.StreamingResponse": "response_gen",
    "werkzeug.wrappers.response.Response": "response",
    "werkzeug.wrappers.base_response.BaseResponse": "response",  # before 2.0
    "quart.wrappers.response.Response": "response.iter",
    "aiohttp.web_response.Response": "_body._iter",
    "litestar.response.streaming.Stream": "iterator",
    "litestar.response.streaming.ASGIStreamingResponse": "iterator",
    "webob.response.Response": "_app_iter",
    "django.http.response.StreamingHttpResponse": "_iterator",
    "httpx.Response": "stream",
    "httpx2.Response": "stream",
    "httpx._models.Response": "stream",
    "sanic.response.types.ResponseStream": "streaming_fn",
    "sanic.response.StreamingHTTPResponse": "streaming_fn",  # before 21.12
}
#: They answer to any name, and stand for nothing that is still to come.
_MOCKS: Final = {"unittest.mock.NonCallableMock": ""}
#: Of these, a function that makes the stream when it is called.
CALLED_LATER: Final = "streaming_fn"
#: What contextlib makes of generators.
_GENERATED: Final = {"contextlib._GeneratorContextManagerBase": "gen"}
#: Where an ASGI response of Starlette's family keeps what it streams.
BODY: Final = "body_iterator"
#: Full names of objects, and their methods that make an iterator over what is still to come.
OPENING: Final = {
    "requests.models.Response": ("iter_content",),
    "agents.result.RunResultStreaming": ("stream_events",),
    "pydantic_ai.result.StreamedRunResultSync": (
        "stream_output",
        "stream_response",
        "stream_responses",
        "stream_text",
    ),
}
#: With them what the classes of files are derived from. What is only registered with one of these
#: has a length, which says the same.
_CONTAINERS: Final = frozenset(
    id(each)
    for each in (
        str, bytes, bytearray, memoryview, dict, list, tuple, set, frozenset, Mapping, Sequence,
        AbstractSet, type, Enum, io.IOBase, *io.IOBase.__bases__,
    )
)  # fmt: skip
_FUTURES: Final = (asyncio.Future, concurrent.futures.Future)
#: Handles, such as files and cursors: what is read from them otherwise cannot be followed.
_READING: Final = ("read", "readline", "fetchone", "fetchmany", "fetchall")
_ITERATING: Final = ("__next__", "__anext__", "__await__")
_SIZED: Final = ("__len__", "__getitem__", "__contains__")
_PYDANTIC: Final = ("__pydantic_fields__", "__pydantic_core_schema__", "__fields__")


class Kind(Enum):
    """What a result is."""

    DONE = auto()
    GENERATOR = auto()
    ASYNC_GENERATOR = auto()
    COROUTINE = auto()
    FUTURE = auto()
    AWAITABLE = auto()
    ITERATOR = auto()
    #: An object that may be an answer that happens to be iterable, or a stream.
    LAZY = auto()
    MANAGER = auto()
    #: A context manager that contextlib made of a generator.
    GENERATED_MANAGER = auto()
    HOLDER = auto()
    OPENING = auto()
    #: A transparent proxy of something else.
    PROXY = auto()


_EXACT: Final[dict[int, tuple[type, Kind]]] = {
    id(GeneratorType): (GeneratorType, Kind.GENERATOR),
    id(AsyncGeneratorType): (AsyncGeneratorType, Kind.ASYNC_GENERATOR),
    id(CoroutineType): (CoroutineType, Kind.COROUTINE),
}
#: What responses say of a stream that is read already, or sent past its iterator.
_READ_OR_PASSED_ON: Final = ("is_stream_consumed", "is_closed", "direct_passthrough")
_OBJECTS_CLASS: Final = defined(object, "__class__")
_MOST_WRAPPERS: Final = 100
#: Classes made at run time must not be kept alive without bound.
_MAX_KNOWN: Final = 1024

#: By ``id()`` of the class, which is kept: a metaclass may have made anything of its hash.
_known: Final[dict[int, tuple[type, Kind]]] = {}


def known_as(kind: type, table: Mapping[str, object]) -> str | None:
    """Return the full name under which a class or one of its ancestors is in a table."""
    return next((name for name in full_names(kind) if name in table), None)


def has_body(value: object) -> bool:
    """Tell whether something is a response with ``body_iterator``."""
    return BODY in (own_fields(value) or ())


def _has(kind: type, names: Sequence[str]) -> bool:
    return any(defined(kind, name) is not None for name in names)


def _reads(kind: type, value: object) -> bool:
    """Tell whether an object is a handle, or hands on to one whatever it is asked for."""
    if _has(kind, _READING):
        return True
    fields = own_fields(value) or {}
    return any(name in fields for name in _READING) or (
        _has(kind, ("__getattr__",)) and any(_has(type(one), _READING) for one in fields.values())
    )


def _classify(kind: type[Any], value: object) -> Kind:  # noqa: PLR0911 - a table as code
    # First: a response of aiohttp is a mapping, too.
    if known_as(kind, HOLDERS) is not None or has_body(value):
        return Kind.HOLDER
    if is_kind_of(kind, _CONTAINERS) or known_as(kind, _MOCKS) is not None:
        return Kind.DONE
    if known_as(kind, OPENING) is not None:
        return Kind.OPENING
    if known_as(kind, _GENERATED) is not None:
        return Kind.GENERATED_MANAGER
    if _has(kind, _PYDANTIC):
        return Kind.DONE
    if issubclass(kind, _FUTURES):
        return Kind.FUTURE
    return _classify_protocol(kind, value)


def _classify_protocol(kind: type, value: object) -> Kind:  # noqa: PLR0911 - a table as code
    if _has(kind, _ITERATING):
        if _reads(kind, value):
            return Kind.DONE
        return Kind.AWAITABLE if _has(kind, ("__await__",)) else Kind.ITERATOR
    if defined(kind, "__class__") is not _OBJECTS_CLASS:
        return Kind.PROXY
    if _has(kind, ("__aiter__", "__iter__")):
        if _has(kind, _SIZED) or _reads(kind, value):
            return Kind.DONE
        if _has(kind, ("__aiter__",)):
            return Kind.ITERATOR
        return Kind.LAZY
    if _has(kind, ("__enter__", "__aenter__")) and all(
        name.startswith("_") for names in namespaces(kind) for name in names
    ):
        return Kind.MANAGER
    return Kind.DONE


def may_stream(value: object) -> bool:
    """Tell whether an object of kind LAZY may be a stream: it makes items, or holds an iterator.

    Others, and dataclasses, iterate over what they have already.
    """
    kind = type(value)
    fields = own_fields(value) or {}
    if any(_has(type(field), ("__next__", "__anext__")) for field in fields.values()):
        return True
    if _has(kind, ("__dataclass_fields__", "__attrs_attrs__")):
        return False
    function = defined(kind, "__iter__")
    for _ in range(_MOST_WRAPPERS):  # a function may wrap itself
        if type(function) is not FunctionType or "__wrapped__" not in function.__dict__:
            break
        function = function.__dict__["__wrapped__"]
    return type(function) is FunctionType and inspect.isgeneratorfunction(function)


def _known_holder(response: object) -> str:
    return known_as(type(response), HOLDERS) or ""


def body_of(response: Any) -> tuple[Any, str, Any]:  # noqa: ANN401 - of any framework
    """Return who holds the stream of a response, under which name, and the stream if any."""
    path = BODY if has_body(response) else HOLDERS[_known_holder(response)]
    *outer, name = path.split(".")
    owner = response
    for each in outer:
        owner = attribute(owner, each)
    return owner, name, attribute(owner, name)


def is_streaming(response: Any) -> bool:  # noqa: ANN401 - of any framework
    """Tell whether a response is still to be streamed: neither read nor sent past its iterator."""
    _, name, body = body_of(response)
    return body is not None and (
        name == CALLED_LATER
        or not (
            any(attribute(response, name) is True for name in _READ_OR_PASSED_ON)
            or "_content" in (own_fields(response) or ())
            or attribute(response, "file_to_stream") is not None
            or kind_of(body) is Kind.DONE
        )
    )


def kind_of(value: object) -> Kind:
    """Return what a result is."""
    kind = type(value)
    found = _known.get(id(kind))
    if found is None:
        if len(_known) >= _MAX_KNOWN:
            _known.clear()
            _known.update(_EXACT)
        found = _known[id(kind)] = (kind, _classify(kind, value))
    return found[1]


_known.update(_EXACT)
