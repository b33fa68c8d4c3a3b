"""The same metrics by other means: what this project's processor is compared with.

Both know the same families and label sets, attribute tool calls to the invocation round them and
keep the same sketches of tenants. Both do a little less than ours: no hold of newborn series, no
caps, no check of values, no de-duplication, no versions, no health of their own; so a comparison
with them flatters them.
"""

from abc import abstractmethod
from collections.abc import Callable, Mapping
from hashlib import blake2b
from threading import Lock
from typing import Any, Final

from opentelemetry.context import Context
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor
from opentelemetry.trace import StatusCode
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from agent_analytics.instrumentation import vocabulary as v
from agent_analytics.processor import catalogue
from agent_analytics.processor.catalogue import Metric

TAKE_RATE: Final = 0.15
_Attributes = Mapping[str, Any]
_Ids = tuple[str, str]


class NoOpProcessor(SpanProcessor):
    """Does nothing: what the SDK itself takes for having a processor."""

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Do nothing."""

    def on_end(self, span: ReadableSpan) -> None:
        """Do nothing."""


class _TenantSketches:
    """A register array for each listing, and the hashes of tenants seen before."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._places: dict[str, tuple[int, float]] = {}
        self._registers: dict[_Ids, dict[int, float]] = {}

    def add(self, ids: _Ids, tenant: str) -> None:
        place = self._places.get(tenant)
        if place is None:
            number = int.from_bytes(blake2b(tenant.encode(), digest_size=8).digest(), "little")
            place = self._places[tenant] = (number & 1023, (number >> 12) / (1 << 52))
        register, smallest = place
        with self._lock:
            registers = self._registers.setdefault(ids, {})
            if registers.get(register, 1.0) > smallest:
                registers[register] = smallest


class _Recorder(SpanProcessor):
    """Reads spans the plain way and hands what they say to instruments."""

    def __init__(self) -> None:
        self._sketches = _TenantSketches()
        self._open: dict[int, _Ids] = {}

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Count an invocation as in progress."""
        del parent_context
        attributes: _Attributes = span.attributes or {}
        if attributes.get(v.OPERATION_NAME) == v.INVOKE_AGENT:
            ids = (attributes.get(v.PUBLISHER_ID, ""), attributes.get(v.AGENT_ID, ""))
            self._open[span.get_span_context().span_id] = ids
            self.started(ids)

    def on_end(self, span: ReadableSpan) -> None:
        """Count an invocation or a tool call."""
        attributes: _Attributes = span.attributes or {}
        operation = attributes.get(v.OPERATION_NAME)
        if operation not in {v.INVOKE_AGENT, v.EXECUTE_TOOL}:
            return
        context: Any = span.context
        seconds = ((span.end_time or 0) - (span.start_time or 0)) / 1e9
        outcome = attributes.get(v.OUTCOME)
        if outcome is None:
            failed = span.status.status_code is StatusCode.ERROR
            outcome = v.ERROR if failed else v.SUCCESS
        if operation == v.INVOKE_AGENT:
            ids = self._open.pop(context.span_id)
            self.ended(ids, attributes, outcome, seconds)
            tenant = attributes.get(v.TENANT_ID)
            if tenant is not None:
                self._sketches.add(ids, tenant)
            return
        publisher = attributes.get(v.PUBLISHER_ID)
        if publisher is not None:
            ids = (publisher, attributes.get(v.AGENT_ID, ""))
        else:
            parent: Any = span.parent
            ids = self._open[parent.span_id]
        self.called(ids, attributes.get(v.TOOL_NAME, ""), outcome, seconds)

    @abstractmethod
    def started(self, ids: _Ids) -> None:
        """Record the start of an invocation."""

    @abstractmethod
    def ended(self, ids: _Ids, attributes: _Attributes, outcome: str, seconds: float) -> None:
        """Record the end of an invocation."""

    @abstractmethod
    def called(self, ids: _Ids, tool: str, outcome: str, seconds: float) -> None:
        """Record a tool call."""


class NaiveProcessor(_Recorder):
    """Calls ``labels()`` of ``prometheus_client`` wherever something is to be counted."""

    def __init__(self) -> None:
        super().__init__()
        self.registry = CollectorRegistry()
        self._in_progress = self._gauge(catalogue.INVOCATIONS_IN_PROGRESS)
        self._invocations = self._counter(catalogue.INVOCATIONS)
        self._durations = self._histogram(catalogue.INVOCATION_DURATION)
        self._errors = self._counter(catalogue.INVOCATION_ERRORS)
        self._input = self._counter(catalogue.INPUT_TOKENS)
        self._output = self._counter(catalogue.OUTPUT_TOKENS)
        self._cost = self._counter(catalogue.MODEL_COST)
        self._wasted = self._counter(catalogue.WASTED_COST)
        self._revenue = self._counter(catalogue.REVENUE)
        self._fees = self._counter(catalogue.FEES)
        self._calls = self._counter(catalogue.TOOL_CALLS)
        self._call_durations = self._histogram(catalogue.TOOL_CALL_DURATION)

    def _counter(self, metric: Metric) -> Counter:
        return Counter(metric.name, metric.help, metric.labels, registry=self.registry)

    def _gauge(self, metric: Metric) -> Gauge:
        return Gauge(metric.name, metric.help, metric.labels, registry=self.registry)

    def _histogram(self, metric: Metric) -> Histogram:
        return Histogram(
            metric.name,
            metric.help,
            metric.labels,
            buckets=metric.buckets,
            registry=self.registry,
        )

    def started(self, ids: _Ids) -> None:
        """Record the start of an invocation."""
        self._in_progress.labels(*ids).inc()

    def ended(self, ids: _Ids, attributes: _Attributes, outcome: str, seconds: float) -> None:
        """Record the end of an invocation."""
        self._in_progress.labels(*ids).dec()
        self._invocations.labels(*ids, outcome).inc()
        self._durations.labels(*ids, outcome).observe(seconds)
        cost = float(attributes.get(v.COST_USD, 0))
        if outcome in {v.ERROR, v.TIMEOUT}:
            self._errors.labels(*ids, attributes.get(v.ERROR_TYPE, "")).inc()
            self._wasted.labels(*ids).inc(cost)
        model = attributes.get(v.REQUEST_MODEL, "")
        self._input.labels(*ids, model).inc(attributes.get(v.INPUT_TOKENS, 0))
        self._output.labels(*ids, model).inc(attributes.get(v.OUTPUT_TOKENS, 0))
        self._cost.labels(*ids).inc(cost)
        revenue = float(attributes.get(v.REVENUE_USD, 0))
        self._revenue.labels(*ids).inc(revenue)
        self._fees.labels(*ids).inc(revenue * TAKE_RATE)

    def called(self, ids: _Ids, tool: str, outcome: str, seconds: float) -> None:
        """Record a tool call."""
        self._calls.labels(*ids, tool, outcome).inc()
        self._call_durations.labels(*ids, tool).observe(seconds)


class OTelMetricsProcessor(_Recorder):
    """Records through instruments of the OpenTelemetry metrics SDK."""

    def __init__(self) -> None:
        super().__init__()
        self.reader = InMemoryMetricReader()
        meter = MeterProvider(metric_readers=[self.reader], shutdown_on_exit=False).get_meter("b")

        def counter(metric: Metric) -> Callable[[float, dict[str, str]], None]:
            return meter.create_counter(metric.family).add

        def histogram(metric: Metric) -> Callable[[float, dict[str, str]], None]:
            edges = metric.buckets
            return meter.create_histogram(
                metric.name, explicit_bucket_boundaries_advisory=edges
            ).record

        progress = catalogue.INVOCATIONS_IN_PROGRESS
        self._in_progress = meter.create_up_down_counter(progress.name).add
        self._invocations = counter(catalogue.INVOCATIONS)
        self._durations = histogram(catalogue.INVOCATION_DURATION)
        self._errors = counter(catalogue.INVOCATION_ERRORS)
        self._input = counter(catalogue.INPUT_TOKENS)
        self._output = counter(catalogue.OUTPUT_TOKENS)
        self._cost = counter(catalogue.MODEL_COST)
        self._wasted = counter(catalogue.WASTED_COST)
        self._revenue = counter(catalogue.REVENUE)
        self._fees = counter(catalogue.FEES)
        self._calls = counter(catalogue.TOOL_CALLS)
        self._call_durations = histogram(catalogue.TOOL_CALL_DURATION)

    @staticmethod
    def _labels(ids: _Ids, **more: str) -> dict[str, str]:
        return {"publisher_id": ids[0], "agent_id": ids[1], **more}

    def started(self, ids: _Ids) -> None:
        """Record the start of an invocation."""
        self._in_progress(1, self._labels(ids))

    def ended(self, ids: _Ids, attributes: _Attributes, outcome: str, seconds: float) -> None:
        """Record the end of an invocation."""
        listing = self._labels(ids)
        by_outcome = self._labels(ids, outcome=outcome)
        self._in_progress(-1, listing)
        self._invocations(1, by_outcome)
        self._durations(seconds, by_outcome)
        cost = float(attributes.get(v.COST_USD, 0))
        if outcome in {v.ERROR, v.TIMEOUT}:
            self._errors(1, self._labels(ids, error_type=attributes.get(v.ERROR_TYPE, "")))
            self._wasted(cost, listing)
        by_model = self._labels(ids, model=attributes.get(v.REQUEST_MODEL, ""))
        self._input(attributes.get(v.INPUT_TOKENS, 0), by_model)
        self._output(attributes.get(v.OUTPUT_TOKENS, 0), by_model)
        self._cost(cost, listing)
        revenue = float(attributes.get(v.REVENUE_USD, 0))
        self._revenue(revenue, listing)
        self._fees(revenue * TAKE_RATE, listing)

    def called(self, ids: _Ids, tool: str, outcome: str, seconds: float) -> None:
        """Record a tool call."""
        self._calls(1, self._labels(ids, tool=tool, outcome=outcome))
        self._call_durations(seconds, self._labels(ids, tool=tool))
