"""Takes out of spans on their way out what the policy does not let leave."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, cast

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, Status, TraceState
from opentelemetry.util.types import AttributeValue

from agent_analytics.exporters import _policy
from agent_analytics.instrumentation.exact import exact, exact_attributes
from agent_analytics.instrumentation.health import note_internal_error

Attributes = Mapping[str, AttributeValue]

_CONTENT: Final = re.compile("|".join(_policy.CONTENT))
_OPERATION: Final = "gen_ai.operation.name"
_ROUTE: Final = "http.route"
#: What an operation is done to, for the name of a span whose own name does not leave.
_TARGETS: Final = ("gen_ai.agent.name", "gen_ai.tool.name", "gen_ai.request.model")
#: A name is up to three words without the punctuation of sentences, addresses and queries.
_WORD: Final = re.compile(r"[\w.:/<>{}()*$-]{1,100}")
_MOST_WORDS: Final = 3
_ADDRESS: Final = re.compile(r"://|//")
_NAMELESS: Final = "span"
#: The entry of the tracing state by which OpenTelemetry samples alike; others are of vendors.
_SAMPLING: Final = "ot"
_NUMBER: Final = re.compile(r"-?\d{1,30}(\.\d{1,30})?([eE][+-]?\d{1,3})?")
#: Names of attributes are open: more are not remembered.
_MOST_KNOWN: Final = 4_096


class Policy:
    """Decides what of a span leaves.

    Args:
        content: Whether prompts, answers, arguments, results and texts of errors may.
        attributes: Further names, with ``*`` for any characters; ``*`` alone is all as it is.
    """

    def __init__(self, *, content: bool = False, attributes: Iterable[str] = ()) -> None:
        asked = tuple(attributes)
        self.all = _policy.ALL in asked
        self._content = content
        self._asked = _policy.matcher(asked)
        of_spans = _policy.ATTRIBUTES
        self._names = _policy.matcher(k for each in of_spans if not each.figures for k in each.keys)
        self._figures = _policy.matcher(k for each in of_spans if each.figures for k in each.keys)
        self._resource = _policy.matcher(k for each in _policy.RESOURCE for k in each.keys)
        self._known: dict[str, str] = {}
        self._last: tuple[Resource, Resource] | None = None

    def span(self, span: ReadableSpan) -> ReadableSpan:
        """Return what leaves of a span."""
        if self.all:
            return span
        attributes: Attributes = exact_attributes(span.attributes or {})
        kept = self.attributes(attributes)
        name: str = exact(span.name)
        parent = span.parent
        return ReadableSpan(
            name=name if self._content else _name(name, attributes, kept),
            context=None if span.context is None else _bare(span.context),
            parent=None if parent is None else _bare(parent),
            resource=self.resource(span.resource),
            attributes=kept,
            events=[
                Event(called, self.attributes(event.attributes or {}), event.timestamp)
                for event in span.events
                if (called := exact(event.name)) in _policy.EVENTS or self._content
            ],
            links=[
                Link(_bare(link.context), self.attributes(link.attributes or {}))
                for link in span.links
            ],
            kind=span.kind,
            status=span.status if self._content else Status(span.status.status_code),
            start_time=span.start_time,
            end_time=span.end_time,
            instrumentation_scope=_scope(span.instrumentation_scope),
        )

    def attributes(self, given: Attributes) -> dict[str, AttributeValue]:
        """Return what leaves of the attributes of a span, an event or a link."""
        kept: dict[str, AttributeValue] = {}
        for key, value in exact_attributes(given).items():
            way = self._known.get(key) or self._way(key)
            if way == "as it is":
                kept[key] = value
            elif way == "name" or (way == "figure" and _is_figure(value)):
                short = _short(value)
                if key in _policy.TYPES and len(str(short).split()) != 1:
                    short = _policy.OTHER
                if short is not None:
                    kept[key] = short
        return kept

    def resource(self, given: Resource) -> Resource:
        """Return what leaves of a resource: the same for the same."""
        if self._last is None or self._last[0] is not given:
            kept = {
                key: value
                for key, value in given.attributes.items()
                if self._resource.fullmatch(key) or self._asked.fullmatch(key)
            }
            self._last = given, Resource(kept, given.schema_url)
        return self._last[1]

    def _way(self, key: str) -> str:
        if self._asked.fullmatch(key) or (self._content and _CONTENT.fullmatch(key)):
            way = "as it is"
        elif self._names.fullmatch(key):
            way = "name"
        else:
            way = "figure" if self._figures.fullmatch(key) else "stays"
        if len(self._known) < _MOST_KNOWN:
            self._known[key] = way
        return way


class Leaving(SpanExporter):
    """Exports through another exporter what of spans may leave."""

    def __init__(self, inner: SpanExporter, policy: Policy) -> None:
        self._inner = inner
        self._policy = policy

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Export spans without what stays."""
        leaving: list[ReadableSpan] = []
        for span in spans:
            try:
                leaving.append(self._policy.span(span))
            except Exception:  # noqa: BLE001 - one span must not cost those of everybody
                note_internal_error("a span that is to leave")
        return self._inner.export(leaving)

    def shutdown(self) -> None:
        """Shut the other exporter down."""
        self._inner.shutdown()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Flush the other exporter."""
        return self._inner.force_flush(timeout_millis)


def _name(name: str, given: Attributes, kept: Attributes) -> str:
    """Return a name without what may be a text of somebody's, an address or a path."""
    words = name.split()
    if (
        0 < len(words) <= _MOST_WORDS
        and all(map(_WORD.fullmatch, words))
        and not _ADDRESS.search(name)
    ):
        routed = [each for each in words if each[0] != "/" or each == given.get(_ROUTE)]
        if routed:
            return " ".join(routed)
    operation = kept.get(_OPERATION)
    if operation is None:
        return _NAMELESS
    target = next((kept[key] for key in _TARGETS if key in kept), None)
    return str(operation) if target is None else f"{operation} {target}"


def _is_figure(value: AttributeValue) -> bool:
    if isinstance(value, str):
        return _NUMBER.fullmatch(value) is not None
    if isinstance(value, bool | int | float):
        return True
    return isinstance(value, Sequence) and all(isinstance(each, int | float) for each in value)


def _short(value: Any) -> Any:  # noqa: ANN401 - of whatever type an attribute may be
    if isinstance(value, str):
        return value[: _policy.LONGEST]
    if isinstance(value, bytes) or not isinstance(value, Sequence):
        return value if isinstance(value, bool | int | float) else None
    listed = cast("Any", value)
    return [_short(each) for each in list(listed)[: _policy.MOST]]


def _bare(context: SpanContext) -> SpanContext:
    """Return ids without the state that others have put beside them."""
    sampling = context.trace_state.get(_SAMPLING)
    return SpanContext(
        context.trace_id,
        context.span_id,
        context.is_remote,
        context.trace_flags,
        TraceState() if sampling is None else TraceState([(_SAMPLING, sampling)]),
    )


def _scope(scope: InstrumentationScope | None) -> InstrumentationScope | None:
    if scope is None or not scope.attributes:
        return scope
    return InstrumentationScope(scope.name, scope.version, scope.schema_url)
