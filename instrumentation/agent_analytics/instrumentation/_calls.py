"""One decorated call from its start to its end, whatever kind of callable it is.

The wrappers of ``_wrapping`` and ``_streams`` drive a ``Call``; nothing in here raises.
"""

from time import perf_counter_ns
from typing import TYPE_CHECKING, Final

from opentelemetry.context import Context, attach, get_current
from opentelemetry.trace import NonRecordingSpan, Span, Status, StatusCode
from opentelemetry.util.types import AttributeValue

from agent_analytics.instrumentation import tracing
from agent_analytics.instrumentation import vocabulary as names
from agent_analytics.instrumentation._current_span import CurrentSpan, stand_in
from agent_analytics.instrumentation._outcomes import classify
from agent_analytics.instrumentation.context import CALL_KEY, CurrentInvocation, context_of_call
from agent_analytics.instrumentation.exceptions import NOTHING, NotErrors
from agent_analytics.instrumentation.health import note_internal_error

if TYPE_CHECKING:
    from agent_analytics.instrumentation.written_calls import WrittenCalls

#: Without description: that would be text.
ERROR_STATUS: Final = Status(StatusCode.ERROR)
#: Outcomes that have an ``error.type`` and an ERROR status.
FAILURES: Final = frozenset({names.ERROR, names.TIMEOUT})


class Call:
    """A call whose span has started.

    Attributes:
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
    """

    __slots__ = (
        "attached",
        "began",
        "context",
        "ended",
        "facts",
        "parent",
        "shown",
        "span",
        "started",
        "subject",
        "written",
    )

    def __init__(self, span: Span, began: int, facts: dict[str, AttributeValue]) -> None:
        self.span = span
        self.began = began
        self.started = perf_counter_ns()
        self.facts = facts
        self.shown: CurrentSpan | None = None
        self.written: WrittenCalls | None = None
        self.context: Context | None = None
        self.parent: Context | None = None
        self.attached = False
        self.ended = False
        self.subject: object = None

    @property
    def not_errors(self) -> NotErrors:
        """Exceptions that are no errors in this call, by its decorator."""
        return NOTHING

    @property
    def invocation(self) -> CurrentInvocation | None:
        """The invocation that the call starts, if it starts one."""
        return None

    def enter(self, parent: Context, invocation: CurrentInvocation | None) -> None:
        """Make the context of the body, from the one that the call was made in.

        Args:
            parent: What the call was made in.
            invocation: The invocation that it starts, if it starts one.
        """
        span = self.span
        self.parent = parent
        if type(span) is not NonRecordingSpan:
            span = self.shown = stand_in(self)
        self.context = context_of_call(parent, span, self, invocation)

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

    def chunk(self, value: object) -> None:
        """Note a chunk of the call's stream."""

    def returned(self, result: object) -> None:
        """Note what was returned, where the call goes on after that."""

    def succeeded(self, result: object) -> None:
        """End the call, which returned ``result``."""
        self.end(names.SUCCESS, None, result)

    def raised(self, exception: BaseException) -> None:
        """End the call, which raised ``exception``."""
        outcome, error_type = classify(exception, self.not_errors)
        self.end(outcome, error_type)

    def abandoned(self) -> None:
        """End the call, whose stream nobody wants any more; nothing if it has ended."""
        self.end(names.CANCELLED, None)

    def end(self, outcome: str, error_type: str | None, result: object = None) -> None:
        """Record the outcome and end the span, the first time."""
        if self.ended:
            return
        self.ended = True
        self.subject = None
        span = self.span
        # What it leads to holds the call: without this, the two would wait for the collector.
        recorded, self.shown = self.shown is not None, None
        try:
            self.detach()
            # The context holds the call: without this, the two would wait for the collector.
            self.context = self.parent = None
            if recorded:
                attributes: dict[str, AttributeValue] = {}
                outcome, error_type = self.conclude(outcome, error_type, result, attributes)
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

    def conclude(
        self,
        outcome: str,
        error_type: str | None,
        result: object,  # noqa: ARG002 - for subclasses
        attributes: dict[str, AttributeValue],  # noqa: ARG002 - for subclasses
    ) -> tuple[str, str | None]:
        """Return the final outcome and error type; add what else the span says at its end."""
        return outcome, error_type


class NoCall(Call):
    """Stands in for a call that could not be recorded: the host's work goes on without."""

    __slots__ = ()

    def end(self, outcome: str, error_type: str | None, result: object = None) -> None:
        """Do nothing."""
