"""Calls that last longer than the function: generators, asynchronous generators, coroutines."""

# ruff: noqa: ANN401 - what passes through a stream is of any type

import sys
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from types import AsyncGeneratorType, CoroutineType, GeneratorType
from typing import Any, Final, Self, cast

from agent_analytics.instrumentation._calls import Call
from agent_analytics.instrumentation._carried import Carried, Step

#: Exact types of results that are not done when the function returns.
UNFINISHED: Final = frozenset({GeneratorType, AsyncGeneratorType, CoroutineType})


class GeneratorStream(Carried):
    """Steps of a generator, to be delegated to by ``yield from``."""

    __slots__ = ("_generator",)

    def __init__(self, call: Call, generator: Generator[Any, Any, Any]) -> None:
        super().__init__(call)
        self._generator = generator

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> object:
        return self._advance(self._generator.send, None)

    def steps(self) -> Generator[Any, Any, Any]:
        """Return itself as what ``yield from`` takes it for."""
        return cast("Generator[Any, Any, Any]", self)

    def send(self, value: object) -> object:
        """Send a value into the body."""
        return self._advance(self._generator.send, value)

    def throw(self, *exception: object) -> object:
        """Throw into the body, in the form in which it was thrown at us."""
        return self._advance(self._generator.throw, *exception)

    def close(self) -> None:
        """Close the body, whose consumer wants no more."""
        call = self.call
        try:
            self.step(self._generator.close)
        except BaseException as exception:
            call.raised(exception)
            raise
        call.abandoned()

    def _advance(self, method: Callable[..., object], *args: object) -> object:
        call = self.call
        try:
            chunk = self.step(method, *args)
        except StopIteration as stop:
            call.succeeded(stop.value)
            raise
        except BaseException as exception:
            call.raised(exception)
            raise
        call.chunk(chunk)
        return chunk


def iterate(call: Call, generator: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
    """Iterate over a generator that was returned."""
    return _delegate(GeneratorStream(call, generator))


def _delegate(stream: GeneratorStream) -> Generator[Any, Any, Any]:
    return (yield from stream.steps())


class AsyncStream(Carried):
    """Steps of an asynchronous generator."""

    __slots__ = ("_generator",)

    def __init__(self, call: Call, generator: AsyncGenerator[Any, Any]) -> None:
        super().__init__(call)
        self._generator: AsyncGenerator[Any, Any] | None = generator

    def first(self) -> Step:
        """Return the first step.

        The event loop learns of asynchronous generators through hooks at their first step, and
        closes those that are left over in a task, so in a context, of its own. The loop knows the
        outer generator, which closes this one; it must not know this one.
        """
        hooks = sys.get_asyncgen_hooks()
        sys.set_asyncgen_hooks(None, None)
        try:
            return self.next("asend", None)
        finally:
            sys.set_asyncgen_hooks(*hooks)

    def next(self, method: str, value: object) -> Step:
        """Return the step that sends or throws ``value``."""
        return Step(self, getattr(self._generator, method)(value))

    def release(self) -> None:
        """Let go of the body; if that is what finalises it, it happens in its own context."""
        self.step(self._forget)

    def _forget(self) -> None:
        self._generator = None


def async_generator_function(
    open_stream: Callable[[tuple[Any, ...], dict[str, Any]], AsyncStream],
) -> Callable[..., AsyncGenerator[Any, Any]]:
    """Return an asynchronous generator function that delegates to the stream of its arguments."""

    async def call_async_generator(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        stream = open_stream(args, kwargs)
        call = stream.call
        step = None
        closing = False
        try:
            step = stream.first()
            while True:
                chunk = await step
                call.chunk(chunk)
                try:
                    sent = yield chunk
                except BaseException as exception:  # noqa: BLE001 - the body's to handle
                    thrown = exception
                else:
                    step = stream.next("asend", sent)
                    continue
                # Outside the except block: what the body raises must not get this as its context.
                closing = isinstance(thrown, GeneratorExit)
                step = stream.next("athrow", thrown)
                del thrown
        except StopAsyncIteration:
            if closing:
                call.abandoned()
            else:
                call.succeeded(None)
        except BaseException as exception:
            call.raised(exception)
            raise
        finally:
            step = None
            stream.release()

    return call_async_generator


_resume: Final = async_generator_function(lambda args, _: args[0])


def iterate_async(call: Call, generator: AsyncGenerator[Any, Any]) -> AsyncGenerator[Any, Any]:
    """Iterate over an asynchronous generator that was returned."""
    return _resume(AsyncStream(call, generator))


class _Guard(Carried):
    """Holds a returned coroutine until it is awaited."""

    __slots__ = ("coroutine",)

    def __init__(self, call: Call, coroutine: Coroutine[Any, Any, Any]) -> None:
        super().__init__(call)
        self.coroutine = coroutine

    def __del__(self) -> None:
        if not self.call.ended:
            # The outer coroutine tells that it was never awaited; once is enough.
            self.coroutine.close()
            self.call.abandoned()


def await_(call: Call, coroutine: Coroutine[Any, Any, Any]) -> Coroutine[Any, Any, Any]:
    """Await a coroutine that was returned."""
    return _delegate_coroutine(_Guard(call, coroutine))


async def _delegate_coroutine(guard: _Guard) -> object:
    call = guard.call
    call.attach()
    try:
        result = await guard.coroutine
    except BaseException as exception:
        call.raised(exception)
        raise
    return finish(call, result)


def finish(call: Call, result: Any) -> Any:
    """End the call with ``result``; where that is unfinished, return what ends it later."""
    kind = cast("type[object]", type(result))
    if kind not in UNFINISHED:
        call.succeeded(result)
        return result
    call.detach()
    if kind is GeneratorType:
        stream: Any = iterate(call, result)
    elif kind is AsyncGeneratorType:
        stream = iterate_async(call, result)
    else:
        stream = await_(call, result)
    stream.__name__ = result.__name__
    stream.__qualname__ = result.__qualname__
    return stream
