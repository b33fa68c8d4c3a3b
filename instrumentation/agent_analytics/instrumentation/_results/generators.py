"""Generators and asynchronous generators that a call lasts as long as."""

# ruff: noqa: ANN401 - what passes through a stream is of any type

import inspect
import sys
import types
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import suppress
from types import CodeType
from typing import Any, Final, Self, cast

from agent_analytics.instrumentation._results.carried import Step, Taker


class GeneratorSteps:
    """Steps of a generator, to be delegated to by ``yield from``.

    Args:
        carried: What the steps belong to.
        generator: The generator.
        alone: False where an object made the generator and outlives it: closing it ends no call.
    """

    __slots__ = ("_alone", "_carried", "_generator")

    def __init__(
        self, carried: Taker, generator: Generator[Any, Any, Any], *, alone: bool = True
    ) -> None:
        self._carried = carried
        self._generator = generator
        self._alone = alone

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
        carried = self._carried
        try:
            carried.step(self._generator.close)
        except BaseException as exception:
            carried.failed(exception)
            raise
        if self._alone:
            carried.left()

    def _advance(self, method: Callable[..., object], *args: object) -> object:
        carried = self._carried
        try:
            chunk = carried.step(method, *args)
        except StopIteration as stop:
            carried.over(stop.value)
            raise
        except BaseException as exception:
            carried.failed(exception)
            raise
        return carried.chunk(chunk)


def _delegate(steps: GeneratorSteps) -> Generator[Any, Any, Any]:
    return (yield from steps.steps())


@types.coroutine
def _delegate_awaitable(steps: GeneratorSteps) -> Generator[Any, Any, Any]:
    return (yield from steps.steps())


def iterate(
    carried: Taker, generator: Generator[Any, Any, Any], *, alone: bool = True
) -> Generator[Any, Any, Any]:
    """Return a generator like the given one whose steps are those of the call."""
    steps = GeneratorSteps(carried, generator, alone=alone)
    code: CodeType = getattr(generator, "gi_code")  # noqa: B009 - of generators alone
    if code.co_flags & inspect.CO_ITERABLE_COROUTINE:
        return cast("Generator[Any, Any, Any]", _delegate_awaitable(steps))
    return _delegate(steps)


class AsyncSteps:
    """Steps of an asynchronous generator; arguments as of ``GeneratorSteps``."""

    __slots__ = ("_generator", "_released", "alone", "carried")

    def __init__(
        self, carried: Taker, generator: AsyncGenerator[Any, Any], *, alone: bool = True
    ) -> None:
        self.carried = carried
        self.alone = alone
        self._released: list[bool] = []
        self._generator: AsyncGenerator[Any, Any] | None = generator

    def first(self) -> Step:
        """Return the first step.

        The event loop learns of asynchronous generators through hooks at their first step, and
        closes those that are left over in a task, so in a context, of its own. The loop knows the
        outer generator, which closes this one; it must not know this one. Nor may the collector,
        which finalises both of them in any order, close this one before its time: the loop will
        have the outer one await what this one does in the end.
        """
        released = self._released

        def finalise(generator: AsyncGenerator[Any, Any]) -> None:
            if released:
                with suppress(BaseException):
                    generator.aclose().__await__().__next__()

        hooks = sys.get_asyncgen_hooks()
        sys.set_asyncgen_hooks(None, finalise)
        try:
            return self.next("asend", None)
        finally:
            sys.set_asyncgen_hooks(*hooks)

    def next(self, method: str, value: object) -> Step:
        """Return the step that sends or throws ``value``."""
        return Step(self.carried, getattr(self._generator, method)(value))

    def release(self) -> None:
        """Let go of the body; if that is what finalises it, it happens in its own context."""
        self.carried.step(self._forget)

    def _forget(self) -> None:
        self._released.append(True)
        self._generator = None


def async_generator_function(
    open_stream: Callable[[tuple[Any, ...], dict[str, Any]], AsyncSteps],
) -> Callable[..., AsyncGenerator[Any, Any]]:
    """Return an asynchronous generator function that delegates to the stream of its arguments."""

    async def call_async_generator(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        steps = open_stream(args, kwargs)
        carried = steps.carried
        step = None
        closing = False
        try:
            step = steps.first()
            while True:
                chunk = carried.chunk(await step)
                try:
                    sent = yield chunk
                except BaseException as exception:  # noqa: BLE001 - the body's to handle
                    thrown = exception
                else:
                    step = steps.next("asend", sent)
                    continue
                # Outside the except block: what the body raises must not get this as its context.
                closing = isinstance(thrown, GeneratorExit)
                step = steps.next("athrow", thrown)
                del thrown
        except StopAsyncIteration:
            if not closing:
                carried.over(None)
            elif steps.alone:
                carried.left()
        except BaseException as exception:
            if steps.alone or not isinstance(exception, GeneratorExit):
                carried.failed(exception)
            raise
        finally:
            step = None
            steps.release()

    return call_async_generator


_resume: Final = async_generator_function(lambda args, _: args[0])


def iterate_async(
    carried: Taker, generator: AsyncGenerator[Any, Any], *, alone: bool = True
) -> AsyncGenerator[Any, Any]:
    """Return an asynchronous generator like the given one whose steps are those of the call."""
    return _resume(AsyncSteps(carried, generator, alone=alone))
