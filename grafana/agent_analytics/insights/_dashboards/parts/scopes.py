"""What the dashboards select, and when they colour."""

from typing import Final

from agent_analytics.insights._dashboards.parts.panels import Steps
from agent_analytics.insights._definitions import ERROR_RATE, SATISFACTION, TOOL_FAILURES
from agent_analytics.insights._definitions.telemetry import STALE_SECONDS
from agent_analytics.insights._promql import scopes
from agent_analytics.insights._promql.scopes import Scope
from agent_analytics.insights._promql.windows import Chosen, Live
from agent_analytics.processor import catalogue

#: The period that is chosen at the top.
PERIOD: Final = Chosen()
RATE: Final = "$__rate_interval"
RATE_WINDOW: Final = Live(RATE)
#: Step of graphs that show a point a day.
DAY: Final = "1d"

#: The chosen publishers, together and by listing.
PUBLISHER: Final = Scope((), ('publisher_id=~"$publisher"',))
LISTINGS: Final = PUBLISHER.over(*catalogue.LISTING_LABELS)
LISTING_TOOLS: Final = PUBLISHER.over(*catalogue.LISTING_LABELS, "tool")
#: One chosen listing, and its tools.
AGENT: Final = Scope((), ('publisher_id="$publisher"', 'agent_id="$agent"'))
AGENT_TOOLS: Final = AGENT.over("tool")
#: Everything that is sold.
MARKET: Final = Scope(())
LEGEND: Final = "{{publisher_id}} / {{agent_id}}"

FAILURES: Final[Steps] = (
    (None, "green"),
    (ERROR_RATE.threshold.value / 2, "orange"),
    (ERROR_RATE.threshold.value, "red"),
)
TOOL_STEPS: Final[Steps] = (
    (None, "green"),
    (TOOL_FAILURES.threshold.value / 2, "orange"),
    (TOOL_FAILURES.threshold.value, "red"),
)
SECONDS: Final[Steps] = ((None, "green"), (scopes.SLOW_SECONDS, "orange"))
RATING: Final[Steps] = ((None, "orange"), (SATISFACTION.threshold.value, "green"))
FRESH: Final[Steps] = ((None, "green"), (STALE_SECONDS / 3, "orange"), (STALE_SECONDS, "red"))
PROFIT: Final[Steps] = ((None, "red"), (0, "green"))
#: What should be 0.
NONE_WANTED: Final[Steps] = ((None, "green"), (1, "orange"))
#: Severities by their rank, as tables sort texts by the alphabet.
SEVERITIES: Final = (
    ("1", "critical", "red"),
    ("2", "warning", "orange"),
    ("3", "info", "blue"),
)
OUTCOMES: Final = (
    ("success", "green"),
    ("error", "red"),
    ("timeout", "orange"),
    ("cancelled", "gray"),
)
