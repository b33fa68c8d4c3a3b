"""Agents that failed and never ended do not hide what runs after them on their thread."""

import asyncio
from collections.abc import Callable, Iterator

import pytest
from opentelemetry import context, trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import Status, StatusCode
from tests.dialects.replay import IDENTITY, counts

from agent_analytics.instrumentation import agent
from agent_analytics.instrumentation.tracing import use_provider
from agent_analytics.processor import AgentMetricsProcessor

AGENT = {"openinference.span.kind": "AGENT"}
TOOL = {"openinference.span.kind": "TOOL", "tool.name": "search"}


class Framework:
    """Writes spans as an instrumentation does that forgets to end the span of a failed agent."""

    def __init__(self) -> None:
        self.processor = AgentMetricsProcessor(hold_seconds=0)
        self.provider = TracerProvider(resource=Resource(IDENTITY), shutdown_on_exit=False)
        self.provider.add_span_processor(self.processor)
        self.tracer = self.provider.get_tracer("openinference.instrumentation.smolagents")

    def fail(self, name: str = "helper") -> None:
        """Leave a failed agent open, and current."""
        span = self.tracer.start_span(f"{name}.run", attributes=AGENT)
        context.attach(trace.set_span_in_context(span))
        span.record_exception(RuntimeError())
        span.set_status(Status(StatusCode.ERROR))

    def work(self, name: str = "helper") -> None:
        """Run an agent that calls a tool."""
        with (
            self.tracer.start_as_current_span(f"{name}.run", attributes=AGENT) as span,
            self.tracer.start_as_current_span("Search", attributes=TOOL),
        ):
            span.set_status(StatusCode.OK)

    def told(self) -> tuple[dict[str, int], int]:
        """Return invocations by outcome and the number of tool calls."""
        told = counts(self.processor)
        assert told.health["in_progress"] == 0
        return dict(told.invocations), told.tools.total()


@pytest.fixture
def framework() -> Iterator[Framework]:
    """Return a framework in a context of its own, which decorators use, too."""
    token = context.attach(context.Context())
    made = Framework()
    use_provider(made.provider)
    yield made
    use_provider(None)
    context.detach(token)


def test_later_runs_count(framework: Framework) -> None:
    """Every run after a failed one is an invocation, with its tool calls."""
    framework.work()
    framework.fail()
    framework.work()
    framework.work()
    assert framework.told() == ({"success": 3, "error": 1}, 3)


def test_many_failed(framework: Framework) -> None:
    """Failed agents that pile up in each other are one invocation each."""
    for _ in range(5):
        framework.fail()
    framework.work()
    assert framework.told() == ({"error": 5, "success": 1}, 1)


def test_decorated_runs_count(framework: Framework) -> None:
    """A decorated agent after a failed one is an invocation, be that one decorated or not."""

    def failing() -> None:
        framework.fail()
        raise RuntimeError

    decorate: Callable[[Callable[[], None]], Callable[[], None]] = agent(
        publisher_id="acme", agent_id="finder"
    )
    framework.fail()
    decorate(framework.work)()
    with pytest.raises(RuntimeError):
        decorate(failing)()
    decorate(framework.work)()
    assert framework.told() == ({"error": 2, "success": 2}, 2)


def test_inside_an_agent_that_lives(framework: Framework) -> None:
    """What runs after a failed sub-agent is still inner work of the agent round it."""
    with framework.tracer.start_as_current_span("boss.run", attributes=AGENT) as boss:
        framework.fail()
        framework.work()
        boss.set_status(StatusCode.OK)
    assert framework.told() == ({"success": 1}, 1)


def test_an_agent_that_failed_and_is_still_at_work(framework: Framework) -> None:
    """A failed agent that calls a tool before it ends is one invocation with that call."""
    span = framework.tracer.start_span("helper.run", attributes=AGENT)
    with trace.use_span(span, end_on_exit=True):
        span.set_status(Status(StatusCode.ERROR))
        with framework.tracer.start_as_current_span("Search", attributes=TOOL):
            pass
    assert framework.told() == ({"error": 1}, 1)


def test_in_tasks(framework: Framework) -> None:
    """It stays so where each run has a task of its own."""

    async def one(number: int) -> None:
        if number % 3 == 0:
            framework.fail()
        framework.work()

    async def run() -> None:
        await asyncio.gather(*(one(number) for number in range(9)))

    asyncio.run(run())
    assert framework.told() == ({"error": 3, "success": 9}, 9)
