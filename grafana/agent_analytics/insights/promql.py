"""Quantities as PromQL, for who asks Prometheus with them."""

from agent_analytics.insights._promql import periods, queries
from agent_analytics.insights._promql.queries import TOOL, Scope
from agent_analytics.insights._promql.windows import Period

__all__ = ["TOOL", "Period", "Scope", "periods", "queries"]
