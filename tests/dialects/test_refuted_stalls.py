"""No single call into the processor stalls the host, and what it keeps is bounded."""

import gc
import itertools
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.trace import Span
from tests.dialects import test_late
from tests.dialects.test_late import AGENT, TOOL, App

from agent_analytics.instrumentation import health

CHAT: dict[str, Any] = dict(test_late.CHAT)
FRAMEWORK = "strands.tracing"
VIEWS = ("app", "openinference.instrumentation.x", FRAMEWORK)
#: No call may take longer, in seconds; ten times what is wanted, for slow machines.
LONGEST = 1.0


class Stalls:
    """Measures the calls of an app's processor."""

    def __init__(self, app: App) -> None:
        self.worst = 0.0
        processor: Any = app.processor
        processor.on_start = self.timed(processor.on_start)
        processor.on_end = self.timed(processor.on_end)

    def timed(self, call: Callable[..., None]) -> Callable[..., None]:
        """Return a call that is measured."""

        def measured(*args: object, **named: object) -> None:
            began = time.perf_counter()
            call(*args, **named)
            self.worst = max(self.worst, time.perf_counter() - began)

        return measured


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Fail if the block takes longer."""
    began = time.perf_counter()
    yield
    assert time.perf_counter() - began < seconds


def start(app: App, scope: str, attributes: dict[str, Any], parent: Span | None = None) -> Span:
    """Start a span."""
    around = None if parent is None else trace.set_span_in_context(parent)
    return app.provider.get_tracer(scope).start_span("s", context=around, attributes=attributes)


def test_a_run_with_many_calls_that_three_instrumentations_see() -> None:
    """The end of an agent with 3,300 model calls, each seen by three, does not take seconds."""
    app = App("at the start")
    stalls = Stalls(app)
    root = start(app, "app", AGENT)
    for _ in range(3_300):
        spans = [start(app, scope, CHAT, root) for scope in VIEWS]
        for span in reversed(spans):
            span.end()
    root.end()
    assert stalls.worst < LONGEST


def test_an_agent_that_goes_on_for_100_000_calls() -> None:
    """The 100,000th call of one agent, and its end, cost no more than the first ones."""
    app = App("at the start")
    stalls = Stalls(app)
    root = start(app, FRAMEWORK, AGENT)
    for _ in range(100_000):
        start(app, FRAMEWORK, CHAT, root).end()
    root.end()
    assert stalls.worst < LONGEST


def test_what_is_kept_of_an_agent_that_goes_on_is_bounded() -> None:
    """Of 30,000 calls that have ended in an agent that goes on, not every one is kept."""
    app = App("at the start")
    root = start(app, FRAMEWORK, AGENT)
    for _ in range(30_000):
        start(app, FRAMEWORK, CHAT, root).end()
    gc.collect()
    runs: Any = app.processor._runs  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # inside
    assert len(runs._pending) <= 15_000  # noqa: SLF001 - inside


def test_12_000_children_that_do_not_end() -> None:
    """Children of one agent that stay open cost as much beyond 10,000 as before."""
    app = App("at the start")
    root = start(app, FRAMEWORK, AGENT)
    for _ in range(10_000):
        start(app, FRAMEWORK, TOOL, root)
    with within(0.5):
        for _ in range(2_000):
            start(app, FRAMEWORK, TOOL, root)


def test_runs_in_a_span_that_stays_open_and_nobody_scrapes() -> None:
    """The ten thousandth run in an open span costs no more than the first, and is not kept."""
    app = App("at the start")
    with app.provider.get_tracer("app").start_as_current_span("main loop") as main:
        for _ in range(10_000):
            start(app, FRAMEWORK, AGENT, main).end()
        silent: Any = app.processor._runs.silent  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # inside
        assert max(len(one.runs or ()) for one in silent.spans.values()) <= 1_100


@pytest.mark.parametrize("depth", [2_000])
def test_agents_in_agents_of_the_same_name(depth: int) -> None:
    """An agent that calls itself 2,000 levels deep is one invocation, and nothing is lost."""
    errors = health.internal_errors()
    app = App("at the start")
    spans: list[Span] = []
    for _ in itertools.repeat(None, depth):
        spans.append(start(app, FRAMEWORK, AGENT, spans[-1] if spans else None))
    for span in reversed(spans):
        span.end()
    assert health.internal_errors() == errors
    assert dict(app.told().invocations) == {"success": 1}


def test_spans_that_never_end_are_not_kept_alive() -> None:
    """Of 500 agents that are abandoned with 100 KB of text each, the text is not kept."""
    app = App("at the start")
    tracemalloc.start()
    try:
        for number in range(500):
            start(app, FRAMEWORK, {**AGENT, "input.value": f"{number}" * 50_000})
        gc.collect()
        kept = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert kept < 10_000_000
