"""What leaves over OTLP: what the policy lists, of every span, and nothing else unless asked."""

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanLimits, TracerProvider
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    StatusCode,
    TraceFlags,
    TraceState,
)
from tests.exporters.conftest import Received
from tests.patience import patience

from agent_analytics.exporters import configure
from agent_analytics.exporters._leaving import policy as _policy
from agent_analytics.exporters._leaving.redaction import Policy
from agent_analytics.exporters._settings.settings import export_attributes
from agent_analytics.instrumentation import agent, record_charge, record_feedback, tenant, tool

ROOT = Path(__file__).parents[3]
SECRET = "s3cret"
#: Who writes it, and what it is called there.
LEAKS = (
    # hand-made spans
    "prompt", "user.id", "enduser.id", "user.email", "url.full", "http.url", "http.target",
    "url.path", "url.query", "db.statement", "db.query.text", "client.address", "http.user_agent",
    "note", "http.request.header.authorization", "code.filepath", "thread.name",
    "exception.message",
    # OpenInference 0.1: context attributes
    "session.id", "metadata", "tag.tags", "llm.prompt_template.variables", "input.value",
    # OpenLLMetry 0.53: association properties and names of workflows
    "traceloop.workflow.name", "traceloop.association.properties.user_id", "traceloop.entity.path",
    "traceloop.entity.name", "traceloop.entity.input",
    # the conventions 1.41, and frameworks: pydantic-ai, langgraph, agno, crewai, google-adk, mcp
    "gen_ai.conversation.id", "gen_ai.workflow.name", "gen_ai.input.messages",
    "gen_ai.tool.call.id", "gen_ai.tool.description", "gen_ai.agent.description",
    "gen_ai.response.id", "gen_ai.data_source.id", "pydantic_ai.all_messages", "logfire.msg",
    "thread_id", "langgraph.thread_id", "agno.run.id", "crew_key", "crewai.crew.tasks",
    "gcp.vertex.agent.session_id", "mcp.session.id", "mcp.resource.uri",
    # ours
    "marketplace.tenant.id", "marketplace.event.id", "marketplace.feedback.comment",
    "marketplace.new",
)  # fmt: skip


def bare(more: Mapping[str, Any] | None = None, value: str = SECRET) -> ReadableSpan:
    """Return a span that says the secret wherever a span may say anything."""
    provider = TracerProvider(
        resource=Resource({"process.command_args": value, "service.name": "s", "team": value}),
        shutdown_on_exit=False,
        span_limits=SpanLimits(max_attributes=500),
    )
    state = TraceState([("vendor", value), ("ot", "th:8")])
    parent = SpanContext(1, 2, is_remote=True, trace_flags=TraceFlags(1), trace_state=state)
    context = trace.set_span_in_context(NonRecordingSpan(parent))
    tracer = provider.get_tracer("hand", attributes={"who": value})
    span = tracer.start_span(
        f"asked for {value} by mail", context, links=[Link(parent, {"why": value})]
    )
    span.set_attributes(dict.fromkeys(LEAKS, value))
    span.set_attributes(
        {"error.type": f"it was {value}", "gen_ai.usage.input_tokens": value, **(more or {})}
    )
    span.add_event(f"said {value}", {"text": value})
    span.add_event("exception", {"exception.type": "KeyError", "exception.message": value})
    span.set_status(StatusCode.ERROR, value)
    span.end()
    assert isinstance(span, ReadableSpan)
    return span


def test_nothing_that_nobody_listed_leaves() -> None:
    """Attributes, events, links, name, status, resource, scope and tracing state say nothing."""
    span = bare()
    found = Policy().span(span)
    assert SECRET not in found.to_json() + repr(found.instrumentation_scope)
    assert SECRET not in str([each.context for each in found.links]) + str(found.parent)
    assert dict(found.attributes or {}) == {"error.type": "_OTHER"}
    assert [(each.name, dict(each.attributes or {})) for each in found.events] == [
        ("exception", {"exception.type": "KeyError"})
    ]
    assert (found.status.status_code, found.name) == (StatusCode.ERROR, "span")
    assert found.parent is not None
    assert found.parent.trace_state.to_header() == "ot=th:8"
    assert found.parent.span_id == 2
    assert found.context is not None
    assert span.context is not None
    assert found.context.span_id == span.context.span_id
    assert found.start_time == span.start_time
    assert dict(found.resource.attributes) == {"service.name": "s"}
    assert Policy().resource(span.resource) == found.resource


def test_what_is_listed_leaves() -> None:
    """A key of each group leaves, figures as numbers alone, lists and long texts in part."""
    kept = {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "m" * 300,
        "gen_ai.response.finish_reasons": ["stop"] * 40,
        "gen_ai.usage.output_tokens": 7,
        "llm.token_count.prompt_details.audio": 1,
        "marketplace.revenue.usd": "0.05",
        "http.route": "/users/{id}",
        "error.type": "app.errors.Odd",
    }
    found = dict(Policy().span(bare(kept)).attributes or {})
    assert found == kept | {
        "gen_ai.request.model": "m" * 200,
        "gen_ai.response.finish_reasons": ["stop"] * 16,
    } or found == kept | {
        "gen_ai.request.model": "m" * 200,
        "gen_ai.response.finish_reasons": ("stop",) * 16,
    }


@pytest.mark.parametrize(
    ("name", "attributes", "left"),
    [
        ("chat gpt-5", {}, "chat gpt-5"),
        ("GET /users/{id}", {"http.route": "/users/{id}"}, "GET /users/{id}"),
        ("GET /users/42", {"http.route": "/users/{id}"}, "GET"),
        ("pkg.Service/Method", {}, "pkg.Service/Method"),
        ("http://x/?q=s3cret", {}, "span"),
        ("Find all flats of Mrs Miller", {}, "span"),
        ("jane@example.org", {}, "span"),
        ("Write about s3cret now.task", {"gen_ai.operation.name": "chat"}, "chat"),
        (
            "invoke_agent My Own Research Agent",
            {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "My Own Research Agent"},
            "invoke_agent My Own Research Agent",
        ),
        ("", {}, "span"),
        ("x" * 300, {}, "span"),
        # scripts without blanks, or without capitals: a letter may be a word
        ("chat 请把我的信用卡号码发送给张三", {"gen_ai.operation.name": "chat"}, "chat"),
        ("パスワードを教えてください", {}, "span"),
        ("내_비밀번호", {}, "span"),
        ("搜索", {}, "搜索"),
        ("Übersetzer", {}, "Übersetzer"),
        # paths, whatever stands before them
        ("GET:/users/alice", {}, "span"),
        ("users/alice/secret.pdf", {}, "span"),
        ("../etc/passwd", {}, "span"),
        ("read file:/home/jane", {}, "read"),
        ("chat openai/gpt-4o", {"gen_ai.request.model": "openai/gpt-4o"}, "chat openai/gpt-4o"),
        ("tools/call search", {"mcp.method.name": "tools/call"}, "tools/call search"),
    ],
)
def test_names(name: str, attributes: dict[str, str], left: str) -> None:
    """A name that may be a sentence, an address or a path is replaced by what is done.

    OpenLLMetry 0.53 names spans of crewai after the description of a task.
    """
    provider = TracerProvider(shutdown_on_exit=False)
    span = provider.get_tracer("x").start_span(name, attributes=attributes)
    assert isinstance(span, ReadableSpan)
    assert Policy().span(span).name == left


def test_what_is_asked_for_leaves() -> None:
    """Names and patterns let further attributes out, wherever they stand; a star lets all out."""
    span = bare()
    found = Policy(attributes=("session.id", "traceloop.*", "team", "text")).span(span)
    assert {key for key, value in (found.attributes or {}).items() if value == SECRET} == {
        "session.id",
        *(key for key in LEAKS if key.startswith("traceloop.")),
    }
    assert found.resource.attributes["team"] == SECRET
    assert Policy(attributes=("*",)).span(span) is span


def test_content_is_what_was_said_and_not_by_whom() -> None:
    """Asking for content lets texts out, and no identity."""
    found = Policy(content=True).span(bare())
    left = {key for key, value in (found.attributes or {}).items() if value == SECRET}
    assert {"prompt", "gen_ai.input.messages", "input.value", "pydantic_ai.all_messages"} <= left
    assert not left & {
        "user.id", "session.id", "marketplace.tenant.id", "marketplace.event.id", "url.full",
        "gen_ai.conversation.id", "thread_id", "metadata", "mcp.session.id",
    }  # fmt: skip
    assert found.status.description == SECRET
    assert [event.name for event in found.events] == [f"said {SECRET}", "exception"]


VALUES = st.text() | st.integers() | st.floats() | st.booleans() | st.lists(st.text())


@given(st.dictionaries(st.text(), VALUES, max_size=5))
def test_whatever_it_is_called(attributes: dict[str, Any]) -> None:
    """An attribute of any other name and value stays."""
    assert Policy().attributes({f"x.{key}": value for key, value in attributes.items()}) == {}


@pytest.mark.parametrize("instrument", [None, "openai"])
def test_over_the_wire(http_receiver: Received, instrument: str | None) -> None:
    """With and without instrumentations switched on, what arrives says no more."""
    provider = trace.get_tracer("hand")

    @tool
    def search(query: str) -> str:
        with provider.start_as_current_span(f"searching for {query} in the shop") as span:
            span.set_attributes(dict.fromkeys(LEAKS, SECRET))
            span.set_status(StatusCode.ERROR, SECRET)
        return SECRET

    @agent(publisher_id="acme", agent_id="finder", tenant=f"t-{SECRET}")
    def find(question: str) -> str:
        return search(question)

    with configure(
        metrics_port=None,
        otlp_endpoint=http_receiver.url,
        otlp_protocol="http/protobuf",
        instrument=instrument,
        tenant_key="k",
    ):
        find(SECRET)
        with tenant(SECRET):
            record_feedback(
                publisher_id="acme", agent_id="finder", tenant_id=SECRET, rating=5, comment=SECRET
            )
        record_charge(
            publisher_id="acme", agent_id="finder", tenant_id=SECRET, usd=1, event_id=SECRET
        )
    sent = {span.name for span in http_receiver.spans}
    assert {"invoke_agent find", "execute_tool search", "span"} <= sent
    assert len(http_receiver.spans) == 5
    assert SECRET not in "\n".join(map(str, http_receiver.spans))
    listing = [attribute for span in http_receiver.spans for attribute in span.attributes]
    assert {"acme"} == {
        each.value.string_value for each in listing if each.key == "marketplace.publisher.id"
    }


def test_the_settings_ask(http_receiver: Received, monkeypatch: pytest.MonkeyPatch) -> None:
    """The variable and the argument name what else leaves, and nothing but names is taken."""
    monkeypatch.setenv("AGENT_ANALYTICS_EXPORT_ATTRIBUTES", " session.id, shop.* ")
    assert export_attributes(None) == ("session.id", "shop.*")
    assert export_attributes(["a ", "b"]) == ("a", "b")
    assert export_attributes("a,b") == ("a", "b")
    assert export_attributes([]) == ()
    for wrong in (7, [7], [""], ""):
        with pytest.raises(ValueError, match="export_attributes: expected names"):
            export_attributes(wrong)  # type: ignore[arg-type]  # that is what is tested
    with configure(
        metrics_port=None, otlp_endpoint=http_receiver.url, otlp_protocol="http/protobuf"
    ):
        trace.get_tracer("x").start_span("y", attributes={"shop.a": "1", "other": "2"}).end()
    (span,) = http_receiver.spans
    assert [each.key for each in span.attributes] == ["shop.a"]


def test_the_table_says_what_the_code_does() -> None:
    """The page prints the declaration, and each name in it leaves."""
    spec = importlib.util.spec_from_file_location("leaving_doc", ROOT / "scripts/leaving_doc.py")
    assert spec is not None
    assert spec.loader is not None
    module: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    page = module.PAGE.read_text(encoding="utf-8")
    assert module.BEGIN in page
    assert module.written(page) == page
    policy = Policy()
    for group in _policy.ATTRIBUTES:
        for key in group.keys:
            assert f"`{key}`" in page
            assert policy.attributes({key.replace("*", "x"): 1})
            texts = policy.attributes({key.replace("*", "x"): "text"})
            assert bool(texts) is not group.figures


def test_in_a_program_of_nobodys(http_receiver: Received) -> None:
    """A program that only calls configure() sends no secret of its command line either."""
    program = (
        "from opentelemetry import trace\n"
        "from agent_analytics.exporters import configure\n"
        "configure('s', metrics_port=None)\n"
        f"trace.get_tracer('x').start_span('a', attributes={{'prompt': {SECRET!r}}}).end()\n"
    )
    settings = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": http_receiver.url,
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "OTEL_EXPERIMENTAL_RESOURCE_DETECTORS": "process,otel",
        "OTEL_RESOURCE_ATTRIBUTES": f"deployment.environment=test,token={SECRET}",
    }
    subprocess.run(
        [sys.executable, "-c", program, SECRET],
        env={**os.environ, **settings},
        check=True,
        timeout=patience(120),
    )
    assert http_receiver.services == {"s"}
    assert SECRET not in json.dumps([str(span) for span in http_receiver.spans])
    assert SECRET not in http_receiver.resources
