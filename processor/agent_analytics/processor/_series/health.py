"""What agent-analytics counts about itself."""

from array import array
from collections.abc import Callable
from threading import RLock
from typing import Final

from agent_analytics.instrumentation import health as instrumentation_health
from agent_analytics.processor._count.core import OwnHealth
from agent_analytics.processor._count.own_cells import (
    DUPLICATE,
    DUPLICATE_EVENTS,
    EVENT,
    GIVEN_UP,
    INFERENCE,
    INNER_AGENT,
    INTERNAL_ERRORS,
    INVOCATION,
    LAST_SPAN,
    NAMES,
    OPEN_SPANS,
    REFUSED_SERIES,
    REFUSED_VALUES,
    SERIES_CAUSES,
    SIZE,
    SPAN_KINDS,
    TOOL,
    UNATTRIBUTED,
    UNATTRIBUTED_KINDS,
    UNRECORDED,
    VALUE_CAUSES,
)
from agent_analytics.processor._series.cells import Cells
from agent_analytics.processor._series.schema import KINDS
from agent_analytics.processor.catalogue import CONTRADICTED_INPUT, OTHER, STATE_FAILING

#: Causes that came after the cells above were first stored: a metric's name and the value of its
#: label. Each is stored as a block of its own, so that a further one changes none that is there.
FURTHER: Final[tuple[tuple[str, str], ...]] = (
    *(("agent_analytics_steered_total", kind) for kind in ("invocation", "tool", "inference")),
    ("agent_analytics_refused_values_total", "currency"),
    ("agent_analytics_refused_values_total", "tool_detail"),
    *(
        ("agent_analytics_refused_series_total", cause)
        for cause in dict.fromkeys(kind.cause for kind in KINDS if kind.cause)
        if cause not in SERIES_CAUSES
    ),
)

#: Whether the state directory fails a worker now: a gauge, stored like ``FURTHER``.
FAILING: Final = (STATE_FAILING.name, "")

#: The metric whose values are names of instrumentations: stored like ``FURTHER``, once they appear.
CONTRADICTED: Final = CONTRADICTED_INPUT.name
#: Instrumentations that are named, of one publisher and of all; further ones share a name.
_MOST_SCOPES_OF_ONE: Final = 8
_MOST_SCOPES: Final = 64
_LONGEST_SCOPE: Final = 200

_UNATTRIBUTED_CELL: Final = {
    SPAN_KINDS.index(kind): UNATTRIBUTED + index for index, kind in enumerate(UNATTRIBUTED_KINDS)
}
_SERIES_CELL: Final = {name: REFUSED_SERIES + i for i, name in enumerate(SERIES_CAUSES)}
_VALUE_CELL: Final = {name: REFUSED_VALUES + i for i, name in enumerate(VALUE_CAUSES)}
_FURTHER_CELL: Final[dict[tuple[str, str], int]] = {key: i for i, key in enumerate(FURTHER)}
_REFUSED: Final = "agent_analytics_refused_values_total"


def _in_memory(_: tuple[str, str]) -> Cells:
    return array("q", [0])


def _is_label(scope: str) -> bool:
    return 0 < len(scope) <= _LONGEST_SCOPE and scope.isprintable()


def _none() -> list[Cells]:
    return [array("q", [0]) for _ in FURTHER]


class Health(OwnHealth):
    """Counters of one processor about itself.

    Attributes:
        cells: The counters; written under the processor's lock. The methods take it themselves.
        further: One cell for each of ``FURTHER``; alike.
        scopes: One cell for each instrumentation whose figures contradict what it is known to
            mean, by its name; alike.
        stored: Whether the cells are a durable store's.
    """

    def __init__(self, lock: RLock) -> None:
        self._lock = lock
        self.scopes: dict[str, Cells] = {}
        self._brought: dict[str, int] = {}
        self._open: Callable[[tuple[str, str]], Cells] = _in_memory
        self.go_on_in(array("q", bytes(8 * SIZE)))
        self.further = _none()
        self.stored = False
        self._mirrored = (0, 0)

    def move(
        self,
        cells: Cells,
        further: list[Cells],
        open_cell: Callable[[tuple[str, str]], Cells],
    ) -> None:
        """Go on in a store's cells; what was counted so far is added to what they hold.

        Args:
            cells: The store's.
            further: Those of ``FURTHER``.
            open_cell: Returns the cell of a metric and the value of its label.
        """
        scopes = {scope: open_cell((CONTRADICTED, scope)) for scope in list(self.scopes)}
        with self._lock:
            for scope, stored in scopes.items():
                stored[0] += self.scopes[scope][0]
            self.scopes.update(scopes)
            self._open = open_cell
            for counted, stored in zip(self.further, further, strict=True):
                stored[0] += counted[0]
            self.further = further
            for index, count in enumerate(self.cells.tolist()):
                if index == LAST_SPAN:
                    cells[index] = max(cells[index], count)
                elif index == OPEN_SPANS:
                    cells[index] = count
                elif count:
                    cells[index] += count
            self.go_on_in(cells)
            self.stored = True

    def reset(self) -> None:
        """Begin at zero, in a forked child."""
        self.go_on_in(array("q", bytes(8 * SIZE)))
        self.further = _none()
        self.scopes = {}
        self._brought = {}
        self._open = _in_memory
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
        cell = _SERIES_CELL.get(cause)
        if cell is None:
            self.note("agent_analytics_refused_series_total", cause)
            return
        with self._lock:
            self.cells[cell] += 1

    def refuse_value(self, cause: str) -> None:
        """Count an attribute value that was not believed."""
        cell = _VALUE_CELL.get(cause)
        if cell is None:
            self.note(_REFUSED, cause)
            return
        with self._lock:
            self.cells[cell] += 1

    def note(self, metric: str, value: str) -> None:
        """Count one of ``FURTHER``."""
        with self._lock:
            self.further[_FURTHER_CELL[metric, value]][0] += 1

    def steer(self, kind: int) -> None:
        """Count a try that was no failure and no call, by what was tried."""
        self.note("agent_analytics_steered_total", SPAN_KINDS[kind])

    def contradict(self, scope: str, publisher: str = "") -> None:
        """Count a span whose figures cannot mean what its instrumentation is known to mean.

        Args:
            scope: Name of the instrumentation.
            publisher: Whose the span is: one of them cannot use up the names for all.
        """
        if scope not in self.scopes:
            brought = self._brought.get(publisher, 0)
            if (
                len(self.scopes) >= _MOST_SCOPES
                or brought >= _MOST_SCOPES_OF_ONE
                or not _is_label(scope)
            ):
                scope = OTHER
            else:
                self._brought[publisher] = brought + 1
        cell = self.scopes.get(scope)
        if cell is None:
            made = self._open((CONTRADICTED, scope))
            cell = self.scopes.setdefault(scope, made)
        with self._lock:
            cell[0] += 1

    def lose(self, kind: int) -> None:
        """Count a span that no listing could be credited with."""
        with self._lock:
            self.cells[_UNATTRIBUTED_CELL[kind]] += 1

    def repeat(self) -> None:
        """Count a span that was not counted again."""
        with self._lock:
            self.cells[DUPLICATE] += 1


__all__ = [
    "CONTRADICTED",
    "DUPLICATE",
    "DUPLICATE_EVENTS",
    "EVENT",
    "FURTHER",
    "GIVEN_UP",
    "INFERENCE",
    "INNER_AGENT",
    "INTERNAL_ERRORS",
    "INVOCATION",
    "LAST_SPAN",
    "NAMES",
    "OPEN_SPANS",
    "REFUSED_SERIES",
    "REFUSED_VALUES",
    "SERIES_CAUSES",
    "SIZE",
    "SPAN_KINDS",
    "TOOL",
    "UNATTRIBUTED",
    "UNATTRIBUTED_KINDS",
    "UNRECORDED",
    "VALUE_CAUSES",
    "Health",
]
