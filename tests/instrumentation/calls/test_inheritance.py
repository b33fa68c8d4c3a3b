"""A method that a base has instrumented counts once, for the listing that was called."""

# What an untyped decorator returns has no type.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportRedeclaration=false

# ruff: noqa: D101, D102, FBT001 - classes and methods are each a case

import asyncio
import functools
from collections.abc import AsyncGenerator, Callable, Generator, Iterator
from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider

from agent_analytics.exporters import exposition
from agent_analytics.instrumentation import agent, current_invocation, tool, tracing
from agent_analytics.processor import AgentMetricsProcessor

Counted = Callable[[], dict[str, float]]


@pytest.fixture
def counted() -> Iterator[Counted]:
    """Return what returns what was counted: invocations, tool calls, revenue and tokens."""
    processor = AgentMetricsProcessor(hold_seconds=0)
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(processor)
    tracing.use_provider(provider)

    def take() -> dict[str, float]:
        found: dict[str, float] = {}
        for line in exposition(processor)[0].decode().splitlines():
            name, _, rest = line.partition("{")
            labels, _, value = rest.rpartition("} ")
            if float(value or 0) == 0 or not name.endswith("_total"):
                continue
            short = name.removeprefix("marketplace_agent_").removesuffix("_total")
            if short in {"invocations", "tool_calls", "revenue_usd", "input_tokens"}:
                parts = dict(part.split("=") for part in labels.replace('"', "").split(","))
                found[f"{parts['agent_id']} {short} {parts.get('tool', '')}".strip()] = float(value)
        return found

    yield take
    tracing.use_provider(None)


def sold(agent_id: str, **more: Any) -> Callable[[Any], Any]:  # noqa: ANN401 - a decorator
    """Return a decorator with a listing of a publisher of its own, sold for a dollar."""
    return agent(publisher_id=f"of-{agent_id}", agent_id=agent_id, price_usd=1, **more)


def only(agent_id: str) -> dict[str, float]:
    """Return what one invocation of one listing adds."""
    return {f"{agent_id} invocations": 1, f"{agent_id} revenue_usd": 1}


@sold("base")
class Base:
    def run(self) -> str:
        return "done"


@sold("heir")
class Heir(Base):
    """Inherits the method."""


@sold("grandchild")
class Grandchild(Heir):
    """Inherits it from what has inherited it."""


@sold("overrides")
class Overrides(Base):
    def run(self) -> str:
        return super().run()


@sold("deeper")
class Deeper(Overrides):
    def run(self) -> str:
        return super().run() + Base.run(self)


class Undecorated(Heir):
    """Has no listing of its own."""


class MethodBase:
    @sold("method-base")
    def run(self) -> str:
        return "done"


class MethodOverrides(MethodBase):
    @sold("method-overrides")
    def run(self) -> str:
        done: str = super().run()
        return done


@sold("class-over-method")
class ClassOverMethod(MethodBase):
    """Is decorated as a class where its base's method is."""


@sold("own-method-too")
class OwnMethodToo:
    @sold("own-method")
    def run(self) -> str:
        return "done"


class Mixin:
    @sold("mixin")
    def run(self) -> str:
        done: str = super().run()  # type: ignore[misc]  # of what it is mixed into
        return done


@sold("mixed")
class Mixed(Mixin, Base):
    def run(self) -> str:
        done: str = super().run()
        return done


@pytest.mark.parametrize(
    ("made", "listing"),
    [
        (Base, "base"),
        (Heir, "heir"),
        (Grandchild, "grandchild"),
        (Overrides, "overrides"),
        (Deeper, "deeper"),
        (Undecorated, "heir"),
        (MethodBase, "method-base"),
        (MethodOverrides, "method-overrides"),
        (ClassOverMethod, "class-over-method"),
        (OwnMethodToo, "own-method-too"),
        (Mixed, "mixed"),
    ],
)
def test_the_listing_that_was_called_counts_once(
    made: type[Any], listing: str, counted: Counted
) -> None:
    """One call is one invocation, at one price, of the class that was called."""
    assert made().run().startswith("done")
    assert counted() == only(listing)


def test_the_base_counts_as_before(counted: Counted) -> None:
    """What a derived class instruments is its own method, not its base's."""
    Heir().run()
    Base().run()
    assert counted() == only("heir") | only("base")


def coroutine() -> tuple[type[Any], Callable[[Any], object]]:
    """Return a class whose base's method is a coroutine function, and what runs it."""

    @sold("base")
    class One:
        async def run(self) -> str:
            await asyncio.sleep(0)
            return "done"

    @sold("child")
    class Two(One):
        async def run(self) -> str:
            return await super().run()

    return Two, lambda made: asyncio.run(made.run())


def generator() -> tuple[type[Any], Callable[[Any], object]]:
    """Return the same with generators."""

    @sold("base")
    class One:
        def run(self) -> Generator[str, None, None]:
            yield "done"

    @sold("child")
    class Two(One):
        def run(self) -> Generator[str, None, None]:
            yield from super().run()

    return Two, lambda made: list(made.run())


def async_generator() -> tuple[type[Any], Callable[[Any], object]]:
    """Return the same with asynchronous generators."""

    @sold("base")
    class One:
        async def run(self) -> AsyncGenerator[str, None]:
            yield "done"

    @sold("child")
    class Two(One):
        async def run(self) -> AsyncGenerator[str, None]:
            async for each in super().run():
                yield each

    async def use(made: Two) -> list[str]:
        return [each async for each in made.run()]

    return Two, lambda made: asyncio.run(use(made))


def class_method() -> tuple[type[Any], Callable[[Any], object]]:
    """Return the same with class methods."""

    @sold("base")
    class One:
        @classmethod
        def run(cls) -> str:
            return cls.__name__

    @sold("child")
    class Two(One):
        @classmethod
        def run(cls) -> str:
            return super().run()

    return Two, lambda made: made.run()


def static_method() -> tuple[type[Any], Callable[[Any], object]]:
    """Return a class that inherits a static method."""

    @sold("base")
    class One:
        @staticmethod
        def run() -> str:
            return "done"

    @sold("child")
    class Two(One):
        pass

    return Two, lambda made: made.run()


def partial_method() -> tuple[type[Any], Callable[[Any], object]]:
    """Return a class that inherits a partial method."""

    @sold("base")
    class One:
        def answer(self, text: str) -> str:
            return text

        run = functools.partialmethod(answer, "done")

    @sold("child")
    class Two(One):
        pass

    return Two, lambda made: made.run()


def another_decorator() -> tuple[type[Any], Callable[[Any], object]]:
    """Return a class whose base's wrapper another decorator has wrapped, mark and all."""

    def logged(function: Callable[..., str]) -> Callable[..., str]:
        @functools.wraps(function)
        def log(*args: object) -> str:
            return function(*args) + " and logged"

        return log

    class One:
        @logged
        @sold("base")
        def run(self) -> str:
            return "done"

    @sold("child")
    class Two(One):
        pass

    def use(made: Two) -> None:
        assert made.run() == "done and logged"

    return Two, use


@pytest.mark.parametrize(
    "case",
    [
        coroutine,
        generator,
        async_generator,
        class_method,
        static_method,
        partial_method,
        another_decorator,
    ],
)
def test_every_kind_of_method(
    case: Callable[[], tuple[type[Any], Callable[[Any], object]]], counted: Counted
) -> None:
    """Methods of every kind count once, for the class that was called."""
    made, use = case()
    use(made())
    assert counted() == only("child")


def test_what_the_base_uses_belongs_to_the_listing_that_was_called(counted: Counted) -> None:
    """Tokens, charges and tools of the base's method are the called listing's."""

    @tool
    def search() -> None: ...

    @sold("base")
    class One:
        def run(self) -> dict[str, object]:
            search()
            current_invocation().charge(3)
            return {"usage": {"input_tokens": 7, "output_tokens": 1}}

    @sold("child")
    class Two(One):
        def run(self) -> dict[str, object]:
            return {"answer": super().run()["usage"]}

    Two().run()
    assert counted() == {
        "child invocations": 1,
        "child revenue_usd": 4,
        "child input_tokens": 7,
        "child tool_calls search": 1,
    }


def test_another_method_or_object_is_another_listing(counted: Counted) -> None:
    """Only a base's method of that name, on that object, is inner work."""

    @sold("other")
    class Other:
        def run(self) -> str:
            return "done"

    class Desk:
        @sold("plan")
        def plan(self) -> str:
            return "planned"

        @sold("run")
        def run(self) -> str:
            planned: str = self.plan()
            return planned + Other().run()

    Desk().run()
    assert counted() == only("run") | only("plan") | only("other")


def test_functions_of_one_name_are_listings_of_their_own(counted: Counted) -> None:
    """Functions that are handed the same object are no methods of it."""
    question = "where?"

    def make(listing: str, inner: Callable[[str], str] | None) -> Callable[[str], str]:
        @sold(listing)
        def answer(text: str) -> str:
            return inner(text) if inner is not None else text

        decorated: Callable[[str], str] = answer
        return decorated

    make("front", make("back", None))(question)
    assert counted() == only("front") | only("back")


@pytest.mark.parametrize("overrides", [False, True])
def test_tools_alike(overrides: bool, counted: Counted) -> None:
    """A tool's method that a base has instrumented is one call, of the tool that was called."""

    @tool(name="base")
    class One:
        def run(self) -> str:
            return "done"

    if overrides:

        @tool(name="child")
        class Two(One):
            def run(self) -> str:
                done: str = super().run()
                return done

    else:

        @tool(name="child")
        class Two(One):  # type: ignore[no-redef]  # one of two
            pass

    @sold("desk")
    def work() -> None:
        Two().run()
        One().run()

    work()
    assert counted() == only("desk") | {"desk tool_calls child": 1, "desk tool_calls base": 1}
