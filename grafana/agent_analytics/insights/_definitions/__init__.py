"""The insights as data, a file for each category; those of the field first."""

from agent_analytics.insights._definitions.every import OF_PUBLISHERS, SPECS
from agent_analytics.insights._definitions.field import (
    ERROR_RATE,
    RESPONSE_TIME,
    SATISFACTION,
    TOOL_FAILURES,
)

__all__ = [
    "ERROR_RATE",
    "OF_PUBLISHERS",
    "RESPONSE_TIME",
    "SATISFACTION",
    "SPECS",
    "TOOL_FAILURES",
]
