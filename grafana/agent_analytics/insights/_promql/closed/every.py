"""All rules of weeks and months that have ended, and what they record."""

from typing import Final

from agent_analytics.insights._entries import Recording
from agent_analytics.insights._promql.closed import groups, listings, tenants

#: Every series that is recorded or read here, with its labels.
RECORDED: Final[dict[str, tuple[str, ...]]] = {
    **tenants.RECORDED,
    **listings.RECORDED,
    **groups.RECORDED,
}


def rules() -> list[Recording]:
    """Return the rules, to be evaluated every hour in a group of their own."""
    return [*tenants.weeks(), *tenants.months(), *listings.rules(), *groups.rules()]
