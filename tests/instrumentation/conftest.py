"""A provider of its own for every test, and the check that nothing was logged or kept quiet."""

import logging
from collections.abc import Callable, Iterator

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from agent_analytics.instrumentation import health, tracing


@pytest.fixture
def exporter() -> Iterator[InMemorySpanExporter]:
    """Route spans to a provider of this test's own."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracing.use_provider(provider)
    yield exporter
    tracing.use_provider(None)


@pytest.fixture
def finished(exporter: InMemorySpanExporter) -> Callable[[], list[ReadableSpan]]:
    """Return what returns the spans that ended since it was last asked, in that order."""

    def take() -> list[ReadableSpan]:
        found = list(exporter.get_finished_spans())
        exporter.clear()
        return found

    return take


@pytest.fixture
def said(finished: Callable[[], list[ReadableSpan]]) -> Callable[[], dict[str, object]]:
    """Return what returns the attributes of the one span that ended since it was last asked."""

    def attributes() -> dict[str, object]:
        (span,) = finished()
        return dict(span.attributes or {})

    return attributes


@pytest.fixture
def faults() -> Callable[[], int]:
    """Return what returns the internal errors so far; a test that asks for it may make some."""
    before = health.internal_errors()
    return lambda: health.internal_errors() - before


@pytest.fixture(autouse=True)
def _quiet(request: pytest.FixtureRequest, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """No test may cause an internal error unseen, or a complaint of OpenTelemetry."""
    before = health.internal_errors()
    caplog.set_level(logging.WARNING)
    yield
    if "faults" not in request.fixturenames:
        assert health.internal_errors() == before
    for when in ("setup", "call", "teardown"):
        for record in caplog.get_records(when):
            assert not record.name.startswith(("opentelemetry", "asyncio")), record.getMessage()
