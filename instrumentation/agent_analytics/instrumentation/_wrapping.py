"""One wrapper for each kind of callable, chosen once, at decoration."""

# ruff: noqa: ANN401 - what passes through a decorator is of any type

import inspect
from collections.abc import Callable, Generator
from functools import partial, update_wrapper
from typing import Any, Protocol

from agent_analytics.instrumentation._calls import Call
from agent_analytics.instrumentation._carried import Carried
from agent_analytics.instrumentation._returned import finish
from agent_analytics.instrumentation._streams import (
    AsyncSteps,
    GeneratorSteps,
    async_generator_function,
)

Function = Callable[..., Any]


class Recorder(Protocol):
    """What starts a call; it never raises."""

    def start(self, args: tuple[object, ...], kwargs: dict[str, object], /) -> Call:
        """Start the span of a call with these arguments."""
        ...


def _plain(function: Function, recorder: Recorder) -> Function:
    start = recorder.start

    def call_plain(*args: Any, **kwargs: Any) -> Any:
        call = start(args, kwargs)
        call.attach()
        try:
            result = function(*args, **kwargs)
        except BaseException as exception:
            call.raised(exception)
            raise
        return finish(call, result)

    return call_plain


def _coroutine(function: Function, recorder: Recorder) -> Function:
    start = recorder.start

    async def call_coroutine(*args: Any, **kwargs: Any) -> Any:
        call = start(args, kwargs)
        call.attach()
        try:
            result = await function(*args, **kwargs)
        except BaseException as exception:
            call.raised(exception)
            raise
        return finish(call, result)

    return call_coroutine


def _generator(function: Function, recorder: Recorder) -> Function:
    start = recorder.start

    def call_generator(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        call = start(args, kwargs)
        try:
            generator = function(*args, **kwargs)
        except BaseException as exception:
            call.raised(exception)
            raise
        return (yield from GeneratorSteps(Carried(call), generator).steps())

    return call_generator


def _async_generator(function: Function, recorder: Recorder) -> Function:
    start = recorder.start

    def open_stream(args: tuple[Any, ...], kwargs: dict[str, Any]) -> AsyncSteps:
        call = start(args, kwargs)
        try:
            return AsyncSteps(Carried(call), function(*args, **kwargs))
        except BaseException as exception:
            call.raised(exception)
            raise

    return async_generator_function(open_stream)


def _function_of(descriptor: Any) -> Any:
    """Return what a classmethod or a staticmethod is made of."""
    return descriptor.__func__


def name_of(target: Any) -> str:
    """Return the name that a callable goes by, that of its class if it has none of its own."""
    if isinstance(target, partial):
        return name_of(target.func)
    if isinstance(target, classmethod | staticmethod):
        return name_of(_function_of(target))
    name: object = getattr(target, "__name__", None)
    return name if isinstance(name, str) else type(target).__name__


def wrap(target: Any, recorder: Recorder) -> Any:
    """Return ``target``, any kind of callable, instrumented."""
    if isinstance(target, classmethod):
        return classmethod(wrap(_function_of(target), recorder))
    if isinstance(target, staticmethod):
        return staticmethod(wrap(_function_of(target), recorder))
    code: Any = target
    while isinstance(code, partial):
        code = code.func
    if not inspect.isroutine(code):
        code = type(code).__call__
    if inspect.isasyncgenfunction(code):
        wrapper = _async_generator(target, recorder)
    elif inspect.iscoroutinefunction(code):
        wrapper = _coroutine(target, recorder)
    elif inspect.isgeneratorfunction(code):
        wrapper = _generator(target, recorder)
    else:
        wrapper = _plain(target, recorder)
    if inspect.isroutine(target):
        return update_wrapper(wrapper, target)
    # What an object keeps in its __dict__ is its own affair.
    update_wrapper(wrapper, target, updated=())
    wrapper.__name__ = wrapper.__qualname__ = name_of(target)
    wrapper.__module__ = type(target).__module__
    return wrapper
