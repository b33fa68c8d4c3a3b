"""Context variables of the host: a decorated stream changes nothing of them.

Random programs set, reset and read variables in the body of a stream and in its consumer, between
chunks. Each is run twice, decorated and not, and both runs must have seen the same all along.
"""

import asyncio
import decimal
import gc
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from contextlib import suppress
from contextvars import Context, ContextVar, Token, copy_context
from functools import partial
from threading import Thread
from typing import Any, Final, NamedTuple, Self, cast

import anyio
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.sdk.trace import ReadableSpan
from tests.patience import patience

from agent_analytics.instrumentation import agent, tenant, tool

Finished = Callable[[], list[ReadableSpan]]
Run = Callable[[], None]

NAMES: Final = ("request", "user", "locale")
VARIABLES: Final = {name: ContextVar[str](name, default="unset") for name in NAMES}

#: One act: set a variable to a text, reset what was set last, read a variable, call a tool.
Act = tuple[str, str]
acts: Final = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(NAMES), st.sampled_from(["1", "2", "3"])),
        st.tuples(st.just("reset"), st.just("")),
        st.tuples(st.just("read"), st.sampled_from(NAMES)),
        st.tuples(st.sampled_from(["tool", "precision"]), st.sampled_from(NAMES)),
    ),
    max_size=4,
)


class Program(NamedTuple):
    """What body and consumer do before each chunk, and how the stream ends."""

    body: list[list[Act]]
    consumer: list[list[Act]]
    last: list[Act]
    end: str


programs: Final = st.builds(
    Program,
    st.lists(acts, min_size=1, max_size=4),
    st.lists(acts, min_size=1, max_size=5),
    acts,
    st.sampled_from(["read", "close", "throw", "drop"]),
)


class Side:
    """The body or the consumer: what it set, and what it saw, which goes into a common log."""

    def __init__(self, name: str, log: list[object]) -> None:
        self.name = name
        self.log = log
        self.tokens: list[tuple[ContextVar[str], Token[str]]] = []

    def do(self, what: list[Act]) -> None:
        """Do all acts, and look at everything afterwards."""
        for act, argument in what:
            self._act(act, argument)
        self.log.append((self.name, *(variable.get() for variable in VARIABLES.values())))
        self.log.append((self.name, decimal.getcontext().prec))

    def _act(self, act: str, argument: str) -> None:
        if act == "tool":
            _look(VARIABLES[argument], self.name)
        elif act == "precision":
            decimal.getcontext().prec = 5 + NAMES.index(argument)
        elif act == "read":
            self.log.append((self.name, VARIABLES[argument].get()))
        elif act != "reset":
            self.tokens.append((VARIABLES[act], VARIABLES[act].set(argument)))
        elif self.tokens:
            variable, token = self.tokens.pop()
            try:
                variable.reset(token)
            except (ValueError, RuntimeError) as error:
                self.log.append((self.name, str(error).partition("<")[0]))


@tool
def _look(variable: ContextVar[str], value: str) -> None:
    """Set a variable for good, in a call of its own."""
    variable.set(f"tool of {value}")


def _sync(program: Program, body: Side) -> Generator[int, None, None]:
    try:
        for number, what in enumerate(program.body):
            body.do(what)
            with tenant("held"):
                yield number
        body.do(program.last)
    finally:
        body.do(program.last)


async def _async(program: Program, body: Side) -> AsyncGenerator[int, None]:
    try:
        for number, what in enumerate(program.body):
            await asyncio.sleep(0)
            body.do(what)
            with tenant("held"):
                yield number
        body.do(program.last)
    finally:
        await asyncio.sleep(0)
        body.do(program.last)


def _end(program: Program, stream: Generator[int, None, None]) -> None:
    if program.end == "close":
        stream.close()
    elif program.end == "throw":
        with suppress(KeyError, StopIteration):
            stream.throw(KeyError())


#: Runs a step of the consumer's somewhere.
Where = Callable[[Run], None]


def _here(run: Run) -> None:
    run()


def _in_a_copy(run: Run) -> None:
    copy_context().run(run)


def _in_a_thread(run: Run) -> None:
    thread = Thread(target=run)
    thread.start()
    thread.join(patience())


def _in_one_other(other: Context, run: Run) -> None:
    other.run(run)


def _consume(
    program: Program,
    where: Where,
    open_stream: Callable[[Program, Side], Generator[int, None, None]],
) -> list[object]:
    log: list[object] = []
    consumer = Side("consumer", log)
    held = [open_stream(program, Side("body", log))]

    def step(what: list[Act]) -> None:
        consumer.do(what)
        log.append(next(held[0], "end"))
        consumer.do(what[:1])

    for what in program.consumer:
        where(partial(step, what))
    where(partial(_end, program, held[0]))
    held.clear()
    consumer.do(program.last)
    return log


@agent(publisher_id="acme", agent_id="returns")
def _returning(program: Program, body: Side) -> Generator[int, None, None]:
    return _sync(program, body)


@agent(publisher_id="acme", agent_id="returns")
def _returning_async(program: Program, body: Side) -> AsyncGenerator[int, None]:
    return _async(program, body)


class Held:
    """An object round a stream, as those of SDKs."""

    def __init__(self, stream: Generator[int, None, None]) -> None:
        self._stream = stream
        self.throw = stream.throw

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> int:
        return next(self._stream)

    def close(self) -> None:
        """Close the stream."""
        self._stream.close()


def _held(program: Program, body: Side) -> Generator[int, None, None]:
    return cast("Generator[int, None, None]", Held(_sync(program, body)))


def _in_its_own(work: Callable[[], list[object]]) -> list[object]:
    """Run in a context without variables, and put down what is left in there."""

    def run() -> list[object]:
        # decimal makes a context of its own at the first use.
        decimal.setcontext(decimal.Context())
        log = work()
        left = {variable.name: value for variable, value in copy_context().items()}
        log.append({name: left.get(name) for name in NAMES})
        return log

    return Context().run(run)


SETTINGS: Final = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.mark.parametrize("where", ["here", "copy", "thread", "other"])
@given(program=programs)
@SETTINGS
def test_streams_agree(exporter: object, where: str, program: Program) -> None:
    """Both sides of a stream see the same variables as undecorated, wherever a step runs."""
    assert exporter
    seen: list[list[object]] = []
    for stream in (_sync, agent(_sync), _returning, agent(_held)):
        places: dict[str, Where] = {
            "here": _here,
            "copy": _in_a_copy,
            "thread": _in_a_thread,
            "other": partial(_in_one_other, Context()),
        }
        seen.append(_in_its_own(partial(_consume, program, places[where], stream)))
    assert seen[1] == seen[0]
    assert seen[2] == seen[0]
    assert seen[3] == seen[0]


async def _same_task(step: Callable[[], Coroutine[Any, Any, None]]) -> None:
    await step()


async def _task_each(step: Callable[[], Coroutine[Any, Any, None]]) -> None:
    await asyncio.create_task(step())


async def _group_each(step: Callable[[], Coroutine[Any, Any, None]]) -> None:
    async with anyio.create_task_group() as group:
        group.start_soon(step)


async def _consume_async(
    program: Program,
    where: Callable[[Callable[[], Coroutine[Any, Any, None]]], Coroutine[Any, Any, None]],
    open_stream: Callable[[Program, Side], AsyncGenerator[int, None]],
) -> list[object]:
    log: list[object] = []
    consumer = Side("consumer", log)
    held = [open_stream(program, Side("body", log))]

    async def step(what: list[Act]) -> None:
        consumer.do(what)
        log.append(await anext(held[0], "end"))
        consumer.do(what[:1])

    async def end() -> None:
        if program.end == "close":
            await held[0].aclose()
        elif program.end == "throw":
            with suppress(KeyError, StopAsyncIteration):
                await held[0].athrow(KeyError())

    for what in program.consumer:
        await where(partial(step, what))
    await where(end)
    held.clear()
    gc.collect()
    # The loop closes what is dropped in a task of its own: its turns go by.
    for _ in range(8):
        await asyncio.sleep(0)
    consumer.do(program.last)
    return log


@pytest.mark.parametrize(
    "where",
    [
        _task_each,
        pytest.param(_same_task, marks=pytest.mark.slow),
        pytest.param(_group_each, marks=pytest.mark.slow),
    ],
)
@given(program=programs)
@SETTINGS
def test_asynchronous_streams_agree(
    exporter: object,
    where: Callable[[Callable[[], Coroutine[Any, Any, None]]], Coroutine[Any, Any, None]],
    program: Program,
) -> None:
    """Both sides of an asynchronous stream do, in one task, in a task for each step, in anyio."""
    assert exporter

    def consume(
        stream: Callable[[Program, Side], AsyncGenerator[int, None]],
    ) -> list[object]:
        return _in_its_own(lambda: asyncio.run(_consume_async(program, where, stream)))

    wanted = consume(_async)
    assert consume(agent(_async)) == wanted
    assert consume(_returning_async) == wanted
