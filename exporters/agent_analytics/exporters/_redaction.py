"""Takes content out of spans on their way out, for not every package keeps to its own switches.

Known keys are dropped, and of spans of GenAI libraries the texts of errors, too: they quote what
they choked on. Whatever else a span carries passes as it is.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.trace import Status
from opentelemetry.util.types import AttributeValue

Attributes = Mapping[str, AttributeValue]

#: Keys of content, by who writes them.
_KEYS: Final = (
    # the GenAI conventions, their older spellings included
    r"gen_ai\.(input\.messages|output\.messages|system_instructions|prompt|completion)\b.*",
    r"gen_ai\.tool\.(call\.(arguments|result)|input|output)\b.*",
    r"gen_ai\.(event\.content|content|retrieval\.(documents|query)|evaluation\.explanation).*",
    # OpenInference
    r"(input|output)\.value",
    r"llm\.(input_messages|output_messages|prompts?|prompt_template|completions?|choices)\b.*",
    r"llm\.(invocation_parameters|function_call)\b.*",
    r"tool\.parameters|tool_call\.function\.arguments|(message|document)\.(content|metadata).*",
    r"(embedding\.embeddings|retrieval\.documents|reranker)\b.*",
    # OpenLLMetry
    r"traceloop\.(entity\.(input|output)|prompt)\b.*",
    r"(crewai|mcp|haystack|agno|agent)\..*\b(inputs?|outputs?|results?|arguments?|tasks?)",
    r"crewai\..*_(output|outputs|result|input|inputs)",
    r"(crewai|agent)\..*\b(description|expected_output|goal|backstory|instructions|prompt)",
    # frameworks
    r"pydantic_ai\.all_messages|all_messages_events|events|final_result",
    r"tool_(arguments|response)|model_request_parameters",
    r"gcp\.vertex\.agent\.(llm_request|llm_response|tool_call_args|tool_response|data)",
    r"system_prompt|prompt|completion",
)
_CONTENT: Final = re.compile("|".join(_KEYS))
#: Events that are a message each.
_MESSAGES: Final = re.compile(r"gen_ai\.(.+\.message|choice|content\..+|.*operation\.details)")
_GENAI: Final = ("gen_ai.", "openinference.", "traceloop.", "llm.", "mcp.")
_ERROR_TEXTS: Final = frozenset({"exception.message", "exception.stacktrace"})


class WithoutContent(SpanExporter):
    """Exports what it is given, content taken out, through another exporter."""

    def __init__(self, inner: SpanExporter) -> None:
        self._inner = inner

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Export spans without content."""
        return self._inner.export([without_content(span) for span in spans])

    def shutdown(self) -> None:
        """Shut the other exporter down."""
        self._inner.shutdown()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Flush the other exporter."""
        return self._inner.force_flush(timeout_millis)


def without_content(span: ReadableSpan) -> ReadableSpan:
    """Return the span, or where it carries content a copy without."""
    attributes: Attributes = span.attributes or {}
    texts = _ERROR_TEXTS if any(key.startswith(_GENAI) for key in attributes) else frozenset[str]()
    kept = _kept(attributes, texts)
    events = [_event(event, texts) for event in span.events if not _MESSAGES.fullmatch(event.name)]
    status = Status(span.status.status_code) if texts else span.status
    if len(kept) == len(attributes) and events == list(span.events) and status is span.status:
        return span
    return ReadableSpan(
        name=span.name,
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes=kept,
        events=events,
        links=span.links,
        kind=span.kind,
        status=status,
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


def _kept(attributes: Attributes, texts: frozenset[str]) -> dict[str, AttributeValue]:
    return {
        key: value
        for key, value in attributes.items()
        if key not in texts and not _CONTENT.fullmatch(key)
    }


def _event(event: Event, texts: frozenset[str]) -> Event:
    attributes: Attributes = event.attributes or {}
    kept = _kept(attributes, texts)
    if len(kept) == len(attributes):
        return event
    return Event(event.name, kept, event.timestamp)
