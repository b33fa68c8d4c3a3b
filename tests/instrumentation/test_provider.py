"""With no SDK, with a late one, with one that drops spans: each in a process of its own."""

import subprocess
import sys
from collections.abc import Callable

import pytest
from opentelemetry import trace
from tests.patience import patience

from agent_analytics.instrumentation import agent, current_invocation, tracing

COMMON = """
import asyncio, logging, sys
logging.basicConfig(level=logging.INFO, format="LOG %(levelname)s %(message)s", stream=sys.stdout)
from agent_analytics.instrumentation import *
from agent_analytics.instrumentation import health
from opentelemetry import trace

@tool
def look():
    return {"isError": True}

@agent(publisher_id="acme", agent_id="finder", price_usd=1, tenant=lambda n: f"t-{n}")
def work(n):
    look()
    invocation = current_invocation()
    invocation.add_usage(input_tokens=1)
    invocation.charge(1)
    assert invocation.tenant_id == f"t-{n}"
    return invocation

@agent
async def stream():
    yield current_invocation().agent_id

async def read():
    async for _ in stream():
        break
"""

NO_SDK = (
    "import sys\nsys.modules['opentelemetry.sdk'] = None\n"
    + COMMON
    + """
kept = work(1)
assert not kept.span_context.is_valid
asyncio.run(read())
ids = {"publisher_id": "acme", "agent_id": "finder"}
record_install(**ids)
record_feedback(**ids, rating=5, invocation=kept)
record_feedback(**ids, rating=5, invocation=kept.id)
record_invocation(**ids, duration_ms=1, success=True, tool_calls=["look"])
try:
    record_feedback(**ids, rating=7)
except ValueError as error:
    print("refused", error)
print(health.internal_errors(), health.unrecorded_invocations())
print(sorted(name for name in sys.modules if name.startswith("opentelemetry.sdk")))
"""
)

LATE_SDK = (
    COMMON
    + """
work(1)
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
exporter = InMemorySpanExporter()
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(exporter))
trace.set_tracer_provider(provider)
work(2)
print([span.name for span in exporter.get_finished_spans()])
print(health.internal_errors(), health.unrecorded_invocations())
"""
)

DROPPING_SDK = (
    COMMON
    + """
from opentelemetry.sdk.trace import TracerProvider, sampling
trace.set_tracer_provider(TracerProvider(sampler=sampling.ALWAYS_OFF))
for n in range(3):
    work(n)
asyncio.run(read())
record_invocation(publisher_id="acme", agent_id="finder", duration_ms=1, success=True)
record_install(publisher_id="acme", agent_id="finder")
print(health.internal_errors(), health.unrecorded_invocations())
"""
)

FORKED = (
    COMMON
    + """
import os
from opentelemetry.sdk.trace import TracerProvider, sampling
trace.set_tracer_provider(TracerProvider(sampler=sampling.ALWAYS_OFF))
work(1)
child = os.fork()
if child == 0:
    work(1)
    work(2)
    os._exit(health.unrecorded_invocations())
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), health.unrecorded_invocations())
"""
)


def run(program: str) -> list[str]:
    """Run a program and return the lines that it printed or logged."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        capture_output=True,
        text=True,
        timeout=patience(),
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    return done.stdout.splitlines()


#: Said once of each agent that is called where nobody counts.
NOT_COUNTED = (
    "LOG WARNING agent-analytics: agent '{}' is called and nothing counts it, because no "
    "OpenTelemetry SDK is set up: call agent_analytics.exporters.configure() first, or start the "
    "program with opentelemetry-instrument"
)


def test_no_sdk() -> None:
    """Without the SDK everything works and does nothing but say so; bad arguments are bad."""
    assert run(NO_SDK) == [
        NOT_COUNTED.format("work"),
        NOT_COUNTED.format("stream"),
        NOT_COUNTED.format("finder"),
        "refused rating: expected a number from 1 to 5, got 7",
        "0 0",
        "['opentelemetry.sdk']",
    ]


def test_late_sdk() -> None:
    """An SDK that is set up after agents have run is found."""
    assert run(LATE_SDK) == [
        NOT_COUNTED.format("work"),
        "['execute_tool look', 'invoke_agent work']",
        "0 0",
    ]


def test_dropping_sdk() -> None:
    """Invocations that a sampler drops are counted, and said once, with what to do about it."""
    warning, counts = run(DROPPING_SDK)
    assert warning.startswith("LOG WARNING")
    assert "configure()" in warning
    assert "RecordAllSampler" in warning
    assert counts == "0 5"


def test_forked_child_counts_anew() -> None:
    """A child does not repeat its parent's counts."""
    assert run(FORKED)[-1] == "2 1"


def test_provider_can_be_changed(
    exporter: object, said: Callable[[], dict[str, object]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """use_provider goes before the global provider; None goes back to it."""
    assert exporter

    @agent(publisher_id="acme", agent_id="finder")
    def work() -> bool:
        return current_invocation().span_context.is_valid

    assert work()
    assert said()["marketplace.agent.id"] == "finder"
    tracing.use_provider(None)
    monkeypatch.setattr(trace, "get_tracer_provider", trace.NoOpTracerProvider)
    assert not work()
    assert isinstance(tracing.tracer(), trace.NoOpTracer)
