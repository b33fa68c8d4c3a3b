"""Every bad argument is a ValueError that names it, and nothing of it is recorded."""

import math
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.trace import ReadableSpan

from agent_analytics.instrumentation import (
    ToolCall,
    agent,
    current_invocation,
    record_charge,
    record_evaluation,
    record_feedback,
    record_install,
    record_invocation,
    record_refund,
    record_uninstall,
    tenant,
    tool,
)

Finished = Callable[[], list[ReadableSpan]]
Call = Callable[..., Any]
Good = Mapping[str, object]
Case = tuple[Call, Good, str, list[object]]

IDS: list[object] = ["", " ", "\n", "x" * 201, 7, b"acme", True, ["acme"], "\ud800"]
AMOUNTS: list[object] = [-1, -0.01, math.nan, math.inf, True, "free", "", b"1", 10**7, [1]]
AMOUNTS.extend([Decimal("sNaN"), "1" * 100, "1e400"])
COUNTS: list[object] = [-1, 1.0, True, "7", None, 10**13, math.nan]
TIMES: list[object] = [
    datetime(2026, 1, 1),  # noqa: DTZ001 - naive on purpose
    datetime(1969, 12, 31, tzinfo=UTC),
    datetime(2300, 1, 1, tzinfo=UTC),
    1767225600,
    "2026-01-01T00:00:00Z",
]
DURATIONS: list[object] = [-1, math.nan, math.inf, True, "7", None, 10**30]

LISTING: dict[str, object] = {"publisher_id": "acme", "agent_id": "finder"}
RECORDS: list[tuple[Call, Good]] = [
    (record_install, LISTING),
    (record_uninstall, LISTING),
    (record_feedback, {**LISTING, "rating": 5}),
    (record_charge, {**LISTING, "usd": 1}),
    (record_refund, {**LISTING, "usd": 1}),
    (record_evaluation, {**LISTING, "name": "helpful", "score": 1}),
    (record_invocation, {**LISTING, "duration_ms": 1, "success": True}),
]


def add_usage(**given: Any) -> None:  # noqa: ANN401 - bad ones, too
    """Report usage of the current invocation."""
    current_invocation().add_usage(**given)


def charge(usd: Any) -> None:  # noqa: ANN401 - bad ones, too
    """Charge for the current invocation."""
    current_invocation().charge(usd)


def refund(usd: Any) -> None:  # noqa: ANN401 - bad ones, too
    """Give money back for the current invocation."""
    current_invocation().refund(usd)


def fail(error_type: Any) -> None:  # noqa: ANN401 - bad ones, too
    """Let the current invocation fail."""
    current_invocation().fail(error_type)


def enter(tenant_id: Any) -> None:  # noqa: ANN401 - bad ones, too
    """Make a tenant's scope."""
    tenant(tenant_id)


def cases() -> list[Case]:
    """Return what to call, with which good arguments, and bad values of one argument."""
    recording: Call = record_invocation
    finished: Good = {**LISTING, "duration_ms": 1, "success": True}
    failed: Good = {**finished, "success": False}
    found: list[Case] = []
    for record, good in RECORDS:
        found += [
            (record, good, "publisher_id", [*IDS, None]),
            (record, good, "agent_id", [*IDS, None]),
            (record, good, "tenant_id", IDS),
            (record, good, "event_id", IDS),
            (record, good, "occurred_at", TIMES),
        ]
    ratings: list[object] = [0, 6, 7, 0.99, 5.01, True, "5", None, math.nan, math.inf]
    scores: list[object] = [-0.01, 1.01, True, "1", None, math.nan, -math.inf]
    invocations: list[object] = ["", "nonsense", 7, object(), "00-" + "0" * 51]
    invocations += [f"ff-{1:032x}-{1:016x}-01", f"00-{1:032X}-{10:016X}-01", b"00"]
    tools: list[object] = ["search", b"search", 7, None, {"name": "x"}, [7], [None], [{}]]
    tools += [[{"name": ""}], [{"name": "x", "extra": 1}], [{"name": "x", "success": 1}]]
    tools += [[{"name": "x", "duration_ms": -1}], [{"name": "x", "error_type": "but successful"}]]
    more: list[Case] = [
        (record_feedback, {**LISTING, "rating": 5}, "rating", ratings),
        (record_feedback, {**LISTING, "rating": 5}, "comment", [7, b"good", ["good"]]),
        (record_feedback, {**LISTING, "rating": 5}, "invocation", invocations),
        (record_charge, LISTING, "usd", [*AMOUNTS, None]),
        (record_refund, LISTING, "usd", [*AMOUNTS, None]),
        (record_evaluation, {**LISTING, "score": 1}, "name", [*IDS, None]),
        (record_evaluation, {**LISTING, "name": "helpful"}, "score", scores),
        (recording, finished, "duration_ms", [*DURATIONS, 10**16]),
        (recording, finished, "success", [1, 0, None, "yes"]),
        (recording, finished, "outcome", ["error", "timeout", "cancelled", "done", "", 1]),
        (recording, failed, "outcome", ["success"]),
        (recording, finished, "error_type", [*IDS, "but successful"]),
        (recording, failed, "error_type", IDS),
        (recording, finished, "model", IDS),
        (recording, finished, "conversation_id", IDS),
        (recording, finished, "revenue_usd", [*AMOUNTS, None]),
        (recording, finished, "cost_usd", AMOUNTS),
        (recording, finished, "tool_calls", tools),
        (add_usage, {}, "model", IDS),
        (add_usage, {}, "cost_usd", AMOUNTS),
        (charge, {}, "usd", [*AMOUNTS, None]),
        (refund, {}, "usd", [*AMOUNTS, None]),
        (fail, {}, "error_type", [*IDS, None, ValueError]),
        (enter, {}, "tenant_id", [*IDS, None]),
        (agent, {}, "publisher_id", IDS),
        (agent, {}, "agent_id", IDS),
        (agent, {}, "name", IDS),
        (agent, {}, "version", IDS),
        (agent, {}, "price_usd", AMOUNTS),
        (agent, {}, "tenant", IDS),
        (tool, {}, "name", IDS),
        (tool, {}, "failed", [7, "yes"]),
    ]
    found += more
    for argument in (
        "input_tokens",
        "output_tokens",
        "cached_input_tokens",
        "reasoning_tokens",
        "cache_write_input_tokens",
        "cache_write_1h_input_tokens",
    ):
        found.append((add_usage, {}, argument, COUNTS))
        found.append((recording, finished, argument, COUNTS))
    return found


@pytest.mark.parametrize(
    ("call", "good", "argument", "bad"),
    cases(),
    ids=[f"{call.__name__}-{argument}" for call, _, argument, _ in cases()],
)
def test_bad(call: Call, good: Good, argument: str, bad: list[object], finished: Finished) -> None:
    """A bad value is refused by name, inside an invocation and outside, and nothing recorded."""

    @agent
    def inside(value: object) -> None:
        with pytest.raises(ValueError, match=rf"^{argument}\b"):
            call(**{**good, argument: value})

    for value in bad:
        with pytest.raises(ValueError, match=rf"^{argument}\b"):
            call(**{**good, argument: value})
        assert not finished()
        inside(value)
        (span,) = finished()
        assert not {"gen_ai.usage.input_tokens", "marketplace.cost.usd"} & set(
            span.attributes or ()
        )


def test_refusal_shows_the_value() -> None:
    """The message says what was given, shortened."""
    with pytest.raises(ValueError, match="rating: expected a number from 1 to 5, got 7"):
        record_feedback(publisher_id="acme", agent_id="finder", rating=7)
    with pytest.raises(ValueError, match="publisher_id") as caught:
        record_install(publisher_id="x" * 1_000_000, agent_id="finder")
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("target", [7, "run", [], property(lambda _: 1)])
@pytest.mark.parametrize("decorator", [agent, tool, agent(), tool()])
def test_not_callable(target: object, decorator: Call) -> None:
    """What cannot be called cannot be decorated."""
    with pytest.raises(ValueError, match=r"^target"):
        decorator(target)


def test_entry() -> None:
    """The entry has to be a method of the class that is decorated."""

    class Worker:
        run = 7

        def work(self) -> None: ...

    for entry in (None, "run", "missing"):
        with pytest.raises(ValueError, match=r"^entry"):
            agent(entry=entry)(Worker)
    decorator: Call = agent
    for bad in (7, ""):
        with pytest.raises(ValueError, match=r"^entry"):
            decorator(entry=bad)(Worker)
    with pytest.raises(ValueError, match=r"^entry"):
        agent(entry="work")(lambda: 1)
    with pytest.raises(ValueError, match=r"^entry"):
        tool(Worker)
    assert Worker.run == 7


def test_tenant_function_must_be_plain() -> None:
    """A coroutine function would answer too late."""

    async def ask() -> str:
        return "t-1"

    decorator: Call = agent
    with pytest.raises(ValueError, match=r"^tenant"):
        decorator(tenant=ask)


def test_tool_call() -> None:
    """A ToolCall checks itself."""
    with pytest.raises(ValueError, match=r"^tool_calls name"):
        ToolCall(name="")


@given(
    value=st.one_of(
        st.none(),
        st.text(max_size=3),
        st.floats(),
        st.integers(),
        st.decimals(),
        st.binary(max_size=3),
        st.booleans(),
        st.fractions(),
    )
)
def test_any_number(value: object) -> None:
    """A rating, a score, an amount or a count is taken or refused by name, never anything else."""
    calls: list[tuple[Call, Good, str]] = [
        (record_feedback, LISTING, "rating"),
        (record_evaluation, {**LISTING, "name": "helpful"}, "score"),
        (record_charge, LISTING, "usd"),
        (record_invocation, {**LISTING, "success": True}, "duration_ms"),
        (add_usage, {}, "input_tokens"),
    ]
    for call, good, argument in calls:
        try:
            call(**good, **{argument: value})
        except ValueError as error:
            assert str(error).startswith(argument)  # noqa: PT017 - both are right


@pytest.mark.parametrize(
    ("tokens", "argument"),
    [
        ({"input_tokens": 12, "cached_input_tokens": 13}, "input_tokens"),
        ({"input_tokens": 12, "cache_write_input_tokens": 13}, "input_tokens"),
        (
            {"input_tokens": 12, "cached_input_tokens": 1_500, "cache_write_input_tokens": 500},
            "input_tokens",
        ),
        ({"cached_input_tokens": 1}, "input_tokens"),
        (
            {
                "input_tokens": 12,
                "cache_write_input_tokens": 5,
                "cache_write_1h_input_tokens": 6,
            },
            "cache_write_1h_input_tokens",
        ),
    ],
)
def test_input_is_all_input(tokens: dict[str, Any], argument: str) -> None:
    """Input that leaves out what was cached or written, as clients return it, is refused."""
    finished: dict[str, Any] = {**LISTING, "duration_ms": 1, "success": True}
    with pytest.raises(ValueError, match=f"^{argument}: expected "):
        add_usage(**tokens)
    with pytest.raises(ValueError, match=f"^{argument}: expected "):
        record_invocation(**finished, **tokens)
