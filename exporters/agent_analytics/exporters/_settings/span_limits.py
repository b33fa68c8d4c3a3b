"""Limits of the SDK that would make two ids one."""

import logging
from typing import Any, Final

from opentelemetry.sdk.trace import TracerProvider

#: Characters that an id may have.
LONGEST_ID: Final = 200

_logger: Final = logging.getLogger("agent_analytics")


def warn_of_limits(provider: TracerProvider) -> None:
    """Say so where a provider cuts attributes so short that two ids may become equal.

    Spans of the decorators and records are not affected: what they say reaches the span
    processor whole.
    """
    limits: Any = getattr(provider, "_span_limits", None)
    length = getattr(limits, "max_span_attribute_length", None)
    if type(length) is int and length < LONGEST_ID:
        _logger.warning(
            "agent-analytics: attributes of spans are cut to %d characters. Ids that a framework's "
            "or a hand-made span names are cut, too, and two long ones may become one: set "
            "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT and OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT to %d "
            "or more, or unset them. Decorated agents and records keep their ids whole",
            length,
            LONGEST_ID,
        )
