"""Objects that are iterated over, awaited or entered after the call that returned them.

The host gets back the very object that the function returned, of the same type. Python looks
special methods up on the class, so those of its class are replaced, once, by functions that do as
the originals do for every instance but those that a call waits for.
"""

# ruff: noqa: ANN401 - what passes through an object is of any type

from collections.abc import AsyncGenerator, Callable, Generator
from functools import wraps
from threading import Lock
from types import AsyncGeneratorType, FunctionType, GeneratorType
from typing import Any, Final, cast
from weakref import ref

from agent_analytics.instrumentation._results.carried import Carried, Chained, Inner, Step
from agent_analytics.instrumentation._results.generators import iterate, iterate_async
from agent_analytics.instrumentation._results.watching import (
    Awaited,
    Steps,
    Watch,
    drive,
    take_step,
    watch_of,
    watched,
)
from agent_analytics.instrumentation._strangers.methods import (
    Method,
    is_awaitable,
    method_of,
    replace_methods,
)
from agent_analytics.instrumentation._strangers.plain_data import defined, namespaces

#: Continues a call with what an object gave, and returns it, or what takes its place.
Follow = Callable[..., Any]

#: By ``id()`` of the class: a metaclass may have made anything of its hash.
_installed: Final[dict[int, ref[type]]] = {}
_lock: Final = Lock()
#: What the ends that we have given to classes have under their names.
_END: Final = "_agent_analytics_end"


def watch(
    carried: Carried,
    instance: object,
    follow: Follow,
    *,
    opening: tuple[str, ...] = (),
    manager: bool = False,
) -> bool:
    """Let a call last as long as an object; False if its class cannot be changed.

    Args:
        carried: The call.
        instance: The object.
        follow: Continues with iterators and managers that the object makes.
        opening: Further methods that make an iterator, by name.
        manager: Whether it is a context manager, and nothing else.
    """
    if not _install(type(instance), follow, opening):
        return False
    key = id(instance)

    def forget(_reference: object) -> None:
        watched.pop(key, None)

    try:
        reference = ref(instance, forget)
    except TypeError:
        reference = None
        if not _install_end(type(instance)):
            return False
    before = watched.get(key)
    if before is not None and not before.carried.call.ended:
        carried = Chained(carried, before.carried)
    watched[key] = Watch(reference, carried, [], manager)
    return True


def _next(original: Method, _follow: Follow) -> Method:
    @wraps(original)
    def next_chunk(self: Any, *args: Any, **kwargs: Any) -> Any:
        found = watch_of(self)
        if found is None:
            return original(self, *args, **kwargs)
        carried = found.carried
        try:
            chunk = take_step(found, original, self, *args, **kwargs)
        except StopIteration:
            carried.over(self)
            raise
        except BaseException as exception:
            carried.failed(exception)
            raise
        return carried.chunk(chunk)

    return next_chunk


def _anext(original: Method, _follow: Follow) -> Method:
    @wraps(original)
    def next_chunk(self: Any, *args: Any, **kwargs: Any) -> Any:
        found = watch_of(self)
        if found is None:
            return original(self, *args, **kwargs)
        return _asynchronous_step(self, found, original, *args, **kwargs)

    return next_chunk


async def _asynchronous_step(
    instance: Any, found: Watch, original: Method, *args: Any, **kwargs: Any
) -> Any:
    carried = found.carried
    try:
        awaitable = take_step(found, original, instance, *args, **kwargs)
        chunk = await Step(Steps(found), drive(awaitable))
    except StopAsyncIteration:
        carried.over(instance)
        raise
    except BaseException as exception:
        carried.failed(exception)
        raise
    return carried.chunk(chunk)


def _open(original: Method, follow: Follow) -> Method:
    @wraps(original)
    def open_iterator(self: Any, *args: Any, **kwargs: Any) -> Any:
        found = watch_of(self)
        if found is None:
            return original(self, *args, **kwargs)
        opened: object = take_step(found, original, self, *args, **kwargs)
        if opened is self:
            return opened
        kind = type(opened)
        if kind is GeneratorType:
            generator = cast("Generator[Any, Any, Any]", opened)
            return iterate(Steps(found), generator, alone=False)
        if kind is AsyncGeneratorType:
            asynchronous = cast("AsyncGenerator[Any, Any]", opened)
            return iterate_async(Steps(found), asynchronous, alone=False)
        return follow(found.carried, opened)

    return open_iterator


def _await(original: Method, follow: Follow) -> Method:
    @wraps(original)
    def await_result(self: Any) -> Any:
        found = watch_of(self)
        if found is None:
            return original(self)
        return _awaiting(self, found, original, follow)

    return await_result


def _awaiting(
    instance: Any, found: Watch, original: Method, follow: Follow
) -> Generator[Any, Any, Any]:
    carried = found.carried
    try:
        iterator = take_step(found, original, instance)
        result = yield from cast(
            "Generator[Any, Any, Any]", Step(Steps(found), drive(Awaited(iterator)))
        )
    except BaseException as exception:
        carried.failed(exception)
        raise
    if result is not instance:
        result = follow(carried, result, sure=False)
    return result


def _close(original: Method, _follow: Follow) -> Method:
    @wraps(original)
    def close(self: Any, *args: Any, **kwargs: Any) -> Any:
        found = watch_of(self)
        if found is None:
            return original(self, *args, **kwargs)
        carried = found.carried
        try:
            result = take_step(found, original, self, *args, **kwargs)
        except BaseException as exception:
            carried.failed(exception)
            raise
        if is_awaitable(result):
            return _asynchronous_close(found, result)
        carried.left()
        return result

    return close


async def _asynchronous_close(found: Watch, awaitable: Any) -> Any:
    carried = found.carried
    try:
        result = await Step(Steps(found), drive(awaitable))
    except BaseException as exception:
        carried.failed(exception)
        raise
    carried.left()
    return result


def _enter(original: Method, follow: Follow) -> Method:
    @wraps(original)
    def enter(self: Any) -> Any:
        found = watch_of(self)
        if found is None:
            return original(self)
        try:
            entered = take_step(found, original, self)
        except BaseException as exception:
            found.carried.failed(exception)
            raise
        if is_awaitable(entered):
            return _asynchronous_entry(self, found, entered, follow)
        return entered if entered is self else follow(Inner(found.carried.call), entered)

    return enter


async def _asynchronous_entry(instance: Any, found: Watch, awaitable: Any, follow: Follow) -> Any:
    try:
        entered = await Step(Steps(found), drive(awaitable))
    except BaseException as exception:
        found.carried.failed(exception)
        raise
    return entered if entered is instance else follow(Inner(found.carried.call), entered)


def _exit(original: Method, follow: Follow) -> Method:
    closing = _close(original, follow)

    @wraps(original)
    def leave(self: Any, kind: Any, exception: Any, traceback: Any) -> Any:
        found = watch_of(self)
        if found is None:
            return original(self, kind, exception, traceback)
        if not found.manager:
            return closing(self, kind, exception, traceback)
        try:
            result = take_step(found, original, self, kind, exception, traceback)
        except BaseException as raised:
            found.carried.failed(raised)
            raise
        if is_awaitable(result):
            return _asynchronous_exit(found, result, exception)
        _left(found, exception)
        return result

    return leave


async def _asynchronous_exit(found: Watch, awaitable: Any, exception: Any) -> Any:
    try:
        result = await Step(Steps(found), drive(awaitable))
    except BaseException as raised:
        found.carried.failed(raised)
        raise
    _left(found, exception)
    return result


def _left(found: Watch, exception: BaseException | None) -> None:
    if exception is None:
        found.carried.over(None)
    else:
        found.carried.failed(exception)


_METHODS: Final[dict[str, Callable[[Method, Follow], Method]]] = {
    "__next__": _next,
    "__anext__": _anext,
    "__iter__": _open,
    "__aiter__": _open,
    "__await__": _await,
    "close": _close,
    "aclose": _close,
    "__enter__": _enter,
    "__aenter__": _enter,
    "__exit__": _exit,
    "__aexit__": _exit,
}


def _install(kind: type, follow: Follow, opening: tuple[str, ...]) -> bool:
    """Replace the methods of a class, once."""
    key = id(kind)
    with _lock:
        known = _installed.get(key)
        if known is not None and known() is kind:
            return True
        wrappers: dict[str, Method] = {}
        for name, wrapper in (*_METHODS.items(), *((name, _open) for name in opening)):
            original = method_of(kind, name)
            if original is not None:
                wrappers[name] = wrapper(original, follow)
        # multiprocessing, pymongo and others give __next__ a second name.
        own = next(namespaces(kind))
        if "next" in own and "__next__" in wrappers and own["next"] is own.get("__next__"):
            wrappers["next"] = wrappers["__next__"]
        if not replace_methods(kind, wrappers):
            return False

        def forget(reference: ref[type]) -> None:
            if _installed.get(key) is reference:
                del _installed[key]

        _installed[key] = ref(kind, forget)
        return True


def _install_end(kind: type) -> bool:
    """Learn of the end of instances that no weak reference can be had to."""
    found = defined(kind, "__del__")
    if type(found) is FunctionType and _END in found.__dict__:
        return True
    original = method_of(kind, "__del__")

    def forget(self: Any) -> None:
        watched.pop(id(self), None)
        if original is not None:
            original(self)

    setattr(forget, _END, True)
    return replace_methods(kind, {"__del__": forget})
