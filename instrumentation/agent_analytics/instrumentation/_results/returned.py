"""What a decorated function returns: over, or something that its call lasts as long as."""

# ruff: noqa: ANN401 - what is returned is of any type

from collections.abc import Callable, Coroutine
from functools import wraps
from types import BuiltinMethodType, FunctionType, GetSetDescriptorType, MethodType
from typing import Any, Final, cast

from agent_analytics.instrumentation._calls.call import Call
from agent_analytics.instrumentation._results.carried import Carried, Inner, Lazy, Step
from agent_analytics.instrumentation._results.futures import until_done
from agent_analytics.instrumentation._results.generators import iterate, iterate_async
from agent_analytics.instrumentation._results.multipart_results import finish_parts, has_metadata
from agent_analytics.instrumentation._results.objects import watch
from agent_analytics.instrumentation._results.result_kinds import (
    CALLED_LATER,
    OPENING,
    Kind,
    body_of,
    is_streaming,
    kind_of,
    known_as,
    may_stream,
)
from agent_analytics.instrumentation._results.stand_ins import dressed, stand_in
from agent_analytics.instrumentation._strangers.plain_data import PLAIN, attribute, defined, put
from agent_analytics.instrumentation._usage.usage import read_usage
from agent_analytics.instrumentation.health import note_internal_error
from agent_analytics.instrumentation.vocabulary import SUCCESS

#: Exact types of results that are known to be over, by ``id()``; others join them. They are kept,
#: and not hashed: a metaclass may have made anything of that.
_over: Final[dict[int, type]] = {
    id(each): each for each in (dict, *cast("frozenset[type]", PLAIN)) if each is not tuple
}
#: Classes made at run time must not be kept alive without bound.
_MAX_OVER: Final = 1024


def finish(call: Call, result: Any) -> Any:
    """End the call with ``result``; where that is unfinished, return what ends it later."""
    given: object = result
    kind = type(given)
    if id(kind) in _over and (kind is not dict or not has_metadata(result)):
        call.end(SUCCESS, None, result)
        return result
    return _go_on(call, result)


def _exact(result: object) -> type[object]:
    return type(result)


def _go_on(call: Call, result: Any) -> Any:
    try:
        exact = _exact(result)
        if exact is dict or exact is tuple:  # one of its parts may be a stream
            return finish_parts(call, result, follow)
        kind = kind_of(result)
        if kind is Kind.DONE:
            if len(_over) < _MAX_OVER:
                _over[id(_exact(result))] = _exact(result)
        elif call.context is not None:
            return _last(call, result, kind)
    except Exception:  # noqa: BLE001 - telemetry never hurts the host
        note_internal_error("a result that a call lasts as long as")
    call.succeeded(result)
    return result


def _last(call: Call, result: Any, kind: Kind) -> Any:
    if kind is Kind.LAZY and (not may_stream(result) or read_usage(result) is not None):
        call.succeeded(result)
        return result
    carried = _CARRIED.get(kind, Carried)(call)
    call.detach()
    if kind not in _ANSWER_LATER:
        call.returned(result)
    return _WAYS[kind](carried, result)


def follow(carried: Carried, value: Any, *, sure: bool = True) -> Any:
    """Go on with what the call gave so far, or end it; return what takes the place of ``value``.

    Args:
        carried: The call.
        value: An iterator that was made, what was entered, or what was awaited.
        sure: False if it may be an answer, too.
    """
    try:
        kind = kind_of(value)
        if kind is Kind.DONE or (kind is Kind.LAZY and not sure):
            carried.over(value)
            return value
        return _WAYS[kind](carried, value)
    except Exception:  # noqa: BLE001 - telemetry never hurts the host
        note_internal_error("a result that a call lasts as long as")
        carried.over(None)
        return value


def _named(stream: Any, original: Any) -> Any:
    stream.__name__ = original.__name__
    stream.__qualname__ = original.__qualname__
    return stream


def _generator(carried: Carried, result: Any) -> Any:
    return _named(iterate(carried, result), result)


def _async_generator(carried: Carried, result: Any) -> Any:
    return _named(iterate_async(carried, result), result)


class _Guard:
    """Holds a returned coroutine until it is awaited."""

    __slots__ = ("carried", "coroutine")

    def __init__(self, carried: Carried, coroutine: Coroutine[Any, Any, Any]) -> None:
        self.carried = carried
        self.coroutine = coroutine

    def __del__(self) -> None:
        if not self.carried.call.ended:
            # The outer coroutine says that it was never awaited; once is enough.
            self.coroutine.close()


def _coroutine(carried: Carried, result: Any) -> Any:
    return _named(_delegate(_Guard(carried, result)), result)


async def _delegate(guard: _Guard) -> object:
    carried = guard.carried
    try:
        result = await Step(carried, guard.coroutine)
    except BaseException as exception:
        carried.failed(exception)
        raise
    return follow(carried, result, sure=False)


def _object(carried: Carried, result: object) -> Any:
    if watch(carried, result, follow):
        return result
    instead = stand_in(result)
    watch(carried, instead, follow)
    return dressed(instead, type(result))


def _entered(carried: Carried, result: Any) -> Any:
    # Awaitables, too: those of aiohttp's client are entered or awaited.
    if watch(carried, result, follow, manager=True):
        return result
    instead = stand_in(result)
    watch(carried, instead, follow, manager=True)
    return instead


def _opening(carried: Carried, result: object) -> Any:
    name = known_as(type(result), OPENING)
    if name is None or attribute(result, "_content_consumed") is True:
        carried.over(result)
    else:
        watch(carried, result, follow, opening=OPENING[name])
    return result


def _proxy(carried: Carried, result: Any) -> Any:
    target = attribute(result, "__wrapped__")
    described: Any = defined(_exact(result), "__wrapped__")
    in_c = target is None and type(described) is GetSetDescriptorType
    if in_c:
        target = described.__get__(result)
    if (
        target is None
        or kind_of(target) is Kind.DONE
        or not (in_c or put(result, "__wrapped__", target))
    ):
        carried.over(result)
        return result
    instead = follow(carried, target)
    if instead is not target:
        if in_c:
            described.__set__(result, instead)
        else:
            put(result, "__wrapped__", instead)
    return result


class _Managed(Carried):
    """The steps of a generator that is a context manager: its one chunk is what is entered."""

    __slots__ = ("_entered",)

    def __init__(self, call: Call) -> None:
        super().__init__(call)
        self._entered: object = None

    def chunk(self, value: Any) -> Any:
        """Read the chunks of what was entered, where it is a stream."""
        self._entered = value
        return follow(Inner(self.call), value)

    def over(self, result: object) -> None:  # noqa: ARG002 - what was entered counts
        """End the call with what was entered, which may say its usage by now."""
        super().over(self._entered)


def _generated_manager(carried: Carried, result: Any) -> Any:
    generator = attribute(result, "gen")
    if put(result, "gen", generator):
        put(result, "gen", follow(carried, generator))
    else:
        carried.over(result)
    return result


def _holder(carried: Carried, result: Any) -> Any:
    owner, name, body = body_of(result)
    if not is_streaming(result) or not put(owner, name, body):
        carried.over(result)
    elif name == CALLED_LATER:
        put(result, CALLED_LATER, _called_later(carried, body))
    else:
        instead = follow(carried, body)
        if instead is not body:
            put(owner, name, instead)
            _close_instead(result, body, instead)
    return result


def _close_instead(response: Any, body: Any, instead: Any) -> None:
    """Let Django, which remembers how to close what it streams, close what took its place."""
    closers: Any = attribute(response, "_resource_closers")
    if _exact(closers) is list and defined(_exact(instead), "close") is not None:
        closers[:] = [instead.close if _owner(close) is body else close for close in closers]


def _owner(method: object) -> object:
    if type(method) is MethodType or type(method) is BuiltinMethodType:
        return cast("Any", method).__self__
    return None


def _called_later(carried: Carried, function: Callable[..., Any]) -> Callable[..., Any]:
    async def stream(*args: Any, **kwargs: Any) -> Any:
        try:
            result = await Step(carried, function(*args, **kwargs))
        except BaseException as exception:
            carried.failed(exception)
            raise
        carried.over(None)
        return result

    exact: object = type(function)
    return wraps(function)(stream) if exact is FunctionType else stream


_WAYS: Final[dict[Kind, Callable[[Carried, Any], Any]]] = {
    Kind.GENERATOR: _generator,
    Kind.ASYNC_GENERATOR: _async_generator,
    Kind.COROUTINE: _coroutine,
    Kind.FUTURE: until_done,
    Kind.AWAITABLE: _entered,
    Kind.ITERATOR: _object,
    Kind.LAZY: _object,
    Kind.MANAGER: _entered,
    Kind.GENERATED_MANAGER: _generated_manager,
    Kind.HOLDER: _holder,
    Kind.OPENING: _opening,
    Kind.PROXY: _proxy,
}
#: What carries a call of these from step to step.
_CARRIED: Final[dict[Kind, type[Carried]]] = {
    Kind.LAZY: Lazy,
    Kind.GENERATED_MANAGER: _Managed,
}
#: Of these, what matters is the answer that comes later, not the object that was returned.
_ANSWER_LATER: Final = frozenset(
    {Kind.GENERATOR, Kind.ASYNC_GENERATOR, Kind.COROUTINE, Kind.FUTURE, Kind.AWAITABLE}
)
