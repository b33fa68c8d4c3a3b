"""The insights as data, by category; those of the field first."""

from typing import Final

from agent_analytics.insights._definitions import (
    adoption,
    cost,
    integration,
    performance,
    quality,
    reliability,
    revenue,
)
from agent_analytics.insights._definitions.field import (
    ERROR_RATE,
    RESPONSE_TIME,
    SATISFACTION,
    TOOL_FAILURES,
)
from agent_analytics.insights._definitions.finding import Finding, told_to_publishers
from agent_analytics.insights._definitions.model import Definition

#: The insights that on-call and publishers are told alike, most severe first.
DEFINITIONS: Final[tuple[Definition, ...]] = (
    ERROR_RATE,
    RESPONSE_TIME,
    SATISFACTION,
    TOOL_FAILURES,
)
#: Everything that publishers are told. The order matters: a finding may be left out where an
#: earlier one is told.
FINDINGS: Final[tuple[Finding, ...]] = (
    *(told_to_publishers(definition) for definition in DEFINITIONS),
    *reliability.FINDINGS,
    *performance.FINDINGS,
    *quality.FINDINGS,
    *revenue.FINDINGS,
    *cost.FINDINGS,
    *adoption.FINDINGS,
    *integration.FINDINGS,
)
