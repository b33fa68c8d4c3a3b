"""Spans to exact Prometheus series: the span processor, its catalogue and its limits."""

from agent_analytics.processor._limits import Limits
from agent_analytics.processor._processor import AgentMetricsProcessor
from agent_analytics.processor._rows import Part, Row, Snapshot
from agent_analytics.processor._sampling import RecordAllSampler
from agent_analytics.processor._schema import Schema, Series

__all__ = [
    "AgentMetricsProcessor",
    "Limits",
    "Part",
    "RecordAllSampler",
    "Row",
    "Schema",
    "Series",
    "Snapshot",
]
