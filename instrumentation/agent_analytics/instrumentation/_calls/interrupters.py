"""Tells what an invocation has called from what has interrupted it.

A signal handler, a finalizer or a callback of the garbage collector runs between two steps of
whatever runs, in its context. An agent that it calls is no inner work of the invocation that it
came upon; only the frames of the stack say so.
"""

import gc
import signal
import sys
from collections.abc import Iterable
from functools import partial
from inspect import CO_VARARGS
from itertools import chain
from types import CodeType, FrameType, FunctionType, MethodType
from typing import Final, cast
from weakref import ref

from opentelemetry.context import Context

from agent_analytics.instrumentation._calls import wrapping
from agent_analytics.instrumentation._results import generators
from agent_analytics.instrumentation.context import CALL_KEY, INVOCATION_KEY, SPAN_KEY

#: Frames that are looked at; a call of the listing itself is nearer.
_MOST_FRAMES: Final = 512
_WRAPPERS: Final = wrapping.__name__
#: Steps of streams, which say nothing of their call to others: they are an invocation's own.
_STREAMS: Final = generators.__name__
_OURS: Final = (CALL_KEY, INVOCATION_KEY, SPAN_KEY)
#: Partials of partials and methods in each other that are looked into.
_MOST_PARTIALS: Final = 4
_EVENTS: Final = frozenset(
    {"call", "line", "return", "exception", "opcode", "c_call", "c_return", "c_exception"}
)
_COLLECTED: Final = frozenset({"generation", "collected", "uncollectable"})


def outside(context: Context) -> Context:
    """Return a context without the invocation that was interrupted; tenants and the like stay."""
    return Context({key: value for key, value in context.items() if key not in _OURS})


def interrupts(enclosing: object) -> bool:
    """Tell whether the running code is what has interrupted an invocation, and not its own.

    Args:
        enclosing: The invocation that the context says the code is in.
    """
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # the only way to it
    registered = _registered()
    for _ in range(_MOST_FRAMES):
        if frame is None:
            return False
        module = frame.f_globals.get("__name__")
        if module == _STREAMS:
            return False
        if module == _WRAPPERS:
            call = frame.f_locals.get("call")
            if call is not None and getattr(call, "invocation", None) is enclosing:
                return False
        if _is_handler(frame, registered):
            return True
        frame = frame.f_back
    return False


def _is_handler(frame: FrameType, registered: set[CodeType]) -> bool:
    """Tell whether the interpreter has called a function between two steps of another."""
    code, back = frame.f_code, frame.f_back
    if back is None:
        return False
    if code.co_name == "__del__" or code in registered:
        return True
    given = tuple(_arguments(frame))
    return any(
        _is_interrupted(given, place, back) or _is_of_collector(value)
        for place, value in enumerate(given)
    )


def _registered() -> set[CodeType]:
    """Return the code of what is registered to be called; it may forget its arguments at once."""
    found: set[CodeType] = set()
    handlers = (signal.getsignal(number) for number in signal.valid_signals())
    for handler in (*handlers, sys.gettrace(), sys.getprofile(), *gc.callbacks):
        code = _code_of(handler)
        if code is not None:
            found.add(code)
    return found


def _code_of(handler: object) -> CodeType | None:
    """Return the code that is run when a plain function, or what is made of one, is called."""
    for _ in range(_MOST_PARTIALS):
        if isinstance(handler, FunctionType):
            return handler.__code__
        if isinstance(handler, MethodType):
            handler = handler.__func__
        elif type(handler) is partial:
            handler = cast("partial[object]", handler).func
    return None


def _arguments(frame: FrameType) -> Iterable[object]:
    """Return what a function was called with, by position."""
    code = frame.f_code
    if not (code.co_argcount or code.co_flags & CO_VARARGS):
        return ()
    known = frame.f_locals
    given = [known.get(name) for name in code.co_varnames[: code.co_argcount]]
    if not code.co_flags & CO_VARARGS:
        return given
    more: object = known.get(code.co_varnames[code.co_argcount + code.co_kwonlyargcount])
    return chain(given, cast("tuple[object, ...]", more)) if type(more) is tuple else given


def _is_interrupted(given: tuple[object, ...], place: int, back: FrameType) -> bool:
    """Tell whether an argument is the frame that was interrupted, or its code.

    It is given to handlers of signals behind the signal's number, to functions that trace or
    profile before the event, and its code to those that monitor before a place in it.
    """
    value = given[place]
    if value is not back and value is not back.f_code:
        return False
    before = given[place - 1] if place else None
    after = given[place + 1] if place + 1 < len(given) else None
    if value is back.f_code:
        return type(after) is int
    # An ``enum`` of a signal is never given, but its number.
    return (type(before) is int and before > 0) or (type(after) is str and after in _EVENTS)


def _is_of_collector(value: object) -> bool:
    """Tell whether an argument is a reference whose object is gone, or what a collection found.

    The first is given to callbacks of weak references and to ``weakref.finalize``.
    """
    kind = type(value)
    if issubclass(kind, ref):
        return ref.__call__(value) is None  # type: ignore[arg-type]  # a reference
    return kind is dict and cast("dict[str, object]", value).keys() == _COLLECTED


__all__ = ["interrupts", "outside"]
