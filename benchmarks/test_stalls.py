"""The longest that a single call into the processor holds up whoever starts or ends a span."""

import itertools
import time
from collections.abc import Callable
from typing import Any, Final

from benchmarks.measure import once, table
from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import Span
from pytest_benchmark.fixture import BenchmarkFixture

from agent_analytics.instrumentation import vocabulary as v
from agent_analytics.processor import AgentMetricsProcessor, catalogue

FRAMEWORK: Final = "strands.telemetry.tracer"
VIEWS: Final = ("app", "openinference.instrumentation.x", FRAMEWORK)
BEGIN: Final = 1_800_000_000 * 10**9
AGENT: Final = {v.OPERATION_NAME: v.INVOKE_AGENT, v.AGENT_NAME: "finder"}
CHAT: Final = {
    v.OPERATION_NAME: v.CHAT,
    v.REQUEST_MODEL: "m",
    v.INPUT_TOKENS: 10,
    v.OUTPUT_TOKENS: 1,
}


def time_at(tenths: int) -> int:
    """Return a time in nanoseconds since 1970: calls of models take most of a second."""
    return BEGIN + tenths * 100_000_000


class Stalls:
    """A processor whose calls are timed, and spans that are given to it."""

    def __init__(self) -> None:
        self.worst = 0.0
        self.processor = AgentMetricsProcessor(hold_seconds=0)
        processor: Any = self.processor
        processor.on_start = self._timed(processor.on_start)
        processor.on_end = self._timed(processor.on_end)
        self.provider = TracerProvider(
            resource=Resource({v.PUBLISHER_ID: "acme", v.AGENT_ID: "finder"}),
            shutdown_on_exit=False,
        )
        self.provider.add_span_processor(processor)

    def _timed(self, call: Callable[..., None]) -> Callable[..., None]:
        def timed(*args: object, **named: object) -> None:
            began = time.perf_counter()
            call(*args, **named)
            self.worst = max(self.worst, time.perf_counter() - began)

        return timed

    def start(
        self,
        attributes: dict[str, Any],
        parent: Span | None = None,
        scope: str = FRAMEWORK,
        at: int = 0,
    ) -> Span:
        """Start a span of a framework, ``at`` tenths of a second after the first."""
        around = None if parent is None else trace.set_span_in_context(parent)
        return self.provider.get_tracer(scope).start_span(
            "span", context=around, attributes=attributes, start_time=time_at(at)
        )

    def counted(self) -> float:
        """Return how many model calls were counted."""
        return sum(
            sample.value
            for family in self.processor.collect()
            for sample in family.samples
            if sample.name == catalogue.INFERENCE_CALLS.name
        )


def test_longest_call(benchmark: BenchmarkFixture) -> None:
    """Milliseconds of the longest ``on_start`` or ``on_end`` in runs of many spans; no target."""

    def three_views() -> tuple[float, float]:
        stalls = Stalls()
        root = stalls.start(AGENT)
        for number in range(3_300):
            spans = [stalls.start(CHAT, root, scope, 10 * number) for scope in VIEWS]
            for span in reversed(spans):
                span.end(time_at(10 * number + 8))
        root.end()
        return stalls.worst, stalls.counted()

    def many(calls: int) -> tuple[float, float]:
        stalls = Stalls()
        root = stalls.start(AGENT)
        for number in range(calls):
            stalls.start(CHAT, root, at=10 * number).end(time_at(10 * number + 8))
        root.end()
        return stalls.worst, stalls.counted()

    def open_children() -> tuple[float, float]:
        stalls = Stalls()
        root = stalls.start(AGENT)
        spans = [stalls.start(CHAT, root) for _ in itertools.repeat(None, 12_000)]
        for span in spans:
            span.end()
        root.end()
        return stalls.worst, stalls.counted()

    def work() -> dict[str, object]:
        cases: dict[str, tuple[Callable[[], tuple[float, float]], int]] = {
            "20 calls": (lambda: many(20), 20),
            "1,000 calls": (lambda: many(1_000), 1_000),
            "3,300 calls, each seen by three instrumentations": (three_views, 3_300),
            "12,000 calls, all open at once": (open_children, 12_000),
            "100,000 calls": (lambda: many(100_000), 100_000),
        }
        rows: list[list[str]] = []
        measured: dict[str, object] = {}
        for name, (case, calls) in cases.items():
            worst, counted = case()
            assert counted == calls
            rows.append([name, f"{worst * 1_000:,.1f}"])
            measured[name] = worst
        table(("Longest single call in one agent's run", "ms"), rows)
        return measured

    once(benchmark, work)
