"""Spans of the project's own decorators and records, which say all there is to know."""

from typing import Any

from opentelemetry.sdk.trace import ReadableSpan

from agent_analytics.instrumentation.tracing import SCOPE


def is_own(span: ReadableSpan) -> bool:
    """Tell whether the project's own instrumentation made a span."""
    raw: Any = span
    try:
        found: object = raw._instrumentation_scope._name  # noqa: SLF001 - as in sdk_access
    except AttributeError:
        scope = span.instrumentation_scope
        found = None if scope is None else scope.name
    return found == SCOPE


def ended_at(span: ReadableSpan, end: int) -> ReadableSpan:
    """Return a span as if it had ended at ``end``, in nanoseconds since 1970."""
    return ReadableSpan(
        name=span.name,
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes=span.attributes,
        events=span.events,
        links=span.links,
        kind=span.kind,
        status=span.status,
        start_time=span.start_time,
        end_time=end,
        instrumentation_scope=span.instrumentation_scope,
    )
