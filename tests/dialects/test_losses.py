"""What had ended must be counted, whatever becomes of the process and whoever is scraped."""

from pathlib import Path
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from tests.dialects import test_late
from tests.dialects.replay import IDENTITY, Counts, counts
from tests.dialects.test_late import AGENT, INNER, TOOL, App

from agent_analytics.exporters import configure
from agent_analytics.instrumentation import vocabulary as v
from agent_analytics.processor import AgentMetricsProcessor

CHAT: dict[str, Any] = dict(test_late.CHAT)
FRAMEWORK = "strands.tracing"
#: A known limit, in docs/counting.md.
SCRAPED = "a run whose topmost span has ended is counted at a scrape, since some spans never end"
#: A known limit, in docs/counting.md.
LONG = "what an unknown span holds waits a minute for what it tells"


class Worker:
    """A worker with a state directory."""

    def __init__(self, state_dir: Path) -> None:
        self.now = 0.0
        self.processor = AgentMetricsProcessor(0, state_dir, clock=lambda: self.now)
        self.provider = TracerProvider(resource=Resource(dict(IDENTITY)), shutdown_on_exit=False)
        self.provider.add_span_processor(self.processor)
        self.outer = self.provider.get_tracer("app").start_span("main loop")

    def run(self, *, end: bool = True) -> None:
        """Run a framework's agent with one model call inside a span that stays open."""
        tracer = self.provider.get_tracer(FRAMEWORK)
        span = tracer.start_span(
            "a", context=trace.set_span_in_context(self.outer), attributes=AGENT
        )
        tracer.start_span("m", context=trace.set_span_in_context(span), attributes=CHAT).end()
        if end:
            span.end()

    def told(self) -> Counts:
        """Scrape."""
        return counts(self.processor)


def test_a_run_that_waits_is_counted_before_the_process_goes(tmp_path: Path) -> None:
    """What a run that had ended has told is on disk after the provider was shut down."""
    first = Worker(tmp_path)
    first.run()
    first.provider.shutdown()
    assert dict(Worker(tmp_path).told().invocations) == {"success": 1}


def test_a_run_that_waits_is_counted_by_the_shutdown_of_a_runtime(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``runtime.shutdown()``, which ``configure()`` registers for the exit, counts what waits."""
    monkeypatch.setenv("AGENT_ANALYTICS_PUBLISHER_ID", "acme")
    with configure(
        metrics_port=None, state_dir=str(tmp_path), hold_seconds=0, tenant_key="key"
    ) as runtime:
        outer = trace.set_span_in_context(runtime.provider.get_tracer("app").start_span("loop"))
        tracer = runtime.provider.get_tracer(FRAMEWORK)
        tracer.start_span("a", outer, attributes=AGENT).end()
        assert not counts(runtime.processor).invocations
    assert dict(counts(runtime.processor).invocations) == {"success": 1}


def test_calls_that_ended_in_an_agent_that_goes_on_are_counted_at_exit(tmp_path: Path) -> None:
    """Model calls that had ended are on disk after a shutdown in the middle of their agent."""
    first = Worker(tmp_path)
    first.run(end=False)
    first.provider.shutdown()
    assert dict(Worker(tmp_path).told().model_calls) == {"success": 1}


def test_runs_of_workers_that_are_never_scraped_are_counted(tmp_path: Path) -> None:
    """A worker counts its own waiting runs in time, since only one worker is ever scraped."""
    scraped, other = Worker(tmp_path), Worker(tmp_path)
    for _ in range(5):
        other.run()
    other.now = scraped.now = 3_600.0
    other.run()  # there is traffic, too
    assert scraped.told().invocations["success"] >= 5


def test_a_call_that_ends_after_its_agent_and_a_scrape() -> None:
    """Tokens that the agent repeats of a call that ends later count once, scraped or not."""
    usage = {key: value for key, value in CHAT.items() if "usage" in key}
    app = App("at the start")
    tracer = app.provider.get_tracer(FRAMEWORK)
    span = tracer.start_span("a", attributes={**AGENT, **usage})
    call = tracer.start_span("m", context=trace.set_span_in_context(span), attributes=CHAT)
    span.end()
    app.told()
    call.end()
    assert dict(app.told().tokens) == {"input": 10, "output": 1}


@pytest.mark.xfail(strict=True, reason=LONG)
def test_an_agent_written_by_hand_that_takes_long() -> None:
    """An agent that tells what it is at its end is one invocation after 90 seconds, too."""
    app = App("at the end")
    with app.provider.get_tracer("app").start_as_current_span("work") as span:
        app.when = "at the start"
        with app.span(INNER, FRAMEWORK), app.span(CHAT, FRAMEWORK):
            pass
        app.now = 90.0
        app.told()
        span.set_attributes({**AGENT, "gen_ai.usage.input_tokens": 10})
    told = app.told()
    assert dict(told.invocations) == {"success": 1}
    assert told.tokens["input"] == 10


def test_a_long_run_of_a_publisher_whose_agents_have_names() -> None:
    """Of 10,500 model calls of one agent that names itself none is unattributed."""
    app = App("at the start", {v.PUBLISHER_ID: "acme"})
    with app.span(AGENT, FRAMEWORK):
        for _ in range(10_500):
            with app.span(CHAT, FRAMEWORK):
                pass
    told = app.told()
    assert told.health["unattributed"] == 0
    assert dict(told.model_calls) == {"success": 10_500}


def test_an_agent_that_never_ends_and_named_itself() -> None:
    """The model calls of an agent that is given up are those of the listing that it named."""
    app = App("at the start", {v.PUBLISHER_ID: "acme"})
    tracer = app.provider.get_tracer(FRAMEWORK)
    span = tracer.start_span("a", attributes=AGENT)
    tracer.start_span("m", context=trace.set_span_in_context(span), attributes=CHAT).end()
    app.now = 7 * 3_600.0
    told = app.told()
    assert told.health["unattributed"] == 0
    assert dict(told.model_calls) == {"success": 1}


@pytest.mark.parametrize(
    "scraped",
    [
        pytest.param(True, id="scraped", marks=pytest.mark.xfail(strict=True, reason=SCRAPED)),
        pytest.param(False, id="not scraped"),
    ],
)
def test_a_tool_that_outlives_its_agent(*, scraped: bool) -> None:
    """An agent that is left in the middle of a tool call is cancelled, scraped meanwhile or not."""
    app = App("at the start")
    tracer = app.provider.get_tracer(FRAMEWORK)
    span = tracer.start_span("a", attributes=AGENT)
    call = tracer.start_span("t", context=trace.set_span_in_context(span), attributes=TOOL)
    span.end()
    if scraped:
        app.told()
    call.end()
    assert dict(app.told().invocations) == {"cancelled": 1}


@pytest.mark.parametrize(
    "scraped",
    [
        pytest.param(True, id="scraped", marks=pytest.mark.xfail(strict=True, reason=SCRAPED)),
        pytest.param(False, id="not scraped"),
    ],
)
def test_agents_that_outlive_the_span_that_they_run_in(*, scraped: bool) -> None:
    """Two agents in a tool's span that ends first are two runs, scraped meanwhile or not."""
    app = App("at the start")
    tracer = app.provider.get_tracer(FRAMEWORK)
    top = tracer.start_span("t", attributes=TOOL)
    inside = trace.set_span_in_context(top)
    first, second = (tracer.start_span("a", context=inside, attributes=AGENT) for _ in range(2))
    first.end()
    top.end()
    if scraped:
        app.told()
    second.end()
    assert dict(app.told().invocations) == {"success": 2}
