"""Three answers to "why not OpenTelemetry metrics and a board by hand?", as the README shows them.

    make bench ARGS=benchmarks/test_by_hand.py

Each compares with what somebody careful writes: instruments of the OpenTelemetry metrics SDK with
the same names, labels and buckets, exposed by ``prometheus_client``.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, Final, cast

from benchmarks.baselines import TAKE_RATE, NoOpProcessor, OTelMetricsProcessor
from benchmarks.measure import cpu_ns, interleaved, once, table
from benchmarks.series import filled, mirrored
from benchmarks.workloads import FAILED, LISTINGS, SpanPlan, invocations, window
from opentelemetry.sdk.metrics.export import Sum
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from prometheus_client import generate_latest
from pytest_benchmark.fixture import BenchmarkFixture

from agent_analytics.exporters import exposition
from agent_analytics.processor import AgentMetricsProcessor, catalogue

OURS: Final = "agent-analytics"
HAND: Final = "by hand"
BARE: Final = "bare span"
ROUNDS: Final = 15
SPANS: Final = 300
HOUR: Final = 3_600
EVENTS: Final = 2_000
SCRAPE_SECONDS: Final = 15
HOLD_SECONDS: Final = 30.0
SAMPLES: Final = 10_000

Levels = dict[tuple[str, ...], float]


class Clock:
    """A clock that is turned by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


def _end(tracer: Any, plans: Iterable[SpanPlan]) -> None:  # noqa: ANN401 - either provider's
    for plan in plans:
        span = tracer.start_span(plan.name, attributes=plan.attributes)
        if plan.fails:
            span.set_status(FAILED)
        span.end()


def _tracer(*processors: SpanProcessor) -> Any:  # noqa: ANN401 - its type is the SDK's own
    provider = TracerProvider(shutdown_on_exit=False)
    for processor in processors:
        provider.add_span_processor(processor)
    return provider.get_tracer("by hand")


def _scraped_ours(processor: AgentMetricsProcessor) -> Levels:
    return {
        tuple(f"{name}={value}" for name, value in sorted(sample.labels.items())): sample.value
        for family in processor.collect()
        for sample in family.samples
        if sample.name == catalogue.INVOCATIONS.name
    }


def _scraped_by_hand(processor: OTelMetricsProcessor) -> Levels:
    data = processor.reader.get_metrics_data()
    return {
        tuple(
            f"{name}={value!s}" for name, value in sorted((point.attributes or {}).items())
        ): float(point.value)
        for resource in (data.resource_metrics if data is not None else ())
        for scope in resource.scope_metrics
        for one in scope.metrics
        if one.name == catalogue.INVOCATIONS.family and isinstance(one.data, Sum)
        for point in one.data.data_points
    }


def _increase(scrapes: Iterable[Levels]) -> float:
    """Return what Prometheus sees happen: what is between two scrapes of a series."""
    seen = 0.0
    last: dict[tuple[str, ...], float] = {}
    for levels in scrapes:
        seen += sum(value - last[name] for name, value in levels.items() if name in last)
        last = levels
    return seen


def _seen_in_the_first_hour() -> dict[str, float]:
    """Return which share of the events of a marketplace's first hour ``increase()`` sees."""
    clock = Clock()
    ours = AgentMetricsProcessor(HOLD_SECONDS, take_rate=TAKE_RATE, clock=clock)
    hand = OTelMetricsProcessor()
    tracer = _tracer(ours, hand)
    plans = invocations(EVENTS)
    scrapes: defaultdict[str, list[Levels]] = defaultdict(list)
    done = 0
    # Whatever is held at the end of the hour is shown within two more holds.
    for at in range(0, HOUR + int(2 * HOLD_SECONDS) + 1, SCRAPE_SECONDS):
        clock.now = float(at)
        due = min(EVENTS, EVENTS * at // HOUR)
        _end(tracer, plans[done:due])
        done = due
        scrapes[OURS].append(_scraped_ours(ours))
        scrapes[HAND].append(_scraped_by_hand(hand))
    assert sum(scrapes[HAND][-1].values()) == EVENTS
    return {name: _increase(levels) / EVENTS for name, levels in scrapes.items()}


def _added_to_a_span() -> dict[str, float]:
    """Return the CPU microseconds that an invocation's metrics add to its span."""
    tracers = {
        BARE: _tracer(NoOpProcessor()),
        OURS: _tracer(AgentMetricsProcessor(hold_seconds=0, take_rate=TAKE_RATE)),
        HAND: _tracer(OTelMetricsProcessor()),
    }
    plans = invocations(SPANS * (ROUNDS + 2))

    def run(tracer: object, number: int) -> float:
        chosen = window(plans, SPANS, number)
        return cpu_ns(lambda: _end(tracer, chosen)) / len(chosen)

    variants = {name: partial(run, tracer) for name, tracer in tracers.items()}
    figures = interleaved("invocation span", variants, ROUNDS)
    return {name: figures.added(name, BARE) / 1_000 for name in (OURS, HAND)}


def _a_scrape() -> dict[str, float]:
    """Return the CPU milliseconds of a scrape."""
    processor = filled(SAMPLES)
    registry = mirrored(processor.collect())
    theirs = cast("Callable[[Any], bytes]", generate_latest)
    renderers: dict[str, Callable[[], object]] = {
        OURS: lambda: exposition(processor),
        HAND: lambda: theirs(registry),
    }

    def scrape(render: Callable[[], object], _: int) -> float:
        return cpu_ns(render)

    variants = {name: partial(scrape, render) for name, render in renderers.items()}
    figures = interleaved("scrape", variants, ROUNDS)
    return {name: figures.cost(name) / 1_000_000 for name in renderers}


def test_by_hand(benchmark: BenchmarkFixture) -> None:
    """Events seen in the first hour, CPU of an invocation, and CPU of a scrape."""

    def work() -> dict[str, object]:
        seen, added, scrape = _seen_in_the_first_hour(), _added_to_a_span(), _a_scrape()
        print()
        table(
            ("measured", HAND, OURS),
            [
                (
                    f"calls of {LISTINGS} new agents that increase() sees in their first hour",
                    f"{seen[HAND]:.0%}",
                    f"{seen[OURS]:.0%}",
                ),
                (
                    "CPU that metrics add to an invocation",
                    f"{added[HAND]:.0f} µs: {added[HAND] / added[OURS]:.1f} times",
                    f"{added[OURS]:.0f} µs",
                ),
                (
                    f"CPU of a scrape of {SAMPLES:,} samples",
                    f"{scrape[HAND]:.0f} ms: {scrape[HAND] / scrape[OURS]:.0f} times",
                    f"{scrape[OURS]:.1f} ms",
                ),
            ],
        )
        return {"seen": seen, "added": added, "scrape": scrape}

    once(benchmark, work)
