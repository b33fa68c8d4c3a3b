"""Links to invocations that are rated or evaluated later."""

import re
from typing import Final

from opentelemetry.trace import Link, SpanContext, TraceFlags

from agent_analytics.instrumentation._api import checks
from agent_analytics.instrumentation._api.handle import Invocation

_TRACEPARENT: Final = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")


def _parse(traceparent: str) -> SpanContext:
    match = _TRACEPARENT.fullmatch(traceparent)
    if match is None or match[1] == "ff":
        checks.refuse("invocation", "a W3C traceparent such as Invocation.id", traceparent)
    return SpanContext(
        trace_id=int(match[2], 16),
        span_id=int(match[3], 16),
        is_remote=True,
        trace_flags=TraceFlags(int(match[4], 16)),
    )


def links_to(invocation: object) -> list[Link]:
    """Return the link to an invocation, or none where it is None or was not recorded.

    Args:
        invocation: An Invocation, its id, its span context, or None.

    Raises:
        ValueError: It is something else, or an id that is malformed.
    """
    if invocation is None:
        return []
    if isinstance(invocation, str):
        found = _parse(invocation)
    elif isinstance(invocation, Invocation):
        found = invocation.span_context
    elif isinstance(invocation, SpanContext):
        found = invocation
    else:
        checks.refuse("invocation", "an Invocation, its id or its span context", invocation)
    return [Link(found)] if found.is_valid else []
