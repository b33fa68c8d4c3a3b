"""Count a call with the package that is installed; fails unless the compiled core counts it."""

import sys

from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider

from agent_analytics.instrumentation import agent, tool
from agent_analytics.processor import AgentMetricsProcessor, core_in_use


@tool
def search(query: str) -> str:
    """Return what was asked."""
    return query


@agent(publisher_id="acme", agent_id="finder", price_usd="0.05")
def find(question: str) -> str:
    """Ask a tool."""
    return search(question)


processor = AgentMetricsProcessor(hold_seconds=0)
provider = TracerProvider()
provider.add_span_processor(processor)
trace.set_tracer_provider(provider)
find("Where?")
(rows,) = (rows for schema, rows in processor.snapshot().blocks if schema.name == "listing")
print(core_in_use(), len(rows))
sys.exit(core_in_use() != "compiled core" or len(rows) != 1)
