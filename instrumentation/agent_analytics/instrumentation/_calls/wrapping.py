"""One wrapper for each kind of callable, chosen once, at decoration."""

# ruff: noqa: ANN401 - what passes through a decorator is of any type

import inspect
import weakref
from collections.abc import Callable, Generator
from functools import partial, partialmethod, singledispatchmethod, update_wrapper
from types import FunctionType
from typing import Any, Final, NamedTuple, Protocol, cast

from agent_analytics.instrumentation._calls.call import Call
from agent_analytics.instrumentation._calls.called_objects import (
    called_object,
    is_function,
    keep_abilities,
)
from agent_analytics.instrumentation._results.carried import Carried
from agent_analytics.instrumentation._results.generators import (
    AsyncSteps,
    GeneratorSteps,
    async_generator_function,
)
from agent_analytics.instrumentation._results.returned import finish

Function = Callable[..., Any]


class Recorder(Protocol):
    """What starts a call; it never raises.

    Attributes:
        method: Name of the method whose calls it starts; ``None`` for anything else.
        receiver: Whether the first argument is the object or the class that the method is of.
    """

    method: str | None
    receiver: bool

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


class Made(NamedTuple):
    """What a wrapper was made of; kept on it.

    Attributes:
        wrapper: The wrapper: another decorator may have copied what was kept on it.
        recorder: What records its calls.
        target: What it wraps.
    """

    wrapper: "weakref.ref[Function]"
    recorder: Recorder
    target: Any


#: First parameters of what a class defines; those of a static method are named otherwise.
_RECEIVERS: Final = (("self",), ("cls",))
_MADE: Final = "_agent_analytics_made"


def _function_of(descriptor: Any) -> Any:
    """Return what a classmethod or a staticmethod is made of."""
    return descriptor.__func__


def name_of(target: Any) -> str:
    """Return the name that a callable goes by, that of its class if it has none of its own."""
    if isinstance(target, partial | partialmethod):
        return name_of(cast("Any", target).func)
    if isinstance(target, classmethod | staticmethod):
        return name_of(_function_of(target))
    if isinstance(target, singledispatchmethod):
        return name_of(cast("Any", target).func)
    name: object = getattr(target, "__name__", None)
    return name if isinstance(name, str) else type(target).__name__


def can_be_wrapped(target: object) -> bool:
    """Tell whether ``target`` is called, or bound to what is."""
    return callable(target) or isinstance(
        target, classmethod | staticmethod | partialmethod | singledispatchmethod
    )


def wrap(target: Any, recorder: Recorder, *, instead: bool = False) -> Any:
    """Return ``target``, any kind of callable, instrumented.

    Args:
        target: The callable.
        recorder: What records its calls.
        instead: Whether to record in the place of a recorder of the same kind that ``target`` has
            already, as a class does for a method that its base has instrumented.
    """
    if isinstance(target, classmethod):
        return classmethod(wrap(_function_of(target), recorder, instead=instead))
    if isinstance(target, staticmethod):
        return staticmethod(wrap(_function_of(target), recorder, instead=instead))
    if isinstance(target, partialmethod):
        method = cast("Any", target)
        inner = wrap(method.func, recorder, instead=instead)
        return partialmethod(inner, *method.args, **method.keywords)
    if instead:
        target = _bare(target, recorder)
    if is_function(target):
        wrapper = update_wrapper(_wrapper(target, recorder), target)
        keep_abilities(wrapper, target)
        recorder.method = _method_name(target)
        recorder.receiver = recorder.method is not None and _takes_receiver(target)
        setattr(wrapper, _MADE, Made(weakref.ref(wrapper), recorder, target))
        return wrapper
    call = _wrapper(target, recorder) if callable(target) else None
    return called_object(target, call, lambda another: wrap(another, recorder))


def _wrapper(target: Any, recorder: Recorder) -> Function:
    """Return the function that records a call of its kind and makes it."""
    code: Any = target
    while isinstance(code, partial):
        code = code.func
    if not is_function(code):
        code = type(code).__call__
    if inspect.isasyncgenfunction(code):
        return _async_generator(target, recorder)
    if inspect.iscoroutinefunction(code):
        return _coroutine(target, recorder)
    if inspect.isgeneratorfunction(code):
        return _generator(target, recorder)
    return _plain(target, recorder)


def _bare(target: Any, recorder: Recorder) -> Any:
    """Return what is below the wrappers of recorders of the same kind."""
    made = getattr(target, _MADE, None)
    while (
        isinstance(made, Made)
        and made.wrapper() is target
        and type(made.recorder) is type(recorder)
    ):
        target = made.target
        made = getattr(target, _MADE, None)
    return target


def _method_name(function: Any) -> str | None:
    """Return the name of a function that a class holds, which gets its object first."""
    if not isinstance(function, FunctionType):
        return None
    owner, _, name = function.__qualname__.rpartition(".")
    return name if owner and not owner.endswith("<locals>") else None


def _takes_receiver(function: FunctionType) -> bool:
    """Tell whether a function of a class gets its object or class, by the name that all use."""
    return function.__code__.co_varnames[: function.__code__.co_argcount][:1] in _RECEIVERS
