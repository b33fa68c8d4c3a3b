"""Durations while the wall clock is set: by hand, by NTP, after a suspended machine wakes up.

The machine's clock is everybody's, so a process of its own sees one that is shifted from the first
import on, whoever reads it.
"""

import json
import subprocess
import sys
from functools import cache
from typing import Final, TypedDict

import pytest

PROGRAM: Final = '''
import asyncio, json, sys, time
from contextlib import suppress
from datetime import UTC, datetime

shift = 0
real_ns, real = time.time_ns, time.time
time.time_ns = lambda: real_ns() + shift * 10**9
time.time = lambda: real() + shift

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from agent_analytics.instrumentation import agent, current_invocation, record_feedback
from agent_analytics.instrumentation import record_invocation, tool, tracing

exporter = InMemorySpanExporter()
provider = TracerProvider(shutdown_on_exit=False)
provider.add_span_processor(SimpleSpanProcessor(exporter))
tracing.use_provider(provider)
inside = {}

def setting(case, seconds=0.03, fails=False):
    """Set the clock in the middle of work that takes a while."""
    global shift
    begin = time.perf_counter()
    time.sleep(seconds / 2)
    shift = int(sys.argv[1])
    time.sleep(seconds / 2)
    inside[case] = time.perf_counter() - begin
    if fails:
        raise ValueError

@agent(publisher_id="acme", agent_id="plain")
def plain():
    setting("plain")

@agent(publisher_id="acme", agent_id="failing")
def failing():
    setting("failing", fails=True)

@agent(publisher_id="acme", agent_id="coroutine")
async def coroutine():
    setting("coroutine")

@agent(publisher_id="acme", agent_id="generator")
def generator():
    setting("generator")
    yield 1

@agent(publisher_id="acme", agent_id="asynchronous")
async def asynchronous():
    setting("asynchronous")
    yield 1

@agent(publisher_id="acme", agent_id="returned")
def returned():
    def steps():
        setting("returned")
        yield 1
    return steps()

@tool
def searching():
    setting("searching")

@agent(publisher_id="acme", agent_id="models")
def models():
    current_invocation().add_usage(1, 1, model="one")
    current_invocation().add_usage(1, 1, model="two")
    setting("models")

async def read(stream):
    async for _ in stream:
        pass

def failing_call():
    with suppress(ValueError):
        failing()

cases = {
    "plain": plain,
    "failing": failing_call,
    "coroutine": lambda: asyncio.run(coroutine()),
    "generator": lambda: list(generator()),
    "asynchronous": lambda: asyncio.run(read(asynchronous())),
    "returned": lambda: list(returned()),
    "searching": searching,
    "models": models,
}
found = {}
for case, call in cases.items():
    shift = 0
    begin = time.perf_counter()
    call()
    outside = time.perf_counter() - begin
    spans = exporter.get_finished_spans()
    exporter.clear()
    span = spans[-1]
    found[case] = {
        "took": (span.end_time - span.start_time) / 1e9,
        "least": inside[case],
        "most": outside,
        "first": span.attributes.get("gen_ai.response.time_to_first_chunk"),
        "extra": [other.end_time - other.start_time for other in spans[:-1]],
    }
shift = int(sys.argv[1])
for when in (None, datetime(2026, 1, 1, tzinfo=UTC)):
    record_invocation(publisher_id="acme", agent_id="recorded", duration_ms=250, success=True,
                      occurred_at=when)
    record_feedback(publisher_id="acme", agent_id="recorded", rating=4, occurred_at=when)
    call, event = exporter.get_finished_spans()
    exporter.clear()
    found[f"recorded {when}"] = {
        "took": (call.end_time - call.start_time) / 1e9, "least": 0.25, "most": 0.25,
        "first": None, "extra": [event.end_time - event.start_time],
    }
print(json.dumps(found))
'''
CASES: Final = (
    "plain",
    "failing",
    "coroutine",
    "generator",
    "asynchronous",
    "returned",
    "searching",
    "models",
    "recorded None",
    "recorded 2026-01-01 00:00:00+00:00",
)


class Timing(TypedDict):
    """What the span of a case says, and what a stopwatch said inside and outside of the call."""

    took: float
    least: float
    most: float
    first: float | None
    extra: list[int]


@cache
def _run(shift: int) -> dict[str, Timing]:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(shift)], check=True, capture_output=True, text=True
    )
    found: dict[str, Timing] = json.loads(done.stdout)
    return found


# sentry-python#631: a clock set back gave durations below 0; LMCache#3103: one set on gave hours.
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("shift", [-1, -3600, 3600, 86_400 * 400])
def test_a_clock_that_is_set_changes_no_duration(case: str, shift: int) -> None:
    """A call lasts as long as a stopwatch says, wherever the wall clock goes meanwhile."""
    timing = _run(shift)[case]
    assert timing["least"] <= timing["took"] <= timing["most"]
    # Nothing that has no length gets one: usage of a second model, events.
    assert not any(timing["extra"])


@pytest.mark.parametrize("case", ["generator", "asynchronous", "returned"])
@pytest.mark.parametrize("shift", [-3600, 3600])
def test_a_clock_that_is_set_changes_no_time_to_the_first_chunk(case: str, shift: int) -> None:
    """The first chunk took as long as a stopwatch says."""
    timing = _run(shift)[case]
    assert timing["first"] is not None
    assert timing["least"] <= timing["first"] <= timing["took"]
