"""Runs that have nothing to do with each other are never taken for views of one."""

import asyncio
import threading
import time
from collections.abc import Callable
from contextvars import Context as Surroundings
from typing import TYPE_CHECKING, Any

from opentelemetry import trace
from opentelemetry.context import Context
from tests.dialects import test_late
from tests.dialects.replay import counts
from tests.dialects.test_late import AGENT, TOOL, App

from agent_analytics.instrumentation import vocabulary as v
from agent_analytics.processor import AgentMetricsProcessor

CHAT: dict[str, Any] = dict(test_late.CHAT)
if TYPE_CHECKING:
    from opentelemetry.trace import Span

ASSISTANT = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "assistant"}
FRAMEWORKS = ("strands.tracing", "openinference.instrumentation.crewai", "pydantic-ai")


def in_a_thread(work: Callable[[], object]) -> None:
    """Do work in a thread of its own, whose context is empty."""
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


def test_concurrent_agents_of_several_frameworks() -> None:
    """99 tasks that run agents of three frameworks at once are 99 invocations with 99 calls."""
    app = App("at the start", {v.PUBLISHER_ID: "acme"})

    async def one(number: int) -> None:
        scope = FRAMEWORKS[number % len(FRAMEWORKS)]
        with app.span(ASSISTANT, scope):
            await asyncio.sleep(0.01)
            with app.span(CHAT, scope):
                await asyncio.sleep(0.01)

    async def everybody() -> None:
        await asyncio.gather(*map(one, range(99)))

    Surroundings().run(asyncio.run, everybody())
    told = app.told()
    assert dict(told.invocations) == {"success": 99}
    assert dict(told.model_calls) == {"success": 99}
    assert told.tokens["input"] == 990


def test_two_requests_in_threads_with_agents_of_one_name() -> None:
    """Agents of two frameworks that two threads run at the same time are two invocations."""
    app = App("at the start", {v.PUBLISHER_ID: "acme"})
    spans: list[Span] = []
    for scope in FRAMEWORKS[:2]:
        tracer = app.provider.get_tracer(scope)
        in_a_thread(lambda t=tracer: spans.append(t.start_span("a", attributes=ASSISTANT)))  # type: ignore[misc]  # bound now
    for span in spans:
        in_a_thread(span.end)
    assert dict(app.told().invocations) == {"success": 2}


def test_a_model_call_of_another_request() -> None:
    """A model call without an agent is no view of what an agent asks meanwhile elsewhere."""
    app = App("at the start")
    untold = {key: value for key, value in CHAT.items() if "usage" not in key}
    spans: list[Span] = []

    def begin() -> None:
        tracer = app.provider.get_tracer(FRAMEWORKS[0])
        root = tracer.start_span("a", attributes=AGENT)
        inside = trace.set_span_in_context(root)
        spans.extend([tracer.start_span("m", context=inside, attributes=untold), root])

    def call() -> None:
        vendor = app.provider.get_tracer("opentelemetry.instrumentation.openai")
        vendor.start_span("chat m", attributes=CHAT).end()

    in_a_thread(begin)
    in_a_thread(call)
    time.sleep(0.02)
    in_a_thread(lambda: [span.end() for span in spans])
    assert dict(app.told().model_calls) == {"success": 2}


def test_two_processors_on_one_provider_agree() -> None:
    """A second processor on the provider counts what the first one does."""
    app = App("at the start")
    second = AgentMetricsProcessor(hold_seconds=0)
    app.provider.add_span_processor(second)

    def run() -> None:
        tracer = app.provider.get_tracer(FRAMEWORKS[0])
        with app.span(AGENT, FRAMEWORKS[0]), app.span(TOOL, FRAMEWORKS[0]):
            # Some frameworks begin a new trace for an agent that a tool runs.
            tracer.start_span("a", context=Context(), attributes=ASSISTANT).end()

    Surroundings().run(run)
    assert counts(second).invocations == app.told().invocations
