"""Takes out of spans on their way out what the policy does not let leave."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, cast

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.trace import Link, Status
from opentelemetry.util.types import AttributeValue

from agent_analytics.exporters._leaving import plain_spans
from agent_analytics.exporters._leaving import policy as _policy
from agent_analytics.instrumentation.health import note_internal_error

Attributes = Mapping[str, AttributeValue]

_CONTENT: Final = re.compile("|".join(_policy.CONTENT))
_OPERATION: Final = "gen_ai.operation.name"
#: Attributes that hold what a word with a slash in it may say.
_WITH_SLASHES: Final = (
    "http.route", "mcp.method.name", "gen_ai.request.model", "gen_ai.response.model",
    "llm.model_name", "gen_ai.agent.name", "gen_ai.tool.name",
)  # fmt: skip
#: What an operation is done to, for the name of a span whose own name does not leave.
_TARGETS: Final = ("gen_ai.agent.name", "gen_ai.tool.name", "gen_ai.request.model")
#: A name is up to three words without the punctuation of sentences, addresses and queries. A letter
#: of a script without capitals is as much as a word: many of them have no blanks in a sentence.
_WORD: Final = re.compile(r"[\w.:/<>{}()*$-]{1,100}")
_MOST_WORDS: Final = 3
#: A word with a slash in it is a path of somebody's, but for a method of gRPC's.
_METHOD: Final = re.compile(r"[A-Za-z_][\w.]*/[A-Z]\w*", re.ASCII)
_NAMELESS: Final = "span"
_NUMBER: Final = re.compile(r"-?\d{1,30}(\.\d{1,30})?([eE][+-]?\d{1,3})?")
_FIGURES: Final = (bool, int, float)
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
        self._names = _policy.declared(each for each in of_spans if not each.figures)
        self._figures = _policy.declared(each for each in of_spans if each.figures)
        self._resource = _policy.declared(_policy.RESOURCE)
        self._known: dict[str, str] = {}
        self._last: tuple[Resource, Resource] | None = None

    def span(self, span: ReadableSpan) -> ReadableSpan:
        """Return what leaves of a span."""
        if self.all:
            return plain_spans.whole(span)
        kept = self.attributes(span.attributes or {})
        name = plain_spans.name_of(span.name)
        context, parent, status = span.context, span.parent, plain_spans.status_of(span)
        return ReadableSpan(
            name=name if self._content else _name(name, kept),
            context=None if context is None else plain_spans.bare(context),
            parent=None if parent is None else plain_spans.bare(parent),
            resource=self.resource(span.resource),
            attributes=kept,
            events=[
                plain_spans.event_of(event, called, self.attributes(event.attributes or {}))
                for event in span.events
                if (called := plain_spans.name_of(event.name)) in _policy.EVENTS or self._content
            ],
            links=[
                Link(link.context, self.attributes(link.attributes or {}))
                for link in plain_spans.links_of(span)
            ],
            kind=plain_spans.kind_of(span),
            status=status if self._content else Status(status.status_code),
            start_time=plain_spans.moment(span.start_time),
            end_time=plain_spans.moment(span.end_time),
            instrumentation_scope=plain_spans.scope_of(span.instrumentation_scope),
        )

    def attributes(self, given: Attributes) -> dict[str, AttributeValue]:
        """Return what leaves of the attributes of a span, an event or a link: data alone."""
        kept: dict[str, AttributeValue] = {}
        for key, value in plain_spans.plain_attributes(given).items():
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


def _name(name: str, kept: Attributes) -> str:
    """Return a name without what may be a text of somebody's, an address or a path."""
    words = name.split()
    unlike = sum(each.isalpha() and each.lower() == each.upper() for each in name)
    if 0 < len(words) + unlike <= _MOST_WORDS and all(map(_WORD.fullmatch, words)):
        known = [kept.get(key) for key in _WITH_SLASHES]
        routed = [
            each for each in words if "/" not in each or each in known or _METHOD.fullmatch(each)
        ]
        if routed:
            return " ".join(routed)
    operation = kept.get(_OPERATION)
    if operation is None:
        return _NAMELESS
    target = next((kept[key] for key in _TARGETS if key in kept), None)
    return str(operation) if target is None else f"{operation} {target}"


def _is_figure(value: AttributeValue) -> bool:
    if type(value) is str:
        return _NUMBER.fullmatch(value) is not None
    if type(value) is tuple:
        return all(type(each) in _FIGURES for each in cast("tuple[object, ...]", value))
    return type(value) in _FIGURES


def _short(value: Any) -> Any:  # noqa: ANN401 - of whatever type an attribute may be
    """Return a name, a number or a list of some, in part; a list in a list names nothing."""
    if type(value) is str:
        return value[: _policy.LONGEST]
    if type(value) is tuple:
        held = cast("tuple[object, ...]", value)[: _policy.MOST]
        return tuple(_short(each) for each in held if type(each) in (str, *_FIGURES))
    return value if type(value) in _FIGURES else None
