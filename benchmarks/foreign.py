"""Spans of others: recorded runs of frameworks, and requests and queries beside them or in them.

The runs are those that the tests play back (``tests/dialects/captures``): what each span was called
and said when it started, what it said later, and how the spans overlap. Here they are played with
new ids each time, and without their own times, so that the same runs may follow each other.
"""

import json
from collections.abc import Mapping
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any, Final, NamedTuple

from benchmarks import workloads
from benchmarks.workloads import FAILED
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import Span, Tracer, set_span_in_context

from agent_analytics.instrumentation import vocabulary as v

CAPTURES: Final = Path(__file__).parents[1] / "tests" / "dialects" / "captures"
#: Frameworks and instrumentations of the recorded runs: a question, a tool, an answer.
RECORDED: Final = (
    ("pydantic-ai", "native"),
    ("pydantic-ai", "openinference"),
    ("langchain", "openinference"),
    ("langchain", "traceloop"),
    ("langchain", "otel-genai"),
)
SCENARIO: Final = "ok"
IDENTITY: Final = Resource({v.PUBLISHER_ID: "acme", v.AGENT_ID: "finder"})


class Part(NamedTuple):
    """A recorded span.

    Attributes:
        scope: Name and version of its instrumentation.
        name: Its name when it started.
        attributes: What it said when it started.
        parent: Place of the one round it; -1 for none.
        later: What it said later.
        answer: The attribute with the id of a model's answer; empty for none.
        fails: Whether it failed.
    """

    scope: tuple[str, str]
    name: str
    attributes: Mapping[str, Any]
    parent: int
    later: Mapping[str, Any]
    answer: str
    fails: bool


class Run(NamedTuple):
    """A recorded run.

    Attributes:
        parts: Its spans by their starts.
        steps: What happens: the place of a span that starts, or the complement of one that ends.
    """

    parts: tuple[Part, ...]
    steps: tuple[int, ...]


@cache
def recorded() -> tuple[Run, ...]:
    """Return the recorded runs."""
    return tuple(_run(*wanted) for wanted in RECORDED)


def _run(framework: str, instrumentation: str) -> Run:
    for line in (CAPTURES / f"{framework}.jsonl").read_text(encoding="utf-8").splitlines():
        recording = json.loads(line)["recording"]
        if (recording["instrumentation"], recording["scenario"]) == (instrumentation, SCENARIO):
            return _of(recording["spans"])
    raise LookupError(framework, instrumentation)


def _of(spans: list[dict[str, Any]]) -> Run:
    ordered = sorted(spans, key=lambda span: (span["start_time_unix_nano"], spans.index(span) * -1))
    place = {span["span_id"]: number for number, span in enumerate(ordered)}
    parts = tuple(_part(span, place) for span in ordered)
    events = [(span["start_time_unix_nano"], 0, place[span["span_id"]]) for span in spans]
    events += [
        (span["end_time_unix_nano"], 1 + number, ~place[span["span_id"]])
        for number, span in enumerate(spans)
    ]
    return Run(parts, tuple(step for _, _, step in sorted(events)))


def _part(span: dict[str, Any], place: Mapping[str, int]) -> Part:
    said = {key: value for key, value in span["attributes"].items() if value is not None}
    first = {key: said[key] for key in span.get("at_start") or () if key in said}
    first |= span.get("attributes_at_start") or {}
    return Part(
        (span["scope"]["name"], span["scope"]["version"] or ""),
        span.get("name_at_start") or span["name"],
        first,
        place.get(span.get("parent_span_id") or "", -1),
        {key: value for key, value in said.items() if key not in first},
        next((key for key in said if key.endswith("response.id")), ""),
        span["status"]["code"] == "ERROR",
    )


class Tracers(dict[tuple[str, str], Tracer]):
    """The tracers of the instrumentations, each of which asks for its own once."""

    def __init__(self, provider: TracerProvider) -> None:
        super().__init__()
        self._provider = provider

    def __missing__(self, scope: tuple[str, str]) -> Tracer:
        """Ask for a tracer."""
        tracer = self[scope] = self._provider.get_tracer(*scope)
        return tracer


def play(tracers: Tracers, run: Run) -> int:
    """Play a run; return how many spans it has."""
    spans: dict[int, Span] = {}
    for step in run.steps:
        if step >= 0:
            part = run.parts[step]
            above = spans.get(part.parent)
            around = Context() if above is None else set_span_in_context(above)
            spans[step] = tracers[part.scope].start_span(
                part.name, around, attributes=part.attributes
            )
            continue
        part, span = run.parts[~step], spans[~step]
        if part.later:
            span.set_attributes(part.later)
        if part.answer:
            span.set_attribute(part.answer, f"chatcmpl-{next(_answers):024}")
        if part.fails:
            span.set_status(FAILED)
        span.end()
    return len(run.parts)


def library(tracer: Tracer, number: int, context: Context | None) -> None:
    """Make a request, or a query: three of four are queries."""
    plan = _QUERY if number % 4 else _REQUEST
    tracer.start_span(plan.name, context, attributes=plan.attributes).end()


#: Each answer of a model has an id of its own: the same again would be the same call again.
_answers: Final = count()
_REQUEST: Final = workloads.http_clients()
_QUERY: Final = workloads.queries()
#: What makes them.
LIBRARY: Final = "opentelemetry.instrumentation.httpx"
SERVER: Final = "opentelemetry.instrumentation.fastapi"
