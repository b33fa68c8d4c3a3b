"""The insights as data, by category; those of the field first."""

from agent_analytics.insights._definitions.every import DEFINITIONS, FINDINGS
from agent_analytics.insights._definitions.field import (
    ERROR_RATE,
    RESPONSE_TIME,
    SATISFACTION,
    TOOL_FAILURES,
)
from agent_analytics.insights._definitions.reliability import ERROR_BUDGET_PAGES

__all__ = [
    "DEFINITIONS",
    "ERROR_BUDGET_PAGES",
    "ERROR_RATE",
    "FINDINGS",
    "RESPONSE_TIME",
    "SATISFACTION",
    "TOOL_FAILURES",
]
