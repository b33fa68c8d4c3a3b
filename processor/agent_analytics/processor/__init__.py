"""Spans to exact Prometheus series: the span processor, its catalogue and its limits."""

# First: whatever is imported after it may be compiled.
# isort: off
from agent_analytics.processor._compiled import in_use as core_in_use

# isort: on
from agent_analytics.processor._caps.limits import Limits
from agent_analytics.processor._durable import SlotReport, inspect_state, service_of
from agent_analytics.processor._prices.file_prices import FilePrices
from agent_analytics.processor._prices.prices import FirstOf, ModelCall, Prices
from agent_analytics.processor._prices.public_prices import PublicPrices
from agent_analytics.processor._processor import AgentMetricsProcessor
from agent_analytics.processor._series.rows import Part, Row, Snapshot
from agent_analytics.processor._series.schema import Schema, Series
from agent_analytics.processor._spans.said_role import role_of
from agent_analytics.processor._spans.sampling import RecordAllSampler

__all__ = [
    "AgentMetricsProcessor",
    "FilePrices",
    "FirstOf",
    "Limits",
    "ModelCall",
    "Part",
    "Prices",
    "PublicPrices",
    "RecordAllSampler",
    "Row",
    "Schema",
    "Series",
    "SlotReport",
    "Snapshot",
    "core_in_use",
    "inspect_state",
    "role_of",
    "service_of",
]
