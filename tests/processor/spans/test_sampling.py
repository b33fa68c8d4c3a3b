"""Rule 1: sampling never changes a metric."""

from collections.abc import Callable

import pytest
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import (
    ALWAYS_OFF,
    ParentBased,
    Sampler,
    TraceIdRatioBased,
)
from tests.processor.rig import Rig, chat, invoke, tool

from agent_analytics.exporters import exposition
from agent_analytics.instrumentation import agent, health
from agent_analytics.instrumentation import vocabulary as v
from agent_analytics.processor import RecordAllSampler

MakeRig = Callable[..., Rig]
#: Where the API keeps the global provider, which it sets once and for all.
PROVIDER = "opentelemetry.trace._TRACER_PROVIDER"


class Ended(SpanProcessor):
    """Remembers what ended."""

    def __init__(self) -> None:
        self.spans: list[ReadableSpan] = []

    def on_end(self, span: ReadableSpan) -> None:
        """Remember a span."""
        self.spans.append(span)


@pytest.mark.parametrize(
    "sampler",
    [TraceIdRatioBased(0.01), ParentBased(TraceIdRatioBased(0.01)), ALWAYS_OFF],
    ids=["ratio", "parent-based", "off"],
)
def test_every_span_counts_whatever_is_sampled(make_rig: MakeRig, sampler: Sampler) -> None:
    """At 1 % sampling every call counts in full, and only sampled spans are exported."""
    rig = make_rig(sampler=RecordAllSampler(sampler))
    exporter = InMemorySpanExporter()
    rig.provider.add_span_processor(SimpleSpanProcessor(exporter))
    for _ in range(500):
        with rig.span(invoke(), {v.OUTCOME: "success", v.REVENUE_USD: "0.05"}):
            rig.run(tool())
            rig.run(chat(3, 2))
    assert rig.value("invocations_total", outcome="success") == 500
    assert rig.value("tool_calls_total", tool="search") == 500
    assert rig.value("input_tokens_total", model="m") == 1_500
    assert rig.value("revenue_usd_total") == 25
    assert len(exporter.get_finished_spans()) < 150


def test_exemplars_come_from_sampled_spans_only(make_rig: MakeRig) -> None:
    """A trace that was dropped leads nowhere, so nothing points to it."""
    rig = make_rig(sampler=RecordAllSampler(ALWAYS_OFF))
    with rig.span(invoke()):
        rig.run(tool())
    body = exposition(rig.processor, "application/openmetrics-text")[0]
    assert rig.value("invocations_total") == 1
    assert b"trace_id" not in body


def test_a_sampler_that_drops_is_noticed(
    make_rig: MakeRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a dropping sampler the decorator counts the invocations that nobody recorded."""

    @agent(publisher_id="acme", agent_id="finder")
    def find() -> int:
        return 1

    rig = make_rig(sampler=ALWAYS_OFF)
    before = health.unrecorded_invocations()
    monkeypatch.setattr(PROVIDER, rig.provider)
    assert [find(), find(), find()] == [1, 1, 1]
    assert rig.value("invocations_total") == 0
    assert rig.value("agent_analytics_unrecorded_invocations_total") == before + 3


def test_recorded_invocations_are_not_unrecorded(
    make_rig: MakeRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With every span recorded the decorator counts nothing as missing."""

    @agent(publisher_id="acme", agent_id="finder")
    def find() -> int:
        return 1

    rig = make_rig(sampler=RecordAllSampler(ALWAYS_OFF))
    before = health.unrecorded_invocations()
    monkeypatch.setattr(PROVIDER, rig.provider)
    find()
    assert rig.value("invocations_total", outcome="success") == 1
    assert health.unrecorded_invocations() == before
