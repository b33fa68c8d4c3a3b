"""What an ended span says that it is, in any dialect that is known."""

from typing import Final

from opentelemetry.sdk.trace import ReadableSpan

from agent_analytics.processor import _dialects as d

_NAMES: Final = {d.AGENT: "agent", d.TOOL: "tool", d.MODEL: "model"}


def role_of(span: ReadableSpan) -> str:
    """Return ``agent``, ``tool`` or ``model``; nothing for a span that says it is none of them."""
    scope = span.instrumentation_scope
    facts = d.read(span.name, span.attributes or {}, scope.name if scope is not None else "")
    return _NAMES.get(d.AGENT if facts.declared else facts.role, "")
