"""What agent-analytics counts about itself."""

from array import array
from threading import RLock
from typing import Final

from agent_analytics.instrumentation import health as instrumentation_health
from agent_analytics.processor._store import Cells

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

_UNATTRIBUTED_CELL: Final = {
    SPAN_KINDS.index(kind): UNATTRIBUTED + index for index, kind in enumerate(UNATTRIBUTED_KINDS)
}
_SERIES_CELL: Final = {name: REFUSED_SERIES + i for i, name in enumerate(SERIES_CAUSES)}
_VALUE_CELL: Final = {name: REFUSED_VALUES + i for i, name in enumerate(VALUE_CAUSES)}


class Health:
    """Counters of one processor about itself.

    Attributes:
        cells: The counters; written under the processor's lock. The methods take it themselves.
        stored: Whether the cells are a durable store's.
    """

    def __init__(self, lock: RLock) -> None:
        self._lock = lock
        self.cells: Cells = array("q", bytes(8 * SIZE))
        self.stored = False
        self._mirrored = (0, 0)

    def move(self, cells: Cells) -> None:
        """Go on in a store's cells; what was counted so far is added to what they hold."""
        with self._lock:
            for index, count in enumerate(self.cells.tolist()):
                if index == LAST_SPAN:
                    cells[index] = max(cells[index], count)
                elif index == OPEN_SPANS:
                    cells[index] = count
                elif count:
                    cells[index] += count
            self.cells = cells
            self.stored = True

    def reset(self) -> None:
        """Begin at zero, in a forked child."""
        self.cells = array("q", bytes(8 * SIZE))
        self.stored = False
        self._mirrored = (0, 0)

    def mirror(self, open_spans: int) -> None:
        """Take over what is counted elsewhere in this process."""
        now = (
            instrumentation_health.unrecorded_invocations(),
            instrumentation_health.internal_errors(),
        )
        with self._lock:
            before, self._mirrored = self._mirrored, now
            self.cells[UNRECORDED] += now[0] - before[0]
            self.cells[INTERNAL_ERRORS] += now[1] - before[1]
            self.cells[OPEN_SPANS] = open_spans

    def refuse_series(self, cause: str) -> None:
        """Count a label value that went under ``_other``."""
        with self._lock:
            self.cells[_SERIES_CELL[cause]] += 1

    def refuse_value(self, cause: str) -> None:
        """Count an attribute value that was not believed."""
        with self._lock:
            self.cells[_VALUE_CELL[cause]] += 1

    def lose(self, kind: int) -> None:
        """Count a span that no listing could be credited with."""
        with self._lock:
            self.cells[_UNATTRIBUTED_CELL[kind]] += 1

    def repeat(self) -> None:
        """Count a span that was not counted again."""
        with self._lock:
            self.cells[DUPLICATE] += 1
