"""What a state directory costs: a span, and a scrape over the slots of many workers."""

import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from benchmarks import workloads
from benchmarks.measure import cpu_ns, interleaved, once, table, target
from benchmarks.series import filled
from benchmarks.workloads import FAILED, SpanPlan, window
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import Tracer
from pytest_benchmark.fixture import BenchmarkFixture

from agent_analytics.exporters import exposition
from agent_analytics.processor import AgentMetricsProcessor

ROUNDS: Final = 25
SPANS: Final = 2_000
SCRAPES: Final = 7
SAMPLES: Final = 100_000
SLOTS: Final = 8
MEMORY: Final = "in memory"
DURABLE: Final = "with a state directory"
BARE: Final = "no processor"

INVOCATIONS: Final = workloads.invocations(SPANS * (ROUNDS + 2))


def _tracer(processor: AgentMetricsProcessor | None) -> Tracer:
    provider = TracerProvider(shutdown_on_exit=False)
    if processor is not None:
        provider.add_span_processor(processor)
    return provider.get_tracer("benchmark")


def _spans(tracer: Tracer, number: int) -> float:
    chosen: list[SpanPlan] = list(window(INVOCATIONS, SPANS, number))

    def work() -> None:
        for plan in chosen:
            span = tracer.start_span(plan.name, attributes=plan.attributes)
            if plan.fails:
                span.set_status(FAILED)
            span.end()

    return cpu_ns(work) / len(chosen)


def test_span(benchmark: BenchmarkFixture) -> None:
    """An invocation span, whole: at most 1.25 times what it costs in memory."""

    def work() -> dict[str, object]:
        with tempfile.TemporaryDirectory() as state:
            tracers = {
                BARE: _tracer(None),
                MEMORY: _tracer(AgentMetricsProcessor(0)),
                DURABLE: _tracer(AgentMetricsProcessor(0, state)),
            }
            figures = interleaved(
                "an invocation span",
                {name: partial(_spans, tracer) for name, tracer in tracers.items()},
                ROUNDS,
            )
        rows = [
            (name, f"{figures.cost(name) / 1000:.1f}", f"{figures.added(name, BARE) / 1000:.1f}")
            for name in tracers
        ]
        table(("", "µs a span", "added"), rows)
        times = figures.times(MEMORY, DURABLE)
        return {"times": times, "target": target("durable / memory", times, 1.15)}

    once(benchmark, work)


def test_scrape_over_slots(benchmark: BenchmarkFixture) -> None:
    """A scrape of 100,000 series in eight slots: at most twice that of as many in one."""

    def work() -> dict[str, object]:
        with tempfile.TemporaryDirectory() as folder:
            one, spread, shared = (str(Path(folder) / name) for name in ("1", "8", "same"))
            single = filled(SAMPLES, one)
            parts = [filled(SAMPLES, spread, slice(i, None, SLOTS)) for i in range(SLOTS)]
            same = [filled(SAMPLES // SLOTS, shared) for _ in range(SLOTS)]

            def scrape(processor: AgentMetricsProcessor) -> Callable[[int], float]:
                return lambda _: cpu_ns(lambda: exposition(processor))

            figures = interleaved(
                "a scrape of 100,000 samples",
                {
                    MEMORY: scrape(filled(SAMPLES)),
                    "one slot": scrape(single),
                    "eight slots, listings apart": scrape(parts[0]),
                    "eight slots, the same listings": scrape(same[0]),
                },
                SCRAPES,
            )
            lines = dict.fromkeys(figures.rounds, 0)
            for name, processor in zip(lines, (None, single, parts[0], same[0]), strict=True):
                if processor is not None:
                    lines[name] = exposition(processor)[0].count(b"\n")
        table(
            ("", "ms", "lines"),
            [(n, f"{figures.cost(n) / 1e6:.0f}", str(lines[n] or "")) for n in figures.rounds],
        )
        times = figures.times("one slot", "eight slots, listings apart")
        return {"times": times, "target": target("eight slots / one", times, 2.0)}

    once(benchmark, work)
