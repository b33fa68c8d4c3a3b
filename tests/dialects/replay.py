"""Plays recorded spans back through a real SDK: what was there at the start, later the rest."""

# recorded spans are JSON, whose types are not known
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false, reportPrivateUsage=false

import json
from collections.abc import Mapping
from contextvars import Context as Surroundings
from pathlib import Path
from typing import Any

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    Tracer,
    set_span_in_context,
)
from tests.dialects.counted import Counts, counts_in, differences, expected

from agent_analytics.exporters import exposition
from agent_analytics.instrumentation import vocabulary as v
from agent_analytics.processor import AgentMetricsProcessor

Recording = Mapping[str, Any]
PUBLISHER, LISTING = "acme", "finder"
IDENTITY = {v.PUBLISHER_ID: PUBLISHER, v.AGENT_ID: LISTING}


class Ids(IdGenerator):
    """Gives each span the id that it was recorded with."""

    def __init__(self) -> None:
        self.trace_id = 0
        self.span_id = 0

    def generate_trace_id(self) -> int:
        """Return the recorded trace id."""
        return self.trace_id

    def generate_span_id(self) -> int:
        """Return the recorded span id."""
        return self.span_id


def counts(processor: AgentMetricsProcessor) -> Counts:
    """Scrape."""
    return counts_in(exposition(processor)[0].decode())


class Player:
    """A provider with the processor on it, that recorded spans are played back through."""

    def __init__(self, resource: Mapping[str, str] | None = None) -> None:
        self.processor = AgentMetricsProcessor(hold_seconds=0)
        self.ids = Ids()
        self.provider = TracerProvider(
            resource=Resource(dict(IDENTITY if resource is None else resource)),
            id_generator=self.ids,
            shutdown_on_exit=False,
        )
        self.provider.add_span_processor(self.processor)
        self.spans: dict[str, Span] = {}
        #: What each of several runs that go on at the same time is started in, as tasks are.
        self.surroundings: dict[int, Surroundings] = {}

    def use(self, processor: AgentMetricsProcessor) -> None:
        """Use another processor instead, before anything is played."""
        self.processor = processor
        self.provider.add_span_processor(processor)

    def play(self, recording: Recording, base: Context | None = None) -> None:
        """Play a recording: starts by time, ends in the recorded order.

        Args:
            recording: The spans.
            base: Context that its roots are started in.
        """
        ended = list(recording["spans"])
        left = list(recording.get("unfinished_spans", ()))
        starts = sorted(
            [(s["start_time_unix_nano"], n, s) for n, s in enumerate([*ended, *left])],
            key=lambda one: (one[0], -(one[2].get("end_time_unix_nano") or 2**63), -one[1]),
        )
        known = {s["span_id"]: s for _, _, s in starts}
        ordered = _parents_first(starts, known)
        position = 0
        # What never ended had told all it did by its last event.
        silenced = sorted((_last_event(span), n, span) for n, span in enumerate(left))
        for span in ended:
            while position < len(ordered) and (
                ordered[position]["start_time_unix_nano"] <= span["end_time_unix_nano"]
                or span["span_id"] not in self.spans
            ):
                following = ordered[position]
                while silenced and silenced[0][0] < following["start_time_unix_nano"]:
                    self._later(silenced.pop(0)[2])
                self._start(following, base)
                position += 1
            self.surroundings[span.get("run", 0)].run(self._end, span)
        for span in ordered[position:]:
            self._start(span, base)
        for _, _, span in silenced:
            self._later(span)

    def _start(self, span: Recording, base: Context | None) -> None:
        trace_id, parent_id = int(span["trace_id"], 16), span.get("parent_span_id")
        self.ids.trace_id, self.ids.span_id = trace_id, int(span["span_id"], 16)
        parent = self.spans.get(parent_id) if parent_id else None
        around = Context() if base is None else base
        if parent is not None:
            around = set_span_in_context(parent, around)
        elif parent_id:
            remote = SpanContext(
                trace_id, int(parent_id, 16), is_remote=True, trace_flags=TraceFlags(1)
            )
            around = set_span_in_context(NonRecordingSpan(remote), around)
        scope = span.get("scope") or {}
        tracer = self.provider.get_tracer(scope.get("name") or "", scope.get("version") or None)
        self.surroundings.setdefault(span.get("run", 0), Surroundings()).run(
            self._start_in, around, tracer, span
        )

    def _start_in(self, around: Context, tracer: Tracer, span: Recording) -> None:
        token = otel_context.attach(around)
        try:
            self.spans[span["span_id"]] = tracer.start_span(
                span.get("name_at_start") or span["name"],
                kind=SpanKind[span.get("kind") or "INTERNAL"],
                attributes=_at_start(span),
                links=[
                    Link(
                        SpanContext(
                            int(link["trace_id"], 16), int(link["span_id"], 16), is_remote=False
                        )
                    )
                    for link in span.get("links") or ()
                ],
                start_time=span["start_time_unix_nano"],
            )
        finally:
            otel_context.detach(token)

    def _later(self, span: Recording) -> Span:
        live = self.spans[span["span_id"]]
        live.update_name(span["name"])
        live.set_attributes(_plain(span.get("attributes")))
        for event in span.get("events") or ():
            live.add_event(
                event["name"], _plain(event.get("attributes")), timestamp=event.get("timestamp")
            )
        status = span.get("status") or {}
        if status.get("code") in {"OK", "ERROR"}:
            live.set_status(Status(StatusCode[status["code"]]))
        return live

    def _end(self, span: Recording) -> None:
        self._later(span).end(end_time=span["end_time_unix_nano"])


def _last_event(span: Recording) -> int:
    times = [event.get("timestamp") for event in span.get("events") or ()]
    return max((time for time in times if time), default=2**63)


def _parents_first(
    starts: list[tuple[int, int, Recording]], known: Mapping[str, Recording]
) -> list[Recording]:
    placed: dict[str, None] = {}

    def place(span: Recording) -> None:
        if span["span_id"] in placed:
            return
        parent = known.get(span.get("parent_span_id") or "")
        if parent is not None:
            place(parent)
        placed[span["span_id"]] = None

    for _, _, span in starts:
        place(span)
    return [known[span_id] for span_id in placed]


def _at_start(span: Recording) -> dict[str, Any]:
    attributes = span.get("attributes") or {}
    kept = {key: attributes[key] for key in span.get("at_start") or ()}
    return {**kept, **_plain(span.get("attributes_at_start"))}


def _plain(attributes: Mapping[str, Any] | None) -> dict[str, Any]:
    return {key: value for key, value in dict(attributes or {}).items() if value is not None}


def load(path: Path) -> tuple[Recording, Recording]:
    """Return a recording and its truth."""
    truth = path.with_suffix("").with_suffix(".expect.json")
    return json.loads(path.read_text()), json.loads(truth.read_text())


__all__ = ["Counts", "Player", "counts", "differences", "expected", "load", "trace"]
