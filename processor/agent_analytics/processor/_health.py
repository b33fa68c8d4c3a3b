"""What agent-analytics counts about itself."""

from collections import Counter
from threading import RLock
from typing import Final

#: What a span was taken for, in ``agent_analytics_spans_total``.
INVOCATION: Final = "invocation"
INNER_AGENT: Final = "inner_agent"
TOOL: Final = "tool"
INFERENCE: Final = "inference"
EVENT: Final = "event"
DUPLICATE: Final = "duplicate"
SPAN_KINDS: Final = (INVOCATION, INNER_AGENT, TOOL, INFERENCE, EVENT, DUPLICATE)

#: Causes are shown at 0 before they happen, so that their first time counts.
_SERIES_CAUSES: Final = ("publisher", "listing", "tool", "model", "error_type", "evaluation")
_VALUE_CAUSES: Final = (
    "amount", "duration", "event", "first_chunk", "label", "rating", "score", "tenant", "tokens",
)  # fmt: skip


class Health:
    """Counters of one processor about itself.

    The plain attributes are written under the processor's lock; the methods take it themselves.
    """

    def __init__(self, lock: RLock) -> None:
        self._lock = lock
        self.spans: dict[str, int] = dict.fromkeys(SPAN_KINDS, 0)
        self.unattributed = Counter[str](dict.fromkeys((INVOCATION, TOOL, INFERENCE, EVENT), 0))
        self.refused_series = Counter[str](dict.fromkeys(_SERIES_CAUSES, 0))
        self.refused_values = Counter[str](dict.fromkeys(_VALUE_CAUSES, 0))
        self.given_up = 0
        self.duplicate_events = 0
        self.last_span_ns = 0

    def refuse_series(self, cause: str) -> None:
        """Count a label value that went under ``_other``."""
        with self._lock:
            self.refused_series[cause] += 1

    def refuse_value(self, cause: str) -> None:
        """Count an attribute value that was not believed."""
        with self._lock:
            self.refused_values[cause] += 1

    def lose(self, kind: str) -> None:
        """Count a span that no listing could be credited with."""
        with self._lock:
            self.unattributed[kind] += 1

    def repeat(self) -> None:
        """Count a span that was not counted again."""
        with self._lock:
            self.spans[DUPLICATE] += 1
