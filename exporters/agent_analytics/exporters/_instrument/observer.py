"""What comes in at first: which instrumentations record spans, and what those say."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor

from agent_analytics.instrumentation.health import note_internal_error
from agent_analytics.instrumentation.tracing import SCOPE
from agent_analytics.processor import role_of

#: Scopes that are kept apart, and spans of each that are looked into.
_MOST_SCOPES: Final = 100
_MOST_SPANS: Final = 1_000


#: Called with nothing, for the sake of what it does.
Started = Callable[[], object]


@dataclass(slots=True)
class Seen:
    """What an instrumentation has recorded.

    Attributes:
        spans: How many spans; no more are counted than are looked into.
        bare: How many of them have no attribute.
        agents: How many say that they are an agent; so ``tools`` and ``models``.
    """

    spans: int = 0
    bare: int = 0
    agents: int = 0
    tools: int = 0
    models: int = 0

    @property
    def speaking(self) -> int:
        """How many say what they are."""
        return self.agents + self.tools + self.models


class Observer(SpanProcessor):
    """Looks at the first spans of each instrumentation, while it is wanted.

    Attributes:
        scopes: What was seen, by the name of the instrumentation scope.
        started: Called with the first span.
    """

    def __init__(self) -> None:
        self.scopes: dict[str, Seen] = {}
        self.started: Started | None = None
        self._lock = threading.Lock()

    def on_end(self, span: ReadableSpan) -> None:
        """Look at a span."""
        try:
            if self.started is not None:
                started, self.started = self.started, None
                started()
            scope = span.instrumentation_scope
            name = scope.name if scope is not None else ""
            seen = self.scopes.get(name)
            if seen is None:
                if len(self.scopes) >= _MOST_SCOPES:
                    return
                with self._lock:
                    seen = self.scopes.setdefault(name, Seen())
            if seen.spans < _MOST_SPANS:
                self._look(span, name, seen)
        except Exception:  # noqa: BLE001 - telemetry never raises into the host
            note_internal_error("exporters.observer")

    def _look(self, span: ReadableSpan, name: str, seen: Seen) -> None:
        role = "agent" if name == SCOPE else role_of(span)
        with self._lock:
            seen.spans += 1
            seen.bare += not span.attributes
            seen.agents += role == "agent"
            seen.tools += role == "tool"
            seen.models += role == "model"

    def after_fork(self) -> None:
        """Begin anew in a forked child."""
        self.scopes = {}
        self._lock = threading.Lock()
