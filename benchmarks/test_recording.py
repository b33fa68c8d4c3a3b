"""What it costs a service to record all its spans where only 1 % are sampled.

Metrics need every span, so the SDK records them all and exports the sampled ones. A service pays
for that with all its spans, those of its HTTP requests and database queries included.
"""

from collections.abc import Callable
from functools import partial
from typing import Final

from benchmarks import workloads
from benchmarks.baselines import NoOpProcessor
from benchmarks.measure import cpu_ns, interleaved, once, table
from benchmarks.workloads import FAILED, SpanPlan, window
from opentelemetry.context import Context
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ParentBased, Sampler, TraceIdRatioBased
from opentelemetry.trace import Tracer, set_span_in_context
from pytest_benchmark.fixture import BenchmarkFixture

from agent_analytics.processor import AgentMetricsProcessor, RecordAllSampler

ROUNDS: Final = 15
REQUESTS: Final = 60
RATIO: Final = 0.01

DROPPED: Final = "1 % sampled, others dropped"
RECORDED: Final = "1 % sampled, all recorded"
MEASURED: Final = "all recorded, with our processor"

SERVER: Final = workloads.http_servers()
CLIENT: Final = workloads.http_clients()
QUERY: Final = workloads.queries()
INVOCATIONS: Final = workloads.invocations(REQUESTS * (ROUNDS + 2))


class _Discard(SpanExporter):
    """Exports to nowhere."""

    def export(self, spans: object) -> SpanExportResult:
        """Take spans and forget them."""
        del spans
        return SpanExportResult.SUCCESS


def _tracer(sampler: Sampler, *processors: SpanProcessor) -> tuple[TracerProvider, Tracer]:
    provider = TracerProvider(sampler=sampler, shutdown_on_exit=False)
    for processor in (*processors, BatchSpanProcessor(_Discard())):
        provider.add_span_processor(processor)
    return provider, provider.get_tracer("benchmark")


def _span(tracer: Tracer, plan: SpanPlan, context: Context | None, queries: int = 0) -> None:
    span = tracer.start_span(plan.name, context, attributes=plan.attributes)
    if queries:
        inside = set_span_in_context(span)
        for _ in range(queries):
            _span(tracer, QUERY, inside)
    span.end()


def _request_of_an_agent(tracer: Tracer, plan: SpanPlan) -> None:
    """One HTTP request that invokes an agent, which makes 2 HTTP requests and 4 queries."""
    request = tracer.start_span(SERVER.name, attributes=SERVER.attributes)
    invocation = tracer.start_span(
        plan.name, set_span_in_context(request), attributes=plan.attributes
    )
    context = set_span_in_context(invocation)
    for _ in range(2):
        _span(tracer, CLIENT, context)
    for _ in range(4):
        _span(tracer, QUERY, context)
    if plan.fails:
        invocation.set_status(FAILED)
    invocation.end()
    request.end()


def _foreign_requests(tracer: Tracer, plan: SpanPlan | None = None) -> None:
    """Two HTTP requests with 3 queries each that have nothing to do with agents."""
    del plan
    for _ in range(2):
        _span(tracer, SERVER, None, queries=3)


def _mixed(tracer: Tracer, plan: SpanPlan) -> None:
    """1 agent span, 5 HTTP spans and 10 database spans."""
    _request_of_an_agent(tracer, plan)
    _foreign_requests(tracer)


def _round(work: Callable[[Tracer, SpanPlan], None], tracer: Tracer, number: int) -> float:
    plans = window(INVOCATIONS, REQUESTS, number)

    def run() -> None:
        for plan in plans:
            work(tracer, plan)

    return cpu_ns(run) / len(plans)


def _invocations(processor: AgentMetricsProcessor) -> float:
    return sum(
        sample.value
        for family in processor.collect()
        for sample in family.samples
        if sample.name == "marketplace_agent_invocations_total"
    )


def test_recording_all_spans(benchmark: BenchmarkFixture) -> None:
    """CPU time of a service's spans at 1 % sampling: 1 agent span, 5 HTTP, 10 database."""

    def work() -> dict[str, object]:
        processor = AgentMetricsProcessor(hold_seconds=0, take_rate="0.15")
        ratio = ParentBased(TraceIdRatioBased(RATIO))
        made = {
            DROPPED: _tracer(ratio),
            RECORDED: _tracer(RecordAllSampler(ratio), NoOpProcessor()),
            MEASURED: _tracer(RecordAllSampler(ratio), processor),
        }
        try:
            measured: dict[str, object] = {}
            for title, run, spans in (
                (
                    "A request with an agent and two without: 1 agent, 5 HTTP, 10 database spans",
                    _mixed,
                    16,
                ),
                ("Two requests without agents: 2 HTTP, 6 database spans", _foreign_requests, 8),
            ):
                figures = interleaved(
                    f"{title}; {REQUESTS} x {ROUNDS} rounds",
                    {name: partial(_round, run, tracer) for name, (_, tracer) in made.items()},
                    ROUNDS,
                )
                rows = [
                    [
                        name,
                        f"{figures.cost(name) / 1e3:,.1f}",
                        f"{figures.added(name, DROPPED) / 1e3:,.1f}" if name != DROPPED else "",
                        f"{figures.times(DROPPED, name):.2f}",
                        f"{figures.cost(name) / spans:,.0f}",
                    ]
                    for name in made
                ]
                table(("CPU", "µs", "added µs", "x dropped", "ns per span"), rows)
                ours = figures.added(MEASURED, RECORDED)
                print(f"our processor alone: {ours / 1e3:,.2f} µs, {ours / spans:,.0f} ns a span")
                measured[run.__name__] = {
                    "us": {name: figures.cost(name) / 1e3 for name in made},
                    "ours_ns_per_span": ours / spans,
                }
        finally:
            for provider, _ in made.values():
                provider.shutdown()
        assert _invocations(processor) == REQUESTS * (ROUNDS + 1)
        return measured

    once(benchmark, work)
