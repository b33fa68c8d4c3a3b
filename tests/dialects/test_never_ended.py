"""Runs whose topmost span does not end: counted after a bound, by a clock that tests turn."""

from collections.abc import Mapping
from typing import Any

import pytest
from opentelemetry.trace import Span, use_span
from tests.dialects.spans import USAGE, Program

from agent_analytics.processor import Limits

STRANDS = "strands.tracing"
AGENT = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "writer"}
OUTER = {**AGENT, "gen_ai.agent.name": "outer"}
CHAT = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m", **USAGE}
WORKFLOW = {"gen_ai.operation.name": "invoke_workflow"}
BOUND, GIVEN_UP = Limits().open_run_seconds, Limits().open_span_seconds
#: Spans round agents that a worker's loop, a crew, a framework's cycle may keep open for ever.
TOPS = pytest.mark.parametrize(
    ("scope", "name", "attributes"),
    [
        (STRANDS, "invoke_workflow loop", WORKFLOW),
        (STRANDS, "cycle", {}),
        ("openinference.instrumentation.crewai", "Crew", {"openinference.span.kind": "CHAIN"}),
        ("opentelemetry.instrumentation.langchain", "x", {"traceloop.span.kind": "workflow"}),
        ("gcp.vertex.agent", "invocation", {}),
    ],
)  # fmt: skip


class Open:
    """A program in which one span is open.

    Args:
        attributes: Its own.
        name: Its name.
        scope: Its scope.
        limits: For the processor.
    """

    def __init__(
        self,
        attributes: Mapping[str, Any],
        name: str = "top",
        scope: str = STRANDS,
        limits: Limits | None = None,
    ) -> None:
        self.now = 0.0
        self.program = Program(STRANDS, clock=lambda: self.now, limits=limits)
        tracer = self.program.provider.get_tracer(scope)
        self.top: Span = tracer.start_span(name, attributes=attributes)

    def agent(self) -> None:
        """Run an agent that asks a model once, in the open span."""
        with use_span(self.top), self.program.span("invoke_agent writer", AGENT):
            self.program.one("chat m", CHAT)

    def told(self) -> tuple[dict[str, int], int, int]:
        """Return the invocations by outcome, model calls and input tokens."""
        counted = self.program.counted()
        return dict(counted.invocations), counted.model_calls.total(), counted.tokens["input"]


@TOPS
def test_an_agent_in_a_span_that_stays_open(
    scope: str, name: str, attributes: Mapping[str, Any]
) -> None:
    """What has ended is counted an hour after the topmost span began, and not before."""
    run = Open(attributes, name, scope)
    run.agent()
    run.now = BOUND
    assert run.told() == ({}, 0, 0)
    run.now = BOUND + 1
    assert run.told() == ({"success": 1}, 1, 10)
    assert dict(run.program.counted().agents) == {"writer": 1}


@TOPS
def test_a_loop_that_goes_on(scope: str, name: str, attributes: Mapping[str, Any]) -> None:
    """Each further agent is an invocation of its own, counted once, also when the loop ends."""
    run = Open(attributes, name, scope)
    run.agent()
    run.now = BOUND + 1
    for number in (1, 2, 3):
        assert run.told() == ({"success": number}, number, 10 * number)
        run.agent()
    run.top.end()
    assert run.told() == ({"success": 4}, 4, 40)


@TOPS
def test_a_loop_that_is_given_up(scope: str, name: str, attributes: Mapping[str, Any]) -> None:
    """What is started in a span that was given up after six hours is counted when it ends."""
    run = Open(attributes, name, scope)
    run.agent()
    run.now = GIVEN_UP + 1
    assert run.told() == ({"success": 1}, 1, 10)
    run.agent()
    assert run.told() == ({"success": 2}, 2, 20)


def test_a_bound_of_ones_own() -> None:
    """``Limits.open_run_seconds`` sets the bound."""
    run = Open(WORKFLOW, limits=Limits(open_run_seconds=60))
    run.agent()
    run.now = 61
    assert run.told() == ({"success": 1}, 1, 10)


def test_an_agent_that_goes_on() -> None:
    """An agent's calls are counted after the bound; it is one invocation, with what it ends as."""
    run = Open(OUTER)
    run.agent()
    run.now = BOUND + 1
    assert run.told() == ({}, 1, 10)
    run.agent()
    run.top.set_attributes({"gen_ai.usage.input_tokens": 20, "gen_ai.usage.output_tokens": 8})
    run.top.end()
    assert run.told() == ({"success": 1}, 2, 20)
    assert dict(run.program.counted().agents) == {"outer": 1}


def test_an_agent_that_is_left() -> None:
    """One that never ends is given up after six hours, cancelled: nobody waits for its answer."""
    run = Open(OUTER)
    run.agent()
    run.now = GIVEN_UP + 1
    assert run.told() == ({"cancelled": 1}, 1, 10)
    counted = run.program.counted()
    assert dict(counted.agents) == {"outer": 1}
    assert counted.health["in_progress"] == 0
    run.top.end()
    assert run.told() == ({"cancelled": 1}, 1, 10)


def test_what_has_just_begun_is_waited_for() -> None:
    """An agent at work in the open span is counted when it ends, whole."""
    run = Open(WORKFLOW)
    run.now = BOUND + 1
    with use_span(run.top), run.program.span("invoke_agent writer", AGENT):
        run.program.one("chat m", CHAT)
        assert run.told() == ({}, 0, 0)
    assert run.told() == ({"success": 1}, 1, 10)


def test_a_call_that_nobody_can_be_credited_with_yet() -> None:
    """A model call in no agent waits for its topmost span, which may still name one."""
    run = Open({})
    with use_span(run.top):
        run.program.one("chat m", CHAT)
    run.now = BOUND + 1
    assert run.told() == ({}, 0, 0)
    run.top.set_attributes(OUTER)
    run.top.end()
    assert run.told() == ({"success": 1}, 1, 10)
    assert run.program.counted().health["unattributed"] == 0


def test_at_the_end_of_the_process() -> None:
    """A shutdown counts the agents that have ended in a span that has not."""
    run = Open(WORKFLOW)
    run.agent()
    run.program.processor.shutdown()
    assert run.told() == ({"success": 1}, 1, 10)
