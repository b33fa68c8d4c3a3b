"""Checks whose spans are, where the environment says so: a wrong value is refused at the start."""

import logging
import os
from typing import Final

from opentelemetry.sdk.resources import OTELResourceDetector

from agent_analytics.exporters._workers import process_tree
from agent_analytics.instrumentation.vocabulary import AGENT_ID, PUBLISHER_ID
from agent_analytics.processor import Limits
from agent_analytics.processor.catalogue import OTHER

_logger = logging.getLogger("agent_analytics")

_PUBLISHER_VARIABLE: Final = "AGENT_ANALYTICS_PUBLISHER_ID"
_AGENT_VARIABLE: Final = "AGENT_ANALYTICS_AGENT_ID"
_RESOURCE_VARIABLE: Final = "OTEL_RESOURCE_ATTRIBUTES"


def publisher_named() -> bool:
    """Tell whether the environment names a publisher."""
    resource = OTELResourceDetector().detect().attributes
    return bool(os.environ.get(_PUBLISHER_VARIABLE, "").strip()) or PUBLISHER_ID in resource


def check_identity(limits: Limits) -> None:
    """Check the ids that the environment names.

    Raises:
        ValueError: An id cannot be a label; the message names the variable and the value.
    """
    resource = OTELResourceDetector().detect().attributes
    publishers: list[str] = []
    agents: list[str] = []
    for found, variable, attribute in (
        (publishers, _PUBLISHER_VARIABLE, PUBLISHER_ID),
        (agents, _AGENT_VARIABLE, AGENT_ID),
    ):
        own = os.environ.get(variable, "").strip()
        if own:
            found.append(_checked(own, variable, limits))
        if attribute in resource:
            named = str(resource[attribute])
            found.append(_checked(named, f"{_RESOURCE_VARIABLE}, {attribute}", limits))
    if agents and not publishers and process_tree.root() is None:
        _logger.warning(
            "agent-analytics: a listing, %r, is named and no publisher: set %s, too",
            agents[0],
            _PUBLISHER_VARIABLE,
        )


def _checked(value: str, source: str, limits: Limits) -> str:
    longest = limits.label_length
    if not value.strip() or len(value) > longest or not value.isprintable():
        shown = value if len(value) <= longest else f"{value[:40]}… of {len(value)} characters"
        msg = f"{source}: expected 1 to {longest} printable characters, got {shown!r}"
        raise ValueError(msg)
    if value == OTHER:
        msg = f"{source}: {value!r} is what overflows is called; expected another id"
        raise ValueError(msg)
    return value
