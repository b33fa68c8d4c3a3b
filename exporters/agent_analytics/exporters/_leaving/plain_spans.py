"""Spans as data alone, before the exporter's thread reads them.

Whoever starts a span writes objects of any class into it: texts, lists in lists, a status, the
contexts of links, the name of an instrumentation. The exporter's thread serves everybody, and what
a class of a stranger's runs there could end it. Nothing that a class defines is run here.
"""

from collections.abc import Mapping
from typing import Any, Final, cast

from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import (
    Link,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    TraceState,
)
from opentelemetry.util.types import AttributeValue

from agent_analytics.instrumentation.exact import are_exact, exact, exact_attributes

Attributes = Mapping[str, AttributeValue]

_SCALARS: Final = (str, bool, int, float, bytes)
_OF_CONTEXT: Final = (int, int, bool, TraceFlags, TraceState)
#: The entry of the tracing state by which OpenTelemetry samples alike; others are of vendors.
_SAMPLING: Final = "ot"


def plain_attributes(given: Mapping[str, Any] | None) -> dict[str, AttributeValue]:
    """Return the attributes that are data, as Python's own texts, numbers, tuples and mappings."""
    made = {} if given is None else exact_attributes(given)
    return {key: value for key, value in made.items() if _is_data(value)}


def _is_data(value: object) -> bool:
    if type(value) is tuple:
        return all(map(_is_data, cast("tuple[object, ...]", value)))
    if type(value) is dict:
        return all(map(_is_data, cast("dict[str, object]", value).values()))
    return value is None or type(value) in _SCALARS


def bare(context: SpanContext, *, vendors: bool = False) -> SpanContext | None:
    """Return ids without the state that others have put beside them, unless that is wanted."""
    if not issubclass(type(context), SpanContext):  # pyright: ignore[reportUnnecessaryIsInstance]  # it may be of any class
        return None
    # A class below may have properties of its own: what was given is in the tuple.
    given: list[Any] = [tuple.__getitem__(context, place) for place in range(5)]  # pyright: ignore[reportUnknownMemberType]  # of any
    trace_id, span_id, remote, flags, state = map(exact, given)
    kept: list[tuple[str, str]] = []
    if type(state) is TraceState:
        entries = cast("list[tuple[Any, Any]]", list(state.items()))
        pairs = [(exact(key), exact(value)) for key, value in entries]
        kept = [
            (key, value)
            for key, value in pairs
            if type(key) is str and type(value) is str and (vendors or key == _SAMPLING)
        ]
    if type(trace_id) is not int or type(span_id) is not int:
        return None
    sampled = TraceFlags(flags) if type(flags) is int else None
    return SpanContext(trace_id, span_id, remote is True, sampled, TraceState(kept))


def _is_exact(context: SpanContext) -> bool:
    kinds = tuple(map(type, context[:5])) if type(context) is SpanContext else ()
    return kinds == _OF_CONTEXT and all(
        type(key) is str and type(value) is str for key, value in context.trace_state.items()
    )


def links_of(span: ReadableSpan, *, vendors: bool = False) -> list[Link]:
    """Return the links of a span, with what attributes they have as data."""
    contexts = ((link, bare(link.context, vendors=vendors)) for link in span.links)
    return [
        Link(context, plain_attributes(link.attributes))
        for link, context in contexts
        if context is not None
    ]


def status_of(span: ReadableSpan) -> Status:
    """Return how a span ended."""
    status = span.status
    if type(status) is not Status or type(status.status_code) is not StatusCode:
        return Status(StatusCode.UNSET)
    said = exact(status.description)
    return Status(status.status_code, said if type(said) is str else None)


def kind_of(span: ReadableSpan) -> SpanKind:
    """Return the kind of a span."""
    return span.kind if type(span.kind) is SpanKind else SpanKind.INTERNAL


def moment(value: object) -> int | None:
    """Return a time in nanoseconds since 1970."""
    found = exact(value)
    return found if type(found) is int else None


def scope_of(
    scope: InstrumentationScope | None, *, attributes: bool = False
) -> InstrumentationScope | None:
    """Return which instrumentation recorded a span."""
    if scope is None:
        return None
    said = [exact(each) for each in (scope.name, scope.version, scope.schema_url)]
    name, version, url = (each if type(each) is str else None for each in said)
    more = plain_attributes(scope.attributes) if attributes else None
    return InstrumentationScope(name or "", version, url, more)


def event_of(event: Event, name: str, attributes: Attributes) -> Event:
    """Return an event of that name, at its time, with other attributes."""
    return Event(name, attributes, moment(event.timestamp))


def name_of(named: object) -> str:
    """Return the name of a span or an event."""
    name = exact(named)
    return name if type(name) is str else ""


def whole(span: ReadableSpan) -> ReadableSpan:
    """Return all of a span: the span itself where it is data already."""
    scope = span.instrumentation_scope
    texts = [span.name, *(event.name for event in span.events)]
    carried = [span.attributes, *(event.attributes for event in span.events)]
    carried += [link.attributes for link in span.links]
    if scope is not None:
        said = (scope.name, scope.version, scope.schema_url)
        texts += [each for each in said if each is not None]
        carried.append(scope.attributes)
    if (
        all(type(each) is str for each in texts)
        and all(each is None or are_exact(each) for each in carried)
        and all(_is_exact(link.context) for link in span.links)
        and (span.parent is None or _is_exact(span.parent))
        and kind_of(span) is span.kind
        and type(span.status) is Status
    ):
        return span
    context = span.context
    parent = span.parent
    return ReadableSpan(
        name=name_of(span.name),
        context=None if context is None else bare(context, vendors=True),
        parent=None if parent is None else bare(parent, vendors=True),
        resource=span.resource,
        attributes=plain_attributes(span.attributes),
        events=[
            event_of(event, name_of(event.name), plain_attributes(event.attributes))
            for event in span.events
        ],
        links=links_of(span, vendors=True),
        kind=kind_of(span),
        status=status_of(span),
        start_time=moment(span.start_time),
        end_time=moment(span.end_time),
        instrumentation_scope=scope_of(scope, attributes=True),
    )
