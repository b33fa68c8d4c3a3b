"""Ground truth for the processor: a real SDK, clocks turned by hand, the official parser."""

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest
from _pytest.mark.structures import ParameterSet
from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanLimits, TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, Sampler
from opentelemetry.trace import Span, Tracer
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families

from agent_analytics.exporters import exposition
from agent_analytics.instrumentation import vocabulary as v
from agent_analytics.processor import AgentMetricsProcessor, Limits, Prices, Schema
from agent_analytics.processor._compiled import WHY_PURE
from agent_analytics.processor._series.store import Block, MemoryStore
from agent_analytics.processor.catalogue import CATALOGUE

Attributes = Mapping[str, Any]
Labels = tuple[tuple[str, str], ...]
SAMPLES = frozenset(name for metric in CATALOGUE.values() for name in metric.samples)


class Clock:
    """Seconds that pass when a test lets them."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        """Return the time."""
        return self.now


def parse_openmetrics(text: str) -> list[Family]:
    """Parse OpenMetrics with the official parser, which has no annotations."""
    return list(openmetrics.text_string_to_metric_families(text))  # type: ignore[no-untyped-call]  # theirs


def odd(value: bytes | dict[str, int]) -> ParameterSet:
    """Return a parameter that older releases of the SDK drop or make text of."""
    kept: object = BoundedAttributes(attributes={"key": value}).get("key")
    return pytest.param(
        value,
        marks=pytest.mark.skipif(
            type(kept) in (str, type(None)),
            reason="this release of the SDK does not hand such a value on",
        ),
    )


def _told(attributes: Attributes) -> dict[str, Any]:
    return {key: value for key, value in attributes.items() if value is not None}


def invoke(
    publisher: str | None = "acme", agent: str | None = "finder", tenant: str | None = None
) -> dict[str, Any]:
    """Return what an invocation's span carries when it starts."""
    return _told(
        {
            v.OPERATION_NAME: v.INVOKE_AGENT,
            v.PUBLISHER_ID: publisher,
            v.AGENT_ID: agent,
            v.TENANT_ID: tenant,
        }
    )


def tool(name: str | None = "search") -> dict[str, Any]:
    """Return what a tool's span carries."""
    return _told({v.OPERATION_NAME: v.EXECUTE_TOOL, v.TOOL_NAME: name})


def chat(
    sent: int | None = None, received: int | None = None, model: str | None = "m"
) -> dict[str, Any]:
    """Return what the span of a model call carries."""
    return _told(
        {
            v.OPERATION_NAME: v.CHAT,
            v.REQUEST_MODEL: model,
            v.INPUT_TOKENS: sent,
            v.OUTPUT_TOKENS: received,
        }
    )


def event(kind: str, publisher: str = "acme", agent: str = "finder") -> dict[str, Any]:
    """Return what the span of a recorded event carries, but for its value."""
    return {v.EVENT: kind, v.PUBLISHER_ID: publisher, v.AGENT_ID: agent}


#: What the host does the next time that a cell is written to.
PENDING: list[Callable[[], None]] = []


#: A compiled core writes past ``__setitem__``: nothing of the host's comes in between.
needs_core_in_python = pytest.mark.skipif(
    WHY_PURE is None, reason="a compiled core lets nobody in while it writes a cell"
)


class Interrupting:
    """Cells that let the host do something whenever they are written to."""

    def __init__(self, size: int) -> None:
        self._cells = [0] * size

    def __getitem__(self, index: int) -> int:
        """Return a cell."""
        return self._cells[index]

    def __setitem__(self, index: int, value: int) -> None:
        """Set a cell, and let a finalizer run."""
        self._cells[index] = value
        if PENDING:
            PENDING.pop()()

    def tolist(self) -> list[int]:
        """Return a copy of every cell."""
        return list(self._cells)


class InterruptingStore(MemoryStore):
    """Makes blocks with such cells."""

    def open_block(self, schema: Schema, labels: tuple[str, ...], now: float) -> Block:
        """Return a block of zeros."""
        return Block(schema, labels, Interrupting(schema.size), now)


class Rig:
    """A processor behind a real provider.

    Attributes:
        clock: The processor's monotonic clock.
        wall: The processor's clock of the day.
    """

    def __init__(
        self,
        *,
        hold_seconds: float = 0.0,
        limits: Limits | None = None,
        sampler: Sampler = ALWAYS_ON,
        resource: Attributes | None = None,
        take_rate: float | str | Mapping[str, float | str] = 0,
        tenant_key: str | bytes | None = None,
        prices: Prices | None = None,
        span_limits: SpanLimits | None = None,
    ) -> None:
        self.clock = Clock(1_000.0)
        self.wall = Clock(1_700_000_000.0)
        self.processor = AgentMetricsProcessor(
            hold_seconds,
            limits=limits,
            take_rate=take_rate,
            tenant_key=tenant_key,
            prices=prices,
            clock=self.clock,
            wall_clock=self.wall,
        )
        self.provider = TracerProvider(
            sampler=sampler,
            resource=Resource(dict(resource or {})),
            shutdown_on_exit=False,
            span_limits=span_limits,
        )
        self.provider.add_span_processor(self.processor)
        # Made now: the provider holds a lock while it makes one, and a signal may come then.
        self._tracers = {"truth": self.provider.get_tracer("truth")}

    def tracer(self, scope: str = "truth") -> Tracer:
        """Return the tracer of an instrumentation."""
        if scope not in self._tracers:
            self._tracers[scope] = self.provider.get_tracer(scope)
        return self._tracers[scope]

    @contextmanager
    def span(
        self, start: Attributes, end: Attributes | None = None, *, scope: str = "truth"
    ) -> Generator[Span]:
        """Run a span with ``start`` from its start and ``end`` set before its end."""
        with self.tracer(scope).start_as_current_span("span", attributes=dict(start)) as span:
            yield span
            span.set_attributes(dict(end or {}))

    def run(
        self, start: Attributes, end: Attributes | None = None, *, scope: str = "truth"
    ) -> None:
        """Run a span with nothing in it."""
        with self.span(start, end, scope=scope):
            pass

    def series(self, part: str = "metrics") -> dict[tuple[str, Labels], float]:
        """Scrape, and return every sample."""
        text = exposition(self.processor, part=part)[0].decode()
        found: dict[tuple[str, Labels], float] = {}
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                key = (sample.name, tuple(sorted(sample.labels.items())))
                assert key not in found, f"a series is exposed twice: {key}"
                found[key] = sample.value
        return found

    def value(self, metric: str, **labels: str) -> float:
        """Scrape, and return the sum of the samples of a metric that have these labels.

        A listing metric is named without ``marketplace_agent_``. Where no sample has the labels,
        the sum is 0; a metric that the catalogue lacks is an error.
        """
        name = metric if metric in SAMPLES else f"marketplace_agent_{metric}"
        assert name in SAMPLES, f"the catalogue has no {metric}"
        part = "sketches" if metric == "sketch_register" else "metrics"
        wanted = set(labels.items())
        return sum(
            value
            for (sample, found), value in self.series(part).items()
            if sample == name and wanted <= set(found)
        )

    def refused(self, cause: str) -> float:
        """Return how many values were refused for ``cause``."""
        return self.value("agent_analytics_refused_values_total", cause=cause)

    def spans(self, kind: str) -> float:
        """Return how many spans were taken for ``kind``."""
        return self.value("agent_analytics_spans_total", kind=kind)
