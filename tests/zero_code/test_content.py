"""No content leaves the process unless the user asks for it, whatever is switched on."""

from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.trace import StatusCode
from tests.exporters.conftest import Received
from tests.zero_code.launch import ACME, PLAIN, PROGRAMS, asked, model_api, running

from agent_analytics.exporters._redaction import without_content

SECRETS = {
    "prompt": "the-secret-prompt",
    "answer": "the-secret-answer",
    "argument": "the-secret-argument",
    "result": "the-secret-result",
    "error": "the-secret-error",
}
#: A package that knows no switch, and one that quotes what it choked on.
CARELESS = f"""
import os
from opentelemetry import trace
tracer = trace.get_tracer("careless")
with tracer.start_as_current_span("call") as span:
    span.set_attributes({{"openinference.span.kind": "TOOL", "tool.name": "search"}})
    span.set_attribute("tool.parameters", os.environ["SECRET_RESULT"])
try:
    with tracer.start_as_current_span("call") as span:
        span.set_attribute("gen_ai.operation.name", "chat")
        raise ValueError(os.environ["SECRET_ERROR"])
except ValueError:
    pass
exec(open({str(PROGRAMS / "finder.py")!r}).read())
"""
#: What the user sets, and what of the secrets goes out then.
CASES: list[tuple[dict[str, str], set[str]]] = [
    ({}, set[str]()),
    ({"OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "true"}, set(SECRETS)),
    ({"OPENINFERENCE_HIDE_INPUTS": "false"}, {"prompt", "result", "error", "argument"}),
]


def leaked(received: Received) -> set[str]:
    """Return which secrets any exported span carries, anywhere in it."""
    text = "\n".join(str(span) for span in received.spans)
    return {name for name, secret in SECRETS.items() if secret in text}


@pytest.mark.parametrize(("asked_for", "out"), CASES, ids=["default", "all", "a package's"])
def test_planted_secrets(
    api: Any,  # noqa: ANN401 - untyped
    http_receiver: Received,
    monkeypatch: pytest.MonkeyPatch,
    asked_for: dict[str, str],
    out: set[str],
) -> None:
    """What was said, called, answered and raised stays at home, and goes out where it is wanted."""
    monkeypatch.setitem(model_api().ARGUMENTS, "search", {"query": SECRETS["argument"]})
    api.answer = f"It is {SECRETS['answer']}."
    settings = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": http_receiver.url,
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "SECRET_PROMPT": SECRETS["prompt"],
        "SECRET_RESULT": SECRETS["result"],
        "SECRET_ERROR": SECRETS["error"],
    }
    with running(CARELESS, ACME | asked(api) | settings | asked_for) as program:
        program.told()
        program.finish()
    # Two runs; in each an agent, two tool calls, three model calls of three recorders.
    assert len(http_receiver.spans) == 2 + 2 * (1 + 2 + 3 * 3)
    assert leaked(http_receiver) == out


CONTENT = (
    "gen_ai.input.messages", "gen_ai.prompt.0.content", "gen_ai.tool.call.arguments",
    "gen_ai.system_instructions", "input.value", "llm.input_messages.0.message.content",
    "llm.invocation_parameters", "tool.parameters", "retrieval.documents.0.document.content",
    "traceloop.entity.output", "crewai.crew.tasks_output", "crewai.crew.result",
    "crewai.task.description", "pydantic_ai.all_messages", "gcp.vertex.agent.llm_request",
)  # fmt: skip
COUNTED = (
    "gen_ai.operation.name", "gen_ai.agent.name", "gen_ai.tool.name", "gen_ai.request.model",
    "gen_ai.usage.input_tokens", "gen_ai.conversation.id", "llm.model_name", "llm.system",
    "llm.token_count.prompt", "llm.token_count.completion", "llm.token_count.prompt_details.audio",
    "openinference.span.kind", "tool.name", "agent.name", "session.id", "traceloop.span.kind",
    "error.type", "marketplace.publisher.id", "http.request.method", "db.query.text",
)  # fmt: skip


def test_what_is_taken_out() -> None:
    """Keys of content go, those that are counted by and those of others stay."""
    provider = TracerProvider(shutdown_on_exit=False)
    span = provider.get_tracer("test").start_span("chat")
    span.set_attributes(dict.fromkeys(CONTENT + COUNTED, "x"))
    span.add_event("gen_ai.user.message", {"content": "x"})
    span.add_event("exception", {"exception.type": "KeyError", "exception.message": "x"})
    span.set_status(StatusCode.ERROR, "x")
    assert isinstance(span, ReadableSpan)
    found = without_content(span)
    assert set(found.attributes or {}) == set(COUNTED)
    assert [(event.name, dict(event.attributes or {})) for event in found.events] == [
        ("exception", {"exception.type": "KeyError"})
    ]
    assert (found.status.status_code, found.status.description) == (StatusCode.ERROR, None)
    assert (found.context, found.name, found.kind) == (span.context, span.name, span.kind)


def test_spans_of_others_pass_as_they_are() -> None:
    """A span of a web framework is exported itself, with the text of its error."""
    provider = TracerProvider(shutdown_on_exit=False)
    span = provider.get_tracer("test").start_span("GET /")
    span.set_attribute("http.request.method", "GET")
    span.record_exception(KeyError("x"))
    span.set_status(StatusCode.ERROR, "x")
    assert isinstance(span, ReadableSpan)
    assert without_content(span) is span


@pytest.mark.slow
def test_what_processors_of_the_users_see(api: Any, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ANN401 - untyped
    """The packages themselves are told, so a processor of the user's sees no content either."""
    monkeypatch.setitem(model_api().ARGUMENTS, "search", {"query": SECRETS["argument"]})
    api.answer = f"It is {SECRETS['answer']}."
    code = f"""
import json, sys
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from agent_analytics.exporters import configure
runtime = configure(instrument=True)
seen = InMemorySpanExporter()
runtime.provider.add_span_processor(SimpleSpanProcessor(seen))
write, sys.stdout.write = sys.stdout.write, lambda text: 0
sys.stdin.close()
sys.stdin = open("/dev/null")
exec(open({str(PROGRAMS / "finder.py")!r}).read())
write(json.dumps([span.to_json() for span in seen.get_finished_spans()]) + chr(10))
"""
    settings = {"SECRET_PROMPT": SECRETS["prompt"], "SECRET_RESULT": SECRETS["result"]}
    with running(code, ACME | asked(api) | settings, command=PLAIN) as program:
        spans = program.told()
    assert len(spans) == 2 * (1 + 2 + 3 * 3)
    assert [secret for secret in SECRETS.values() if secret in "".join(spans)] == []
