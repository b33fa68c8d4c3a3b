"""Instrumentation of agents: what happens in them becomes OpenTelemetry spans.

Needs opentelemetry-api alone, and does nothing where no SDK is set up.
"""

from agent_analytics.instrumentation._api.decorators import agent, tool
from agent_analytics.instrumentation._api.finished import ToolCall, record_invocation
from agent_analytics.instrumentation._api.handle import Invocation, current_invocation
from agent_analytics.instrumentation._api.records import (
    record_charge,
    record_evaluation,
    record_feedback,
    record_install,
    record_refund,
    record_uninstall,
)
from agent_analytics.instrumentation._strangers import baggage_entry
from agent_analytics.instrumentation.context import tenant

__all__ = [
    "Invocation",
    "ToolCall",
    "agent",
    "current_invocation",
    "record_charge",
    "record_evaluation",
    "record_feedback",
    "record_install",
    "record_invocation",
    "record_refund",
    "record_uninstall",
    "tenant",
    "tool",
]

baggage_entry.stand()
