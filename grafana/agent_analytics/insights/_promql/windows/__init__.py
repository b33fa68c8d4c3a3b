"""Windows: what every quantity is asked over. A quantity is defined once, whatever the window."""

from agent_analytics.insights._promql.windows.calendar import UTC_DAY, Day
from agent_analytics.insights._promql.windows.chosen import Chosen
from agent_analytics.insights._promql.windows.hours import HourAgo, Hours, Lately, Levels
from agent_analytics.insights._promql.windows.iso_week import ISO_WEEK, IsoWeek
from agent_analytics.insights._promql.windows.live import Live
from agent_analytics.insights._promql.windows.periods import (
    At,
    GraphPeriod,
    Period,
    Raw,
    RawPeriod,
    RecordedPeriod,
    Rolled,
    RulePeriod,
)
from agent_analytics.insights._promql.windows.protocol import Ends, Past, Tenants, Window

__all__ = [
    "ISO_WEEK",
    "UTC_DAY",
    "At",
    "Chosen",
    "Day",
    "Ends",
    "GraphPeriod",
    "HourAgo",
    "Hours",
    "IsoWeek",
    "Lately",
    "Levels",
    "Live",
    "Past",
    "Period",
    "Raw",
    "RawPeriod",
    "RecordedPeriod",
    "Rolled",
    "RulePeriod",
    "Tenants",
    "Window",
]
