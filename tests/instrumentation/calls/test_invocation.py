"""What an invocation is told while it runs."""

# A lambda's parameters have no type in strict mode; tenant functions are often lambdas.
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false
# pyright: reportUnknownMemberType=false

import asyncio
import contextvars
import threading
from collections.abc import Callable, Generator
from typing import Any

import pytest
from opentelemetry import baggage
from opentelemetry.context import attach, detach
from opentelemetry.sdk.trace import ReadableSpan
from tests.patience import patience

from agent_analytics.instrumentation import Invocation, agent, current_invocation, tenant, tool

Said = Callable[[], dict[str, object]]
Finished = Callable[[], list[ReadableSpan]]

listing = agent(publisher_id="acme", agent_id="finder")


def test_outside_nothing_happens() -> None:
    """Outside an invocation there is one nevertheless, which does nothing."""
    invocation = current_invocation()
    invocation.add_usage(input_tokens=1)
    invocation.charge(1)
    invocation.refund(1)
    invocation.fail("nothing")
    assert invocation.publisher_id is None
    assert invocation.agent_id is None
    assert invocation.tenant_id is None
    assert not invocation.span_context.is_valid
    assert invocation.id == f"00-{'0' * 32}-{'0' * 16}-00"


def test_usage_adds_up(said: Said) -> None:
    """Several reports of one model are summed, their cost exactly."""

    @listing
    def work() -> dict[str, object]:
        for _ in range(10):
            current_invocation().add_usage(
                input_tokens=7,
                output_tokens=5,
                cached_input_tokens=3,
                reasoning_tokens=2,
                model="small",
                cost_usd="0.1",
            )
        return {"usage": {"input_tokens": 999, "output_tokens": 999}, "model": "read off"}

    work()
    attributes = said()
    assert attributes["gen_ai.usage.input_tokens"] == 70
    assert attributes["gen_ai.usage.output_tokens"] == 50
    assert attributes["gen_ai.usage.cache_read.input_tokens"] == 30
    assert attributes["gen_ai.usage.reasoning.output_tokens"] == 20
    assert attributes["gen_ai.request.model"] == "small"
    assert attributes["marketplace.cost.usd"] == "1"
    assert attributes["marketplace.usage.own"] is True


def test_several_models(finished: Finished) -> None:
    """Further models get a zero-length span each, inside the invocation's."""

    @agent(publisher_id="acme", agent_id="finder", tenant="t-1")
    def work() -> None:
        current_invocation().add_usage(input_tokens=1, model="small", cost_usd="0.001")
        current_invocation().add_usage(output_tokens=2, model="large", cost_usd="0.02")
        current_invocation().add_usage(input_tokens=4, model="large", cost_usd="0.03")

    work()
    further, invocation = finished()
    assert further.name == "marketplace.usage"
    assert dict(further.attributes or {}) == {
        "marketplace.event": "usage",
        "marketplace.usage.own": True,
        "marketplace.publisher.id": "acme",
        "marketplace.agent.id": "finder",
        "marketplace.tenant.id": "t-1",
        "gen_ai.request.model": "large",
        "gen_ai.usage.input_tokens": 4,
        "gen_ai.usage.output_tokens": 2,
        "marketplace.cost.usd": "0.05",
    }
    assert further.parent is not None
    assert invocation.context is not None
    assert further.parent.span_id == invocation.context.span_id
    assert (invocation.attributes or {})["gen_ai.request.model"] == "small"
    assert (invocation.attributes or {})["gen_ai.usage.input_tokens"] == 1
    assert (invocation.attributes or {})["marketplace.cost.usd"] == "0.001"


def test_unknown_cost_is_kept_apart(finished: Finished) -> None:
    """Tokens whose cost is not known do not pass for paid ones of the same model."""

    @listing
    def work() -> None:
        current_invocation().add_usage(input_tokens=1, model="small", cost_usd="0.5")
        current_invocation().add_usage(input_tokens=2, model="small")

    work()
    further, invocation = finished()
    assert "marketplace.cost.usd" not in (further.attributes or {})
    assert (further.attributes or {})["gen_ai.usage.input_tokens"] == 2
    assert (invocation.attributes or {})["gen_ai.usage.input_tokens"] == 1


def test_cost_alone(said: Said) -> None:
    """A cost told without tokens is the cost of what was used."""

    @listing
    def work() -> None:
        current_invocation().add_usage(input_tokens=3, model="small")
        current_invocation().add_usage(cost_usd="0.0000001")

    work()
    attributes = said()
    assert attributes["gen_ai.usage.input_tokens"] == 3
    assert attributes["marketplace.cost.usd"] == "0.0000001"


def test_charge_and_refund(said: Said) -> None:
    """Charges and refunds add up exactly, whatever the outcome."""

    @agent(publisher_id="acme", agent_id="finder", price_usd="0.3")
    def work(*, fails: bool) -> None:
        for _ in range(3):
            current_invocation().charge(0.1)
        current_invocation().refund("0.05")
        if fails:
            raise OSError

    work(fails=False)
    attributes = said()
    assert attributes["marketplace.revenue.usd"] == "0.6"
    assert attributes["marketplace.refund.usd"] == "0.05"
    with pytest.raises(OSError, match=r"^$"):
        work(fails=True)
    attributes = said()
    assert attributes["marketplace.revenue.usd"] == "0.3"
    assert attributes["marketplace.refund.usd"] == "0.05"


@pytest.mark.parametrize(
    ("argument", "outcome", "error_type"),
    [
        ("quota", "error", "quota"),
        (ValueError("planted"), "error", "ValueError"),
        (TimeoutError("planted"), "timeout", "TimeoutError"),
    ],
)
def test_fail(
    argument: str | BaseException, outcome: str, error_type: str, finished: Finished
) -> None:
    """An invocation that says it failed has, and is not paid for, though it returns."""

    @agent(publisher_id="acme", agent_id="finder", price_usd=1)
    def work() -> str:
        current_invocation().fail(argument)
        return "sorry"

    assert work() == "sorry"
    (span,) = finished()
    attributes = span.attributes or {}
    assert attributes["marketplace.outcome"] == outcome
    assert attributes["error.type"] == error_type
    assert attributes["marketplace.revenue.usd"] == "0"
    assert not span.status.is_ok
    assert "planted" not in span.to_json()


def test_fail_without_a_reason(said: Said) -> None:
    """Nobody has to say why."""

    @listing
    def work() -> None:
        current_invocation().fail()

    work()
    assert said()["error.type"] == "error"


def test_late(finished: Finished) -> None:
    """An invocation that has ended does not change any more, and says its id still."""
    kept: list[Invocation] = []

    @listing
    def work() -> None:
        kept.append(current_invocation())

    work()
    kept[0].charge(1)
    kept[0].fail()
    kept[0].add_usage(input_tokens=1)
    kept[0].refund(1)
    (span,) = finished()
    assert "marketplace.revenue.usd" not in (span.attributes or {})
    assert span.context is not None
    assert kept[0].span_context == span.context
    assert kept[0].id == f"00-{span.context.trace_id:032x}-{span.context.span_id:016x}-01"
    assert kept[0].agent_id == "finder"


def test_told_by_threads(said: Said) -> None:
    """What threads with the invocation's context report adds up exactly."""

    @listing
    def work() -> None:
        def report() -> None:
            for _ in range(500):
                current_invocation().add_usage(input_tokens=1, model="m", cost_usd="0.001")
                current_invocation().charge("0.01")

        threads = [
            threading.Thread(target=contextvars.copy_context().run, args=(report,))
            for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(patience())

    work()
    attributes = said()
    assert attributes["gen_ai.usage.input_tokens"] == 2000
    assert attributes["marketplace.cost.usd"] == "2"
    assert attributes["marketplace.revenue.usd"] == "20"


def test_told_by_tasks(finished: Finished) -> None:
    """Concurrent invocations and their tasks do not mix."""

    @tool
    async def look(count: int) -> None:
        await asyncio.sleep(0)
        current_invocation().add_usage(input_tokens=count)

    @listing
    async def work(count: int) -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(3):
                group.create_task(look(count))

    async def main() -> None:
        await asyncio.gather(*(work(count) for count in range(1, 51)))

    asyncio.run(main())
    used = [(span.attributes or {}).get("gen_ai.usage.input_tokens") for span in finished()]
    assert sorted(int(str(count)) for count in used if count is not None) == [
        3 * count for count in range(1, 51)
    ]


def test_threads_count_exactly(finished: Finished) -> None:
    """Four threads that call the same agent make as many spans as calls."""

    @listing
    def work() -> None:
        current_invocation().charge(1)

    def many() -> None:
        for _ in range(250):
            work()

    threads = [threading.Thread(target=many) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(patience())
    spans = finished()
    assert len(spans) == 1000
    assert all((span.attributes or {})["marketplace.revenue.usd"] == "1" for span in spans)


def test_tenant_of_the_arguments(said: Said) -> None:
    """A tenant function gets exactly the arguments of the call, self included."""

    class Worker:
        owner = "t-7"

        @agent(tenant=lambda self, question, *, extra: f"{self.owner}-{question}-{extra}")
        def work(self, question: str, *, extra: int) -> str | None:
            assert question
            assert extra
            return current_invocation().tenant_id

    assert Worker().work("q", extra=3) == "t-7-q-3"
    assert said()["marketplace.tenant.id"] == "t-7-q-3"


def test_tenant_order(said: Said, finished: Finished) -> None:
    """The argument's tenant goes before the context's, that before the enclosing invocation's."""

    @agent(tenant=lambda who=None: who)
    def work(_who: str | None = None) -> None: ...

    @agent(tenant="t-outer")
    def outer(inner: str | None) -> None:
        if inner is None:
            work()
        else:
            with tenant(inner):
                work()

    with tenant("t-context"):
        work()
        assert said()["marketplace.tenant.id"] == "t-context"
        work("t-argument")
        assert said()["marketplace.tenant.id"] == "t-argument"
    work()
    assert "marketplace.tenant.id" not in said()
    outer(None)
    assert (finished()[0].attributes or {})["marketplace.tenant.id"] == "t-outer"
    outer("t-inner")
    assert (finished()[0].attributes or {})["marketplace.tenant.id"] == "t-inner"


@pytest.mark.parametrize("bad", ["", "x" * 201, 7, b"t", "\ud800"])
def test_tenant_function_with_a_bad_answer(bad: object, said: Said) -> None:
    """A tenant that cannot be one is unknown, not guessed, and the call goes on."""
    answer: Any = bad

    @agent(tenant=lambda: answer)
    def work() -> int:
        return 1

    with tenant("t-context"):
        assert work() == 1
    assert "marketplace.tenant.id" not in said()


def test_tenant_function_that_fails(said: Said) -> None:
    """A tenant function that raises is no error of ours, the tenant unknown."""

    @agent(tenant=lambda user: user.tenant_id)
    def work(user: object) -> object:
        return user

    work(None)
    assert "marketplace.tenant.id" not in said()


def test_absurd_baggage_is_ignored(said: Said) -> None:
    """Baggage comes from other services; what can be no id is no tenant."""
    token = attach(baggage.set_baggage("marketplace.tenant.id", "x" * 1_000_000))

    @agent
    def work() -> None: ...

    work()
    detach(token)
    assert "marketplace.tenant.id" not in said()


def test_tenant_scopes() -> None:
    """Scopes nest, may be entered again, and end where they began."""
    scope = tenant("a")

    def now() -> object:
        return baggage.get_baggage("marketplace.tenant.id")

    with scope, tenant("b"):
        with scope:
            assert now() == "a"
        assert now() == "b"
    assert now() is None


def test_tenant_scope_left_elsewhere() -> None:
    """A generator that yields inside a scope may be closed in another context."""

    def chunks() -> Generator[int, None, None]:
        with tenant("a"):
            yield 1

    stream = chunks()
    contextvars.copy_context().run(next, stream)
    with tenant("b"):
        stream.close()
        assert baggage.get_baggage("marketplace.tenant.id") == "b"
