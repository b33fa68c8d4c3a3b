"""Reading spans: by the SDK's public accessors, or past them where that is known to be the same.

The accessors are most of what a processor costs: ``span.attributes`` builds a proxy and a miss on
it raises inside (measured: 1.2 µs), against 0.03 µs for the dict beneath. The readers of the core
use the SDK's private fields; ``readers()`` tries them on a span once and takes the public ones
where they do not answer alike, and each falls back by itself for a span of another make.
"""

# ruff: noqa: SLF001 - the point of this module
# pyright: reportPrivateUsage=false

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final, NamedTuple

from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.trace import SpanContext, Status, StatusCode, TraceFlags

from agent_analytics.instrumentation.exact import are_exact, exact, exact_attributes, exact_text

Attributes = Mapping[str, Any]
#: Trace id, whether the trace is sampled, whether the status is ERROR, start, end (nanoseconds). A
#: plain tuple, since every span makes one: unpack it into names, ``SpanEnd`` keeps it under those.
EndFields = tuple[int, bool, bool, int | None, int | None]
#: Name and version of the instrumentation, and the start in nanoseconds since 1970.
Origin = tuple[str, str | None, int | None]
#: Whether the status is OK, whether the parent is in another process, and the events.
Ending = tuple[bool, bool, Sequence[Event]]

NOT_AS_EXPECTED = (AttributeError, TypeError, IndexError)
#: The last time that cells and state directories hold, in nanoseconds since 1970.
LAST_TIME: Final = 2**63 - 1


class Readers(NamedTuple):
    """How to read a span: what it carries, its id, that of its parent, and its end."""

    attributes: Callable[[ReadableSpan], Attributes]
    span_id: Callable[[ReadableSpan], int]
    parent_id: Callable[[ReadableSpan], int | None]
    end: Callable[[ReadableSpan], EndFields]
    fast: bool


def exactly(span: Any, attributes: Attributes) -> Attributes:
    """Return what a span of others carries as Python's own texts and numbers.

    It is kept, and read again in threads of others, so it is made so where it stands. Where a span
    in our own vocabulary is counted at once, ids and names are made exact when they are looked up.
    """
    if are_exact(attributes) and type(span.name) is str:
        return attributes
    with suppress(*NOT_AS_EXPECTED):  # of another make
        held = span._attributes
        with held._lock:
            values = held._dict
            made = exact_attributes(values)
            values.clear()
            values.update(made)
        span._name = exact(span._name)
    return exact_attributes(attributes)


def as_it_stands(span: ReadableSpan) -> tuple[str, Attributes]:
    """Return name and attributes of a span that may be open in another thread, as Python's own."""
    return exact(span.name), exact_attributes(public_attributes(span))


def public_attributes(span: ReadableSpan) -> Attributes:
    """Return a copy of what a span carries."""
    attributes: Any = span.attributes
    try:
        copied: Attributes = attributes.copy()  # one call, where dict() makes one a key
    except AttributeError:
        return dict(attributes or {})
    return copied


def public_span_id(span: ReadableSpan) -> int:
    """Return the id of a span."""
    context: Any = span.context
    span_id: int = context.span_id
    return span_id


def public_parent_id(span: ReadableSpan) -> int | None:
    """Return the id of the span that a span was started in, if there is one."""
    parent = span.parent
    return None if parent is None else parent.span_id


def moment(value: Any) -> int | None:
    """Return a time as nanoseconds in a whole number of 64 bits, or ``None`` where it is none.

    The SDK takes whatever it is given: ``time.time() * 1e9`` is a float, and often seen.
    """
    if type(value) is not int:
        if value is None or isinstance(value, (str, bytes, bytearray)):
            return None  # digits are no number
        try:
            value = int(value)
        except Exception:  # noqa: BLE001 - whatever a class of others raises
            return None
    return value if -LAST_TIME <= value <= LAST_TIME else None


def public_end(span: ReadableSpan) -> EndFields:
    """Return what is read of a span that is counted when it ends."""
    context: Any = span.context
    return (
        context.trace_id,
        bool(context.trace_flags & 1),
        span.status.status_code is StatusCode.ERROR,
        moment(span.start_time),
        moment(span.end_time),
    )


def origin(span: Any) -> Origin:
    """Return which instrumentation recorded a span, and when the span started."""
    try:
        scope = span._instrumentation_scope
        name, version = (None, None) if scope is None else (scope._name, scope._version)
        start = span._start_time
    except NOT_AS_EXPECTED:
        scope = span.instrumentation_scope
        name, version = (None, None) if scope is None else (scope.name, scope.version)
        start = span.start_time
    if type(name) is not str:
        name = exact_text(name) or ""
    if type(version) is not str:
        version = exact_text(version)
    return name, version, moment(start)


def ending(span: Any) -> Ending:
    """Return what the end of a span says beside its fields."""
    try:
        parent = span._parent
        return (
            span._status._status_code is StatusCode.OK,
            parent is not None and parent[2],
            span.events if span._events._dq else (),
        )
    except NOT_AS_EXPECTED:
        parent = span.parent
        return (
            span.status.status_code is StatusCode.OK,
            parent is not None and parent.is_remote,
            span.events,
        )


PUBLIC = Readers(public_attributes, public_span_id, public_parent_id, public_end, fast=False)


def readers(fast: Readers) -> Readers:
    """Return ``fast`` if those answer as the public ones do on this SDK, else the public ones."""
    parent = SpanContext(11, 12, is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED))
    context = SpanContext(11, 13, is_remote=False, trace_flags=TraceFlags(TraceFlags.SAMPLED))
    span = ReadableSpan(
        name="probe",
        context=context,
        parent=parent,
        attributes=BoundedAttributes(attributes={"a": 1}, immutable=False),
        status=Status(StatusCode.ERROR),
        start_time=1,
        end_time=2,
    )
    try:
        raw: Any = span
        _ = (raw._attributes._dict, raw._context[1], raw._status._status_code, raw._start_time)
        same = (
            dict(fast.attributes(span)) == dict(PUBLIC.attributes(span))
            and fast.span_id(span) == PUBLIC.span_id(span)
            and fast.parent_id(span) == PUBLIC.parent_id(span)
            and fast.end(span) == PUBLIC.end(span)
        )
    except NOT_AS_EXPECTED:
        same = False
    return fast if same else PUBLIC
