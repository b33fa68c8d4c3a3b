"""Objects that are iterated over, awaited or entered after the call has returned them."""

import asyncio
import concurrent.futures
import contextlib
import gc
import itertools
import threading
import time
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Generator, Iterator
from dataclasses import dataclass, field
from typing import Any, Final, Self, cast
from unittest.mock import MagicMock

import pydantic
import pytest
from opentelemetry import baggage
from opentelemetry.sdk.trace import ReadableSpan
from tests.patience import patience

from agent_analytics.instrumentation import agent, current_invocation, tenant, tool

Finished = Callable[[], list[ReadableSpan]]
Said = Callable[[], dict[str, object]]


def giving(value: object) -> Any:  # noqa: ANN401 - whatever it is
    """Call an agent that returns ``value``."""

    @agent(publisher_id="acme", agent_id="giver", price_usd="0.05")
    def give() -> object:
        return value

    return give()


class Chunks:
    """An iterator as libraries write them: it is its own, has attributes, and can be closed."""

    def __init__(self, upto: int = 3, error: Exception | None = None) -> None:
        self.upto = upto
        self.error = error
        self.at = 0
        self.closed = False
        self.seen: list[str | None] = []

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> int:
        self.seen.append(current_invocation().agent_id)
        if self.at == self.upto:
            if self.error is not None:
                raise self.error
            raise StopIteration
        self.at += 1
        return self.at

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close it."""
        self.closed = True


class SlottedChunks:
    """An iterator that no weak reference can be had to."""

    __slots__ = ("at",)

    def __init__(self) -> None:
        self.at = 0

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> int:
        if self.at == 3:
            raise StopIteration
        self.at += 1
        return self.at


class Derived(Chunks):
    """Overrides a step and calls the one that it overrides."""

    def __next__(self) -> int:
        return super().__next__()


class Opened:
    """As openai.Stream 1.0 to 3.57: __iter__ is a generator over what __next__ goes through."""

    def __init__(self) -> None:
        self._iterator = self._stream()

    def _stream(self) -> Generator[int, None, None]:
        yield from (1, 2, 3)

    def __next__(self) -> int:
        return next(self._iterator)

    def __iter__(self) -> Iterator[int]:
        for item in self._iterator:  # noqa: UP028 - as there
            yield item


class Lazy:
    """Makes its chunks when it is iterated over, as botocore's EventStream and PageIterator."""

    def __iter__(self) -> Iterator[int]:
        yield from (1, 2, 3)


class Holding:
    """Returns the iterator that it holds, as google-generativeai's response does."""

    def __init__(self) -> None:
        self.parts = (number for number in (1, 2, 3))

    def __iter__(self) -> Iterator[int]:
        return self.parts


class TwoStep:
    """Returns an iterator of another class, as multiprocessing's pools do."""

    def __iter__(self) -> Iterator[int]:
        yield 0

    def __aiter__(self) -> "AsyncChunks":
        return AsyncChunks()


class AsyncChunks:
    """An asynchronous iterator that is no generator, as mistralai's EventStreamAsync 3.7."""

    def __init__(self, upto: int = 3, error: Exception | None = None) -> None:
        self.upto = upto
        self.error = error
        self.at = 0
        self.closed = False
        self.seen: list[str | None] = []

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> int:
        await asyncio.sleep(0)
        self.seen.append(current_invocation().agent_id)
        if self.at == self.upto:
            if self.error is not None:
                raise self.error
            raise StopAsyncIteration
        self.at += 1
        return self.at

    async def close(self) -> None:
        """Close it, as openai's AsyncStream."""
        await asyncio.sleep(0)
        self.closed = True


class Both(AsyncChunks):
    """Can be read both ways, as LangChain's and LiteLLM's stream wrappers."""

    def __iter__(self) -> Iterator[int]:
        yield from (1, 2, 3)


class Later:
    """An awaitable that is no coroutine, as asyncpg's and aiohttp's request managers."""

    def __init__(self, result: object = "result") -> None:
        self.result = result

    def __await__(self) -> Generator[Any, None, object]:
        yield from asyncio.sleep(0).__await__()
        return self.result


def outcome(span: ReadableSpan) -> object:
    """Return the outcome that a span says."""
    return (span.attributes or {})["marketplace.outcome"]


ITERATORS: Final[dict[str, Callable[[], Any]]] = {
    "class": Chunks,
    "slots": SlottedChunks,
    "derived": Derived,
    "openai": Opened,
    "lazy": Lazy,
    "holding": Holding,
    "both": Both,
    "list": lambda: iter([1, 2, 3]),
    "dict": lambda: iter({1: 0, 2: 0, 3: 0}),
    "map": lambda: map(int, "123"),
    "filter": lambda: filter(None, [1, 0, 2, 3]),
    "zip": lambda: itertools.starmap(int, zip("123", strict=True)),
    "chain": lambda: itertools.chain([1], [2, 3]),
    "islice": lambda: itertools.islice(itertools.count(1), 3),
    "takewhile": lambda: itertools.takewhile(lambda n: n < 4, itertools.count(1)),
    "callable": lambda: iter(deque([1, 2, 3, 0]).popleft, 0),
}
SAME_TYPE: Final = set(ITERATORS) - {"list", "dict", "zip"}


@pytest.mark.parametrize("name", ITERATORS)
def test_iterators_last_until_they_are_read(name: str, finished: Finished) -> None:
    """An invocation that returned an iterator is open until its end; its chunks are the same."""
    original: object = ITERATORS[name]()
    kind = type(original)
    stream = giving(original)
    assert isinstance(cast("object", stream), kind)
    if name in SAME_TYPE:
        assert type(cast("object", stream)) is kind
    found: list[int] = []
    for chunk in stream:
        assert not finished()
        found.append(chunk)
    assert found == [1, 2, 3]
    (span,) = finished()
    assert outcome(span) == "success"
    assert (span.attributes or {})["marketplace.revenue.usd"] == "0.05"
    assert (span.attributes or {})["gen_ai.response.time_to_first_chunk"]
    del stream, original
    gc.collect()
    assert not finished()


@pytest.mark.parametrize("make", [Chunks, Derived, Opened, Lazy, Both, SlottedChunks])
def test_the_host_gets_the_very_object(make: Callable[[], Any], exporter: object) -> None:
    """What is returned is the object itself, with the attributes that it had."""
    assert exporter
    original = make()
    before = dict(getattr(original, "__dict__", {}))
    assert giving(original) is original
    assert getattr(original, "__dict__", {}) == before
    assert type(original) is make


def test_other_instances_of_the_class_are_left_alone(finished: Finished) -> None:
    """Only what a decorated function returned is followed, once."""
    stream = giving(Chunks())
    assert list(Chunks()) == [1, 2, 3]
    assert not finished()
    assert list(stream) == [1, 2, 3]
    assert len(finished()) == 1
    stream.at = 0
    assert list(stream) == [1, 2, 3]
    assert not finished()


@pytest.mark.parametrize("make", [Chunks, AsyncChunks])
def test_the_body_is_inside_its_invocation(make: Callable[[], Any], exporter: object) -> None:
    """Steps of an object run in the invocation; its reader does not see that."""
    assert exporter
    stream = giving(make())

    async def read() -> None:
        async for _ in stream:
            assert current_invocation().agent_id is None

    if make is AsyncChunks:
        asyncio.run(read())
    else:
        for _ in stream:
            assert current_invocation().agent_id is None
    assert stream.seen == ["giver"] * 4


@pytest.mark.parametrize("name", ["class", "openai", "list", "map", "slots"])
@pytest.mark.parametrize("read", [0, 1])
def test_a_dropped_iterator_is_cancelled(name: str, read: int, finished: Finished) -> None:
    """An iterator that nobody reads to its end is cancelled when it is dropped."""
    stream = giving(ITERATORS[name]())
    for _ in range(read):
        next(stream)
    assert not finished()
    del stream
    gc.collect()
    (span,) = finished()
    assert outcome(span) == "cancelled"
    assert "marketplace.revenue.usd" not in (span.attributes or {}) or (
        (span.attributes or {})["marketplace.revenue.usd"] == "0"
    )


def test_a_closed_iterator_is_cancelled(finished: Finished) -> None:
    """Closing an iterator, also by leaving its with block, ends its call."""
    stream = giving(Chunks())
    next(stream)
    stream.close()
    assert stream.closed
    assert [outcome(span) for span in finished()] == ["cancelled"]
    with giving(Chunks()) as entered:
        next(entered)
    assert [outcome(span) for span in finished()] == ["cancelled"]
    with giving(Chunks()) as entered:
        list(entered)
    assert [outcome(span) for span in finished()] == ["success"]


def test_reading_may_go_on_after_a_break(finished: Finished) -> None:
    """A loop over an object may stop and another go on: only the object's end is the end."""
    stream = giving(Opened())
    for chunk in stream:
        assert chunk == 1
        break
    gc.collect()
    assert not finished()
    assert list(stream) == [2, 3]
    assert [outcome(span) for span in finished()] == ["success"]


@pytest.mark.parametrize("make", [Chunks, Derived])
def test_failure_in_the_middle_is_the_outcome(make: type[Chunks], said: Said) -> None:
    """An iterator that raises has failed, and what it raised passes as it is."""
    error = TimeoutError()
    stream = giving(make(1, error))
    with pytest.raises(TimeoutError) as caught:
        list(stream)
    assert caught.value is error
    attributes = said()
    assert attributes["marketplace.outcome"] == "timeout"
    assert attributes["error.type"] == "TimeoutError"


@dataclass
class Usage:
    """Usage as Anthropic, LangChain and OpenAI's responses say it."""

    input_tokens: int = 0
    output_tokens: int = 0


@dataclass
class Chunk:
    """A chunk that carries usage."""

    usage: Usage | None = None
    model: str = "gpt-x"


def _filtered(chunks: list[Chunk]) -> Iterator[Chunk]:
    return filter(None, chunks)


@pytest.mark.parametrize("kind", [iter, _filtered, Both])
def test_tokens_are_read_off_chunks(kind: Callable[[Any], Any], said: Said) -> None:
    """The chunks of an object say what they cost, as those of a generator do."""
    chunks = [Chunk(), Chunk(Usage(900, 120))]
    stream = giving(kind(chunks)) if kind is not Both else giving(Chunked(chunks))
    assert list(stream) == chunks
    attributes = said()
    assert attributes["gen_ai.usage.input_tokens"] == 900
    assert attributes["gen_ai.usage.output_tokens"] == 120
    assert attributes["gen_ai.request.model"] == "gpt-x"


class Chunked:
    """An iterator over given chunks whose __iter__ asks its own __next__."""

    def __init__(self, chunks: list[Chunk]) -> None:
        self.chunks = deque(chunks)

    def __iter__(self) -> Iterator[Chunk]:
        with contextlib.suppress(StopIteration):
            while True:
                yield next(self)

    def __next__(self) -> Chunk:
        if not self.chunks:
            raise StopIteration
        return self.chunks.popleft()


@dataclass
class Report:
    """A dataclass that happens to be iterable."""

    lines: list[str] = field(default_factory=lambda: ["a"])

    def __iter__(self) -> Iterator[str]:
        if self.lines:
            pytest.fail("nobody iterates over this")
        yield ""


class Model(pydantic.BaseModel):
    """A pydantic model; it iterates over its fields."""

    text: str = "a"


class Table:
    """Sized and iterable, as a DataFrame is."""

    def __len__(self) -> int:
        return 1

    def __iter__(self) -> Iterator[str]:
        if len(self):
            pytest.fail("nobody iterates over this")
        yield ""


class Fields:
    """Iterates over what it has already."""

    def __iter__(self) -> Iterator[int]:
        return iter([1])


class Cursor:
    """As a database's: an iterator that is mostly read otherwise."""

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> int:
        pytest.fail("nobody iterates over this")

    def fetchall(self) -> list[int]:
        """Return all rows."""
        return []


@pytest.mark.parametrize(
    "make",
    [
        lambda: [1],
        lambda: "text",
        lambda: {"a": 1},
        {"a": 1}.items,
        lambda: range(3),
        lambda: b"a",
        lambda: memoryview(b"a"),
        lambda: deque([1]),
        Report,
        Model,
        Table,
        Fields,
        Cursor,
        MagicMock,
        object,
        threading.Lock,
        lambda: Chunks,
    ],
)
def test_containers_are_over_when_they_are_returned(
    make: Callable[[], object], finished: Finished
) -> None:
    """What merely can be iterated over ends at return, and nothing of it is iterated over."""
    value = make()
    for _ in range(2):
        assert giving(value) is value
        assert [outcome(span) for span in finished()] == ["success"]


def test_a_file_is_over_when_it_is_returned(said: Said) -> None:
    """A file is a handle that can be read in many ways, and no answer in chunks."""
    with open(__file__, encoding="utf-8") as file:  # noqa: PTH123 - the handle is the point
        assert giving(file) is file
        assert said()["marketplace.outcome"] == "success"


def test_an_iterable_answer_that_nobody_iterates_over_is_a_success(finished: Finished) -> None:
    """What may be an answer or a stream was an answer, done at return, unless it is read."""
    answer = giving(Lazy())
    returned = time.time_ns()
    time.sleep(0.05)
    del answer
    (span,) = finished()
    assert outcome(span) == "success"
    assert span.end_time is not None
    assert span.end_time - returned < 25_000_000


async def _read(stream: AsyncIterator[int]) -> list[int]:
    return [chunk async for chunk in stream]


@pytest.mark.parametrize("make", [AsyncChunks, Both, TwoStep])
def test_asynchronous_objects_last_until_they_are_read(
    make: Callable[[], Any], finished: Finished
) -> None:
    """An asynchronous iterable that is no generator lasts, too."""
    original = make()
    stream = giving(original)
    assert stream is original
    assert not finished()
    assert asyncio.run(_read(stream)) == [1, 2, 3]
    assert [outcome(span) for span in finished()] == ["success"]


def test_asynchronous_failure_close_and_drop(finished: Finished) -> None:
    """Failing, closing, cancelling and dropping asynchronous objects have their outcomes."""

    async def main() -> None:
        with pytest.raises(KeyError):
            await _read(giving(AsyncChunks(1, KeyError())))
        stream = giving(AsyncChunks())
        await anext(stream)
        await stream.close()
        assert stream.closed
        waiting = asyncio.create_task(giving(Never()).__anext__())
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        dropped = giving(AsyncChunks())
        await anext(dropped)
        del dropped, stream, waiting
        gc.collect()

    asyncio.run(main())
    assert [outcome(span) for span in finished()] == ["error", *["cancelled"] * 3]


class Never:
    """Never has a chunk; its step is a coroutine, of which tasks are made."""

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> int:
        await asyncio.Event().wait()
        return 0


def test_an_object_that_two_calls_return(finished: Finished) -> None:
    """A tool's object that its agent passes on ends both; what is called in it is the tool's."""

    @tool
    def search() -> Chunks:
        return Chunks()

    @tool
    async def search_later() -> AsyncChunks:
        await asyncio.sleep(0)
        return AsyncChunks()

    @agent(publisher_id="acme", agent_id="giver")
    def pass_on() -> Chunks:
        return search()

    @agent(publisher_id="acme", agent_id="giver")
    async def pass_on_later() -> AsyncChunks:
        return await search_later()

    async def main() -> None:
        assert await _read(await pass_on_later()) == [1, 2, 3]

    stream = pass_on()
    assert not finished()
    assert list(stream) == [1, 2, 3]
    assert stream.seen == ["giver"] * 4
    assert [(span.name, outcome(span)) for span in finished()] == [
        ("execute_tool search", "success"),
        ("invoke_agent pass_on", "success"),
    ]
    asyncio.run(main())
    assert [outcome(span) for span in finished()] == ["success"] * 2
    dropped = pass_on()
    next(dropped)
    del dropped
    assert [outcome(span) for span in finished()] == ["cancelled"] * 2


def test_coroutine_functions_return_streams(finished: Finished) -> None:
    """A coroutine function whose result is a stream lasts until that is read."""

    @agent
    async def generator() -> AsyncGenerator[int, None]:
        async def chunks() -> AsyncGenerator[int, None]:
            for number in (1, 2, 3):
                yield number

        await asyncio.sleep(0)
        return chunks()

    @agent
    async def instance() -> AsyncChunks:
        await asyncio.sleep(0)
        return AsyncChunks()

    async def main() -> None:
        for stream in (await generator(), await instance()):
            assert not finished()
            assert await _read(stream) == [1, 2, 3]
            assert [outcome(span) for span in finished()] == ["success"]

    asyncio.run(main())


def test_awaitables_last_until_they_are_awaited(finished: Finished) -> None:
    """An awaitable that a plain function returned ends with what it gives."""

    async def main() -> None:
        later = Later()
        waiting = giving(later)
        assert waiting is later
        assert not finished()
        assert await waiting == "result"
        assert [outcome(span) for span in finished()] == ["success"]
        stream = await giving(Later(AsyncChunks()))
        assert not finished()
        assert await _read(stream) == [1, 2, 3]
        assert [outcome(span) for span in finished()] == ["success"]

    asyncio.run(main())


def test_tasks_and_futures_last_until_they_are_done(finished: Finished) -> None:
    """A task or future that is returned ends the call with its own outcome, and is itself."""

    async def work(error: Exception | None = None) -> str:
        await asyncio.sleep(0)
        if error is not None:
            raise error
        return "result"

    async def main() -> None:
        for error, wanted in ((None, "success"), (TimeoutError(), "timeout")):
            task = asyncio.ensure_future(work(error))
            assert giving(task) is task
            assert not finished()
            await asyncio.wait([task])
            assert [outcome(span) for span in finished()] == [wanted]
            task.exception()
        future: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        giving(future)
        future.cancel()
        await asyncio.sleep(0)
        assert [outcome(span) for span in finished()] == ["cancelled"]

    asyncio.run(main())


def test_a_failed_task_that_nobody_asks_is_still_reported(exporter: object) -> None:
    """Asyncio's report of an exception that was never retrieved is not swallowed."""
    assert exporter
    reports: list[str] = []

    async def work() -> None:
        raise KeyError

    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(
            lambda _, context: reports.append(context["message"])
        )
        task = asyncio.ensure_future(work())
        giving(task)
        await asyncio.wait([task])
        del task
        gc.collect()

    asyncio.run(main())
    assert reports == ["Task exception was never retrieved"]


def test_futures_of_threads(finished: Finished) -> None:
    """A future of an executor ends the call when its work is done."""
    gate = threading.Event()
    seen = threading.Event()
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        future = pool.submit(gate.wait, 30)
        assert giving(future) is future
        assert not finished()
        future.add_done_callback(lambda _: seen.set())
        gate.set()
        assert seen.wait(patience())
    assert [outcome(span) for span in finished()] == ["success"]
    undone: concurrent.futures.Future[int] = concurrent.futures.Future()
    giving(undone)
    del undone
    assert [outcome(span) for span in finished()] == ["cancelled"]


def test_context_managers_that_yield_streams(finished: Finished) -> None:
    """A context manager lasts until it is left; the stream that it yields is read like any."""

    @contextlib.contextmanager
    def managed() -> Generator[Iterator[Chunk], None, None]:
        assert current_invocation().agent_id == "giver"
        yield iter([Chunk(Usage(9, 3))])

    manager = giving(managed())
    assert isinstance(cast("object", manager), contextlib.AbstractContextManager)
    with manager as stream:
        assert current_invocation().agent_id is None
        assert len(list(cast("Iterator[Chunk]", stream))) == 1
        assert not finished()
    (span,) = finished()
    assert outcome(span) == "success"
    assert (span.attributes or {})["gen_ai.usage.input_tokens"] == 9
    with pytest.raises(KeyError), giving(managed()):
        raise KeyError
    assert [outcome(span) for span in finished()] == ["error"]
    giving(managed())
    gc.collect()
    assert [outcome(span) for span in finished()] == ["cancelled"]


def test_asynchronous_context_managers(finished: Finished) -> None:
    """So does an asynchronous one, of contextlib or of a class that does nothing else."""

    @contextlib.asynccontextmanager
    async def managed() -> AsyncGenerator[AsyncChunks, None]:
        yield AsyncChunks()

    async def main() -> None:
        for make in (managed, Manager):
            async with giving(make()) as stream:
                assert await _read(stream) == [1, 2, 3]
                assert not finished()
            (span,) = finished()
            assert outcome(span) == "success"
            assert (span.attributes or {})["gen_ai.response.time_to_first_chunk"]

    asyncio.run(main())


class Manager:
    """As anthropic's AsyncMessageStreamManager 0.30 to 2.14: can be entered, and nothing else."""

    async def __aenter__(self) -> AsyncChunks:
        await asyncio.sleep(0)
        return AsyncChunks()

    async def __aexit__(self, *_: object) -> None:
        await asyncio.sleep(0)


def test_tools_ask_their_predicate_about_the_object(finished: Finished) -> None:
    """A tool's ``failed`` is asked about the object that was returned, once."""
    asked: list[object] = []

    def is_short(answer: Chunks) -> bool:
        asked.append(answer)
        return answer.upto == 1

    @tool(failed=is_short)
    def search(upto: int) -> Chunks:
        return Chunks(upto)

    for upto, wanted in ((1, "error"), (2, "success")):
        stream = search(upto)
        list(stream)
        assert asked.pop() is stream
        assert not asked
        assert [outcome(span) for span in finished()] == [wanted]


def test_generator_based_coroutines_can_be_awaited(finished: Finished) -> None:
    """A generator of ``types.coroutine`` stays something that can be awaited."""
    import types  # noqa: PLC0415 - of this test alone

    @types.coroutine
    def old() -> Generator[Any, Any, str]:
        yield from asyncio.sleep(0).__await__()
        return "result"

    async def main() -> None:
        assert await cast("Awaitable[str]", giving(old())) == "result"

    asyncio.run(main())
    assert [outcome(span) for span in finished()] == ["success"]


def test_the_tenant_of_the_call_is_that_of_its_steps(exporter: object) -> None:
    """Baggage of the call is there in the steps of the object, and not outside of them."""
    assert exporter

    class Asking(Chunks):
        def __next__(self) -> int:
            assert baggage.get_baggage("marketplace.tenant.id") == "t-42"
            return super().__next__()

    with tenant("t-42"):
        stream = giving(Asking())
    assert baggage.get_baggage("marketplace.tenant.id") is None
    assert list(stream) == [1, 2, 3]
