"""The SDK's own AlwaysRecordSampler loses what dropped spans are started with; that is mended."""

import logging
from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider, sampling
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

from agent_analytics.exporters import exposition
from agent_analytics.instrumentation import agent, current_invocation, tool
from agent_analytics.instrumentation.tracing import use_provider
from agent_analytics.processor import AgentMetricsProcessor, RecordAllSampler

#: Releases before 1.45 have none.
STOCK: Any = getattr(sampling, "AlwaysRecordSampler", None)

pytestmark = pytest.mark.skipif(
    STOCK is None, reason="this release of the SDK has no AlwaysRecordSampler to mend"
)


@tool
def search(query: str) -> str:
    """Answer a query."""
    return query


@agent(publisher_id="acme", agent_id="finder", price_usd="0.05")
def assist(query: str) -> str:
    """Do inner work of the same listing."""
    current_invocation().add_usage(input_tokens=3, output_tokens=1, model="m")
    return search(query)


@agent(publisher_id="acme", agent_id="finder", price_usd="0.05")
def find(query: str) -> str:
    """Be an invocation with inner work."""
    return assist(query)


def test_decorated_agents_count_from_the_first(caplog: pytest.LogCaptureFixture) -> None:
    """Not one invocation, tool call or token is lost, and the log says what was mended."""
    processor = AgentMetricsProcessor(hold_seconds=0)
    sampler = STOCK(ALWAYS_OFF)
    provider = TracerProvider(sampler=sampler)
    provider.add_span_processor(processor)
    use_provider(provider)
    try:
        with caplog.at_level(logging.WARNING):
            for _ in range(20):
                find("q")
    finally:
        use_provider(None)
    lines = exposition(processor)[0].decode().splitlines()
    listing = 'publisher_id="acme",agent_id="finder"'
    for expected in (
        f'marketplace_agent_invocations_total{{{listing},outcome="success"}} 20',
        f'marketplace_agent_tool_calls_total{{{listing},tool="search",outcome="success"}} 20',
        f'marketplace_agent_input_tokens_total{{{listing},model="m"}} 60',
        f"marketplace_agent_revenue_usd_total{{{listing}}} 1.0",
    ):
        assert expected in lines
    assert isinstance(sampler, RecordAllSampler)
    assert "RecordAllSampler" in caplog.text


def test_foreign_spans_are_mended_by_the_first_that_is_dropped() -> None:
    """Spans that others make keep their attributes once one without any has been seen."""
    processor = AgentMetricsProcessor(hold_seconds=0)
    provider = TracerProvider(sampler=STOCK(ALWAYS_OFF))
    provider.add_span_processor(processor)
    tracer = provider.get_tracer("theirs")
    tracer.start_span("first").end()
    attributes = {
        "gen_ai.operation.name": "invoke_agent",
        "marketplace.publisher.id": "acme",
        "marketplace.agent.id": "finder",
    }
    tracer.start_span("invoke_agent finder", attributes=attributes).end()
    text = exposition(processor)[0].decode()
    assert 'invocations_total{publisher_id="acme",agent_id="finder",outcome="success"} 1' in text
