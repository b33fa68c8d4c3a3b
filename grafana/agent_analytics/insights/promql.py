"""Quantities as PromQL, for who asks Prometheus with them."""

from agent_analytics.insights._promql import quantities
from agent_analytics.insights._promql.scopes import TOOL, Scope
from agent_analytics.insights._promql.windows import Live, Period

__all__ = ["TOOL", "Live", "Period", "Scope", "quantities"]
