"""What a call may last as long as is followed without running anything of its class."""

# What is made here is of no type that a checker knows: that is the point.
# pyright: reportAssignmentType=false, reportUnknownVariableType=false, reportUnknownMemberType=false
# pyright: reportIncompatibleVariableOverride=false

# Classes break every rule on purpose.
# pyright: reportIncompatibleMethodOverride=false, reportIncompatibleVariableOverride=false

import asyncio
import concurrent.futures
import threading
from collections.abc import Callable, Iterator
from functools import partial, partialmethod
from typing import Any, NoReturn

import pytest

from agent_analytics.instrumentation import agent, tool

Made = Callable[[], Any]
SPRUNG: list[str] = []


def trap(*_args: object, **_kwargs: object) -> NoReturn:
    """End the process."""
    SPRUNG.append("sprung")
    raise SystemExit(7)


class TrappingMeta(type):
    """A metaclass that ends the process when anything is asked of its classes."""

    __getattribute__ = __setattr__ = __delattr__ = __dir__ = __hash__ = __eq__ = trap
    __instancecheck__ = __subclasscheck__ = __call__ = trap


class PropertyMeta(type):
    """A metaclass that ends the process for one name alone: it says what is under the name."""

    __next__ = __doc__ = close = property(trap, trap)


def once(_self: object) -> NoReturn:
    """Give nothing."""
    raise StopIteration


def itself(self: Any) -> Any:  # noqa: ANN401 - of any class
    """Return the iterator itself."""
    return self


STEPS: dict[str, Any] = {"__iter__": itself, "__next__": once}


def a(meta: type, *bases: type, **body: object) -> Made:
    """Return what makes an object of a class of such a metaclass."""
    kind: Any = meta.__new__(meta, "Of", bases, {"__module__": __name__, **body})
    return partial(object.__new__, kind)


class Odd(str):
    """A text that ends the process when it is used as one."""

    __slots__ = ()
    __format__ = __str__ = __repr__ = __hash__ = __eq__ = trap


class Loud:
    """A descriptor that ends the process when it is looked up."""

    __get__ = __call__ = trap


class Concurrent(concurrent.futures.Future[int]):
    """Says nothing of itself."""

    add_done_callback = result = exception = cancelled = done = running = trap


class Guarded(concurrent.futures.Future[int]):
    """Says nothing of anything."""

    __getattribute__ = __setattr__ = trap


class Unmade(concurrent.futures.Future[int]):
    """Was never made, and makes up what it is asked for."""

    def __init__(self) -> None:
        pass

    __getattr__ = trap


class Sized(concurrent.futures.Future[int]):
    """Has properties where the fields of a future are."""

    _condition = _state = _done_callbacks = property(trap, lambda _self, _value: None)


class OfAsyncio(asyncio.Future[int]):
    """Says nothing of itself."""

    add_done_callback = result = exception = cancelled = done = get_loop = trap
    _exception = _state = property(trap)


def of_asyncio() -> OfAsyncio:
    """Return a future of a loop of its own."""
    return OfAsyncio(loop=asyncio.new_event_loop())


def known_as(name: str, **body: object) -> type:
    """Return a class that calls itself by the name of one that is known."""
    module, _, bare = name.rpartition(".")
    return type(bare, (), {"__module__": module, "__qualname__": bare, **body})


def holding(name: str, field: str, value: object, **body: object) -> Made:
    """Return what makes an object of such a name, which keeps something in a field."""
    kind = known_as(
        name, **{"__setattr__": trap, "__getattr__": trap, field: property(trap, trap), **body}
    )

    def make() -> object:
        made: Any = object.__new__(kind)
        made.__dict__[field] = value
        return made

    return make


def chunks() -> Iterator[bytes]:
    """Give a chunk."""
    yield b"x"


class Closer:
    """Ends the process when it is asked whose it is."""

    __getattribute__ = trap


class Called:
    """A function that ends the process when it is asked for its name."""

    __getattribute__ = trap


def wrapping_itself(_self: object) -> Iterator[int]:
    """Stand round itself, as a decorator that goes wrong does."""
    yield 1


wrapping_itself.__wrapped__ = wrapping_itself  # type: ignore[attr-defined]  # functions take any


def with_closers() -> object:
    """Return a response of Django that remembers odd things to close."""
    name = "django.http.response.StreamingHttpResponse"
    made = holding(name, "_iterator", chunks(), close=trap)()
    object.__getattribute__(made, "__dict__")["_resource_closers"] = [Closer()]
    return made


HOSTILE: dict[str, Made] = {
    "future": Concurrent,
    "future of guarded attributes": lambda: concurrent.futures.Future.__new__(Guarded),
    "future that was never made": Unmade,
    "future of properties": Sized,
    "metaclass": a(TrappingMeta, **STEPS),
    "metaclass, slots": a(TrappingMeta, __slots__=(), **STEPS),
    "metaclass of properties": a(PropertyMeta, **STEPS),
    "metaclass of a manager": a(TrappingMeta, __enter__=trap, __exit__=trap),
    "metaclass of an awaitable": a(TrappingMeta, __await__=trap),
    "module that is no text": a(type, __module__=Loud(), **STEPS),
    "module of another class": a(type, __module__=Odd("httpx"), **STEPS),
    "qualified name of another class": a(type, __qualname__=Odd("Response"), **STEPS),
    "descriptors": a(type, __iter__=Loud(), __next__=Loud(), close=Loud()),
    "descriptors, slots": a(
        type, __slots__=(), __next__=partialmethod(trap), __doc__=Loud(), close=property(trap)
    ),
    "httpx": holding("httpx.Response", "stream", chunks(), is_stream_consumed=property(trap)),
    "werkzeug": holding("werkzeug.wrappers.response.Response", "response", chunks()),
    "webob": holding("webob.response.Response", "_app_iter", a(TrappingMeta, **STEPS)()),
    "django": holding("django.http.response.StreamingHttpResponse", "_iterator", chunks()),
    "django, closers": with_closers,
    "sanic": holding("sanic.response.types.ResponseStream", "streaming_fn", Called()),
    "contextlib": holding("contextlib._GeneratorContextManagerBase", "gen", chunks()),
    "requests": holding("requests.models.Response", "_content_consumed", Odd()),
    "proxy": holding("any.Proxy", "__wrapped__", chunks(), __class__=property(trap)),
    "wraps itself": a(type, __iter__=wrapping_itself),
}  # fmt: skip


@pytest.mark.parametrize("decorate", [agent(agent_id="x", publisher_id="p"), tool(name="t")])
@pytest.mark.parametrize("name", HOSTILE)
def test_following_runs_nothing(decorate: Callable[[Made], Made], name: str) -> None:
    """The host gets back what was returned, or what stands for it, whatever the class says."""
    SPRUNG.clear()
    made = HOSTILE[name]()
    decorate(lambda: made)()
    assert not SPRUNG


@pytest.mark.parametrize("how", ["result", "exception", "cancelled", "late"])
@pytest.mark.parametrize("make", [Concurrent, of_asyncio])
def test_a_future_is_heard_of_all_the_same(
    make: Callable[[], Any], how: str, finished: Callable[[], list[Any]]
) -> None:
    """The end of a future that says nothing of itself is that of the call, whoever brings it."""
    SPRUNG.clear()
    future = make()
    base: Any = asyncio.Future if make is of_asyncio else concurrent.futures.Future
    loop = base.get_loop(future) if make is of_asyncio else None

    def end() -> None:
        if how == "exception":
            base.set_exception(future, ValueError("planted"))
        elif how == "cancelled":
            base.cancel(future)
        else:
            base.set_result(future, 5)

    if how != "late":
        end()
    agent(agent_id="x", publisher_id="p")(lambda: future)()
    if how == "late":
        end()
    if loop is not None:
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()
    if how == "exception" and loop is not None:
        base.exception(future)
    expected = {"exception": "error", "cancelled": "cancelled"}.get(how, "success")
    assert [span.attributes["marketplace.outcome"] for span in finished()] == [expected]
    assert not SPRUNG


class Job(concurrent.futures.Future[int]):
    """Hands on to another future, as ``gradio_client.client.Job`` 2.0 does."""

    def __init__(self, future: concurrent.futures.Future[int]) -> None:
        self.future = future

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - of the other future
        return getattr(self.future, name)


def test_a_future_that_hands_on(finished: Callable[[], list[Any]]) -> None:
    """A call lasts as long as the future that the returned one hands on to."""
    inner: concurrent.futures.Future[int] = concurrent.futures.Future()
    job = agent(agent_id="x", publisher_id="p")(lambda: Job(inner))()
    assert not finished()
    inner.set_result(1)
    assert len(finished()) == 1
    assert job.future is inner


def test_a_future_whose_lock_is_held(finished: Callable[[], list[Any]]) -> None:
    """A lock that somebody keeps for ever is waited for once, for a second, and no longer."""
    future: Any = concurrent.futures.Future()
    held, over = threading.Event(), threading.Event()

    def hold() -> None:
        with future._condition:  # noqa: SLF001 - what a stranger could do
            held.set()
            over.wait()

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait()
    try:
        assert agent(agent_id="x", publisher_id="p")(lambda: future)() is future
        assert len(finished()) == 1
    finally:
        over.set()
        holder.join()
