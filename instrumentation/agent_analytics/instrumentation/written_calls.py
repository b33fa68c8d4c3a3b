"""Model calls that a library writes onto the span of a decorated call, instead of its own span.

Each is made a span of its own below that of the call, as other instrumentations have it, so that
several of them do not overwrite each other.
"""

import asyncio
import time
from threading import Lock, get_ident
from typing import Final

from opentelemetry.context import Context, get_current
from opentelemetry.trace import Span, StatusCode, set_span_in_context
from opentelemetry.util.types import AttributeValue

from agent_analytics.instrumentation import tracing
from agent_analytics.instrumentation import vocabulary as names
from agent_analytics.instrumentation.context import INVOCATION_KEY, invocation_in
from agent_analytics.instrumentation.health import note_internal_error

#: Beginnings of the attributes that speak of models, in every dialect.
PREFIXES: Final = (
    "gen_ai.",
    "llm.",
    "openinference.",
    "traceloop.",
    "litellm.",
    "ai.",
    "metadata.usage_object",  # LiteLLM's, with what was cached and thought
)
#: Written when an answer is there: what is written next of a question is of another call.
_ANSWERS: Final = (
    "gen_ai.usage.",
    "gen_ai.response.",
    "llm.usage.",
    "llm.token_count.",
    "ai.usage.",
    "ai.response.",
    "metadata.usage_object",
)
#: Say whose answer it was: another one is another call.
_IDS: Final = frozenset({"gen_ai.response.id", "llm.response.id", "ai.response.id"})
#: Say what was asked, and of whom. They stand for the next call, too, unless written again.
_QUESTIONS: Final = frozenset(
    {
        names.OPERATION_NAME,
        names.REQUEST_MODEL,
        names.PROVIDER_NAME,
        names.SYSTEM,
        "llm.model_name",
        "llm.provider",
        "llm.system",
        "llm.request.type",
        "openinference.span.kind",
        "traceloop.span.kind",
    }
)
_MOST_ATTRIBUTES: Final = 256
#: A library that writes from a thread of its own may still be at it.
_QUIET_SECONDS: Final = 1.0
_MOST_LATE: Final = 1_000

_lock: Final = Lock()
#: Written after the call had ended, by library threads; with the time of the last write.
_late: Final[dict["_Call", float]] = {}


class _Call:
    """What was written of one model call so far."""

    __slots__ = ("answered", "asked", "attributes", "closed", "context", "error", "failed")

    def __init__(self, context: Context, asked: dict[str, AttributeValue]) -> None:
        self.attributes: dict[str, AttributeValue] = {}
        #: What was asked before on this span: it stands unless it is written again.
        self.asked = asked
        self.answered = False
        self.failed = False
        self.closed = False
        self.error: str | None = None
        self.context = context

    def another(self, key: str, value: object) -> bool:
        """Tell whether an attribute is of another call than this.

        What is written a second time, once there was an answer, is of the next call.
        """
        if self.closed:
            return True
        if key not in self.attributes:
            return False
        if key in _IDS:
            return self.attributes[key] != value
        return self.answered or self.failed

    def note(self, key: str, value: AttributeValue) -> None:
        """Add an attribute."""
        if len(self.attributes) < _MOST_ATTRIBUTES or key in self.attributes:
            self.attributes[key] = value
        self.answered = self.answered or key.startswith(_ANSWERS)

    def emit(self) -> None:
        """Make it a span, once, unless what was written says nothing of a call."""
        with _lock:
            _late.pop(self, None)
            closed, self.closed = self.closed, True
        if closed:
            return
        attributes = {**self.asked, **self.attributes}
        if not (self.answered or (self.failed and not _QUESTIONS.isdisjoint(attributes))):
            return
        operation = attributes.get(names.OPERATION_NAME, attributes.get("llm.request.type"))
        if type(operation) is not str or operation in names.LITELLM_ASKS:
            operation = names.CHAT
            if "openinference.span.kind" not in attributes:
                attributes[names.OPERATION_NAME] = operation
        if self.failed and self.error is not None:
            attributes.setdefault(names.ERROR_TYPE, self.error)
        model = attributes.get(names.REQUEST_MODEL, attributes.get("llm.model_name"))
        try:
            name = operation if type(model) is not str else f"{operation} {model}"
            span = tracing.start_span(name, attributes, self.context)
            if self.failed:
                span.set_status(StatusCode.ERROR)
            span.end()
        except Exception:  # noqa: BLE001 - telemetry never hurts the host
            note_internal_error("a model call written on a span")


def _writer() -> tuple[int, int]:
    """Return who writes: the thread, and in it the task."""
    try:
        task = asyncio.current_task()
    except RuntimeError:  # no event loop runs in this thread
        task = None
    return get_ident(), 0 if task is None else id(task)


class WrittenCalls:
    """Model calls that are written onto one span, apart by the threads and tasks that write."""

    __slots__ = ("_context", "_open")

    def __init__(self, span: Span, invocation: object) -> None:
        if invocation is None:
            invocation = get_current().get(INVOCATION_KEY)  # a library's thread has it there
        self._context = set_span_in_context(span, Context({INVOCATION_KEY: invocation}))
        self._open: dict[tuple[int, int], _Call] = {}

    def note(self, key: str, value: AttributeValue, *, late: bool) -> None:
        """Note an attribute that was written.

        Args:
            key: Its key.
            value: Its value.
            late: Whether the call that the span is of has ended.
        """
        writer = _writer()
        call = self._open.get(writer)
        if call is None:
            call = self._asked_by(writer)
            if call is None or key in call.attributes:
                call = _Call(self._context, {})
            self._open[writer] = call
        elif call.another(key, value):
            call.emit()
            written = {**call.asked, **call.attributes}
            asked = {name: written[name] for name in _QUESTIONS & written.keys()}
            call = self._open[writer] = _Call(self._context, asked)
        call.note(key, value)
        if late:
            _wait(call)

    def failed(self, error: str | None) -> None:
        """Note that the call that was written last has failed."""
        writer = _writer()
        call = self._open.get(writer) or self._asked_by(writer)
        if call is not None:
            call.failed = True
            call.error = error or call.error

    def _asked_by(self, writer: tuple[int, int]) -> _Call | None:
        """Return the only call of the thread that awaits an answer: another task may write it."""
        waiting = {
            id(call): call
            for (thread, _), call in list(self._open.items())
            if thread == writer[0] and not (call.answered or call.failed or call.closed)
        }
        return next(iter(waiting.values())) if len(waiting) == 1 else None

    def call_ended(self) -> None:
        """Close what this thread wrote; what other threads write may go on for a moment."""
        own = get_ident()
        for writer, call in list(self._open.items()):
            if writer[0] == own:
                del self._open[writer]
                call.emit()
            else:
                _wait(call)


def _wait(call: _Call) -> None:
    """Close a call once nothing was written to it for a moment."""
    with _lock:
        _late.pop(call, None)
        _late[call] = time.monotonic()
        oldest = _oldest() if len(_late) > _MOST_LATE else []
    for one in oldest:
        one.emit()


def _oldest() -> list["_Call"]:
    """Return the oldest calls of the publisher who has most, an eighth of what there may be."""
    of: dict[object, list[_Call]] = {}
    for call in _late:
        invocation = invocation_in(call.context)
        of.setdefault(None if invocation is None else invocation.publisher_id, []).append(call)
    return max(of.values(), key=len)[: max(1, _MOST_LATE // 8)]


def close_late(quiet_seconds: float = _QUIET_SECONDS) -> None:
    """Close the calls that threads of libraries wrote after the decorated call had ended.

    Args:
        quiet_seconds: For how long nothing must have been written; 0 at the end of the process.
    """
    if not _late:
        return
    horizon = time.monotonic() - quiet_seconds
    with _lock:
        quiet = [call for call, written in _late.items() if written <= horizon]
    for call in quiet:
        call.emit()
