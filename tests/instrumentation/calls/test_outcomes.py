"""Every kind of callable with every outcome."""

# ruff: noqa: D103 - each kind of callable is a function named so

import asyncio
import concurrent.futures
import functools
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from typing import Any, cast

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import StatusCode

from agent_analytics.instrumentation import agent, current_invocation, tool

Body = Callable[[], object]
Decorate = Callable[[Any], Any]
Finished = Callable[[], list[ReadableSpan]]


def drive(coroutine: Coroutine[Any, Any, Any]) -> object:
    """Run a coroutine that waits for nothing, without an event loop that reacts to exceptions."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return stop.value
    coroutine.close()
    pytest.fail("the coroutine waits")


async def last(stream: AsyncGenerator[object, None]) -> object:
    """Return the last chunk of a stream."""
    return [chunk async for chunk in stream][-1]


def calling(function: Callable[[], object]) -> Callable[[], object]:
    """Return a plain function that returns what another one returns."""

    def call() -> object:
        return function()

    return call


def plain(decorate: Decorate, body: Body) -> object:
    @decorate
    def work() -> object:
        return body()

    return work()


def coroutine(decorate: Decorate, body: Body) -> object:
    @decorate
    async def work() -> object:
        return body()

    return drive(work())


def generator(decorate: Decorate, body: Body) -> object:
    @decorate
    def work() -> Generator[object, None, None]:
        yield 0
        yield body()

    return list(work())[-1]


def async_generator(decorate: Decorate, body: Body) -> object:
    @decorate
    async def work() -> AsyncGenerator[object, None]:
        yield 0
        yield body()

    return drive(last(work()))


def method(decorate: Decorate, body: Body) -> object:
    class Worker:
        @decorate
        def work(self) -> object:
            assert isinstance(self, Worker)
            return body()

    return Worker().work()


def async_method(decorate: Decorate, body: Body) -> object:
    class Worker:
        @decorate
        async def work(self) -> object:
            assert isinstance(self, Worker)
            return body()

    return drive(Worker().work())


def below_classmethod(decorate: Decorate, body: Body) -> object:
    class Worker:
        @classmethod
        @decorate
        def work(cls) -> object:
            assert cls is Worker
            return body()

    return Worker.work()


def above_classmethod(decorate: Decorate, body: Body) -> object:
    class Worker:
        @decorate
        @classmethod
        def work(cls) -> object:
            assert cls is Worker
            return body()

    return Worker().work()


def below_staticmethod(decorate: Decorate, body: Body) -> object:
    class Worker:
        @staticmethod
        @decorate
        def work() -> object:
            return body()

    return Worker.work()


def above_staticmethod(decorate: Decorate, body: Body) -> object:
    class Worker:
        @decorate
        @staticmethod
        async def work() -> object:
            return body()

    return drive(Worker().work())


def partial(decorate: Decorate, body: Body) -> object:
    def work(first: object, second: Body) -> object:
        assert first == 1
        return second()

    return decorate(functools.partial(work, 1))(body)


def async_partial(decorate: Decorate, body: Body) -> object:
    async def work(first: object, second: Body) -> object:
        assert first == 1
        return second()

    return drive(decorate(functools.partial(work, 1))(body))


def callable_object(decorate: Decorate, body: Body) -> object:
    class Work:
        def __call__(self) -> object:
            return body()

    return decorate(Work())()


def async_callable_object(decorate: Decorate, body: Body) -> object:
    class Work:
        async def __call__(self) -> object:
            return body()

    return drive(decorate(Work())())


def class_entry(decorate: Decorate, body: Body) -> object:
    class Worker:
        def run(self) -> object:
            return body()

    assert decorate(Worker) is Worker
    return Worker().run()


def class_async_entry(decorate: Decorate, body: Body) -> object:
    class Base:
        async def run(self) -> object:
            return body()

    class Worker(Base):
        pass

    decorate(Worker)
    assert "run" in vars(Worker)
    return drive(Worker().run())


def returned_coroutine(decorate: Decorate, body: Body) -> object:
    async def inner() -> object:
        return body()

    return drive(decorate(calling(inner))())


def returned_generator(decorate: Decorate, body: Body) -> object:
    def inner() -> Generator[object, None, None]:
        yield 0
        yield body()

    return list(decorate(calling(inner))())[-1]


def returned_async_generator(decorate: Decorate, body: Body) -> object:
    async def inner() -> AsyncGenerator[object, None]:
        yield 0
        yield body()

    return drive(last(decorate(calling(inner))()))


def async_returned_async_generator(decorate: Decorate, body: Body) -> object:
    async def inner() -> AsyncGenerator[object, None]:
        yield 0
        yield body()

    @decorate
    async def work() -> AsyncGenerator[object, None]:
        return inner()

    async def use() -> object:
        return await last(await work())

    return drive(use())


def async_returned_coroutine(decorate: Decorate, body: Body) -> object:
    async def inner() -> object:
        return body()

    @decorate
    async def work() -> Coroutine[Any, Any, object]:
        return inner()

    async def use() -> object:
        return await (await work())

    return drive(use())


KINDS = [
    plain,
    coroutine,
    generator,
    async_generator,
    method,
    async_method,
    below_classmethod,
    above_classmethod,
    below_staticmethod,
    above_staticmethod,
    partial,
    async_partial,
    callable_object,
    async_callable_object,
    class_entry,
    class_async_entry,
    returned_coroutine,
    returned_generator,
    returned_async_generator,
    async_returned_async_generator,
    async_returned_coroutine,
]


class APITimeoutError(Exception):
    """Named as model libraries name theirs."""


class ReadTimeout(APITimeoutError):  # noqa: N818 - as libraries name theirs
    """Of a family of timeouts."""


class Cancelled(BaseException):
    """As trio's, which is not imported."""


Cancelled.__module__ = "trio._core._exceptions"


class Mistake(Exception):  # noqa: N818 - a mistake is one
    """An error of the agent's own."""


FAILURES = [
    (ValueError("planted"), "error", "ValueError"),
    (Mistake("planted"), "error", f"{__name__}.Mistake"),
    (SystemExit(3), "error", "SystemExit"),
    (TimeoutError("planted"), "timeout", "TimeoutError"),
    (ReadTimeout("planted"), "timeout", f"{__name__}.ReadTimeout"),
    (asyncio.CancelledError("planted"), "cancelled", None),
    (concurrent.futures.CancelledError("planted"), "cancelled", None),
    (KeyboardInterrupt("planted"), "cancelled", None),
    (GeneratorExit("planted"), "cancelled", None),
    (Cancelled("planted"), "cancelled", None),
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("decorator", [agent, tool])
def test_success(decorator: Decorate, kind: Callable[..., object], finished: Finished) -> None:
    """Every kind of callable returns what it returned undecorated, and its span says success."""
    here = trace.get_current_span()
    inside: list[trace.SpanContext] = []

    def body() -> object:
        inside.append(trace.get_current_span().get_span_context())
        return inside

    assert kind(decorator, body) is inside
    (span,) = finished()
    assert span.context == inside[0]
    assert span.attributes is not None
    assert span.attributes["marketplace.outcome"] == "success"
    assert span.status.status_code is StatusCode.UNSET
    assert span.kind is trace.SpanKind.INTERNAL
    assert trace.get_current_span() is here
    assert current_invocation().span_context == trace.INVALID_SPAN_CONTEXT


@pytest.mark.parametrize(("exception", "outcome", "error_type"), FAILURES)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("decorator", [agent, tool])
def test_exceptions(  # noqa: PLR0917 - pytest passes them by name
    decorator: Decorate,
    kind: Callable[..., object],
    exception: BaseException,
    outcome: str,
    error_type: str | None,
    finished: Finished,
) -> None:
    """An exception reaches the caller as the same object; its type alone reaches the span."""
    here = trace.get_current_span()

    def body() -> object:
        raise exception

    with pytest.raises(type(exception)) as caught:
        kind(decorator, body)
    assert caught.value is exception
    assert caught.value.__context__ is None
    (span,) = finished()
    assert span.attributes is not None
    assert span.attributes["marketplace.outcome"] == outcome
    assert span.attributes.get("error.type") == error_type
    failed = outcome in {"error", "timeout"}
    assert span.status.status_code is (StatusCode.ERROR if failed else StatusCode.UNSET)
    assert span.status.description is None
    assert not span.events
    assert "planted" not in span.to_json()
    assert trace.get_current_span() is here


def test_outcome_is_not_derived_from_children(finished: Finished) -> None:
    """An agent that answers although its tool failed is a success."""

    @tool
    def broken() -> None:
        raise Mistake

    @agent
    def work() -> str:
        with pytest.raises(Mistake):
            broken()
        return "an answer nevertheless"

    work()
    outcomes = [(span.attributes or {})["marketplace.outcome"] for span in finished()]
    assert outcomes == ["error", "success"]


def test_many_exception_types(said: Callable[[], dict[str, object]]) -> None:
    """Exception types made at run time are told apart, however many there are."""
    for number in range(1100):
        base = TimeoutError if number % 2 else Exception
        kind = cast("type[Exception]", type(f"Made{number}", (base,), {}))

        @agent
        def work(kind: type[Exception] = kind) -> None:
            raise kind

        with pytest.raises(kind):
            work()
        attributes = said()
        assert attributes["error.type"] == f"{__name__}.Made{number}"
        assert attributes["marketplace.outcome"] == ("timeout" if number % 2 else "error")
