"""Invocations of the listing ``finder`` of ``acme``, counted by a processor of their own."""

from opentelemetry.sdk.trace import TracerProvider

from agent_analytics.instrumentation import vocabulary as names
from agent_analytics.processor import AgentMetricsProcessor


def counted(invocations: int, *, failed: int, first_tenant: int = 0) -> AgentMetricsProcessor:
    """Return a processor that has counted invocations, each for a tenant of its own.

    Args:
        invocations: How many.
        failed: How many of them failed, the first ones.
        first_tenant: Number of the first one's tenant.
    """
    processor = AgentMetricsProcessor(hold_seconds=0)
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(processor)
    for number in range(invocations):
        attributes = {
            names.OPERATION_NAME: names.INVOKE_AGENT,
            names.PUBLISHER_ID: "acme",
            names.AGENT_ID: "finder",
            names.TENANT_ID: f"t-{first_tenant + number}",
            names.OUTCOME: names.ERROR if number < failed else names.SUCCESS,
            names.REVENUE_USD: "0.05",
        }
        provider.get_tracer("test").start_span("invoke_agent finder", attributes=attributes).end()
    return processor
