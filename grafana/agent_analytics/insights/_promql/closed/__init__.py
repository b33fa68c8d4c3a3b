"""ISO weeks and months that have ended, recorded once: tenants, listings, groups of listings."""

from agent_analytics.insights._promql.closed import groups, listings, shown, tenants
from agent_analytics.insights._promql.closed.every import RECORDED, rules

__all__ = ["RECORDED", "groups", "listings", "rules", "shown", "tenants"]
