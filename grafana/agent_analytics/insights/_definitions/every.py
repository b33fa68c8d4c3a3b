"""Every insight, in an order that matters: one may be left out where an earlier one is raised."""

from typing import Final

from agent_analytics.insights._definitions import (
    adoption,
    cost,
    field,
    integration,
    performance,
    quality,
    releases,
    reliability,
    revenue,
)
from agent_analytics.insights._definitions.evaluations import EVALUATIONS
from agent_analytics.insights._definitions.spec.model import Spec
from agent_analytics.insights._definitions.telemetry import TELEMETRY

SPECS: Final[tuple[Spec, ...]] = (
    *field.SPECS,
    *reliability.SPECS,
    *performance.SPECS,
    *quality.SPECS,
    *revenue.SPECS,
    *cost.SPECS,
    *adoption.SPECS,
    *integration.SPECS,
    *releases.SPECS,
    TELEMETRY,
    EVALUATIONS,
)
#: Those that publishers get.
OF_PUBLISHERS: Final[tuple[Spec, ...]] = tuple(spec for spec in SPECS if spec.asked_of("publisher"))
