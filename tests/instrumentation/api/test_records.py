"""Events and finished invocations: the spans they become."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import StatusCode

from agent_analytics.instrumentation import (
    Invocation,
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
)

Said = Callable[[], dict[str, object]]
Finished = Callable[[], list[ReadableSpan]]

WHEN = datetime(2026, 3, 4, 5, 6, 7, 891011, tzinfo=timezone(timedelta(hours=2)))
NANOSECONDS = 1772593567891011000

EVENTS: list[tuple[str, Callable[..., None], dict[str, object], dict[str, object]]] = [
    ("install", record_install, {}, {}),
    ("uninstall", record_uninstall, {}, {}),
    ("feedback", record_feedback, {"rating": 4.5}, {"marketplace.feedback.rating": 4.5}),
    ("charge", record_charge, {"usd": "19.99"}, {"marketplace.revenue.usd": "19.99"}),
    ("refund", record_refund, {"usd": 0.1}, {"marketplace.refund.usd": "0.1"}),
    (
        "evaluation",
        record_evaluation,
        {"name": "helpful", "score": 0.75},
        {"gen_ai.evaluation.name": "helpful", "gen_ai.evaluation.score.value": 0.75},
    ),
]


@pytest.mark.parametrize(("event", "record", "given", "expected"), EVENTS)
def test_event(
    event: str,
    record: Callable[..., None],
    given: dict[str, object],
    expected: dict[str, object],
    finished: Finished,
) -> None:
    """An event is a zero-length span at its time that says what, who and how much."""
    record(
        publisher_id="acme",
        agent_id="finder",
        tenant_id="t-1",
        event_id="e-1",
        occurred_at=WHEN,
        **given,
    )
    (span,) = finished()
    assert span.name == f"marketplace.{event}"
    assert span.start_time == span.end_time == NANOSECONDS
    assert dict(span.attributes or {}) == {
        "marketplace.event": event,
        "marketplace.publisher.id": "acme",
        "marketplace.agent.id": "finder",
        "marketplace.tenant.id": "t-1",
        "marketplace.event.id": "e-1",
        **expected,
    }


@pytest.mark.parametrize(("_event", "record", "given", "_expected"), EVENTS)
def test_event_now(
    _event: str,
    record: Callable[..., None],
    given: dict[str, object],
    _expected: dict[str, object],
    finished: Finished,
) -> None:
    """Without a time it happens now; without a tenant or an id there is none, unless in context."""
    before = datetime.now(UTC)
    record(publisher_id="acme", agent_id="finder", **given)
    with tenant("t-2"):
        record(publisher_id="acme", agent_id="finder", **given)
    after = datetime.now(UTC)
    bare, scoped = finished()
    assert bare.start_time is not None
    assert before <= datetime.fromtimestamp(bare.start_time / 1e9 + 1e-3, UTC)
    assert datetime.fromtimestamp(bare.start_time / 1e9 - 1e-3, UTC) <= after
    assert "marketplace.tenant.id" not in (bare.attributes or {})
    assert "marketplace.event.id" not in (bare.attributes or {})
    assert (scoped.attributes or {})["marketplace.tenant.id"] == "t-2"


@pytest.mark.parametrize("form", ["invocation", "id", "context"])
def test_feedback_is_linked(form: str, finished: Finished) -> None:
    """A rating is linked to what it rates, however that was kept."""

    @agent(publisher_id="acme", agent_id="finder")
    def work() -> Invocation | trace.SpanContext | str:
        invocation = current_invocation()
        if form == "invocation":
            return invocation
        return invocation.id if form == "id" else invocation.span_context

    kept = work()
    record_feedback(publisher_id="acme", agent_id="finder", rating=5, invocation=kept)
    rated, feedback = finished()
    (link,) = feedback.links
    assert rated.context is not None
    assert (link.context.trace_id, link.context.span_id) == (
        rated.context.trace_id,
        rated.context.span_id,
    )


def test_feedback_on_what_was_not_recorded(finished: Finished) -> None:
    """Outside an invocation, and without an SDK, ids are zeros: no link, and no error."""
    outside = current_invocation()
    for invocation in (outside, outside.id, outside.span_context, None):
        record_feedback(publisher_id="acme", agent_id="finder", rating=1, invocation=invocation)
    assert [len(span.links) for span in finished()] == [0, 0, 0, 0]


@pytest.mark.parametrize(
    ("setting", "kept"),
    [
        (None, False),
        ("", False),
        ("false", False),
        ("NO_CONTENT", False),
        ("EVENT_ONLY", False),
        ("true", True),
        ("True", True),
        ("span_only", True),
        ("SPAN_AND_EVENT", True),
    ],
)
def test_comment(
    setting: str | None,
    kept: bool,  # noqa: FBT001 - a parameter of the test
    said: Said,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A comment is content: kept only where content capture is on."""
    name = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
    monkeypatch.delenv(name, raising=False)
    if setting is not None:
        monkeypatch.setenv(name, setting)
    record_feedback(publisher_id="acme", agent_id="finder", rating=5, comment="planted")
    assert ("marketplace.feedback.comment" in said()) is kept


def test_invocation(finished: Finished) -> None:
    """All fields of a finished invocation are on a span of its time, its tools below it."""
    record_invocation(
        publisher_id="acme",
        agent_id="finder",
        tenant_id="t-1",
        duration_ms=1500,
        success=True,
        input_tokens=101,
        output_tokens=53,
        cached_input_tokens=29,
        reasoning_tokens=17,
        tool_calls=[
            "search",
            {"name": "fetch", "success": False, "duration_ms": 250.5, "error_type": "HTTP 500"},
            ToolCall(name="rank", duration_ms=3),
        ],
        model="m",
        revenue_usd="0.05",
        cost_usd="0.0123",
        conversation_id="c-1",
        event_id="e-1",
        occurred_at=WHEN,
    )
    search, fetch, rank, invocation = finished()
    assert invocation.name == "invoke_agent finder"
    assert invocation.parent is None
    assert invocation.start_time == NANOSECONDS - 1_500_000_000
    assert invocation.end_time == NANOSECONDS
    assert dict(invocation.attributes or {}) == {
        "gen_ai.operation.name": "invoke_agent",
        "marketplace.event": "invocation",
        "marketplace.publisher.id": "acme",
        "marketplace.agent.id": "finder",
        "marketplace.tenant.id": "t-1",
        "marketplace.event.id": "e-1",
        "marketplace.outcome": "success",
        "marketplace.usage.own": True,
        "gen_ai.usage.input_tokens": 101,
        "gen_ai.usage.output_tokens": 53,
        "gen_ai.usage.cache_read.input_tokens": 29,
        "gen_ai.usage.reasoning.output_tokens": 17,
        "gen_ai.request.model": "m",
        "gen_ai.conversation.id": "c-1",
        "marketplace.revenue.usd": "0.05",
        "marketplace.cost.usd": "0.0123",
    }
    assert invocation.context is not None
    for child in (search, fetch, rank):
        assert child.parent is not None
        assert child.parent.span_id == invocation.context.span_id
    assert (search.attributes or {})["marketplace.duration.unknown"] is True
    assert dict(fetch.attributes or {}) == {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "fetch",
        "marketplace.outcome": "error",
        "error.type": "HTTP 500",
    }
    assert fetch.status.status_code is StatusCode.ERROR
    assert fetch.start_time is not None
    assert fetch.end_time == fetch.start_time + 250_500_000
    assert rank.start_time is not None
    assert rank.end_time == rank.start_time + 3_000_000


@pytest.mark.parametrize(
    ("given", "outcome", "error_type"),
    [
        ({"success": True}, "success", None),
        ({"success": True, "outcome": "success"}, "success", None),
        ({"success": False}, "error", "error"),
        ({"success": False, "error_type": "Quota"}, "error", "Quota"),
        ({"success": False, "outcome": "timeout"}, "timeout", "timeout"),
        ({"success": False, "outcome": "timeout", "error_type": "Slow"}, "timeout", "Slow"),
        ({"success": False, "outcome": "cancelled"}, "cancelled", None),
        ({"success": False, "outcome": "steered", "error_type": "Retry"}, "steered", None),
        ({"success": False, "outcome": "cancelled", "error_type": "Left"}, "cancelled", None),
    ],
)
def test_invocation_outcome(
    given: dict[str, object], outcome: str, error_type: str | None, finished: Finished
) -> None:
    """Whether it failed is said by success, how by outcome."""
    record: Callable[..., None] = record_invocation
    record(publisher_id="acme", agent_id="finder", duration_ms=1, **given)
    (span,) = finished()
    attributes = span.attributes or {}
    assert attributes["marketplace.outcome"] == outcome
    assert attributes.get("error.type") == error_type
    failed = outcome in {"error", "timeout"}
    assert span.status.status_code is (StatusCode.ERROR if failed else StatusCode.UNSET)


def test_invocation_is_a_trace_of_its_own(finished: Finished) -> None:
    """What is recorded inside another invocation is no inner work of it, but linked to it."""

    @agent(publisher_id="acme", agent_id="finder")
    def work() -> None:
        record_invocation(publisher_id="acme", agent_id="finder", duration_ms=0, success=True)

    work()
    recorded, around = finished()
    assert recorded.parent is None
    assert around.context is not None
    (link,) = recorded.links
    assert link.context == around.context
    assert recorded.context is not None
    assert recorded.context.trace_id != around.context.trace_id
    assert trace.get_current_span() is trace.INVALID_SPAN
