"""How a stream ends (read, failed, left or dropped), and the context of its steps.

The body of a stream runs in the ``contextvars`` context of whoever asks for the next chunk, as it
does undecorated: what the two set, reset and read of each other's variables stays as it was. Only
OpenTelemetry's context is the body's own: put in place for a step and taken away after it, so that
the body's spans, tenant and invocation stay current for it and are never seen by its consumer.
"""

# ruff: noqa: ANN401 - what passes through a stream is of any type

import logging
from collections.abc import Callable
from time import perf_counter_ns
from typing import Any, Final, Protocol, Self, TypeVar

from opentelemetry.context import Context, attach, create_key, detach, get_current

from agent_analytics.instrumentation._calls.call import Call
from agent_analytics.instrumentation.context import CALL_KEY

#: Key of the call whose stream a context was carried by.
_CARRIED_KEY: Final = create_key("agent_analytics.carried")

_T = TypeVar("_T")


class Taker(Protocol):
    """Takes the steps of a call, and is there for what becomes of them; see ``Carried``."""

    def step(self, function: Callable[..., _T], /, *args: Any) -> _T:
        """Call ``function`` in the context in which the step before left off."""
        ...

    def chunk(self, value: Any, /) -> Any:
        """Note a chunk; return what the consumer gets."""
        ...

    def over(self, result: object, /) -> None:
        """End the call: what it lasted for has come to its end."""
        ...

    def failed(self, exception: BaseException, /) -> None:
        """End the call, whose step raised."""
        ...

    def left(self) -> None:
        """End the call: nobody wants the rest."""
        ...


class Carried:
    """A call that is not over when its function returns, and the context of its later steps.

    Attributes:
        call: The call that the steps belong to.
    """

    __slots__ = ("_context", "call")

    def __init__(self, call: Call) -> None:
        self.call = call
        context = call.context
        self._context = None if context is None else Context({**context, _CARRIED_KEY: call})

    def step(self, function: Callable[..., _T], *args: Any) -> _T:
        """Call ``function`` in the context in which the step before left off."""
        context = self._context
        if context is None:
            return function(*args)
        token = attach(context)
        try:
            return function(*args)
        finally:
            self._context = get_current()
            detach(token)

    def chunk(self, value: Any) -> Any:
        """Note a chunk; return what the consumer gets."""
        call = self.call
        if call.work is not None:
            call.work.chunk(call, value)
        return value

    def over(self, result: object) -> None:
        """End the call: what it lasted for has come to its end."""
        self.call.succeeded(result)

    def failed(self, exception: BaseException) -> None:
        """End the call, whose step raised."""
        self.call.raised(exception)

    def left(self) -> None:
        """End the call: nobody wants the rest."""
        self.call.abandoned()

    def __del__(self) -> None:
        # Dropped without having been closed: it was never iterated, or its event loop is gone.
        if not self.call.ended:
            self.left()


class Inner(Carried):
    """Steps of a stream inside a call whose end another object decides, such as a manager."""

    __slots__ = ()

    def over(self, result: object) -> None:
        """Do nothing."""

    def failed(self, exception: BaseException) -> None:
        """Do nothing."""

    def left(self) -> None:
        """Do nothing."""


class Chained(Carried):
    """Two calls that returned the same object, such as a tool and the agent that passes it on."""

    __slots__ = ("_inner", "_outer")

    def __init__(self, outer: Carried, inner: Carried) -> None:
        super().__init__(outer.call)
        self._outer = outer
        self._inner = inner

    def step(self, function: Callable[..., _T], *args: Any) -> _T:
        """Take a step in the context of the inner call, which lies in that of the outer."""
        return self._inner.step(function, *args)

    def chunk(self, value: Any) -> Any:
        """Note a chunk of both."""
        return self._outer.chunk(self._inner.chunk(value))

    def over(self, result: object) -> None:
        """End both."""
        self._inner.over(result)
        self._outer.over(result)

    def failed(self, exception: BaseException) -> None:
        """End both."""
        self._inner.failed(exception)
        self._outer.failed(exception)

    def left(self) -> None:
        """End both."""
        self._inner.left()
        self._outer.left()


class Lazy(Carried):
    """Steps of an object that may be an answer, or a stream: it is one once it is iterated over.

    One that nobody ever iterated over was the answer itself, done when it was returned.
    """

    __slots__ = ("_returned", "_touched")

    def __init__(self, call: Call) -> None:
        super().__init__(call)
        self._returned = perf_counter_ns()
        self._touched = False

    def step(self, function: Callable[..., _T], *args: Any) -> _T:
        """Take a step, which makes a stream of the object."""
        self._touched = True
        return super().step(function, *args)

    def left(self) -> None:
        """End the call when the object was returned, or now if it was a stream."""
        if self._touched:
            super().left()
        else:
            self.call.started += perf_counter_ns() - self._returned
            self.call.succeeded(None)


class Step:
    """An awaitable of one asynchronous step, each part of which runs as ``Carried.step``."""

    __slots__ = ("_awaitable", "_step")

    def __init__(self, carried: Taker, awaitable: Any) -> None:
        self._step = carried.step
        self._awaitable = awaitable

    def __await__(self) -> Self:
        return self

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> object:
        return self._step(self._awaitable.send, None)

    def send(self, value: object) -> object:
        """Send what the event loop has for the body."""
        return self._step(self._awaitable.send, value)

    def throw(self, *exception: object) -> object:
        """Throw what the event loop has for the body, such as a cancellation."""
        return self._step(self._awaitable.throw, *exception)

    def close(self) -> None:
        """Give the step up."""
        self._step(self._awaitable.close)


def _is_news(record: logging.LogRecord) -> bool:
    """Keep OpenTelemetry from reporting what is no fault in the body of a stream.

    A body that holds a span across its chunks may be resumed or closed in another ``contextvars``
    context than the one in which it attached the span: by another task, thread or the collector.
    OpenTelemetry then reports that it could not go back. ``Carried.step`` goes back in any case.
    """
    if record.msg != "Failed to detach context":
        return True
    current = get_current()
    call = current.get(CALL_KEY)
    return call is None or current.get(_CARRIED_KEY) is not call


logging.getLogger("opentelemetry.context").addFilter(_is_news)
