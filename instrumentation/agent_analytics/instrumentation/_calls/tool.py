"""Calls of tools."""

from collections.abc import Callable
from time import time_ns
from typing import Any, Final

from opentelemetry.context import Context, get_current
from opentelemetry.util.types import AttributeValue

from agent_analytics.instrumentation import mistakes, tracing
from agent_analytics.instrumentation import vocabulary as names
from agent_analytics.instrumentation._calls.arguments import bytes_of, fingerprint, is_repeated
from agent_analytics.instrumentation._calls.call import Call
from agent_analytics.instrumentation._calls.invocation import NO_CALL, RunningInvocation
from agent_analytics.instrumentation._strangers.plain_data import PLAIN_IDS, constant
from agent_analytics.instrumentation.context import CALL_KEY, INVOCATION_KEY
from agent_analytics.instrumentation.exceptions import NOTHING, NotErrors
from agent_analytics.instrumentation.health import note_internal_error

#: ``error.type`` of a tool that returned its failure as data, as the GenAI conventions have it.
TOOL_ERROR: Final = "tool_error"


def says_error(result: object) -> bool:
    """Tell whether a result says of itself that it is an error, as those of MCP do."""
    if id(type(result)) in PLAIN_IDS:
        return False
    # The second release of MCP's own package renamed it.
    said = constant(result, "is_error")
    return said is True or (
        (said is None or issubclass(type(result), dict)) and (constant(result, "isError") is True)
    )


class ToolRecorder:
    """All that is known of a decorated tool before it is called."""

    __slots__ = ("attributes", "failed", "method", "not_errors", "receiver", "span_name")

    def __init__(
        self, name: str, failed: Callable[[Any], bool] | None, not_errors: NotErrors = NOTHING
    ) -> None:
        self.span_name = f"{names.EXECUTE_TOOL} {name}"
        self.failed: Callable[[Any], bool] = says_error if failed is None else failed
        self.not_errors = not_errors
        self.method: str | None = None
        self.receiver = False
        self.attributes: dict[str, AttributeValue] = {
            names.OPERATION_NAME: names.EXECUTE_TOOL,
            names.TOOL_NAME: name,
        }

    def start(self, args: tuple[object, ...], kwargs: dict[str, object]) -> Call:
        """Start the span of one call."""
        try:
            current = get_current()
            subject = args[0] if self.method is not None and args else None
            if subject is not None and self._overridden(current, subject):
                return NO_CALL
            began = time_ns()
            attributes = self.attributes.copy()
            first = None
            invocation = current.get(INVOCATION_KEY)
            if type(invocation) is RunningInvocation and not invocation.ended:
                same = fingerprint(self.span_name, args, kwargs, receiver=self.receiver)
                if same is not None:
                    if is_repeated(invocation.called, same, began):
                        attributes[names.TOOL_REPEATED] = True
                    else:
                        first = invocation.called, same
            span = tracing.start_span(self.span_name, attributes, current, start_time=began)
            call = Call(span, began, attributes, self, current)
            call.subject = subject
            call.first = first
        except Exception:  # noqa: BLE001 - telemetry never hurts the host
            note_internal_error("the start of a tool call")
            return NO_CALL
        return call

    def _overridden(self, current: Context, subject: object) -> bool:
        """Tell whether a method that is a tool of its own calls this one of its base's."""
        call = current.get(CALL_KEY)
        if not isinstance(call, Call) or call.subject is not subject:
            return False
        work = call.work
        return isinstance(work, ToolRecorder) and work is not self and work.method == self.method

    def chunk(self, call: Call, value: object) -> None:
        """Do nothing: a tool's result is what matters."""

    def returned(self, call: Call, result: object) -> None:
        """Ask now whether the result is a failure: later it may be gone."""
        try:
            call.tool_failed = self.failed(result)
        except Exception:  # noqa: BLE001 - a predicate that fails has not said so
            call.tool_failed = False
            self._note_failed()

    def _note_failed(self) -> None:
        """Note that asking whether a result is a failure has failed, by whose function it was."""
        failed = self.failed
        if failed is says_error:
            note_internal_error("failed= of a tool")
            return
        tool = self.attributes[names.TOOL_NAME]
        mistakes.raised("failed=", f"tool {tool!r}", failed, "the call counts as a success")

    def conclude(
        self,
        call: Call,
        outcome: str,
        error_type: str | None,
        result: object,
        attributes: dict[str, AttributeValue],
    ) -> tuple[str, str | None]:
        """Ask whether the result is a failure, and note how large it is."""
        size = bytes_of(result)
        if size is not None:
            attributes[names.TOOL_RESULT_BYTES] = size
        if outcome == names.STEERED and call.first is not None:
            known, same = call.first
            known.pop(same, None)  # no call: the one that resumes it repeats nothing
        if outcome == names.SUCCESS and error_type is None:  # with one, it ended the process
            try:
                if self.failed(result) if call.tool_failed is None else call.tool_failed:
                    return names.ERROR, TOOL_ERROR
            except Exception:  # noqa: BLE001 - a predicate that fails has not said so
                self._note_failed()
        return outcome, error_type
