"""What metrics add to the cost of a span: by this project, by hand, by OpenTelemetry metrics."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final
from unittest.mock import patch

from benchmarks import workloads
from benchmarks.baselines import (
    TAKE_RATE,
    NaiveProcessor,
    NoOpProcessor,
    OTelMetricsProcessor,
)
from benchmarks.measure import Figures, cpu_ns, interleaved, once, table, target
from benchmarks.workloads import FAILED, SpanPlan, window
from opentelemetry.sdk.metrics.export import Sum
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.trace import Tracer, set_span_in_context
from pytest_benchmark.fixture import BenchmarkFixture

from agent_analytics.processor import AgentMetricsProcessor, catalogue, core_in_use
from agent_analytics.processor._spans.sdk_access import PUBLIC  # pyright: ignore[reportPrivateUsage]  # to compare

BARE: Final = "bare span"
NO_OP: Final = "no-op processor"
OURS: Final = "agent-analytics"
FALLBACK: Final = "agent-analytics, public readers"
NAIVE: Final = "prometheus_client, labels() each time"
OTEL: Final = "OpenTelemetry metrics"

#: Most of a bare span's cost that may be added: by the compiled core, or by the one in Python.
COMPILED: Final = core_in_use() == "compiled core"
INVOCATION: Final = 0.33 if COMPILED else 0.55
TOOL: Final = 0.18 if COMPILED else 0.30
ROUNDS: Final = 21
SPANS: Final = 300
THREADS: Final = 4
TASKS: Final = 50
CALLS_PER_INVOCATION: Final = 5

#: Longer than what all rounds walk through, so that no round repeats another's spans.
INVOCATIONS: Final = workloads.invocations(SPANS * (ROUNDS + 2))


def _ours() -> AgentMetricsProcessor:
    return AgentMetricsProcessor(hold_seconds=0, take_rate=TAKE_RATE)


def _with_public_readers() -> AgentMetricsProcessor:
    with patch("agent_analytics.processor._wiring.readers", return_value=PUBLIC):
        return _ours()


def _tracer(processor: SpanProcessor | None) -> Tracer:
    provider = TracerProvider(shutdown_on_exit=False)
    if processor is not None:
        provider.add_span_processor(processor)
    return provider.get_tracer("benchmark")


class Subjects:
    """One provider for each means, and a count of what each has counted."""

    def __init__(self) -> None:
        self.ours = _ours()
        self.fallback = _with_public_readers()
        self.naive = NaiveProcessor()
        self.otel = OTelMetricsProcessor()
        self.tracers = {
            BARE: _tracer(None),
            NO_OP: _tracer(NoOpProcessor()),
            OURS: _tracer(self.ours),
            FALLBACK: _tracer(self.fallback),
            NAIVE: _tracer(self.naive),
            OTEL: _tracer(self.otel),
        }

    def counted(self, metric: catalogue.Metric) -> dict[str, float]:
        """Return how many events each means has counted in a counter."""
        totals: dict[str, float] = {}
        for name, collector in (
            (OURS, self.ours),
            (FALLBACK, self.fallback),
            (NAIVE, self.naive.registry),
        ):
            totals[name] = sum(
                sample.value
                for family in collector.collect()
                for sample in family.samples
                if sample.name == metric.name
            )
        data = self.otel.reader.get_metrics_data()
        totals[OTEL] = 0.0
        for resource in data.resource_metrics if data is not None else ():
            for scope in resource.scope_metrics:
                for one in scope.metrics:
                    if one.name == metric.family and isinstance(one.data, Sum):
                        totals[OTEL] += sum(point.value for point in one.data.data_points)
        return totals


def _end_to_end(tracer: Tracer, plans: Sequence[SpanPlan]) -> None:
    start_span = tracer.start_span
    for plan in plans:
        span = start_span(plan.name, attributes=plan.attributes)
        if plan.fails:
            span.set_status(FAILED)
        span.end()


def _spans(tracer: Tracer, plans: Sequence[SpanPlan], number: int) -> float:
    chosen = window(plans, SPANS, number)
    return cpu_ns(lambda: _end_to_end(tracer, chosen)) / len(chosen)


def _spans_inside(tracer: Tracer, plans: Sequence[SpanPlan], number: int) -> float:
    """Return the cost of a span inside an invocation, whose own cost is left out."""
    chosen = window(plans, SPANS, number)
    parents = window(INVOCATIONS, SPANS // CALLS_PER_INVOCATION, number)
    total = 0
    for index, plan in enumerate(parents):
        invocation = tracer.start_span(plan.name, attributes=plan.attributes)
        context = set_span_in_context(invocation)
        first = index * CALLS_PER_INVOCATION
        start = time.process_time_ns()
        for call in chosen[first : first + CALLS_PER_INVOCATION]:
            span = tracer.start_span(call.name, context=context, attributes=call.attributes)
            if call.fails:
                span.set_status(FAILED)
            span.end()
        total += time.process_time_ns() - start
        invocation.end()
    return total / len(chosen)


def _threaded(
    pool: ThreadPoolExecutor, tracer: Tracer, plans: Sequence[SpanPlan], number: int
) -> float:
    share = SPANS // THREADS
    chosen = window(plans, SPANS, number)
    parts = [chosen[i * share : (i + 1) * share] for i in range(THREADS)]

    def work() -> None:
        for future in [pool.submit(_end_to_end, tracer, part) for part in parts]:
            future.result()

    return cpu_ns(work) / (share * THREADS)


async def _task(tracer: Tracer, plans: Sequence[SpanPlan]) -> None:
    for plan in plans:
        with tracer.start_as_current_span(plan.name, attributes=plan.attributes) as span:
            await asyncio.sleep(0)
            if plan.fails:
                span.set_status(FAILED)


def _concurrent(tracer: Tracer, plans: Sequence[SpanPlan], number: int) -> float:
    chosen = window(plans, SPANS, number)
    share = len(chosen) // TASKS

    async def work() -> None:
        parts = [chosen[i * share : (i + 1) * share] for i in range(TASKS)]
        await asyncio.gather(*(_task(tracer, part) for part in parts))

    return cpu_ns(lambda: asyncio.run(work())) / (share * TASKS)


def _compare(
    title: str,
    subjects: Subjects,
    run: Callable[[Tracer, int], float],
) -> Figures:
    variants = {name: partial(run, tracer) for name, tracer in subjects.tracers.items()}
    figures = interleaved(title, variants, ROUNDS)
    rows: list[list[str]] = []
    for name in subjects.tracers:
        if name == BARE:
            rows.append([name, f"{figures.cost(name):,.0f}", "", "", "", "", ""])
            continue
        low, high = figures.spread(name, BARE)
        times = "" if name == NO_OP else f"{figures.times(OURS, name, BARE):.2f}"
        rows.append(
            [
                name,
                f"{figures.cost(name):,.0f}",
                f"{figures.added(name, BARE):,.0f}",
                f"{low:,.0f}",
                f"{high:,.0f}",
                f"{figures.share(name, BARE):.3f}",
                times,
            ]
        )
    head = ("CPU ns per span", "total", "added", "q1", "q3", "share of bare", "x ours")
    table(head, rows)
    return figures


def _summary(figures: Figures) -> dict[str, object]:
    return {
        "bare_ns": figures.cost(BARE),
        "added_ns": {name: figures.added(name, BARE) for name in figures.rounds if name != BARE},
        "share": figures.share(OURS, BARE),
        "share_fallback": figures.share(FALLBACK, BARE),
        "otel_times": figures.times(OURS, OTEL, BARE),
        "naive_times": figures.times(OURS, NAIVE, BARE),
    }


def _all_counted(subjects: Subjects, metric: catalogue.Metric, expected: int) -> None:
    """Fail if the means did not all do the work: then their costs say nothing."""
    totals: Mapping[str, float] = subjects.counted(metric)
    assert totals == dict.fromkeys(totals, expected)


def test_invocation_span(benchmark: BenchmarkFixture) -> None:
    """Cost added to an invocation's span with 11 attributes."""

    def work() -> dict[str, object]:
        subjects = Subjects()
        figures = _compare(
            f"Invocation span, 11 attributes, {SPANS} spans x {ROUNDS} rounds",
            subjects,
            lambda tracer, number: _spans(tracer, INVOCATIONS, number),
        )
        _all_counted(subjects, catalogue.INVOCATIONS, SPANS * (ROUNDS + 1))
        target(f"share of the bare span, {core_in_use()}", figures.share(OURS, BARE), INVOCATION)
        if COMPILED:
            target("share with public readers", figures.share(FALLBACK, BARE), 0.60)
            target("OpenTelemetry / ours", figures.times(OURS, OTEL, BARE), 15, most=False)
        return _summary(figures)

    once(benchmark, work)


def test_tool_span_in_invocation(benchmark: BenchmarkFixture) -> None:
    """Cost added to a tool span with 10 attributes that belongs to the invocation round it."""

    def work() -> dict[str, object]:
        subjects = Subjects()
        plans = workloads.tools(SPANS * (ROUNDS + 2), with_publisher=False)
        figures = _compare(
            f"Tool span inside an invocation, 10 attributes, {SPANS} spans x {ROUNDS} rounds",
            subjects,
            lambda tracer, number: _spans_inside(tracer, plans, number),
        )
        _all_counted(subjects, catalogue.TOOL_CALLS, SPANS * (ROUNDS + 1))
        target(f"share of the bare span, {core_in_use()}", figures.share(OURS, BARE), TOOL)
        return _summary(figures)

    once(benchmark, work)


def test_tool_span_alone(benchmark: BenchmarkFixture) -> None:
    """Cost added to a tool span with 10 attributes that names its publisher itself."""

    def work() -> dict[str, object]:
        subjects = Subjects()
        plans = workloads.tools(SPANS * (ROUNDS + 2), with_publisher=True)
        figures = _compare(
            f"Tool span that names its publisher, 10 attributes, {SPANS} spans x {ROUNDS} rounds",
            subjects,
            lambda tracer, number: _spans(tracer, plans, number),
        )
        _all_counted(subjects, catalogue.TOOL_CALLS, SPANS * (ROUNDS + 1))
        target(f"share of the bare span, {core_in_use()}", figures.share(OURS, BARE), TOOL)
        return _summary(figures)

    once(benchmark, work)


def test_decorated_tool_span(benchmark: BenchmarkFixture) -> None:
    """Cost added to a tool span with the 3 attributes that our decorator writes; no target."""

    def work() -> dict[str, object]:
        subjects = Subjects()
        plans = workloads.decorated_tools(SPANS * (ROUNDS + 2))
        figures = _compare(
            f"Tool span inside an invocation, 3 attributes, {SPANS} spans x {ROUNDS} rounds",
            subjects,
            lambda tracer, number: _spans_inside(tracer, plans, number),
        )
        return _summary(figures)

    once(benchmark, work)


def test_invocation_span_in_threads(benchmark: BenchmarkFixture) -> None:
    """Cost added to an invocation's span by each of four threads."""

    def work() -> dict[str, object]:
        subjects = Subjects()
        with ThreadPoolExecutor(THREADS) as pool:
            figures = _compare(
                f"Invocation span, {THREADS} threads, {SPANS} spans x {ROUNDS} rounds",
                subjects,
                lambda tracer, number: _threaded(pool, tracer, INVOCATIONS, number),
            )
        _all_counted(subjects, catalogue.INVOCATIONS, SPANS * (ROUNDS + 1))
        return _summary(figures)

    once(benchmark, work)


def test_invocation_span_in_tasks(benchmark: BenchmarkFixture) -> None:
    """Cost added to an invocation's span in 50 asyncio tasks that take turns inside it."""

    def work() -> dict[str, object]:
        subjects = Subjects()
        figures = _compare(
            f"Invocation span, {TASKS} asyncio tasks, {SPANS} spans x {ROUNDS} rounds",
            subjects,
            lambda tracer, number: _concurrent(tracer, INVOCATIONS, number),
        )
        _all_counted(subjects, catalogue.INVOCATIONS, SPANS * (ROUNDS + 1))
        return _summary(figures)

    once(benchmark, work)
