"""Recording of invocations that have already finished elsewhere."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple, cast

from opentelemetry.context import Context
from opentelemetry.trace import Link, get_current_span, set_span_in_context
from opentelemetry.util.types import AttributeValue

from agent_analytics.instrumentation import tracing
from agent_analytics.instrumentation import vocabulary as names
from agent_analytics.instrumentation._api import checks
from agent_analytics.instrumentation._api.handle import checked_usage
from agent_analytics.instrumentation._api.records import Usd, listing_attributes, when
from agent_analytics.instrumentation._calls.call import ERROR_STATUS, FAILURES
from agent_analytics.instrumentation._calls.ledger import Report, Totals
from agent_analytics.instrumentation._calls.tool import TOOL_ERROR
from agent_analytics.instrumentation.health import note_internal_error
from agent_analytics.instrumentation.money import usd_text

_OUTCOMES: Final = (*names.OUTCOMES, names.STEERED)
_TOOL_FIELDS: Final = frozenset({"name", "success", "duration_ms", "error_type"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """A tool call of an invocation that finished elsewhere.

    Attributes:
        name: The tool's name.
        success: False if it failed.
        duration_ms: How long it took, in milliseconds; None if not known.
        error_type: Of a failed one, a short name of what went wrong.

    Raises:
        ValueError: A field is bad.
    """

    name: str
    success: bool = True
    duration_ms: float | None = None
    error_type: str | None = None

    def __post_init__(self) -> None:
        checks.text(self.name, "tool_calls name")
        checks.flag(self.success, "tool_calls success")
        if self.duration_ms is not None:
            checks.nanoseconds(self.duration_ms, "tool_calls duration_ms")
        if self.error_type is not None:
            checks.text(self.error_type, "tool_calls error_type")
            if self.success:
                checks.refuse("tool_calls error_type", "None for a success", self.error_type)


class _SpanFields(NamedTuple):
    """A span that is over, before it is made."""

    name: str
    attributes: dict[str, AttributeValue]
    start: int
    end: int
    failed: bool


def record_invocation(
    *,
    publisher_id: str,
    agent_id: str,
    tenant_id: str | None = None,
    duration_ms: float,
    success: bool,
    input_tokens: int = 0,
    output_tokens: int = 0,
    tool_calls: Sequence[str | Mapping[str, object] | ToolCall] = (),
    model: str | None = None,
    revenue_usd: Usd = 0,
    cost_usd: Usd | None = None,
    error_type: str | None = None,
    outcome: str | None = None,
    cached_input_tokens: int = 0,
    reasoning_tokens: int = 0,
    conversation_id: str | None = None,
    event_id: str | None = None,
    occurred_at: datetime | None = None,
    cache_write_input_tokens: int = 0,
    cache_write_1h_input_tokens: int = 0,
) -> None:
    """Record an invocation that has already finished, here or elsewhere.

    Args:
        publisher_id: Publisher of the listing.
        agent_id: The listing.
        tenant_id: The tenant; that of the context if None.
        duration_ms: How long it took, in milliseconds.
        success: False for an error, unless ``outcome`` says timeout, cancelled or steered.
        input_tokens: Sent to the model: all of it, read from and written to the cache included.
        output_tokens: Received from the model, reasoning included.
        tool_calls: Its tool calls: names, mappings with the fields of ToolCall, or ToolCalls.
        model: The model's name.
        revenue_usd: What the tenant is charged, in US dollars, whatever the outcome.
        cost_usd: What it cost the publisher, in US dollars; None if not known.
        error_type: Of an error or a timeout, a short name of what went wrong.
        outcome: success, error, timeout, cancelled, or steered: a try that an exception ended by
            which a framework steers, and that was no call.
        cached_input_tokens: The part of the input read from the model's cache.
        reasoning_tokens: The part of the output spent on reasoning.
        conversation_id: The conversation that it is a turn of.
        event_id: Idempotency key: the same key of one publisher counts once.
        occurred_at: When it ended, with a time zone; now if None.
        cache_write_input_tokens: The part of the input written to the model's cache.
        cache_write_1h_input_tokens: The part of that which the cache keeps for an hour.

    Raises:
        ValueError: An argument is bad, or two contradict each other.
    """
    attributes = listing_attributes(publisher_id, agent_id, tenant_id, event_id)
    attributes[names.OPERATION_NAME] = names.INVOKE_AGENT
    attributes[names.EVENT] = names.EVENT_INVOCATION
    duration = checks.nanoseconds(duration_ms, "duration_ms")
    end = when(occurred_at)
    if duration > end:
        checks.refuse("duration_ms", "a duration that does not start before 1970", duration_ms)
    found = _outcome(success, outcome)
    attributes[names.OUTCOME] = found
    what = checks.optional_text(error_type, "error_type")
    if found in FAILURES:
        attributes[names.ERROR_TYPE] = found if what is None else what
    elif what is not None and found == names.SUCCESS:
        checks.refuse("error_type", "None for a success", error_type)
    usage = checked_usage(
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        cached_input_tokens=cached_input_tokens,
        reasoning_tokens=reasoning_tokens,
        model=model,
        cache_write_input_tokens=cache_write_input_tokens,
        cache_write_1h_input_tokens=cache_write_1h_input_tokens,
    )
    totals = Totals()
    totals.add(Report(usage, None if cost_usd is None else checks.usd(cost_usd, "cost_usd")))
    attributes.update(totals.attributes(usage.model))
    attributes[names.USAGE_OWN] = True
    revenue = checks.usd(revenue_usd, "revenue_usd")
    if revenue:
        attributes[names.REVENUE_USD] = usd_text(revenue)
    conversation = checks.optional_text(conversation_id, "conversation_id")
    if conversation is not None:
        attributes[names.CONVERSATION_ID] = conversation
    start = end - duration
    tools = [_tool_span(call, start) for call in _tool_calls(tool_calls)]
    root = _SpanFields(
        f"{names.INVOKE_AGENT} {agent_id}", attributes, start, end, found in FAILURES
    )
    try:
        _emit(root, tools)
    except Exception:  # noqa: BLE001 - telemetry never hurts the host
        note_internal_error("the recording of an invocation")


def _outcome(success: object, outcome: object) -> str:
    checks.flag(success, "success")
    if outcome is None:
        return names.SUCCESS if success else names.ERROR
    if not isinstance(outcome, str) or outcome not in _OUTCOMES:
        checks.refuse("outcome", f"one of {', '.join(_OUTCOMES)}", outcome)
    if (outcome == names.SUCCESS) is not success:
        checks.refuse("outcome", f"one that agrees with success={success}", outcome)
    return outcome


def _tool_calls(given: object) -> list[ToolCall]:
    whole = given
    if isinstance(given, str | bytes | Mapping) or not isinstance(given, Sequence):
        checks.refuse("tool_calls", "a sequence of tool calls", whole)
    found: list[ToolCall] = []
    for item in cast("Sequence[object]", given):
        if isinstance(item, ToolCall):
            found.append(item)
        elif isinstance(item, str):
            found.append(ToolCall(name=item))
        elif isinstance(item, Mapping):
            fields = cast("Mapping[str, object]", item)
            if "name" not in fields or not fields.keys() <= _TOOL_FIELDS:
                checks.refuse("tool_calls", f"name and others of {sorted(_TOOL_FIELDS)}", fields)
            # ToolCall checks the fields itself.
            found.append(ToolCall(**fields))  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
        else:
            checks.refuse("tool_calls", "names, mappings or ToolCalls", item)
    return found


def _tool_span(call: ToolCall, start: int) -> _SpanFields:
    attributes: dict[str, AttributeValue] = {
        names.OPERATION_NAME: names.EXECUTE_TOOL,
        names.TOOL_NAME: call.name,
        names.OUTCOME: names.SUCCESS if call.success else names.ERROR,
    }
    if not call.success:
        attributes[names.ERROR_TYPE] = TOOL_ERROR if call.error_type is None else call.error_type
    duration = 0
    if call.duration_ms is None:
        attributes[names.DURATION_UNKNOWN] = True
    else:
        duration = checks.nanoseconds(call.duration_ms, "tool_calls duration_ms")
    name = f"{names.EXECUTE_TOOL} {call.name}"
    return _SpanFields(name, attributes, start, start + duration, not call.success)


def _emit(root: _SpanFields, tools: Sequence[_SpanFields]) -> None:
    """Make the spans: a trace of its own, linked to the span that is current."""
    here = get_current_span().get_span_context()
    span = tracing.start_span(
        root.name,
        root.attributes,
        Context(),
        invocation=True,
        links=[Link(here)] if here.is_valid else [],
        start_time=root.start,
    )
    inside = set_span_in_context(span, Context())
    for fields in tools:
        child = tracing.start_span(fields.name, fields.attributes, inside, start_time=fields.start)
        if fields.failed:
            child.set_status(ERROR_STATUS)
        child.end(fields.end)
    if root.failed:
        span.set_status(ERROR_STATUS)
    span.end(root.end)
