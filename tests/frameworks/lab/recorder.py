"""Records spans as the SDK hands them to processors: at the start, and at the end."""

# attributes hold what they hold
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor
from opentelemetry.trace import SpanContext

LONGEST = 300


def plain(value: Any) -> Any:  # noqa: ANN401 - whatever an attribute holds
    """Return an attribute value as JSON has it; long text is content, and is cut."""
    if isinstance(value, str):
        whole = len(value) <= LONGEST or value.startswith('{"ls_') or '"langgraph_node"' in value
        return value if whole else value[:20] + "…"
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value][:20]
    return value


def attributes_of(attributes: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return attributes as JSON has them."""
    # Where usage is text, all of it may be looked for.
    return {
        key: value if "usage" in key else plain(value)
        for key, value in dict(attributes or {}).items()
    }


def context_of(span: ReadableSpan) -> SpanContext:
    """Return the context of a span that runs, or ran."""
    context = span.get_span_context()
    if context is None:
        message = f"a span without a context: {span.name}"
        raise ValueError(message)
    return context


class Recorder(SpanProcessor):
    """Keeps what each span was at its start, and what it had become at its end."""

    def __init__(self) -> None:
        self.started: dict[int, dict[str, Any]] = {}
        self.open: dict[int, ReadableSpan] = {}
        self.ended: list[dict[str, Any]] = []

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:  # noqa: ARG002 - as the SDK calls it
        """Keep name and attributes as they are now."""
        span_id = context_of(span).span_id
        self.started[span_id] = {
            "name_at_start": span.name,
            "attributes_at_start": attributes_of(span.attributes),
        }
        self.open[span_id] = span

    def on_end(self, span: ReadableSpan) -> None:
        """Keep all of it."""
        self.open.pop(context_of(span).span_id, None)
        self.ended.append(self.told(span))

    def told(self, span: ReadableSpan) -> dict[str, Any]:
        """Return a span as JSON has it; of its events the name, the time and the attributes."""
        scope, context = span.instrumentation_scope, context_of(span)
        return {
            "name": span.name,
            "kind": span.kind.name,
            "trace_id": format(context.trace_id, "032x"),
            "span_id": format(context.span_id, "016x"),
            "parent_span_id": format(span.parent.span_id, "016x") if span.parent else None,
            "start_time_unix_nano": span.start_time,
            "end_time_unix_nano": span.end_time,
            "status": {"code": span.status.status_code.name, "description": None},
            "attributes": attributes_of(span.attributes),
            "events": [
                {
                    "name": event.name,
                    "timestamp": event.timestamp,
                    "attributes": attributes_of(event.attributes),
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
            **self.started[context.span_id],
        }

    def forget(self) -> None:
        """Start anew; what still runs is kept."""
        self.ended = []

    def save(self, folder: Path, *, truth: Mapping[str, Any]) -> None:
        """Write what was recorded, and the truth beside it."""
        about = {key: truth[key] for key in ("framework", "instrumentation", "scenario")}
        stem = "__".join(about.values())
        data = {
            **about,
            "spans": self.ended,
            "unfinished_spans": [self.told(span) for span in self.open.values()],
        }
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{stem}.json").write_text(
            json.dumps(data, indent=1, ensure_ascii=False), encoding="utf-8"
        )
        (folder / f"{stem}.expect.json").write_text(json.dumps(truth, indent=1), encoding="utf-8")
