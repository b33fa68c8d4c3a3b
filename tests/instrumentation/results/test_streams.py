"""Streams: how long they last, who may close them, and whose context is whose."""

import asyncio
import contextvars
import gc
import threading
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from typing import Any

import pytest
from opentelemetry import baggage, trace
from opentelemetry.context import attach
from opentelemetry.sdk.trace import ReadableSpan
from tests.patience import patience

from agent_analytics.instrumentation import agent, current_invocation, tenant, tool
from agent_analytics.instrumentation._calls.invocation import Listing

Finished = Callable[[], list[ReadableSpan]]
Said = Callable[[], dict[str, object]]

#: Makes spans of its own that go nowhere, the way a body does that holds one across its yields.
tracer = trace.NoOpTracerProvider().get_tracer("body")
variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="unset")


@agent(publisher_id="acme", agent_id="stream")
def count(upto: int = 3) -> Generator[int, str | None, str]:
    """Count, holding a span and a tenant all the time."""
    with tracer.start_as_current_span("held"), tenant("held"):
        yield from range(upto)
    return "done"


@agent(publisher_id="acme", agent_id="stream")
async def count_async(upto: int = 3) -> AsyncGenerator[int, str | None]:
    """Count, holding a span and a tenant all the time, and waiting a little."""
    with tracer.start_as_current_span("held"), tenant("held"):
        for number in range(upto):
            await asyncio.sleep(0)
            yield number


@agent(publisher_id="acme", agent_id="stream")
def returned(upto: int = 3) -> Generator[int, str | None, str]:
    """Return a generator that somebody else wrote."""
    return count.__wrapped__(upto)  # type: ignore[attr-defined, no-any-return] # pyright: ignore[reportFunctionMemberAccess]


@agent(publisher_id="acme", agent_id="stream")
def returned_async(upto: int = 3) -> AsyncGenerator[int, str | None]:
    """Return an asynchronous generator that somebody else wrote."""
    return count_async.__wrapped__(upto)  # type: ignore[attr-defined, no-any-return] # pyright: ignore[reportFunctionMemberAccess]


@pytest.mark.parametrize("stream", [count, returned])
def test_lasts_until_exhausted(
    stream: Callable[[], Generator[int, None, str]], finished: Finished
) -> None:
    """The invocation is open while chunks come and succeeds at the end, its value handed on."""

    def consume() -> Generator[int, None, str]:
        return (yield from stream())

    consumer = consume()
    assert next(consumer) == 0
    assert not finished()
    assert next(consumer) == 1
    assert next(consumer) == 2
    with pytest.raises(StopIteration) as stop:
        next(consumer)
    assert stop.value.value == "done"
    (span,) = finished()
    assert span.attributes is not None
    assert span.attributes["marketplace.outcome"] == "success"
    first = span.attributes["gen_ai.response.time_to_first_chunk"]
    assert isinstance(first, float)
    assert span.end_time is not None
    assert span.start_time is not None
    assert 0 < first <= (span.end_time - span.start_time) / 1e9


@pytest.mark.parametrize("stream", [count_async, returned_async])
def test_async_lasts_until_exhausted(
    stream: Callable[[], AsyncGenerator[int, None]], said: Said
) -> None:
    """An asynchronous stream succeeds when it has been read to its end."""

    async def main() -> list[int]:
        return [chunk async for chunk in stream()]

    assert asyncio.run(main()) == [0, 1, 2]
    attributes = said()
    assert attributes["marketplace.outcome"] == "success"
    assert isinstance(attributes["gen_ai.response.time_to_first_chunk"], float)


def test_not_started_is_no_invocation(finished: Finished) -> None:
    """A generator function that is called and never iterated did nothing."""
    count()
    count().close()
    gc.collect()
    assert not finished()


@pytest.mark.parametrize("stream", [count, returned])
@pytest.mark.parametrize("how", ["close", "drop", "break"])
def test_abandoned(stream: Callable[[], Generator[int, None, str]], how: str, said: Said) -> None:
    """A stream that its reader leaves is cancelled, at once."""
    chunks = stream()
    assert next(chunks) == 0
    if how == "close":
        chunks.close()
    elif how == "break":
        for _ in chunks:
            break
    del chunks
    assert said()["marketplace.outcome"] == "cancelled"


@pytest.mark.parametrize("make", [returned, returned_async])
def test_returned_and_never_iterated(make: Callable[[], object], said: Said) -> None:
    """A call that returned a stream nobody ever reads is cancelled when the stream is dropped."""
    make()
    gc.collect()
    attributes = said()
    assert attributes["marketplace.outcome"] == "cancelled"
    assert "gen_ai.response.time_to_first_chunk" not in attributes


def test_returned_and_closed_unread(said: Said) -> None:
    """Closing a returned stream before its first chunk cancels the call."""
    stream = returned()
    stream.close()
    del stream
    assert said()["marketplace.outcome"] == "cancelled"


@pytest.mark.parametrize("stream", [count_async, returned_async])
def test_async_closed(stream: Callable[[], AsyncGenerator[int, None]], said: Said) -> None:
    """A stream that is closed explicitly is cancelled."""

    async def main() -> None:
        chunks = stream()
        assert await anext(chunks) == 0
        await chunks.aclose()

    asyncio.run(main())
    assert said()["marketplace.outcome"] == "cancelled"


@pytest.mark.parametrize("stream", [count_async, returned_async])
def test_async_finalised_by_the_loop(
    stream: Callable[[], AsyncGenerator[int, None]], said: Said
) -> None:
    """A stream left over after a break is closed by the loop, in a task of the loop's own."""

    async def read_one() -> None:
        async for _ in stream():
            break

    async def main() -> None:
        await asyncio.create_task(read_one())
        gc.collect()
        for _ in range(5):
            await asyncio.sleep(0)

    asyncio.run(main())
    assert said()["marketplace.outcome"] == "cancelled"


@pytest.mark.parametrize("stream", [count_async, returned_async])
def test_async_left_to_the_end_of_the_loop(
    stream: Callable[[], AsyncGenerator[int, None]], said: Said
) -> None:
    """A stream that is still referred to when the loop ends is closed by the loop's end."""
    kept: list[AsyncGenerator[int, None]] = []

    async def main() -> None:
        kept.append(stream())
        assert await anext(kept[0]) == 0

    asyncio.run(main())
    assert said()["marketplace.outcome"] == "cancelled"


def test_async_in_a_cycle_is_closed_by_the_loop(said: Said) -> None:
    """A stream that the collector finds awaits its cleaning up, as it does undecorated."""
    cleaned: list[str] = []

    @agent
    async def chunks() -> AsyncGenerator[int, None]:
        try:
            yield 1
        finally:
            await asyncio.sleep(0)
            cleaned.append("cleaned")

    async def main() -> None:
        stream = chunks()
        await anext(stream)
        cycle: list[object] = [stream]
        cycle.append(cycle)
        del stream, cycle
        gc.collect()
        for _ in range(5):
            await asyncio.sleep(0)

    asyncio.run(main())
    assert cleaned == ["cleaned"]
    assert said()["marketplace.outcome"] == "cancelled"


def test_async_dropped_without_a_loop(said: Said) -> None:
    """A stream that no event loop looks after is cancelled when it is dropped."""

    @agent
    async def chunks() -> AsyncGenerator[int, None]:
        with tracer.start_as_current_span("held"):
            yield 1

    stream = chunks()
    with pytest.raises(StopIteration):
        stream.asend(None).send(None)
    del stream
    gc.collect()
    assert said()["marketplace.outcome"] == "cancelled"


def test_async_task_cancelled(said: Said) -> None:
    """Cancelling the task that waits for a chunk cancels the invocation; the body is told."""
    told: list[str] = []

    @agent
    async def chunks() -> AsyncGenerator[int, None]:
        with tracer.start_as_current_span("held"):
            yield 1
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                told.append("cancelled")
                raise

    async def read() -> None:
        async for _ in chunks():
            pass

    async def main() -> None:
        task = asyncio.create_task(read())
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert told == ["cancelled"]
    assert said()["marketplace.outcome"] == "cancelled"


def test_async_reader_closed_while_waiting(said: Said) -> None:
    """A reader that is thrown away while it waits for a chunk cancels the invocation."""

    @agent
    async def chunks() -> AsyncGenerator[int, None]:
        with tracer.start_as_current_span("held"):
            await Pause()
            yield 1

    async def read() -> None:
        async for _ in chunks():
            pass

    reader = read()
    reader.send(None)
    reader.close()
    gc.collect()
    assert said()["marketplace.outcome"] == "cancelled"


class Pause:
    """Suspends whoever awaits it, without an event loop."""

    def __await__(self) -> Generator[None, None, None]:
        yield


def test_async_timeout_inside(said: Said) -> None:
    """asyncio.timeout works across the steps of a body, and is a timeout."""

    @agent
    async def chunks() -> AsyncGenerator[int, None]:
        async with asyncio.timeout(0.01):
            yield 1
            await asyncio.sleep(30)

    async def main() -> None:
        async for _ in chunks():
            pass

    with pytest.raises(TimeoutError):
        asyncio.run(main())
    attributes = said()
    assert attributes["marketplace.outcome"] == "timeout"
    assert attributes["error.type"] == "TimeoutError"


def test_coroutine_closed_in_another_context(said: Said) -> None:
    """A coroutine abandoned half-way is cancelled, whoever drops it, and nothing is logged."""

    @agent
    async def work() -> None:
        await Pause()

    running: Coroutine[Any, Any, None] = work()
    contextvars.copy_context().run(running.send, None)
    running.close()
    assert said()["marketplace.outcome"] == "cancelled"
    assert current_invocation().agent_id is None


def test_coroutine_closed_inside_another_invocation(finished: Finished) -> None:
    """Whoever drops an abandoned coroutine keeps an invocation and a tenant of its own."""

    @agent
    async def work() -> None:
        await Pause()

    @agent(publisher_id="acme", agent_id="closer")
    def closer(running: Coroutine[Any, Any, None]) -> str | None:
        with tenant("closer"):
            running.close()
            assert baggage.get_baggage("marketplace.tenant.id") == "closer"
            return current_invocation().agent_id

    running: Coroutine[Any, Any, None] = work()
    contextvars.copy_context().run(running.send, None)
    assert closer(running) == "closer"
    assert len(finished()) == 2


def test_closed_from_another_thread(said: Said) -> None:
    """A stream may be closed by a thread that never read from it."""
    stream = count()
    next(stream)
    closer = threading.Thread(target=stream.close)
    closer.start()
    closer.join(patience())
    assert said()["marketplace.outcome"] == "cancelled"


def test_read_by_several_threads(said: Said) -> None:
    """Each chunk may be asked for by another thread, as web servers do."""
    stream = count(4)
    found: list[int] = []
    for _ in range(4):
        reader = threading.Thread(target=lambda: found.append(next(stream)))
        reader.start()
        reader.join(patience())
    assert next(stream, "end") == "end"
    assert found == [0, 1, 2, 3]
    assert said()["marketplace.outcome"] == "success"


def test_closed_by_the_collector(said: Said) -> None:
    """A stream in a reference cycle is cancelled by the garbage collector."""
    holder: list[object] = []
    stream = count()
    next(stream)
    holder.extend([holder, stream])
    del stream, holder
    gc.collect()
    assert said()["marketplace.outcome"] == "cancelled"


@pytest.mark.parametrize("stream", [count, returned])
def test_contexts_are_apart(
    stream: Callable[[], Generator[int, None, str]], exporter: object
) -> None:
    """Between chunks the reader has its own span, tenant and invocation, not the body's."""
    assert exporter
    with tenant("reader"), tracer.start_as_current_span("reader"):
        here = trace.get_current_span()
        for _ in stream():
            assert trace.get_current_span() is here
            assert current_invocation().agent_id is None
            assert baggage.get_baggage("marketplace.tenant.id") == "reader"


def test_async_contexts_are_apart(exporter: object) -> None:
    """Between chunks of an asynchronous stream, too."""
    assert exporter

    async def main() -> None:
        with tenant("reader"), tracer.start_as_current_span("reader"):
            here = trace.get_current_span()
            async for _ in count_async():
                assert trace.get_current_span() is here
                assert current_invocation().agent_id is None
                assert baggage.get_baggage("marketplace.tenant.id") == "reader"

    asyncio.run(main())


def test_body_sees_its_invocation_all_the_time(finished: Finished) -> None:
    """After every yield the body is still inside its invocation, and tools called there too."""

    @tool
    async def look() -> None:
        await asyncio.sleep(0)

    @agent(publisher_id="acme", agent_id="looker")
    async def work() -> AsyncGenerator[str | None, None]:
        for _ in range(3):
            await look()
            yield current_invocation().agent_id

    async def main() -> list[str | None]:
        return [chunk async for chunk in work()]

    assert asyncio.run(main()) == ["looker"] * 3
    *tools, invocation = finished()
    assert len(tools) == 3
    assert invocation.context is not None
    for span in tools:
        assert span.parent is not None
        assert span.parent.span_id == invocation.context.span_id


def test_variables_set_before_the_first_chunk_are_seen(exporter: object) -> None:
    """The body sees context variables that were set until its first step."""
    assert exporter

    @agent
    def work() -> Generator[str, None, None]:
        yield variable.get()

    @agent
    def give() -> Generator[str, None, None]:
        def inner() -> Generator[str, None, None]:
            yield variable.get()

        return inner()

    @agent
    async def wait() -> AsyncGenerator[str, None]:
        yield variable.get()

    async def read() -> str:
        stream = wait()
        variable.set("later")
        return await anext(stream)

    streams = [work(), give()]
    token = variable.set("late")
    assert [next(stream) for stream in streams] == ["late", "late"]
    variable.reset(token)
    assert asyncio.run(read()) == "later"


def test_send_and_throw(said: Said) -> None:
    """What is sent and thrown reaches the body, which may go on after it."""

    @agent
    def echo() -> Generator[object, object, object]:
        heard: object = None
        while heard != "stop":
            try:
                heard = yield heard
            except ValueError as error:
                heard = error
        return "stopped"

    stream = echo()
    assert next(stream) is None
    assert stream.send("one") == "one"
    thrown = ValueError()
    assert stream.throw(thrown) is thrown
    assert stream.send("two") == "two"
    with pytest.raises(StopIteration) as stop:
        stream.send("stop")
    assert stop.value.value == "stopped"
    assert said()["marketplace.outcome"] == "success"


def test_async_send_and_throw(said: Said) -> None:
    """What is sent and thrown reaches an asynchronous body; its errors keep their own context."""
    raised = ValueError()

    @agent
    async def echo() -> AsyncGenerator[object, object]:
        heard: object = None
        while heard != "stop":
            try:
                heard = yield heard
            except KeyError as error:
                heard = error
        raise raised

    async def main() -> None:
        stream = echo()
        assert await anext(stream) is None
        assert await stream.asend("one") == "one"
        thrown = KeyError()
        assert await stream.athrow(thrown) is thrown
        assert await stream.asend("two") == "two"
        with pytest.raises(ValueError, match=r"^$") as caught:
            await stream.asend("stop")
        assert caught.value is raised
        assert raised.__context__ is None

    asyncio.run(main())
    attributes = said()
    assert attributes["marketplace.outcome"] == "error"
    assert attributes["error.type"] == "ValueError"


def test_closing_fails(said: Said) -> None:
    """A body whose cleaning up fails has failed."""

    @agent
    def work() -> Generator[int, None, None]:
        try:
            yield 1
        finally:
            raise OSError

    stream = work()
    next(stream)
    with pytest.raises(OSError, match=r"^$"):
        stream.close()
    assert said()["error.type"] == "OSError"


def test_body_that_swallows_its_closing_is_cancelled(said: Said) -> None:
    """Returning calmly on GeneratorExit makes no success of an abandoned stream."""

    @agent
    async def work() -> AsyncGenerator[int, None]:
        try:
            yield 1
        except GeneratorExit:
            return

    async def main() -> None:
        stream = work()
        await anext(stream)
        await stream.aclose()

    asyncio.run(main())
    assert said()["marketplace.outcome"] == "cancelled"


def test_body_that_refuses_to_close(said: Said) -> None:
    """A body that yields on its closing gets what it would get undecorated."""

    @agent
    async def work() -> AsyncGenerator[int, None]:
        while True:
            try:
                yield 1
            except GeneratorExit:
                yield 2
                return

    async def main() -> None:
        stream = work()
        await anext(stream)
        with pytest.raises(RuntimeError, match="ignored GeneratorExit"):
            await stream.aclose()

    asyncio.run(main())
    assert said()["marketplace.outcome"] == "cancelled"


def test_unbalanced_body_leaves_nothing_behind(finished: Finished) -> None:
    """What a body attaches and forgets to detach ends with it."""

    @agent(publisher_id="acme", agent_id="careless")
    def work() -> None:
        attach(baggage.set_baggage("left", "behind"))

    work()
    assert baggage.get_baggage("left") is None
    assert current_invocation().agent_id is None
    assert len(finished()) == 1


def test_coroutine_never_awaited(said: Said) -> None:
    """A returned coroutine that nobody awaits is cancelled, with one warning of Python's."""

    async def inner() -> None:
        pytest.fail("nobody awaits this")

    @agent
    def work() -> Coroutine[Any, Any, None]:
        return inner()

    with pytest.warns(RuntimeWarning, match="was never awaited") as warned:
        del [work()][0]
    assert len(warned) == 1
    # The warning refers to the coroutine.
    warned.clear()
    gc.collect()
    assert said()["marketplace.outcome"] == "cancelled"


def test_calls_are_freed_at_once(exporter: object) -> None:
    """Calls that have ended are in no reference cycle that waits for the collector."""
    assert exporter

    @agent
    def work() -> None: ...

    gc.collect()
    gc.disable()
    try:
        for _ in range(200):
            work()
            list(count())
        assert gc.collect() < 200
    finally:
        gc.enable()


def test_only_the_first_end_counts(finished: Finished) -> None:
    """An outcome, once recorded, stays."""
    call = Listing(
        publisher_id=None, agent_id=None, name="a", version=None, price_usd=None, tenant=None
    ).start((), {})
    call.raised(TimeoutError())
    call.succeeded(None)
    call.abandoned()
    (span,) = finished()
    assert (span.attributes or {})["marketplace.outcome"] == "timeout"


def test_nested_streams(finished: Finished) -> None:
    """A stream that reads another one is that one's parent, chunk by chunk."""

    @agent(publisher_id="acme", agent_id="outer")
    async def outer() -> AsyncGenerator[int, None]:
        async for chunk in count_async():
            assert current_invocation().agent_id == "outer"
            yield chunk

    async def main() -> list[int]:
        return [chunk async for chunk in outer()]

    assert asyncio.run(main()) == [0, 1, 2]
    inner, above = finished()
    assert inner.parent is not None
    assert above.context is not None
    assert inner.parent.span_id == above.context.span_id
