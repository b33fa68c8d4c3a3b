"""A processor that reaches a span by two ways counts it once, whoever added it the second time."""

from collections.abc import Callable
from typing import Any

import pytest
from opentelemetry.context import Context
from opentelemetry.sdk.trace import (
    ConcurrentMultiSpanProcessor,
    ReadableSpan,
    Span,
    SpanProcessor,
    SynchronousMultiSpanProcessor,
    TracerProvider,
)
from prometheus_client.parser import text_string_to_metric_families

from agent_analytics.exporters import exposition
from agent_analytics.instrumentation import vocabulary as v
from agent_analytics.processor import AgentMetricsProcessor

Way = Callable[[AgentMetricsProcessor], TracerProvider]


def provider_of(*processors: SpanProcessor) -> TracerProvider:
    """Return a provider with these processors."""
    provider = TracerProvider(shutdown_on_exit=False)
    for processor in processors:
        provider.add_span_processor(processor)
    return provider


class Forward(SpanProcessor):
    """Hands spans on to another provider's processors, as bridges between two vendors do."""

    def __init__(self, provider: TracerProvider, *, starts: bool = True) -> None:
        self._target: Any = vars(provider)["_active_span_processor"]
        self._starts = starts

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Hand a start on."""
        if self._starts:
            self._target.on_start(span, parent_context)

    def on_end(self, span: ReadableSpan) -> None:
        """Hand an end on."""
        self._target.on_end(span)


def rebuilt(processor: AgentMetricsProcessor) -> TracerProvider:
    """Return a provider whose list was rebuilt, as openlit's strands and mlflow's autolog do."""
    provider = provider_of(processor)
    multi: Any = vars(provider)["_active_span_processor"]
    multi._span_processors = (processor, *multi._span_processors)  # noqa: SLF001 - as they do
    return provider


def nested(processor: AgentMetricsProcessor) -> TracerProvider:
    """Return a provider with a group of processors, as logfire's main processor is one."""
    group = SynchronousMultiSpanProcessor()  # type: ignore[no-untyped-call] # the SDK's
    group.add_span_processor(processor)
    return provider_of(group, processor)


def concurrent(processor: AgentMetricsProcessor) -> TracerProvider:
    """Return a provider that calls its processors in threads of their own."""
    group = ConcurrentMultiSpanProcessor(2)
    provider = TracerProvider(shutdown_on_exit=False, active_span_processor=group)
    provider.add_span_processor(processor)
    provider.add_span_processor(processor)
    return provider


WAYS: dict[str, Way] = {
    "twice": lambda own: provider_of(own, own),
    "thrice": lambda own: provider_of(own, own, own),
    "rebuilt": rebuilt,
    "nested": nested,
    "concurrent": concurrent,
    "two-providers": lambda own: provider_of(own, Forward(provider_of(own))),
    "two-providers-other-first": lambda own: provider_of(Forward(provider_of(own)), own),
    "ends-alone": lambda own: provider_of(own, Forward(provider_of(own), starts=False)),
}


def counts(processor: AgentMetricsProcessor) -> dict[str, float]:
    """Return what is not 0, of the listing and of the spans that were read."""
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(exposition(processor)[0].decode()):
        for sample in family.samples:
            if sample.value and not sample.name.endswith(("_bucket", "_sum", "_created")):
                name = sample.name.removeprefix("marketplace_agent_")
                found[name] = found.get(name, 0) + sample.value
    return found


def native(provider: TracerProvider) -> None:
    """Record a decorated invocation: a tool, a model call, a dollar."""
    tracer = provider.get_tracer("agent_analytics.instrumentation")
    identity = {v.PUBLISHER_ID: "acme", v.AGENT_ID: "finder"}
    start = {**identity, v.OPERATION_NAME: v.INVOKE_AGENT}
    with tracer.start_as_current_span("invoke_agent finder", attributes=start) as span:
        with tracer.start_as_current_span("t", attributes={
            v.OPERATION_NAME: v.EXECUTE_TOOL, v.TOOL_NAME: "search", v.OUTCOME: v.SUCCESS,
        }):  # fmt: skip
            pass
        with tracer.start_as_current_span("chat", attributes={
            v.OPERATION_NAME: v.CHAT, v.REQUEST_MODEL: "m", v.INPUT_TOKENS: 30, v.OUTPUT_TOKENS: 7,
        }):  # fmt: skip
            pass
        span.set_attributes({v.OUTCOME: v.SUCCESS, v.REVENUE_USD: "1"})


def foreign(provider: TracerProvider) -> None:
    """Record a framework's run, which says what it is when it ends."""
    tracer = provider.get_tracer("some.framework")
    with tracer.start_as_current_span("run") as run:
        with tracer.start_as_current_span("call") as call:
            call.set_attributes({v.OPERATION_NAME: v.CHAT, v.REQUEST_MODEL: "m",
                                 v.INPUT_TOKENS: 30, v.OUTPUT_TOKENS: 7})  # fmt: skip
        run.set_attributes(
            {v.OPERATION_NAME: v.INVOKE_AGENT, v.PUBLISHER_ID: "acme", v.AGENT_ID: "finder"}
        )


def events(provider: TracerProvider) -> None:
    """Record an install and feedback, which are read when they end."""
    tracer = provider.get_tracer("agent_analytics.instrumentation")
    identity = {v.PUBLISHER_ID: "acme", v.AGENT_ID: "finder"}
    tracer.start_span("install", attributes={**identity, v.EVENT: "install"}).end()
    tracer.start_span(
        "feedback", attributes={**identity, v.EVENT: "feedback", v.FEEDBACK_RATING: 4}
    ).end()


@pytest.mark.parametrize("work", [native, foreign, events])
@pytest.mark.parametrize("way", WAYS)
def test_a_span_counts_once(way: str, work: Callable[[TracerProvider], None]) -> None:
    """Whatever leads to the processor twice, every figure is as with one way, run after run."""
    once = AgentMetricsProcessor(hold_seconds=0)
    own = AgentMetricsProcessor(hold_seconds=0)
    plain, odd = provider_of(once), WAYS[way](own)
    for _ in range(3):
        work(plain)
        work(odd)
    own.shutdown()
    once.shutdown()
    expected = {name: value for name, value in counts(once).items() if "timestamp" not in name}
    found = {name: value for name, value in counts(own).items() if "timestamp" not in name}
    assert expected
    assert found == expected
    assert "invocations_in_progress" not in found


def test_a_processor_that_is_added_again_while_spans_are_open() -> None:
    """A span that starts before the second addition and ends after it counts once."""
    own = AgentMetricsProcessor(hold_seconds=0)
    provider = provider_of(own)
    span = provider.get_tracer("t").start_span(
        "invoke_agent finder",
        attributes={v.OPERATION_NAME: v.INVOKE_AGENT, v.PUBLISHER_ID: "acme",
                    v.AGENT_ID: "finder", v.REVENUE_USD: "1", v.OUTCOME: v.SUCCESS},
    )  # fmt: skip
    provider.add_span_processor(own)
    span.end()
    found = counts(own)
    assert (found["invocations_total"], found["revenue_usd_total"]) == (1, 1)
    assert "invocations_in_progress" not in found


def test_a_span_id_that_comes_again_is_another_span() -> None:
    """Ids repeat where a program seeds its random numbers for each request: each span counts."""
    from opentelemetry.sdk.trace.id_generator import IdGenerator  # noqa: PLC0415 - this test alone

    class Same(IdGenerator):
        def generate_span_id(self) -> int:
            return 7

        def generate_trace_id(self) -> int:
            return 8

    own = AgentMetricsProcessor(hold_seconds=0)
    provider = TracerProvider(shutdown_on_exit=False, id_generator=Same())
    provider.add_span_processor(own)
    for _ in range(3):
        provider.get_tracer("t").start_span(
            "invoke_agent finder",
            attributes={v.OPERATION_NAME: v.INVOKE_AGENT, v.PUBLISHER_ID: "acme",
                        v.AGENT_ID: "finder", v.OUTCOME: v.SUCCESS},
        ).end()  # fmt: skip
    assert counts(own)["invocations_total"] == 3
