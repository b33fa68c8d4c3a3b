"""One decorated call from its start to its end, whatever kind of callable it is.

The wrappers of ``_calls.wrapping`` and ``_results.generators`` drive a ``Call``; nothing in
here raises.
"""

from time import perf_counter_ns
from typing import TYPE_CHECKING, Final, Protocol

from opentelemetry.context import Context, attach, get_current
from opentelemetry.trace import NonRecordingSpan, Span, Status, StatusCode
from opentelemetry.util.types import AttributeValue

from agent_analytics.instrumentation import tracing
from agent_analytics.instrumentation import vocabulary as names
from agent_analytics.instrumentation._calls.current_span import CurrentSpan, give, new
from agent_analytics.instrumentation._calls.outcomes import classify
from agent_analytics.instrumentation.context import CALL_KEY, context_of_call
from agent_analytics.instrumentation.exceptions import NOTHING, NotErrors
from agent_analytics.instrumentation.health import note_internal_error

if TYPE_CHECKING:
    from agent_analytics.instrumentation.written_calls import WrittenCalls

#: Without description: that would be text.
ERROR_STATUS: Final = Status(StatusCode.ERROR)
#: Outcomes that have an ``error.type`` and an ERROR status.
FAILURES: Final = frozenset({names.ERROR, names.TIMEOUT})


class Work(Protocol):
    """What a call does: the work of an agent, or of a tool.

    All calls are of one class and differ in this, since Python reads an attribute of objects of
    one class several times as fast as of objects of two.
    """

    @property
    def not_errors(self) -> NotErrors:
        """Exceptions that are no errors in this call, by its decorator."""
        ...

    def chunk(self, call: "Call", value: object, /) -> None:
        """Note a chunk of the call's stream."""
        ...

    def returned(self, call: "Call", result: object, /) -> None:
        """Note what was returned, where the call goes on after that."""
        ...

    def conclude(
        self,
        call: "Call",
        outcome: str,
        error_type: str | None,
        result: object,
        attributes: dict[str, AttributeValue],
        /,
    ) -> tuple[str, str | None]:
        """Return the final outcome and error type; add what else the span says at its end."""
        ...


class Running(Protocol):
    """An invocation, which the end of its call ends."""

    ended: bool
    subject: object


class Call:
    """A call whose span has started.

    Attributes:
        work: What it does; None for a call that could not be recorded.
        invocation: The invocation that it starts, if it starts one.
        span: The span of the call.
        facts: What the span says, whole, whatever others do to its attributes.
        shown: The span as the code inside finds it, until the call ends; None where nothing is
            recorded.
        written: Model calls that were written onto the span, if any.
        context: The OpenTelemetry context of the body: the span is current in it.
        parent: The context that the call was made in, until it ends.
        attached: Whether the context of the body was made the current one.
        ended: True once an outcome was recorded; later ones are ignored.
        began: Start of the span in nanoseconds since 1970.
        started: Reading of ``perf_counter_ns`` then: the wall clock may be set during the call.
        subject: Of a method, the object that it was called on, until it ends.
        tool_failed: Of a tool, whether what it returned is a failure, where that was asked already.
        first: Of a tool, where it is remembered that it was called with these arguments, and under
            what; only of the first such call of an invocation.
    """

    __slots__ = (
        "attached",
        "began",
        "context",
        "ended",
        "facts",
        "first",
        "invocation",
        "parent",
        "shown",
        "span",
        "started",
        "subject",
        "tool_failed",
        "work",
        "written",
    )

    def __init__(  # noqa: PLR0917 - arguments by keyword cost more
        self,
        span: Span,
        began: int,
        facts: dict[str, AttributeValue],
        work: Work | None,
        parent: Context | None,
        invocation: Running | None = None,
    ) -> None:
        self.span = span
        self.work = work
        self.invocation = invocation
        self.began = began
        self.started = perf_counter_ns()
        self.facts = facts
        self.written: WrittenCalls | None = None
        self.parent = parent
        self.attached = False
        self.ended = False
        self.subject: object = None
        self.tool_failed: bool | None = None
        self.first: tuple[dict[int, int], int] | None = None
        self.shown: CurrentSpan | None = None
        self.context: Context | None = None
        if parent is not None:
            current = span
            if type(span) is not NonRecordingSpan:
                current = self.shown = new(CurrentSpan)
                give(current, self)
            self.context = context_of_call(parent, current, self, invocation)

    def attach(self) -> None:
        """Make the call's context current, until it ends or ``detach``; right after the start."""
        if self.context is not None:
            self.attached = True
            attach(self.context)

    def detach(self) -> None:
        """Go back to what the call was made in, from its own context or one derived from it.

        OpenTelemetry's ``detach`` wants its token back in the very context that made it and logs
        an error otherwise, which abandoned coroutines cannot promise. Going back so is also what
        brings order again where the body attached something and did not detach it.
        """
        parent = self.parent
        if self.attached and parent is not None:
            self.attached = False
            if get_current().get(CALL_KEY) is self:
                attach(parent)

    def returned(self, result: object) -> None:
        """Note what was returned, where the call goes on after that."""
        if self.work is not None:
            self.work.returned(self, result)

    def succeeded(self, result: object) -> None:
        """End the call, which returned ``result``."""
        self.end(names.SUCCESS, None, result)

    def raised(self, exception: BaseException) -> None:
        """End the call, which raised ``exception``."""
        work = self.work
        outcome, error_type = classify(exception, NOTHING if work is None else work.not_errors)
        self.end(outcome, error_type)

    def abandoned(self) -> None:
        """End the call, whose stream nobody wants any more; nothing if it has ended."""
        self.end(names.CANCELLED, None)

    def end(  # noqa: C901 - the hot path: a call costs as much as what it would hold
        self, outcome: str, error_type: str | None, result: object = None
    ) -> None:
        """Record the outcome and end the span, the first time."""
        if self.ended:
            return
        self.ended = True
        invocation = self.invocation
        if invocation is not None:
            invocation.ended = True
            invocation.subject = None
        self.subject = None
        span = self.span
        # What it leads to holds the call: without this, the two would wait for the collector.
        recorded, self.shown = self.shown is not None, None
        try:
            if self.attached and self.parent is not None:  # as ``detach`` does
                self.attached = False
                if get_current().get(CALL_KEY) is self:
                    attach(self.parent)
            # The context holds the call: without this, the two would wait for the collector.
            self.context = self.parent = None
            if recorded and self.work is not None:
                attributes: dict[str, AttributeValue] = {}
                outcome, error_type = self.work.conclude(
                    self, outcome, error_type, result, attributes
                )
                attributes[names.OUTCOME] = outcome
                failed = outcome in FAILURES
                if failed and error_type is not None:
                    attributes[names.ERROR_TYPE] = error_type
                self.facts.update(attributes)
                if self.written is not None:
                    self.written.call_ended()
                    attributes = self.facts  # somebody may have written over the others
                span.set_attributes(attributes)
                if failed:
                    span.set_status(ERROR_STATUS)
        except Exception:  # noqa: BLE001 - telemetry never hurts the host
            note_internal_error("the end of a call")
            self.facts.setdefault(names.OUTCOME, outcome)
        try:
            end = self.began + perf_counter_ns() - self.started
            if not recorded or span.is_recording():
                span.end(end)
            else:
                tracing.end_again(self.facts, end)
        except Exception:  # noqa: BLE001 - telemetry never hurts the host
            note_internal_error("the end of a span")


class NoCall(Call):
    """Stands in for a call that could not be recorded: the host's work goes on without."""

    __slots__ = ()

    def end(self, outcome: str, error_type: str | None, result: object = None) -> None:
        """Do nothing."""
