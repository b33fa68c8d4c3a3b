"""A processor with many listings, made by spans alone."""

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import set_span_in_context

from agent_analytics.instrumentation import vocabulary as names
from agent_analytics.processor import AgentMetricsProcessor

#: Samples of each listing, about.
SAMPLES = 180
_TOOLS = 5


def crowd(samples: int) -> AgentMetricsProcessor:
    """Return a processor that shows about so many samples, in the ratio of real listings."""
    processor = AgentMetricsProcessor(hold_seconds=0)
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(processor)
    tracer = provider.get_tracer("crowd")
    for number in range(samples // SAMPLES):
        invocation = tracer.start_span(
            "invoke_agent",
            attributes={
                names.OPERATION_NAME: names.INVOKE_AGENT,
                names.PUBLISHER_ID: f"publisher-{number // 5}",
                names.AGENT_ID: f"agent-{number:05d}",
                names.TENANT_ID: f"tenant-{number % 50}",
                names.OUTCOME: names.SUCCESS,
            },
        )
        for tool in range(_TOOLS):
            tracer.start_span(
                "execute_tool",
                set_span_in_context(invocation),
                attributes={
                    names.OPERATION_NAME: names.EXECUTE_TOOL,
                    names.TOOL_NAME: f"tool-{tool}",
                },
            ).end()
        invocation.end()
    return processor
