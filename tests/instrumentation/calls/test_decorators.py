"""What a decorated thing still is, and what its span says at its start."""

# A lambda's parameters have no type in strict mode; tenant functions are often lambdas.
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false
# pyright: reportUnknownMemberType=false

import functools
import inspect
import pickle
from collections.abc import AsyncGenerator, Callable, Generator
from contextvars import Context, copy_context
from decimal import Decimal
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan

import agent_analytics.instrumentation as public
from agent_analytics.instrumentation import (
    agent,
    current_invocation,
    health,
    record_install,
    tool,
    tracing,
)

Said = Callable[[], dict[str, object]]
Finished = Callable[[], list[ReadableSpan]]


def test_public_names() -> None:
    """The package exports what its documentation promises, and nothing by accident."""
    assert sorted(public.__all__) == [
        "Invocation",
        "ToolCall",
        "agent",
        "current_invocation",
        "record_charge",
        "record_evaluation",
        "record_feedback",
        "record_install",
        "record_invocation",
        "record_refund",
        "record_uninstall",
        "tenant",
        "tool",
    ]


@agent
def module_level(question: str, *, limit: int = 3) -> list[str]:
    """Answer."""
    return [question] * limit


@pytest.mark.parametrize("decorator", [agent, tool, agent(price_usd=1), tool(name="other")])
def test_looks_like_itself(decorator: Callable[[Any], Any]) -> None:
    """Name, docs, signature and kind are those of the function."""

    async def work(question: str, *, limit: int = 3) -> list[str]:
        """Answer."""
        return [question] * limit

    def chunks() -> Generator[int, None, None]:
        yield 1

    async def async_chunks() -> AsyncGenerator[int, None]:
        yield 1

    decorated = decorator(work)
    assert decorated.__name__ == "work"
    assert decorated.__doc__ == "Answer."
    assert decorated.__qualname__ == work.__qualname__
    assert inspect.signature(decorated) == inspect.signature(work)
    assert inspect.iscoroutinefunction(decorated)
    assert inspect.isgeneratorfunction(decorator(chunks))
    assert inspect.isasyncgenfunction(decorator(async_chunks))
    assert not inspect.iscoroutinefunction(decorator(module_level))


def test_descriptors_stay() -> None:
    """A classmethod stays one, a staticmethod too."""
    assert isinstance(agent(classmethod(lambda cls: cls)), classmethod)
    assert isinstance(agent(staticmethod(lambda: 1)), staticmethod)


def test_pickles_by_name() -> None:
    """A decorated function of a module pickles as any function does."""
    loaded: object = pickle.loads(pickle.dumps(module_level))  # noqa: S301 - made right here
    assert loaded is module_level


def test_start_attributes(exporter: object, said: Said) -> None:
    """The span says from its start whose agent it is."""
    assert exporter

    @agent(publisher_id="acme", agent_id="finder", name="Finder", version="1.2", tenant="t-1")
    def work() -> dict[str, object]:
        span = trace.get_current_span()
        assert isinstance(span, ReadableSpan)
        assert span.name == "invoke_agent Finder"
        return dict(span.attributes or {})

    at_start = work()
    assert at_start == {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.name": "Finder",
        "gen_ai.agent.version": "1.2",
        "marketplace.publisher.id": "acme",
        "marketplace.agent.id": "finder",
        "marketplace.tenant.id": "t-1",
    }
    assert said() == {**at_start, "marketplace.outcome": "success"}


def test_tool_attributes(finished: Finished) -> None:
    """A tool's span has the tool's name and nothing of who owns it."""

    @tool(name="web search")
    def search() -> None:
        return

    search()
    (span,) = finished()
    assert span.name == "execute_tool web search"
    assert dict(span.attributes or {}) == {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "web search",
        "marketplace.outcome": "success",
    }


def test_names(finished: Finished) -> None:
    """A name not given is that of the function, the partial's function, or the class."""

    class Assistant:
        def __call__(self) -> None: ...

        def answer(self) -> None: ...

    agent(entry="answer")(Assistant)
    Assistant().answer()
    agent(Assistant())()
    agent(functools.partial(module_level.__wrapped__, "x"))()  # type: ignore[attr-defined] # pyright: ignore[reportFunctionMemberAccess]
    agent(classmethod(lambda cls: cls)).__get__(None, Assistant)()
    names = [(span.attributes or {})["gen_ai.agent.name"] for span in finished()]
    assert names == ["Assistant", "Assistant", "module_level", "<lambda>"]


def test_listing_defaults_to_the_name(said: Said) -> None:
    """A publisher without a listing's id has a listing of the agent's name."""

    @agent(publisher_id="acme")
    def finder() -> None: ...

    finder()
    assert said()["marketplace.agent.id"] == "finder"


def test_bare_inherits(finished: Finished) -> None:
    """An agent without ids belongs to the invocation that it is called in."""

    @agent
    def helper() -> tuple[str | None, str | None]:
        return current_invocation().publisher_id, current_invocation().agent_id

    @agent(publisher_id="acme", agent_id="finder")
    def work() -> tuple[str | None, str | None]:
        return helper()

    assert work() == ("acme", "finder")
    assert "marketplace.publisher.id" not in (finished()[0].attributes or {})
    assert helper() == (None, None)


@pytest.mark.parametrize("price", ["0.05", 0.05, Decimal("0.05")])
def test_price(price: str | float | Decimal, said: Said) -> None:
    """A price is charged for a success and for nothing else, exactly."""

    @agent(publisher_id="acme", agent_id="finder", price_usd=price)
    def work(error: Exception | None = None) -> None:
        if error is not None:
            raise error

    work()
    assert said()["marketplace.revenue.usd"] == "0.05"
    with pytest.raises(KeyError):
        work(KeyError())
    assert said()["marketplace.revenue.usd"] == "0"


def test_price_of_inner_work(finished: Finished) -> None:
    """A helper of the same listing costs nothing; another listing has its own price, ours too."""

    @agent(publisher_id="acme", agent_id="finder", price_usd=1)
    def helper() -> None:
        current_invocation().charge("0.25")

    @agent(publisher_id="zeta", agent_id="finder", price_usd=2)
    def other() -> None:
        helper()

    @agent(publisher_id="acme", agent_id="finder", price_usd=4)
    def work() -> None:
        helper()
        other()

    work()
    revenue = [(span.attributes or {}).get("marketplace.revenue.usd") for span in finished()]
    assert revenue == ["0.25", "1.25", "2", "4"]


def test_after_an_invocation_nothing_is_inner(finished: Finished) -> None:
    """A worker that an invocation left behind does invocations of its own, for other tenants."""
    left: list[Context] = []

    @agent(publisher_id="acme", agent_id="finder", price_usd=1, tenant=lambda who: who)
    def work(_who: str | None) -> None:
        left.append(copy_context())

    work("t-1")
    left[0].run(work, None)
    first, second = finished()
    assert (first.attributes or {})["marketplace.tenant.id"] == "t-1"
    assert (second.attributes or {})["marketplace.revenue.usd"] == "1"
    assert "marketplace.tenant.id" not in (second.attributes or {})


class _Result:
    def __init__(self, **fields: object) -> None:
        self.__dict__.update(fields)


@pytest.mark.parametrize(
    ("result", "outcome"),
    [
        ({"isError": True}, "error"),
        ({"is_error": True}, "error"),
        (_Result(isError=True), "error"),
        (_Result(is_error=True), "error"),
        ({"isError": False}, "success"),
        ({"isError": "yes"}, "success"),
        (_Result(is_error=1), "success"),
        (_Result(), "success"),
        (None, "success"),
        ("isError", "success"),
        ([{"isError": True}], "success"),
    ],
)
def test_tool_that_returns_its_failure(result: object, outcome: str, said: Said) -> None:
    """A result that says it is an error is a failed call."""

    @tool
    def work() -> object:
        return result

    assert work() is result
    attributes = said()
    assert attributes["marketplace.outcome"] == outcome
    assert attributes.get("error.type") == ("tool_error" if outcome == "error" else None)


def test_failed_predicate(said: Said) -> None:
    """A predicate of the user's decides instead."""

    @tool(failed=lambda rows: not rows)
    def rows(found: list[int]) -> list[int]:
        return found

    rows([])
    assert said()["marketplace.outcome"] == "error"
    rows([1])
    assert said()["marketplace.outcome"] == "success"


def test_failed_predicate_that_fails(said: Said) -> None:
    """A predicate that raises is the user's error, and says nothing of the call."""

    def failed(value: object) -> bool:
        raise ValueError(value)

    @tool(failed=failed)
    def work() -> str:
        return "fine"

    assert work() == "fine"
    assert said()["marketplace.outcome"] == "success"


def test_internal_errors_are_kept_from_the_host(
    faults: Callable[[], int], caplog: pytest.LogCaptureFixture
) -> None:
    """A provider that is broken through and through changes nothing for the decorated code."""

    class Broken(trace.NoOpTracer):
        def start_span(self, *_: object, **__: object) -> trace.Span:
            msg = "planted text"
            raise RuntimeError(msg)

    class Provider(trace.TracerProvider):
        def get_tracer(self, *_: object, **__: object) -> trace.Tracer:
            return Broken()

    @tool
    def look() -> int:
        return 1

    @agent(publisher_id="acme", agent_id="finder")
    def work() -> int:
        current_invocation().charge(1)
        return look()

    @agent
    def stream() -> Generator[int, None, None]:
        yield look()

    tracing.use_provider(Provider())
    try:
        assert work() == 1
        assert list(stream()) == [1]
        record_install(publisher_id="acme", agent_id="finder")
    finally:
        tracing.use_provider(None)
    assert faults() == 5
    assert "planted text" not in caplog.text
    assert "RuntimeError" in caplog.text
    assert health.internal_errors() >= 5
