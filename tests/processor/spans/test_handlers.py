"""Rule 3: what interrupts an invocation is not its inner work, whoever's the agent is."""

import asyncio
import gc
import signal
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from functools import partial
from types import FrameType

import pytest
from tests.processor.rig import Rig

from agent_analytics.instrumentation import agent, tool, tracing

#: Runs a function so that the interpreter itself calls it in the middle of what runs.
Interrupt = Callable[[Callable[[], object]], None]


@pytest.fixture
def rig() -> Iterator[Rig]:
    """Return a processor that the decorators' spans come to."""
    found = Rig()
    tracing.use_provider(found.provider)
    yield found
    tracing.use_provider(None)


def _signal(handler: Callable[..., object]) -> None:
    before = signal.signal(signal.SIGUSR1, handler)
    try:
        signal.raise_signal(signal.SIGUSR1)
    finally:
        signal.signal(signal.SIGUSR1, before)


def by_signal(run: Callable[[], object]) -> None:
    """Run it in a handler of a signal, as documented by ``signal``."""

    def handler(number: int, frame: FrameType | None) -> None:
        assert number
        assert frame is not None
        run()

    _signal(handler)


def by_signal_method(run: Callable[[], object]) -> None:
    """Run it in a bound method, with arguments that nobody names (gunicorn 23's ``Arbiter``)."""

    class Arbiter:
        def handle(self, *_: object) -> None:
            run()

    _signal(Arbiter().handle)


def by_signal_partial(run: Callable[[], object]) -> None:
    """Run it in a partial, which has arguments of its own (uvicorn 0.35's ``handle_exit``)."""

    def handler(first: object, number: int, frame: object) -> None:
        del first, number, frame
        run()

    _signal(partial(handler, "first"))


def by_trace(run: Callable[[], object]) -> None:
    """Run it in a function that traces (coverage 7's Python tracer)."""
    left = [run]

    def trace(frame: FrameType, event: str, arg: object) -> None:
        del frame, event, arg
        if left:
            left.pop()()

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        _Gone()
    finally:
        sys.settrace(before)


def by_profile(run: Callable[[], object]) -> None:
    """Run it in a function that profiles (pyinstrument 5's without its extension)."""
    left = [run]

    def profile(frame: FrameType, event: str, arg: object) -> None:
        del frame, event, arg
        if left:
            left.pop()()

    before = sys.getprofile()
    sys.setprofile(profile)
    try:
        _Gone()
    finally:
        sys.setprofile(before)


class _Ending:
    def __init__(self, run: Callable[[], object]) -> None:
        self.run = run

    def __del__(self) -> None:
        self.run()


class _Gone:
    """Something that others wait for the end of."""

    def __init__(self) -> None:
        self.whose = "nobody's"


def by_finalizer(run: Callable[[], object]) -> None:
    """Run it in ``__del__``."""
    ending = _Ending(run)
    del ending


def by_finalizer_of_a_cycle(run: Callable[[], object]) -> None:
    """Run it in ``__del__`` of what only a collection finds."""
    ending = _Ending(run)
    ending.itself = ending  # type: ignore[attr-defined]  # a cycle
    del ending
    gc.collect()


def by_reference(run: Callable[[], object]) -> None:
    """Run it in the callback of a weak reference."""
    gone = _Gone()
    kept = weakref.ref(gone, lambda _: run())
    del gone
    assert kept() is None


def by_finalize(run: Callable[[], object]) -> None:
    """Run it in ``weakref.finalize`` (aiohttp 3.12 and tempfile of the standard library)."""
    gone = _Gone()
    weakref.finalize(gone, run)
    del gone


def by_collection(run: Callable[[], object]) -> None:
    """Run it in a callback of the collector (prometheus_client's and sentry-sdk's)."""
    left = [run]

    def collected(phase: str, info: dict[str, int]) -> None:
        del phase, info
        if left:
            left.pop()()

    gc.callbacks.append(collected)
    try:
        gc.collect()
    finally:
        gc.callbacks.remove(collected)


INTERRUPTS: list[Interrupt] = [
    by_signal,
    by_signal_method,
    by_signal_partial,
    by_trace,
    by_profile,
    by_finalizer,
    by_finalizer_of_a_cycle,
    by_reference,
    by_finalize,
    by_collection,
]


@pytest.mark.parametrize("interrupt", INTERRUPTS)
def test_an_agent_that_interrupts_itself_is_called_twice(rig: Rig, interrupt: Interrupt) -> None:
    """An agent that a handler calls while one of its listing is open is an invocation."""
    depth: list[int] = []

    @agent(publisher_id="acme", agent_id="finder", price_usd=1)
    def finder(*, outer: bool) -> None:
        depth.append(1)
        if outer:
            interrupt(lambda: finder(outer=False))

    for _ in range(3):
        finder(outer=True)
    assert len(depth) == 6
    assert rig.value("invocations_total", agent_id="finder", outcome="success") == 6
    assert rig.value("revenue_usd_total") == 6
    assert rig.value("invocations_in_progress") == 0
    assert rig.spans("inner_agent") == 0


def test_an_agent_that_is_the_handler_is_called_twice(rig: Rig) -> None:
    """A decorated function is a handler itself."""

    @agent(publisher_id="acme", agent_id="finder")
    def finder(*args: object) -> None:
        if not args:
            _signal(finder)

    finder()
    assert rig.value("invocations_total", agent_id="finder") == 2


@pytest.mark.parametrize("interrupt", [by_signal, by_finalizer, by_reference])
def test_a_tool_in_a_handler_lies_between(rig: Rig, interrupt: Interrupt) -> None:
    """What a tool of a handler calls interrupts as well; what the agent then calls is its own."""

    @agent(publisher_id="acme", agent_id="finder")
    def finder(depth: int) -> None:
        if depth == 0:
            interrupt(partial(search, 1))
        elif depth == 1:
            finder(2)

    @tool
    def search(depth: int) -> None:
        finder(depth)

    finder(0)
    assert rig.value("invocations_total", agent_id="finder") == 2
    assert rig.spans("inner_agent") == 1


def test_an_agent_that_calls_itself_is_inner_work(rig: Rig) -> None:
    """Recursion, through a tool, a callback, another thread's context or a coroutine, stays one."""

    @agent(publisher_id="acme", agent_id="finder")
    def finder(depth: int, frame: object = None) -> None:
        del frame
        if depth:
            search(depth - 1)
            list(map(finder, [0]))
            finder(0, sys._getframe())  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # no handler's alone

    @tool
    def search(depth: int) -> None:
        finder(depth)

    @agent(publisher_id="acme", agent_id="waiter")
    async def waiter(depth: int) -> None:
        await asyncio.sleep(0)
        if depth:
            await waiter(depth - 1)
            await asyncio.gather(waiter(depth - 1), waiter(depth - 1))

    finder(2)
    asyncio.run(waiter(2))
    assert rig.value("invocations_total", agent_id="finder") == 1
    assert rig.value("invocations_total", agent_id="waiter") == 1


def test_signals_at_any_moment_are_all_counted(rig: Rig) -> None:
    """However often a handler's agent comes upon one of its listing, each call of it counts."""

    @agent(publisher_id="acme", agent_id="finder")
    def finder(number: int = 0) -> int:
        return sum(range(number))

    calls = 0

    over = False

    def handler(*_: object) -> None:
        nonlocal calls
        if over:  # or a timer would ring for whoever had the signal before
            return
        calls += 1
        finder()
        # Only now: on a busy machine a timer that repeats would pile handlers up without an end.
        signal.setitimer(signal.ITIMER_REAL, 0.0005)

    before = signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, 0.0005)
    done = 0
    try:
        while calls < 50:
            finder(1_000)
            done += 1
    finally:
        over = True
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert threading.current_thread() is threading.main_thread()
    assert rig.value("invocations_total", agent_id="finder") == calls + done
