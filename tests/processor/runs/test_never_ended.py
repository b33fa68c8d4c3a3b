"""Rule 4: spans that never end are bounded in number and age, given up and counted."""

from collections.abc import Callable

from opentelemetry.trace import Span, set_span_in_context
from tests.processor.rig import Rig, chat, invoke, tool

from agent_analytics.instrumentation import vocabulary as v
from agent_analytics.processor import Limits

MakeRig = Callable[..., Rig]
GIVEN_UP = "agent_analytics_given_up_spans_total"
OPEN = "agent_analytics_open_spans"


def begin(rig: Rig, agent: str = "finder") -> Span:
    """Start an invocation and leave it."""
    return rig.tracer().start_span("invoke_agent x", attributes=invoke(agent=agent))


def test_their_number_is_bounded(make_rig: MakeRig) -> None:
    """Beyond the cap the oldest goes, out of the gauge too."""
    rig = make_rig(limits=Limits(open_spans=10))
    spans = [begin(rig, f"agent-{n}") for n in range(25)]
    assert rig.value(OPEN) == 10
    assert rig.value(GIVEN_UP) == 15
    assert rig.value("invocations_in_progress") == 10
    assert rig.value("invocations_in_progress", agent_id="agent-0") == 0
    assert rig.value("invocations_in_progress", agent_id="agent-24") == 1
    del spans


def test_their_age_is_bounded(make_rig: MakeRig) -> None:
    """A span that has not ended for too long is given up when somebody looks."""
    rig = make_rig(limits=Limits(open_span_seconds=60))
    spans = [begin(rig)]
    rig.clock.now += 40
    spans.append(begin(rig))
    rig.clock.now += 20
    assert rig.value("invocations_in_progress") == 2
    rig.clock.now += 1
    assert rig.value("invocations_in_progress") == 1
    assert rig.value(GIVEN_UP) == 1
    rig.clock.now += 60
    assert rig.value("invocations_in_progress") == 0
    assert rig.value(OPEN) == 0
    assert len(spans) == rig.value(GIVEN_UP)


def test_one_that_ends_after_all_counts_once(make_rig: MakeRig) -> None:
    """Giving a span up loses nothing but its place in the gauge."""
    rig = make_rig(limits=Limits(open_span_seconds=60))
    span = begin(rig)
    rig.clock.now += 61
    assert rig.value("invocations_in_progress") == 0
    span.set_attribute(v.OUTCOME, "timeout")
    span.end()
    assert rig.value("invocations_total", outcome="timeout") == 1
    assert rig.value("invocations_total") == 1
    assert rig.value("invocations_in_progress") == 0
    assert rig.value(GIVEN_UP) == 1


def test_a_recorded_one_that_ends_after_all_counts_once(make_rig: MakeRig) -> None:
    """An event id that a given-up span brought does not make it its own duplicate."""
    rig = make_rig(limits=Limits(open_spans=1))
    start = invoke() | {v.EVENT: v.EVENT_INVOCATION, v.EVENT_ID: "e-1"}
    first = rig.tracer().start_span("invoke_agent x", attributes=start)
    second = rig.tracer().start_span("invoke_agent x", attributes=start)
    first.end()
    second.end()
    assert rig.value("invocations_total") == 1
    assert rig.value("agent_analytics_duplicate_events_total") == 1
    assert rig.value("invocations_in_progress") == 0


def test_children_keep_an_invocation_that_was_given_up(make_rig: MakeRig) -> None:
    """Spans that were open below it still know whose they are."""
    rig = make_rig(limits=Limits(open_spans=2))
    invocation = begin(rig)
    inside = set_span_in_context(invocation)
    first = rig.tracer().start_span("x", inside, attributes=chat(1))
    second = rig.tracer().start_span("x", set_span_in_context(first), attributes=tool())
    assert rig.value(GIVEN_UP) == 1
    second.end()
    first.end()
    invocation.end()
    assert rig.value("tool_calls_total", publisher_id="acme") == 1
    assert rig.value("inference_calls_total", publisher_id="acme") == 1
    assert rig.value("invocations_total", publisher_id="acme") == 1


def test_a_recording_of_long_ago_is_not_old(make_rig: MakeRig) -> None:
    """Age is how long the processor has waited, not what the span says of its start."""
    rig = make_rig(limits=Limits(open_span_seconds=60))
    span = rig.tracer().start_span("x", attributes=invoke(), start_time=1)
    assert rig.value("invocations_in_progress") == 1
    span.end(end_time=1_000_000_001)
    assert rig.value("invocation_duration_seconds_sum") == 1
    assert rig.value(GIVEN_UP) == 0


def test_ended_spans_leave_nothing_behind(rig: Rig) -> None:
    """After many traces nothing is open."""
    for _ in range(100):
        with rig.span(invoke()), rig.span({}), rig.span(tool()), rig.span(chat()):
            pass
    assert rig.value(OPEN) == 0
    assert rig.value(GIVEN_UP) == 0
