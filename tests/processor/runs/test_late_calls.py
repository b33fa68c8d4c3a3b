"""Calls whose spans come after the invocation that returned what they used count once, too.

LangSmith's export ends its spans in a thread of its own, after the decorated function has returned
its state (langsmith 0.15.1, deepagents 0.7.32).
"""

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.trace import Span
from tests.effort import examples
from tests.processor.rig import Rig, chat

from agent_analytics.instrumentation import agent, tracing
from agent_analytics.instrumentation import vocabulary as v

Calls = list[tuple[int, int]]
LANGSMITH = "langsmith"


@pytest.fixture
def rig() -> Iterator[Rig]:
    """Return a processor that the decorators' spans come to."""
    found = Rig()
    tracing.use_provider(found.provider)
    yield found
    tracing.use_provider(None)


def returned(rig: Rig, used: Calls, asked: Calls) -> list[Span]:
    """Run an agent that returns what its calls used, and return the spans of calls: still open."""
    tracer = rig.tracer(LANGSMITH)

    @agent(publisher_id="acme", agent_id="finder", tenant=lambda: "t-1")
    def find() -> tuple[dict[str, object], list[Span]]:
        spans = [tracer.start_span("ChatOpenAI") for _ in asked]
        sent, received = (sum(each) for each in zip(*used, strict=True))
        usage = {"prompt_tokens": sent, "completion_tokens": received}
        return {"model": "m", "usage": usage}, spans

    return find()[1]


def late(spans: list[Span], asked: Calls) -> None:
    """Say what the calls used, and end them."""
    for span, (sent, received) in zip(spans, asked, strict=True):
        used = {v.INPUT_TOKENS: sent, v.OUTPUT_TOKENS: received}
        span.set_attributes({"langsmith.span.kind": "llm", **chat(model="m"), **used})
        span.end()


def totals(rig: Rig) -> tuple[float, float]:
    """Return the input and output tokens."""
    return (
        rig.value("input_tokens_total", model="m"),
        rig.value("output_tokens_total", model="m"),
    )


@given(st.lists(st.tuples(st.integers(0, 500), st.integers(1, 500)), min_size=1, max_size=5))
@settings(max_examples=examples(20), deadline=None)
def test_calls_that_end_after_what_they_used_was_returned(calls: Calls) -> None:
    """Each is a call, and their tokens are those that the invocation has counted."""
    rig = Rig()
    tracing.use_provider(rig.provider)
    try:
        late(returned(rig, calls, calls), calls)
        assert rig.value("inference_calls_total", model="m", outcome="success") == len(calls)
        assert totals(rig) == (sum(one for one, _ in calls), sum(one for _, one in calls))
    finally:
        tracing.use_provider(None)


def test_a_call_that_was_not_returned(rig: Rig) -> None:
    """What goes beyond the invocation's figures is a call whose tokens count."""
    asked = [(10, 4), (7, 3)]
    late(returned(rig, [(10, 4)], asked), asked)
    assert rig.value("inference_calls_total", model="m", outcome="success") == 2
    assert totals(rig) == (17, 7)


def test_calls_of_another_invocation(rig: Rig) -> None:
    """What one invocation returned says nothing of the calls of another."""
    first = returned(rig, [(10, 4)], [(10, 4), (10, 4)])
    second = returned(rig, [(20, 8)], [(20, 8)])
    late(second, [(20, 8)])
    late(first, [(10, 4), (10, 4)])
    assert totals(rig) == (40, 16)


def test_a_call_that_comes_after_many_other_invocations(rig: Rig) -> None:
    """An invocation is remembered for as long as spans may be started in it, and each by itself."""
    first = returned(rig, [(10, 4)], [(10, 4)])
    others = [returned(rig, [(1, 1)], [(1, 1)]) for _ in range(1_000)]
    late(others[-1], [(1, 1)])
    assert totals(rig) == (1_010, 1_004)
    late(first, [(10, 4)])
    assert totals(rig) == (1_010, 1_004)
