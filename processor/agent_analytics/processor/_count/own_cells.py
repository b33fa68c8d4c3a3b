"""The cells of what agent-analytics counts about itself, in the order in which they are stored."""

from typing import Final

#: What a span was taken for, in ``agent_analytics_spans_total``: cells 0 to 5.
INVOCATION: Final = 0
INNER_AGENT: Final = 1
TOOL: Final = 2
INFERENCE: Final = 3
EVENT: Final = 4
DUPLICATE: Final = 5
SPAN_KINDS: Final = ("invocation", "inner_agent", "tool", "inference", "event", "duplicate")

#: Causes are shown at 0 before they happen, so that their first time counts.
UNATTRIBUTED_KINDS: Final = ("invocation", "tool", "inference", "event")
SERIES_CAUSES: Final = ("publisher", "listing", "tool", "model", "error_type", "evaluation")
VALUE_CAUSES: Final = (
    "amount", "duration", "event", "first_chunk", "label", "rating", "score", "tenant", "tokens",
)  # fmt: skip

UNATTRIBUTED: Final = len(SPAN_KINDS)
REFUSED_SERIES: Final = UNATTRIBUTED + len(UNATTRIBUTED_KINDS)
REFUSED_VALUES: Final = REFUSED_SERIES + len(SERIES_CAUSES)
GIVEN_UP: Final = REFUSED_VALUES + len(VALUE_CAUSES)
DUPLICATE_EVENTS: Final = GIVEN_UP + 1
UNRECORDED: Final = GIVEN_UP + 2
INTERNAL_ERRORS: Final = GIVEN_UP + 3
#: Nanoseconds since 1970; 0 before the first span.
LAST_SPAN: Final = GIVEN_UP + 4
#: A gauge, written when somebody looks.
OPEN_SPANS: Final = GIVEN_UP + 5
SIZE: Final = GIVEN_UP + 6
#: Every cell, in order.
NAMES: Final = (
    *SPAN_KINDS,
    *UNATTRIBUTED_KINDS,
    *SERIES_CAUSES,
    *VALUE_CAUSES,
    "given_up",
    "duplicate_events",
    "unrecorded",
    "internal_errors",
    "last_span",
    "open_spans",
)
