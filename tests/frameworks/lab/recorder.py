"""Records spans as the SDK hands them to processors: at the start, and at the end."""

import json
import sys
from typing import Any

from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor

LONGEST = 300


def plain(value: Any) -> Any:
    """Return an attribute value as JSON has it; long text is content, and is cut."""
    if isinstance(value, str):
        return value if len(value) <= LONGEST or value.startswith('{"ls_') else value[:20] + "…"
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value][:20]
    return value


def attributes_of(attributes: Any) -> dict[str, Any]:
    """Return attributes as JSON has them."""
    return {key: plain(value) for key, value in dict(attributes or {}).items()}


class Recorder(SpanProcessor):
    """Keeps what each span was at its start, and what it had become at its end."""

    def __init__(self) -> None:
        self.started: dict[int, dict[str, Any]] = {}
        self.open: dict[int, ReadableSpan] = {}
        self.ended: list[dict[str, Any]] = []

    def on_start(self, span: Span, parent_context: Any = None) -> None:
        """Keep name and attributes as they are now."""
        self.started[span.context.span_id] = {
            "name_at_start": span.name,
            "attributes_at_start": attributes_of(span.attributes),
        }
        self.open[span.context.span_id] = span

    def on_end(self, span: ReadableSpan) -> None:
        """Keep all of it."""
        self.open.pop(span.context.span_id, None)
        self.ended.append(self.told(span))

    def told(self, span: ReadableSpan) -> dict[str, Any]:
        """Return a span as JSON has it."""
        scope = span.instrumentation_scope
        return {
            "name": span.name,
            "kind": span.kind.name,
            "trace_id": format(span.context.trace_id, "032x"),
            "span_id": format(span.context.span_id, "016x"),
            "parent_span_id": format(span.parent.span_id, "016x") if span.parent else None,
            "start_time_unix_nano": span.start_time,
            "end_time_unix_nano": span.end_time,
            "status": {"code": span.status.status_code.name, "description": None},
            "attributes": attributes_of(span.attributes),
            "events": [
                {
                    "name": event.name,
                    "timestamp": event.timestamp,
                    "attributes": {
                        key: value
                        for key, value in attributes_of(event.attributes).items()
                        if key == "exception.type"
                    },
                }
                for event in span.events
            ],
            "links": [
                {
                    "trace_id": format(link.context.trace_id, "032x"),
                    "span_id": format(link.context.span_id, "016x"),
                }
                for link in span.links
            ],
            "scope": {
                "name": scope.name if scope else "",
                "version": scope.version if scope else "",
            },
            **self.started[span.context.span_id],
        }

    def save(self, path: str, **about: Any) -> None:
        """Write what was recorded."""
        data = {
            **about,
            "spans": self.ended,
            "unfinished_spans": [self.told(span) for span in self.open.values()],
        }
        with open(path, "w", encoding="utf-8") as file:
            json.dump(data, file, indent=1, ensure_ascii=False)
        print(path, len(self.ended), len(self.open), file=sys.stderr)
