"""Processors that hold a given number of series, and the same series in ``prometheus_client``."""

import random
from collections.abc import Iterable
from typing import Any

from benchmarks.workloads import ERROR_TYPES, FAILED, MODELS
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import Tracer, set_span_in_context
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
)
from prometheus_client.metrics_core import Metric as Family

from agent_analytics.instrumentation import vocabulary as v
from agent_analytics.processor import AgentMetricsProcessor
from agent_analytics.processor.catalogue import CATALOGUE, SKETCH_REGISTER, Metric

#: Samples that an average listing of ``filled`` exposes.
SAMPLES_PER_LISTING = 196


def filled(
    samples: int, state_dir: str | None = None, share: slice = slice(None)
) -> AgentMetricsProcessor:
    """Return a processor that exposes about ``samples`` samples.

    A listing has 2 to 8 tools, 1 to 3 models and one kind of error; every series was touched by
    spans of sampled traces, so that histograms have exemplars.

    Args:
        samples: How many.
        state_dir: A state directory, for a processor that has one.
        share: Which of the listings this processor has, of all.
    """
    processor = AgentMetricsProcessor(0, state_dir, take_rate="0.15")
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(processor)
    tracer = provider.get_tracer("benchmark")
    draw = random.Random(4)
    for number in range(max(1, round(samples / SAMPLES_PER_LISTING)))[share]:
        _use(tracer, number, draw)
    return processor


def _use(tracer: Tracer, number: int, draw: random.Random) -> None:
    tools = [f"tool_{index}" for index in range(draw.randint(2, 8))]
    models = MODELS[: draw.randint(1, 3)]
    for call, fails in enumerate((False, False, True)):
        start = 1_700_000_000_000_000_000
        invocation = tracer.start_span(
            "invoke_agent",
            attributes={
                v.OPERATION_NAME: v.INVOKE_AGENT,
                v.PUBLISHER_ID: f"publisher-{number // 5}",
                v.AGENT_ID: f"agent-{number:05d}",
                v.AGENT_NAME: f"Agent {number}",
                v.AGENT_VERSION: "1.4.2",
                v.TENANT_ID: f"tenant-{draw.randrange(2_000)}",
                v.REVENUE_USD: "0.05",
            },
            start_time=start,
        )
        context = set_span_in_context(invocation)
        for name in tools:
            attributes = {v.OPERATION_NAME: v.EXECUTE_TOOL, v.TOOL_NAME: name}
            span = tracer.start_span(
                "execute_tool", context, attributes=attributes, start_time=start
            )
            span.end(start + int(draw.lognormvariate(-1, 1) * 1e9))
        for model in models:
            figures: dict[str, str | int] = {
                v.OPERATION_NAME: v.CHAT,
                v.REQUEST_MODEL: model,
                v.INPUT_TOKENS: draw.randrange(5_000),
                v.OUTPUT_TOKENS: draw.randrange(900),
                v.COST_USD: f"{draw.random() / 100:.7f}",
            }
            tracer.start_span("chat", context, attributes=figures, start_time=start).end()
        if fails:
            invocation.set_attribute(v.ERROR_TYPE, ERROR_TYPES[call % len(ERROR_TYPES)])
            invocation.set_status(FAILED)
        invocation.end(start + int(draw.lognormvariate(0.5, 1) * 1e9))


def mirrored(families: Iterable[Family]) -> CollectorRegistry:
    """Return a ``prometheus_client`` registry with the same metrics, labels, counts and exemplars.

    Sums of histograms differ: what was observed is only known by its bucket. The ``_created``
    series that ``prometheus_client`` adds by default, a quarter more lines, are switched off.
    """
    switch_off: Any = disable_created_metrics
    switch_off()
    registry = CollectorRegistry()
    by_family = {metric.family: metric for metric in CATALOGUE.values()}
    for family in families:
        metric = by_family[family.name]
        if metric is not SKETCH_REGISTER:
            _mirror(family, metric, registry)
    return registry


def _mirror(family: Family, metric: Metric, registry: CollectorRegistry) -> None:
    if metric.kind == "histogram":
        _mirror_histogram(family, metric, registry)
        return
    if metric.kind == "counter":
        counter = Counter(
            metric.name, metric.help, metric.labels, unit=metric.unit, registry=registry
        )
        for sample in family.samples:
            child = counter.labels(**sample.labels) if metric.labels else counter
            child.inc(sample.value)
        return
    gauge = Gauge(metric.name, metric.help, metric.labels, unit=metric.unit, registry=registry)
    for sample in family.samples:
        (gauge.labels(**sample.labels) if metric.labels else gauge).set(sample.value)


def _mirror_histogram(family: Family, metric: Metric, registry: CollectorRegistry) -> None:
    histogram = Histogram(
        metric.name,
        metric.help,
        metric.labels,
        unit=metric.unit,
        buckets=metric.buckets,
        registry=registry,
    )
    beyond = metric.buckets[-1] * 2
    count = 0.0
    for sample in family.samples:
        labels = dict(sample.labels)
        edge = labels.pop("le", None)
        if edge is None:
            count = 0.0  # the sum and the count follow the buckets
            continue
        child = histogram.labels(**labels)
        trace = sample.exemplar.labels if sample.exemplar is not None else None
        for _ in range(round(sample.value - count)):
            child.observe(beyond if edge == "+Inf" else float(edge), exemplar=trace)
        count = sample.value


def comparable(exposition: str) -> list[str]:
    """Return the lines that must be equal on both sides, sorted, as are the labels in each.

    Comments and sums may differ. No label value of ``filled`` has a comma.
    """
    lines: list[str] = []
    for line in exposition.splitlines():
        series, _, value = line.rpartition(" ")
        name, _, labels = series.rstrip("}").partition("{")
        if not name.startswith("#") and not name.endswith("_sum"):
            lines.append(f"{name} {sorted(labels.split(','))} {float(value)}")
    return sorted(lines)
