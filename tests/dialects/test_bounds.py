"""What is kept of foreign spans is bounded, however many there are and whether they end."""

import gc
import itertools
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.trace import Span
from tests.dialects import test_late
from tests.dialects.test_late import AGENT, App

from agent_analytics.instrumentation import health

pytestmark = pytest.mark.wide

CHAT: dict[str, Any] = dict(test_late.CHAT)
FRAMEWORK = "strands.tracing"
VIEWS = ("app", "openinference.instrumentation.x", FRAMEWORK)


def start(app: App, scope: str, attributes: dict[str, Any], parent: Span | None = None) -> Span:
    """Start a span."""
    around = None if parent is None else trace.set_span_in_context(parent)
    return app.provider.get_tracer(scope).start_span("s", context=around, attributes=attributes)


def test_what_is_kept_of_an_agent_that_goes_on_is_bounded() -> None:
    """Of 20,000 calls that have ended in an agent that goes on, not every one is kept."""
    app = App("at the start")
    root = start(app, FRAMEWORK, AGENT)
    for _ in range(20_000):
        start(app, FRAMEWORK, CHAT, root).end()
    gc.collect()
    runs: Any = app.processor._runs  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # inside
    assert len(runs._ends.pending) <= 15_000  # noqa: SLF001 - inside


def test_runs_in_a_span_that_stays_open_and_nobody_scrapes() -> None:
    """The four thousandth run in an open span costs no more than the first, and is not kept."""
    app = App("at the start")
    with app.provider.get_tracer("app").start_as_current_span("main loop") as main:
        for _ in range(4_000):
            start(app, FRAMEWORK, AGENT, main).end()
        undecided: Any = app.processor._runs.undecided  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # inside
        assert max(len(one.held.runs()) for one in undecided.spans.values() if one.held) <= 1_100


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
