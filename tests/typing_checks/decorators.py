"""Types that decorated things have; checked by mypy and pyright, never run.

Each ``type: ignore`` marks an expected error: both checkers complain about one that is not needed.
"""

# pyright: reportUnnecessaryTypeIgnoreComment=true

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Generator
from decimal import Decimal
from typing import Any, assert_type

from agent_analytics.instrumentation import (
    Invocation,
    agent,
    current_invocation,
    record_feedback,
    record_invocation,
    tenant,
    tool,
)


def owner_of(question: str) -> str | None:
    """Tell whose question it is."""
    return question or None


@agent
def bare(question: str, *, limit: int = 3) -> list[str]:
    """Answer."""
    return [question] * limit


@agent(publisher_id="acme", agent_id="finder", price_usd=Decimal("0.05"), tenant=owner_of)
def with_arguments(question: str) -> list[str]:
    """Answer."""
    return [question]


@agent()
async def coroutine(question: str) -> list[str]:
    """Answer."""
    return [question]


@tool
def generator(count: int) -> Generator[int, str, bytes]:
    """Count."""
    yield count
    return b""


@tool(name="async", failed=lambda result: result is None)
async def async_generator(count: int) -> AsyncGenerator[int, str]:
    """Count."""
    yield count


@agent
async def async_iterator(count: int) -> AsyncIterator[int]:
    """Count."""
    yield count


@agent(publisher_id="acme", entry="answer")
class Assistant:
    """An agent that is a class."""

    def answer(self, question: str) -> int:
        """Answer."""
        return len(question)

    @agent
    async def ask(self, question: str) -> int:
        """Ask."""
        return len(question)

    @agent
    @classmethod
    def above(cls, question: str) -> "Assistant":
        """Be decorated above."""
        assert question
        return cls()

    @classmethod
    @agent(name="below")
    def below(cls, question: str) -> "Assistant":
        """Be decorated below."""
        assert question
        return cls()

    @tool
    @staticmethod
    def static(question: str) -> bytes:
        """Be static."""
        return question.encode()


def typed() -> None:
    """Say what types the above have."""
    assert_type(bare("a", limit=2), list[str])
    assert_type(with_arguments("a"), list[str])
    assert_type(generator(1), Generator[int, str, bytes])
    assert_type(async_generator(1), AsyncGenerator[int, str])
    assert_type(async_iterator(1), AsyncIterator[int])
    assert_type(Assistant(), Assistant)
    assert_type(Assistant().answer("a"), int)
    assert_type(Assistant.above("a"), Assistant)
    assert_type(Assistant.below("a"), Assistant)
    assert_type(Assistant.static("a"), bytes)
    assert_type(current_invocation(), Invocation)
    assert_type(current_invocation().id, str)
    as_callable: Callable[[str], list[str]] = with_arguments
    as_callable("a")
    with tenant("t-1") as nothing:
        assert_type(nothing, None)


async def awaited() -> None:
    """Say what types awaiting gives."""
    assert_type(await coroutine("a"), list[str])
    assert_type(await Assistant().ask("a"), int)
    as_callable: Callable[[str], Coroutine[Any, Any, list[str]]] = coroutine
    await as_callable("a")


def wrong() -> None:
    """Use things in ways that their types forbid."""
    bare(1)  # type: ignore[arg-type]
    bare("a", limits=2)  # type: ignore[call-arg]
    with_arguments()  # type: ignore[call-arg]
    generator("a")  # type: ignore[arg-type]
    Assistant().answer(1)  # type: ignore[arg-type]
    Assistant.above(1)  # type: ignore[arg-type]
    agent(7)  # type: ignore[call-overload]
    agent(price_usd=[1])  # type: ignore[call-overload]
    agent(publisher="acme")  # type: ignore[call-overload]
    agent(publisher_id=7)  # type: ignore[call-overload]
    agent(tenant=coroutine)  # type: ignore[arg-type]
    tool(failed=7)  # type: ignore[call-overload]
    tool(price_usd=1)  # type: ignore[call-overload]
    tenant(7)  # type: ignore[arg-type]
    record_feedback("acme", "finder", rating=5)  # type: ignore[call-arg]
    record_feedback(publisher_id="acme", agent_id="finder", rating="5")  # type: ignore[arg-type]
    record_invocation(publisher_id="acme", agent_id="finder")  # type: ignore[call-arg]
