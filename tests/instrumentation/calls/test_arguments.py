"""Calls of a tool with the same arguments, told by a boolean; sizes of results, by a number."""

import asyncio
import sys
from collections.abc import Callable, Iterator
from enum import IntEnum
from threading import Barrier, Thread
from typing import Any, Never

import pytest
from opentelemetry.context import attach, get_current
from opentelemetry.sdk.trace import ReadableSpan

from agent_analytics.instrumentation import agent, tool
from agent_analytics.instrumentation import vocabulary as v
from agent_analytics.instrumentation._calls import arguments

Finished = Callable[[], list[ReadableSpan]]
Repeated = Callable[..., list[bool]]


@tool
def look(*args: object, **kwargs: object) -> object:
    """Take anything."""
    del args, kwargs
    return None


def flags(spans: list[ReadableSpan]) -> list[bool]:
    """Return of each tool's span whether it says that the call repeats another."""
    told = [span.attributes or {} for span in spans if span.name.startswith(v.EXECUTE_TOOL)]
    assert all(each.get(v.TOOL_REPEATED, True) is True for each in told)
    return [v.TOOL_REPEATED in each for each in told]


@pytest.fixture
def repeated(finished: Finished) -> Repeated:
    """Return what makes calls in one invocation, and returns of each whether it repeats another."""

    def make(*calls: Callable[[], object]) -> list[bool]:
        @agent(publisher_id="acme", agent_id="finder")
        def run() -> None:
            for call in calls:
                call()

        run()
        return flags(finished())

    return make


def twice(*args: object, **kwargs: object) -> tuple[Callable[[], object], Callable[[], object]]:
    """Return two calls with these arguments."""
    return (lambda: look(*args, **kwargs)), (lambda: look(*args, **kwargs))


@pytest.mark.parametrize(
    ("args", "kwargs"),
    [
        ((), {}),
        (("a query", 3, 0.5, None, True), {}),
        (("é" * 4_096,), {}),
        ((), {"query": "x", "filters": {"tags": ["a", ["b"]], "limit": 5}}),
    ],
)
def test_the_same_arguments(
    repeated: Repeated, args: tuple[object, ...], kwargs: dict[str, Any]
) -> None:
    """The second call with the same plain arguments says that it repeats the first."""
    assert repeated(*twice(*args, **kwargs)) == [False, True]


def test_dictionaries_are_the_same_in_any_order(repeated: Repeated) -> None:
    """As objects of JSON are, and arguments by name."""
    calls = [
        lambda: look({"a": 1, "b": 2}, x=1, y=2),
        lambda: look({"b": 2, "a": 1}, y=2, x=1),
    ]
    assert repeated(*calls) == [False, True]


def test_other_arguments(repeated: Repeated) -> None:
    """Whatever differs, if only in its type or in where one text ends, is another call."""
    calls: list[Callable[[], object]] = [
        lambda: look("ab", "c"),
        lambda: look("a", "bc"),
        lambda: look(["a", "bc"]),
        lambda: look('a"2:bc'),
        lambda: look(1),
        lambda: look(True),  # noqa: FBT003 - what is told apart from 1
        lambda: look(1.0),
        lambda: look("1"),
        lambda: look(None),
        lambda: look("None"),
        lambda: look({"a": 1}),
        lambda: look(a=1),
        lambda: look({}),
        lambda: look([]),
        lambda: look([[1], [2]]),
        lambda: look([[[1], 2]]),
    ]
    assert repeated(*calls) == [False] * len(calls)


def test_another_tool_and_another_invocation(finished: Finished) -> None:
    """Calls are compared by tool, within one invocation, and outside any not at all."""

    @tool
    def other(query: str) -> None:
        del query

    @agent(publisher_id="acme", agent_id="finder")
    def run() -> None:
        look("x")
        other("x")

    run()
    run()
    look("x")
    look("x")
    assert flags(finished()) == [False] * 6


def test_inner_work_is_in_the_same_invocation(finished: Finished) -> None:
    """A listing that calls itself goes on with what it has called; another listing begins anew."""

    def asks(agent_id: str) -> Callable[[], object]:
        return agent(publisher_id="acme", agent_id=agent_id)(lambda: look("x"))

    @agent(publisher_id="acme", agent_id="finder")
    def run() -> None:
        asks("other")()
        look("x")
        asks("finder")()

    run()
    assert flags(finished()) == [False, False, True]


class Text(str):
    """A text that would run code."""

    __slots__ = ()

    def __eq__(self, other: object) -> Never:
        raise AssertionError

    def __hash__(self) -> Never:
        raise AssertionError

    def __len__(self) -> Never:
        raise AssertionError


class Bytes(bytes):
    """Bytes that would run code."""

    def __len__(self) -> Never:
        raise AssertionError


class Number(IntEnum):
    """A number of a class of its own."""

    ONE = 1


class Odd:
    """An object all of whose methods would run code."""

    def __getattribute__(self, name: str) -> Never:
        raise AssertionError(name)

    def __eq__(self, other: object) -> Never:
        raise AssertionError

    def __hash__(self) -> Never:
        raise AssertionError

    def __len__(self) -> Never:
        raise AssertionError

    def __iter__(self) -> Never:
        raise AssertionError


class Meta(type):
    """A class of classes that cannot be hashed or compared."""

    def __hash__(cls) -> Never:
        raise AssertionError

    def __eq__(cls, other: object) -> Never:
        raise AssertionError


class Strange(metaclass=Meta):
    """Of such a class."""


def cycle() -> list[object]:
    """Return a list that holds itself."""
    made: list[object] = []
    made.append(made)
    return made


def steps() -> Iterator[int]:
    """Yield what must not be taken from whoever is to have it."""
    yield 1


def wide() -> list[object]:
    """Return a list that holds itself 2**200 times over, without a circle."""
    made: list[object] = ["x"]
    for _ in range(200):
        made = [made, made]
    return made


#: Made in the tests: whoever looks at these, runs their code.
HOSTILE: dict[str, Callable[[], object]] = {
    "a cycle": cycle,
    "wide": wide,
    "a text": lambda: Text("x"),
    "bytes of a class": lambda: Bytes(b"x"),
    "an enumeration": lambda: Number.ONE,
    "odd": Odd,
    "of a metaclass": Strange,
    "bytes": lambda: b"x",
    "a set": lambda: {1, 2},
    "a key": lambda: {1: "x"},
    "long": lambda: "x" * 4_097,
    "large": lambda: 10**20_000,
    "many": lambda: ["x"] * 10_000,
    "many keys": lambda: dict.fromkeys(map(str, range(10_000)), 0),
    "deep": lambda: [[[Odd()]]],
    "a class": lambda: object,
}


@pytest.mark.parametrize("make", HOSTILE.values(), ids=HOSTILE)
def test_whatever_else_is_not_compared(repeated: Repeated, make: Callable[[], object]) -> None:
    """What is not plain, short JSON is compared with nothing, and none of its code runs."""
    value = make()
    assert repeated(*twice(value), *twice("ok", value), *twice(key=value)) == [False] * 6


def test_generators_are_left_alone(repeated: Repeated) -> None:
    """An iterator among the arguments still has all that it had."""
    given = steps()
    assert repeated(*twice(given)) == [False, False]
    assert list(given) == [1]


def test_what_is_changed_between_calls_is_another_call(repeated: Repeated) -> None:
    """Arguments are read when a call begins, and what became of them later is nobody's concern."""
    query = {"page": 1}

    def next_page() -> None:
        look(query)
        query["page"] += 1

    def back() -> None:
        query["page"] = 1
        look(query)

    assert repeated(next_page, next_page, back) == [False, False, True]


class Shop:
    """Has tools of every kind that a class has."""

    @tool
    def find(self, query: str) -> None:
        """Find of an object."""

    @classmethod
    @tool
    def sell(cls, query: str) -> None:
        """Find of a class."""

    @staticmethod
    @tool
    def price(query: object) -> None:
        """Find of neither."""


def test_methods_are_compared_of_one_object(repeated: Repeated) -> None:
    """The object of a method tells calls apart; any other first argument has to be plain."""
    one, other, odd = Shop(), Shop(), object()
    assert repeated(
        lambda: one.find("x"),
        lambda: other.find("x"),
        lambda: one.find("x"),
        lambda: Shop.sell("x"),
        lambda: Shop.sell("x"),
        lambda: Shop.price("x"),
        lambda: Shop.price("x"),
        lambda: Shop.price(odd),
        lambda: Shop.price(odd),
    ) == [False, False, True, False, True, False, True, False, False]


def test_what_is_remembered_of_an_invocation_is_bounded(repeated: Repeated) -> None:
    """Beyond so many different calls none is remembered; those that are, still are known again."""

    def many() -> None:
        for number in range(arguments.MOST_CALLS + 2):
            look(number)

    found = repeated(many, lambda: look(0), lambda: look(arguments.MOST_CALLS + 1))
    assert found == [*[False] * (arguments.MOST_CALLS + 2), True, False]


def test_a_try_that_was_steered_is_no_call(finished: Finished) -> None:
    """What resumes it repeats nothing; a call that failed was one."""

    class Ask(Exception):  # noqa: N818 - as frameworks name theirs
        """A person is to be asked."""

    raised: list[Exception] = [Ask(), ValueError()]

    @tool(not_errors=[Ask])
    def send(text: str) -> None:
        del text
        if raised:
            raise raised.pop(0)

    @agent(publisher_id="acme", agent_id="finder")
    def run() -> None:
        for _ in range(3):
            try:
                send("x")
            except (Ask, ValueError):
                continue

    run()
    assert flags(finished()) == [False, False, True]


def test_threads_of_one_invocation(finished: Finished) -> None:
    """Of calls that begin at once, all but one repeat it."""

    @agent(publisher_id="acme", agent_id="finder")
    def run() -> None:
        context, gate = get_current(), Barrier(4)

        def one() -> None:
            attach(context)
            gate.wait()
            look("x")

        threads = [Thread(target=one) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    run()
    assert sorted(flags(finished())) == [False, True, True, True]


# --- results -------------------------------------------------------------------------------------


def size_of(finished: Finished, value: object) -> object:
    """Return what the span of a tool that returns a value says of its size."""
    assert tool(lambda: value)() is value
    (span,) = finished()
    return (span.attributes or {}).get(v.TOOL_RESULT_BYTES)


@pytest.mark.parametrize(
    ("value", "size"),
    [
        ("", 0),
        ("plain", 5),
        ("süß", 5),
        ("\ud800", 3),
        (b"\x00\xff", 2),
        ("é" * 2**20, 2 * 2**20),
        ("é" * (2**20 + 1), 2**20 + 1),
    ],
    ids=["empty", "ascii", "utf-8", "surrogate", "bytes", "long", "longer"],
)
def test_sizes_of_texts_and_bytes(finished: Finished, value: object, size: int) -> None:
    """A result that is a text or bytes is as large as its bytes."""
    assert size_of(finished, value) == size


@pytest.mark.parametrize(
    "value",
    [None, 5, [1], {"a": 1}, bytearray(b"x"), memoryview(b"x"), Text("x"), Bytes(b"x")],
    ids=lambda value: type(value).__name__,
)
def test_nothing_else_has_a_size(finished: Finished, value: object) -> None:
    """Of any other result nothing is asked, and none of its code runs."""
    assert size_of(finished, value) is None


def test_coroutines_have_sizes_and_failures_have_none(finished: Finished) -> None:
    """What is awaited is a result; an exception is none."""

    @tool
    async def read() -> str:
        await asyncio.sleep(0)
        return "four"

    @tool
    def fail() -> str:
        raise ValueError

    asyncio.run(read())
    with pytest.raises(ValueError):  # noqa: PT011 - ours, without a text
        fail()
    told = [(span.attributes or {}).get(v.TOOL_RESULT_BYTES) for span in finished()]
    assert told == [4, None]


def test_none_of_the_text_is_kept(finished: Finished) -> None:
    """A span carries a number and a boolean, and no part of arguments or results."""
    secret = "do-not-" + "keep-this"

    @tool
    def echo(text: str) -> str:
        return text

    @agent(publisher_id="acme", agent_id="finder")
    def run() -> int:
        echo(secret)
        before = sys.getrefcount(secret)
        echo(secret)
        return sys.getrefcount(secret) - before

    assert run() == 0
    spans = finished()
    assert flags(spans) == [False, True]
    assert "keep-this" not in "".join(span.to_json() for span in spans)
