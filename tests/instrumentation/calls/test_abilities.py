"""What a decorated thing could do besides being called, it can still do."""

# What an untyped decorator returns has no type.
# pyright: reportUnknownArgumentType=false, reportUnnecessaryCast=false, reportDeprecated=false

# ruff: noqa: ANN401, D102 - classes with much to do

import asyncio
import copy
import functools
import inspect
import pickle
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from types import TracebackType
from typing import Any, Self, cast

import pydantic
import pytest
from opentelemetry.sdk.trace import ReadableSpan

from agent_analytics.instrumentation import agent, tool

Decorate = Callable[[Any], Any]
Finished = Callable[[], list[ReadableSpan]]

pytestmark = pytest.mark.parametrize("decorate", [agent, tool])


def test_a_cache_can_be_cleared(decorate: Decorate, finished: Finished) -> None:
    """A cached function has its controls, and a call that the cache answers is a call."""
    asked: list[str] = []

    @decorate
    @functools.lru_cache(maxsize=7)
    def look_up(text: str) -> str:
        asked.append(text)
        return text

    look_up("a")
    look_up("a")
    assert look_up.cache_info().hits == 1
    assert look_up.cache_parameters()["maxsize"] == 7
    look_up.cache_clear()
    look_up("a")
    assert asked == ["a", "a"]
    assert len(finished()) == 3


def test_a_cached_method_is_bound(decorate: Decorate, finished: Finished) -> None:
    """A cached method gets its object, and its cache can be cleared through the class."""

    class Desk:
        @decorate
        @functools.lru_cache  # noqa: B019 - what is tested
        def look_up(self, text: str) -> tuple[object, str]:
            return self, text

    desk = Desk()
    assert desk.look_up("a") == desk.look_up("a") == (desk, "a")
    cast("Any", Desk).look_up.cache_clear()
    assert len(finished()) == 2


def test_a_dispatcher_takes_further_types(decorate: Decorate, finished: Finished) -> None:
    """A single-dispatch function registers types after it was decorated."""

    @decorate
    @functools.singledispatch
    def describe(value: object) -> str:
        return f"object {value}"

    @describe.register  # type: ignore[untyped-decorator]  # any decorator's
    def _(value: int) -> str:
        return f"number {value}"

    assert describe(7) == "number 7"
    assert describe("x") == "object x"
    assert int in describe.registry
    assert describe.dispatch(int)(8) == "number 8"
    assert len(finished()) == 2


def test_a_dispatching_method(decorate: Decorate, finished: Finished) -> None:
    """A single-dispatch method is bound, and registers types in the class."""

    class Desk:
        @decorate
        @functools.singledispatchmethod
        def describe(self, value: object) -> tuple[object, str]:
            return self, f"object {value}"

        @describe.register  # type: ignore[untyped-decorator]  # any decorator's
        def _(self, value: int) -> tuple[object, str]:
            return self, f"number {value}"

    desk = Desk()
    assert desk.describe(7) == (desk, "number 7")
    assert desk.describe("x") == (desk, "object x")
    assert len(finished()) == 2


def test_a_partial_method(decorate: Decorate, finished: Finished) -> None:
    """A partial method is bound, and stays one."""

    class Desk:
        def say(self, greeting: str, name: str) -> tuple[object, str]:
            return self, greeting + name

        greet = decorate(functools.partialmethod(say, "hello "))

    desk = Desk()
    assert desk.greet("you") == (desk, "hello you")
    assert isinstance(vars(Desk)["greet"], functools.partialmethod)
    assert len(finished()) == 1


def test_a_partial_is_one(decorate: Decorate, finished: Finished) -> None:
    """A partial has its function and arguments, and is known for a coroutine function."""

    async def say(greeting: str, name: str) -> str:
        await asyncio.sleep(0)
        return greeting + name

    greet = decorate(functools.partial(say, "hello "))
    assert isinstance(greet, functools.partial)
    assert (greet.func, greet.args) == (say, ("hello ",))
    assert inspect.iscoroutinefunction(greet)
    assert list(inspect.signature(greet).parameters) == ["name"]
    assert asyncio.run(cast("Coroutine[Any, Any, str]", greet("you"))) == "hello you"
    assert len(finished()) == 1


class Shelf:
    """A callable with state, operators and a context."""

    kinds = ("book",)

    def __init__(self, *books: str) -> None:
        self.books = list(books)
        self.open = False

    def __call__(self, book: str, *, copies: int = 1) -> int:
        """Put a book in."""
        self.books += [book] * copies
        return len(self.books)

    def first(self) -> str:
        return self.books[0]

    @property
    def last(self) -> str:
        return self.books[-1]

    def __len__(self) -> int:
        return len(self.books)

    def __iter__(self) -> Iterator[str]:
        return iter(self.books)

    def __getitem__(self, index: int) -> str:
        return self.books[index]

    def __contains__(self, book: object) -> bool:
        return book in self.books

    def __iadd__(self, books: list[str]) -> Self:
        self.books += books
        return self

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Shelf) and self.books == other.books

    def __hash__(self) -> int:
        return hash(tuple(self.books))

    def __repr__(self) -> str:
        return f"Shelf{tuple(self.books)}"

    def __enter__(self) -> Self:
        self.open = True
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.open = False


def test_an_object_stays_what_it_is(decorate: Decorate, finished: Finished) -> None:
    """State, methods, operators and type of a callable object are its own."""
    plain = Shelf("a")
    shelf = decorate(plain)
    assert shelf("b") == 2
    kind: Any = Shelf
    assert isinstance(shelf, kind)
    assert (shelf.first(), shelf.last, shelf.kinds) == ("a", "b", ("book",))
    assert (len(shelf), list(shelf), shelf[0], "b" in shelf) == (2, ["a", "b"], "a", True)
    assert repr(shelf) == "Shelf('a', 'b')"
    assert shelf == plain
    assert plain == shelf
    assert hash(shelf) == hash(plain)
    shelf.books = ["z"]
    shelf.owner = "me"
    assert (plain.books, vars(plain)["owner"]) == (["z"], "me")
    assert vars(shelf) is vars(plain)
    del shelf.owner
    assert not hasattr(plain, "owner")
    with shelf as inside:
        assert plain.open
        assert inside is shelf
    before = shelf
    shelf += ["y"]
    assert shelf is before
    assert plain.books == ["z", "y"]
    assert str(inspect.signature(shelf)) == "(book: str, *, copies: int = 1) -> int"
    assert "first" in dir(shelf)
    assert not inspect.iscoroutinefunction(shelf)
    assert shelf.__name__ == "Shelf"
    assert len(finished()) == 1
    plain("c")
    assert not finished()


def test_an_object_is_copied_with_its_recording(decorate: Decorate, finished: Finished) -> None:
    """A copy is an object of its own that is recorded, too; a pickle holds the object alone."""
    shelf = decorate(Shelf("a"))
    for other in (copy.copy(shelf), copy.deepcopy(shelf)):
        other.books = [*other.books, "b"]
        assert other("c") == 3
        assert len(finished()) == 1
    assert shelf.books == ["a"]
    loaded: object = pickle.loads(pickle.dumps(shelf))  # noqa: S301 - made right here
    assert type(loaded) is Shelf
    assert loaded == shelf


def test_objects_that_are_awaited(decorate: Decorate, finished: Finished) -> None:
    """An object with an asynchronous call is told from others as before."""

    class Desk:
        async def __call__(self) -> str:
            await asyncio.sleep(0)
            return "done"

    desk = decorate(Desk())
    assert inspect.iscoroutinefunction(desk.__call__)
    assert asyncio.run(desk()) == "done"
    assert len(finished()) == 1


class Memo:
    """A decorator that is an object and binds itself, as many are."""

    def __init__(self, function: Callable[..., object]) -> None:
        self.function = function
        self.calls = 0

    def __call__(self, *args: object) -> object:
        self.calls += 1
        return self.function(*args)

    def __get__(self, owner: object, kind: type | None = None) -> object:
        return self if owner is None else functools.partial(self, owner)


def test_an_object_that_binds_itself(decorate: Decorate, finished: Finished) -> None:
    """A method that is such an object is bound by it, and keeps its state."""

    class Desk:
        @decorate
        @Memo
        def look_up(self, text: str) -> tuple[object, str]:
            return self, text

    desk: Any = Desk()
    assert desk.look_up("a") == (desk, "a")
    assert cast("Any", Desk).look_up.calls == 1
    assert len(finished()) == 1


def test_an_object_in_a_class_is_not_bound(decorate: Decorate, finished: Finished) -> None:
    """An object without ``__get__`` that stands in a class is called as it was."""

    class Desk:
        put = decorate(Shelf())

    assert Desk().put("a") == 1
    assert len(finished()) == 1


class Reply(pydantic.BaseModel):
    """A model that is called, as tools of frameworks are."""

    prefix: str

    def __call__(self, text: str) -> str:
        """Answer."""
        return self.prefix + text


def test_a_model_of_pydantic(decorate: Decorate, finished: Finished) -> None:
    """A model is dumped, copied, compared and validated where it is expected."""

    class Holder(pydantic.BaseModel):
        reply: Reply

    reply = decorate(Reply(prefix="re: "))
    assert reply("x") == "re: x"
    assert reply.model_dump() == {"prefix": "re: "}
    assert reply == Reply(prefix="re: ")
    reply.prefix = "aw: "
    assert reply("x") == "aw: x"
    assert Holder(reply=reply).reply("x") == "aw: x"
    assert len(finished()) == 3


def test_a_bound_method(decorate: Decorate, finished: Finished) -> None:
    """A method that was taken off an object has the method's signature and attributes."""
    shelf = Shelf("a")
    first = decorate(shelf.first)
    assert first() == "a"
    assert str(inspect.signature(first)) == "() -> str"
    assert first.__name__ == "first"
    assert len(finished()) == 1


def test_attributes_of_functions(decorate: Decorate, finished: Finished) -> None:
    """Whatever another decorator has put on a function is there, and so is its mark."""

    def registered(function: Callable[..., Any]) -> Any:
        @functools.wraps(function)
        def register(*args: object) -> object:
            return function(*args)

        register.schema = {"type": "object"}  # type: ignore[attr-defined]  # what is tested
        register._is_coroutine = asyncio.coroutines._is_coroutine  # type: ignore[attr-defined]  # noqa: SLF001 - how a function is marked
        return register

    @decorate
    @registered
    def work() -> Awaitable[str]:
        async def later() -> str:
            await asyncio.sleep(0)
            return "done"

        return later()

    assert cast("Any", work).schema == {"type": "object"}
    assert asyncio.iscoroutinefunction(work)
    assert asyncio.run(cast("Coroutine[Any, Any, str]", work())) == "done"
    assert len(finished()) == 1


def test_builtins(decorate: Decorate, finished: Finished) -> None:
    """Functions that are not written in Python are functions."""
    assert decorate(len)([1, 2]) == 2
    assert decorate(str.upper)("x") == "X"
    assert decorate("x".join)(["a", "b"]) == "axb"
    assert len(finished()) == 3
