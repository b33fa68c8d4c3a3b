"""No content leaves the process unless the user asks for it, whatever is switched on."""

from typing import Any

import pytest
from tests.exporters.conftest import Received
from tests.zero_code.launch import ACME, PLAIN, PROGRAMS, asked, model_api, running

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


@pytest.mark.parametrize(
    ("asked_for", "out"),
    [CASES[0], *(pytest.param(*case, marks=pytest.mark.slow) for case in CASES[1:])],
    ids=["default", "all", "a package's"],
)
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
