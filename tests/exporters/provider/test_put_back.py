"""What other vendors' code does to the list of processors, and processors that raise.

As code does that filters the processors of a provider by their class, sets a group of its own, or
keeps its exporter alone, as arize-phoenix-otel's own provider does with what is added first.
"""

# ruff: noqa: SLF001 - what such code does is past the SDK's public names

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace import (
    ConcurrentMultiSpanProcessor,
    ReadableSpan,
    Span,
    SpanProcessor,
    SynchronousMultiSpanProcessor,
    TracerProvider,
)
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from tests.exporters.conftest import record
from tests.patience import patience

from agent_analytics.exporters import configure, exposition
from agent_analytics.exporters._configure import Runtime


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> TracerProvider:
    """Return a program's own provider, which is the global one."""
    found = TracerProvider(shutdown_on_exit=False)
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: found)
    return found


@pytest.fixture
def runtime(provider: TracerProvider) -> Iterator[Runtime]:
    """Return our runtime at that provider."""
    assert trace.get_tracer_provider() is provider
    found = configure(metrics_port=None, hold_seconds=0, tenant_key="k")
    yield found
    found.shutdown()


def counted(runtime: Runtime) -> int:
    """Return how many invocations were counted."""
    assert runtime.processor is not None
    text = exposition(runtime.processor)[0].decode()
    return sum(
        int(line.split()[-1])
        for line in text.splitlines()
        if line.startswith("marketplace_agent_invocations_total")
    )


def emptied(provider: Any) -> None:  # noqa: ANN401 - private fields of the SDK's
    """Take all out of the list."""
    provider._active_span_processor._span_processors = ()


def exchanged(provider: Any) -> None:  # noqa: ANN401 - private fields of the SDK's
    """Set another group."""
    group: Any = SynchronousMultiSpanProcessor
    provider._active_span_processor = group()


def concurrent(provider: Any) -> None:  # noqa: ANN401 - private fields of the SDK's
    """Set a group with threads."""
    provider._active_span_processor = ConcurrentMultiSpanProcessor(num_threads=1)


@pytest.mark.parametrize("damage", [emptied, exchanged, concurrent])
def test_processors_that_were_taken_out_are_put_back(
    damage: Callable[[Any], None],
    provider: TracerProvider,
    runtime: Runtime,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """They are in again a moment later, once, and it is said."""
    record(provider.get_tracer("before"))
    damage(provider)
    deadline = time.monotonic() + patience()
    while "taken our span processors out" not in caplog.text:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    record(provider.get_tracer("after"), 2)
    assert counted(runtime) == 3
    assert caplog.text.count("taken our span processors out") == 1


def test_a_list_that_was_built_anew_is_left_alone(
    provider: TracerProvider, runtime: Runtime, caplog: pytest.LogCaptureFixture
) -> None:
    """A processor that is put in again by others is in, and counts each span once."""
    group: Any = getattr(provider, "_active_span_processor")  # noqa: B009 - private to the SDK
    for each in group._span_processors:
        provider.add_span_processor(each)
    record(provider.get_tracer("after"), 2)
    assert counted(runtime) == 2
    assert "taken" not in caplog.text


def _stands_in(*_: object) -> bool:
    return True


class Raises(SpanProcessor):
    """A processor of somebody else's, with a fault."""

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Fail."""
        del span, parent_context
        raise LookupError

    def on_end(self, span: ReadableSpan) -> None:
        """Fail."""
        del span
        raise LookupError


def test_a_processor_that_raises_keeps_nobody_from_a_span(monkeypatch: pytest.MonkeyPatch) -> None:
    """At our provider, the host sees nothing of it, and all others get the span."""
    monkeypatch.setattr(trace, "get_tracer_provider", trace.ProxyTracerProvider)
    monkeypatch.setattr("agent_analytics.exporters._provider.provider.stand_in", _stands_in)
    runtime = configure(metrics_port=None, hold_seconds=0, tenant_key="k")
    try:
        exporter = InMemorySpanExporter()
        runtime.provider.add_span_processor(Raises())
        runtime.provider.add_span_processor(SimpleSpanProcessor(exporter))
        record(runtime.provider.get_tracer("x"), 3)
        assert counted(runtime) == 3
        assert len(exporter.get_finished_spans()) == 3
    finally:
        runtime.shutdown()
