"""Rule 5: an exception by which a framework steers is no failure, and what it ended no call."""

from collections.abc import Callable

import pytest
from opentelemetry.trace import Span, Status, StatusCode
from tests.processor.rig import Rig, chat, invoke, tool

from agent_analytics.instrumentation import exceptions
from agent_analytics.instrumentation import vocabulary as v

STEERED = {v.OUTCOME: v.STEERED}
GRAPH_INTERRUPT = "langgraph.errors.GraphInterrupt"
KINDS = ("invocation", "tool", "inference")


def interrupt(span: Span, name: str = GRAPH_INTERRUPT) -> None:
    """End a span as instrumentations do that do not know the exception of this name."""
    span.add_event("exception", {"exception.type": name, "exception.message": "who is it?"})
    span.set_status(Status(StatusCode.ERROR, "who is it?"))


def steered(rig: Rig) -> dict[str, float]:
    """Return the tries that were steered, those of no kind left out."""
    found = {kind: rig.value("agent_analytics_steered_total", kind=kind) for kind in KINDS}
    return {kind: count for kind, count in found.items() if count}


def test_a_steered_try_adds_what_it_spent_and_for_whom(rig: Rig) -> None:
    """Tokens, cost, tenant and conversation count; no call, duration, price or error does."""
    spent = {
        v.INPUT_TOKENS: 70,
        v.OUTPUT_TOKENS: 11,
        v.COST_USD: "0.25",
        v.REQUEST_MODEL: "m",
        v.CONVERSATION_ID: "c-1",
        v.REVENUE_USD: "0",
        v.TIME_TO_FIRST_CHUNK: 0.5,
    }
    rig.run(invoke(tenant="t-1"), {**STEERED, **spent})
    assert steered(rig) == {"invocation": 1}
    assert rig.value("input_tokens_total") == 70
    assert rig.value("output_tokens_total") == 11
    assert rig.value("model_cost_usd_total") == 0.25
    assert rig.value("wasted_cost_usd_total") == 0
    registers = [labels for name, labels in rig.series("sketches") if name.endswith("register")]
    assert sorted(dict(labels)["kind"] for labels in registers) == ["conversations", "tenants"]
    for metric in (
        "invocations_total",
        "invocation_duration_seconds_count",
        "invocation_errors_total",
        "revenue_usd_total",
        "time_to_first_chunk_seconds_count",
        "invocations_in_progress",
    ):
        assert rig.value(metric) == 0, metric


def test_what_is_charged_by_hand_in_a_steered_try_is_charged(rig: Rig) -> None:
    """The price is the resumption's; a charge and a refund that code made are made."""
    rig.run(invoke(), {**STEERED, v.REVENUE_USD: "0.20", v.REFUND_USD: "0.05"})
    assert rig.value("revenue_usd_total") == 0.2
    assert rig.value("refunds_usd_total") == 0.05


def test_a_steered_tool_is_no_call_and_the_resumed_one_is(rig: Rig) -> None:
    """A tool that asks a person first is one call, when the person has answered."""
    with rig.span(invoke(), {v.OUTCOME: v.SUCCESS}):
        rig.run(tool("send"), STEERED)
    with rig.span(invoke(), {v.OUTCOME: v.SUCCESS}):
        rig.run(tool("send"), {v.OUTCOME: v.SUCCESS})
    assert steered(rig) == {"tool": 1}
    assert rig.value("tool_calls_total", tool="send") == 1
    assert rig.value("tool_calls_total", tool="send", outcome="success") == 1
    assert rig.value("tool_call_duration_seconds_count", tool="send") == 1


def test_a_steered_model_call_adds_its_tokens_alone(rig: Rig) -> None:
    """A request that was put off is no call of the model; what it used was used."""
    with rig.span(invoke(), {v.OUTCOME: v.SUCCESS}):
        rig.run(chat(30, 4), STEERED)
    assert steered(rig) == {"inference": 1}
    assert rig.value("inference_calls_total") == 0
    assert rig.value("input_tokens_total") == 30
    assert rig.value("output_tokens_total") == 4


#: From the sources of langgraph 0.2 to 1.2, pydantic-ai 1.0 to 2.68, celery 4.4 to 5.7, crewai
#: 1.15, strands 1.62, llama-index-workflows 2.26, agent-framework 1.23, google-adk 2.13, airflow
#: 3.3, temporalio 1.35, mcp 1.23, inngest 0.5.
NAMES = [
    "langgraph.errors.GraphInterrupt",
    "langgraph.errors.NodeInterrupt",
    "langgraph.errors.ParentCommand",
    "langgraph.errors.GraphBubbleUp",
    "pydantic_ai.exceptions.ApprovalRequired",
    "pydantic_ai.exceptions.CallDeferred",
    "pydantic_ai.exceptions.SkipToolExecution",
    "celery.exceptions.Retry",
    "celery.exceptions.Ignore",
    "crewai.flow.async_feedback.types.HumanFeedbackPending",
    "strands.interrupt.InterruptException",
    "workflows.runtime.types.results.WaitingForEvent",
    "agent_framework._workflows._functional.WorkflowInterrupted",
    "google.adk.workflow._errors.NodeInterruptedError",
    "airflow.sdk.exceptions.TaskDeferred",
    "temporalio.workflow.ContinueAsNewError",
    "mcp.shared.exceptions.UrlElicitationRequiredError",
    "inngest._internal.step_lib.base.ResponseInterrupt",
    "StopIteration",
    "builtins.StopAsyncIteration",
    "<class 'langgraph.errors.GraphInterrupt'>",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_foreign_span_is_known_by_the_full_name(rig: Rig, name: str) -> None:
    """Whatever the instrumentation, an exception's qualified name says that it steers."""
    with rig.span(invoke(), {v.OUTCOME: v.SUCCESS}):
        with rig.span(tool(), scope="anybody") as span:
            interrupt(span, name)
        with rig.span(tool(), {v.ERROR_TYPE: name}, scope="anybody") as span:
            span.set_status(Status(StatusCode.ERROR))
        with rig.span(chat(), scope="anybody") as span:
            interrupt(span, name)
    with rig.span(invoke(), scope="anybody") as span:
        interrupt(span, name)
    assert steered(rig) == {"invocation": 1, "tool": 2, "inference": 1}
    assert rig.value("tool_calls_total") == 0
    assert rig.value("inference_calls_total") == 0
    assert rig.value("invocations_total") == 1
    assert rig.value("invocation_errors_total") == 0


@pytest.mark.parametrize(
    ("name", "scope"),
    [
        ("GraphInterrupt", "openinference.instrumentation.langchain"),
        ("ParentCommand", "opentelemetry.instrumentation.langchain"),
        ("ApprovalRequired", "pydantic-ai"),
        ("Retry", "opentelemetry.instrumentation.celery"),
        ("InterruptException", "strands-agents"),
        ("WaitingForEvent", "openinference.instrumentation.llama_index"),
        ("NodeInterruptedError", "gcp.vertex.agent"),
    ],
)
@pytest.mark.parametrize("elsewhere", [False, True])
def test_a_bare_name_is_known_in_a_scope_of_its_framework(
    rig: Rig, name: str, scope: str, *, elsewhere: bool
) -> None:
    """A bare name steers where its framework is recorded, and is an error anywhere else."""
    source = "billing.service" if elsewhere else scope
    with rig.span(invoke(), {v.OUTCOME: v.SUCCESS}), rig.span(tool(), scope=source) as span:
        interrupt(span, name)
    assert rig.value("tool_calls_total", outcome="error") == int(elsewhere)
    assert steered(rig) == ({} if elsewhere else {"tool": 1})


def test_langsmith_writes_the_exception_as_text(rig: Rig) -> None:
    """Its exceptions are all of one type: what it was begins the text (langsmith 0.15)."""
    text = "GraphInterrupt((Interrupt(value='send?', id='1'),))Traceback (most recent call last):"
    with rig.span(invoke(), {v.OUTCOME: v.SUCCESS}), rig.span(tool(), scope="langsmith") as span:
        span.add_event("exception", {"exception.type": "Exception", "exception.message": text})
        span.set_status(Status(StatusCode.ERROR, text))
    assert rig.value("tool_calls_total") == 0
    assert steered(rig) == {"tool": 1}


@pytest.mark.parametrize("name", ["shop.GraphInterrupt", "shop.errors.Retry", "Interrupt"])
def test_a_like_name_of_another_package_is_an_error(rig: Rig, name: str) -> None:
    """What is only called alike, with a module of its own, is no exception of the framework."""
    source = "openinference.instrumentation.langchain"
    with rig.span(invoke(), {v.OUTCOME: v.SUCCESS}), rig.span(tool(), scope=source) as span:
        interrupt(span, name)
    assert rig.value("tool_calls_total", outcome="error") == 1
    assert steered(rig) == {}


def test_the_event_names_in_full_what_the_attribute_names_barely(rig: Rig) -> None:
    """A bare ``error.type`` is read with the module that the exception event has."""
    with rig.span(invoke(), {v.OUTCOME: v.SUCCESS}):
        with rig.span(tool(), {v.ERROR_TYPE: "CallDeferred"}, scope="anybody") as span:
            interrupt(span, "pydantic_ai.exceptions.CallDeferred")
        with rig.span(tool(), {v.ERROR_TYPE: "503"}, scope="anybody") as span:
            interrupt(span, "pydantic_ai.exceptions.CallDeferred")
    assert steered(rig) == {"tool": 1}
    assert rig.value("tool_calls_total", outcome="error") == 1


@pytest.mark.parametrize("given", ["shop.flow.NeedsApproval", "NeedsApproval"])
@pytest.mark.parametrize("carried", ["shop.flow.NeedsApproval", "NeedsApproval"])
def test_a_users_own_are_known_by_name(rig: Rig, given: str, carried: str) -> None:
    """What a user says is no error is none on a foreign span, with its module or without."""
    before = exceptions.use_not_errors(exceptions.given([given]))
    try:
        with rig.span(invoke(), {v.OUTCOME: v.SUCCESS}):
            for name in (carried, "shop.flow.NeedsSleep"):
                with rig.span(tool(), scope="anybody") as span:
                    interrupt(span, name)
    finally:
        exceptions.use_not_errors(before)
    assert steered(rig) == {"tool": 1}
    assert rig.value("tool_calls_total", outcome="error") == 1


@pytest.mark.parametrize("goes_on", [False, True])
def test_a_run_is_steered_where_nothing_came_after(
    make_rig: Callable[..., Rig], *, goes_on: bool
) -> None:
    """A run that an exception ended is steered; one that was handed over by it is a success."""
    rig = make_rig(resource={v.PUBLISHER_ID: "acme", v.AGENT_ID: "desk"})
    scope = "openinference.instrumentation.langchain"
    agent = {"openinference.span.kind": "AGENT"}
    with rig.span({v.OPERATION_NAME: "invoke_workflow"}, scope=scope):
        with rig.span({**agent, "agent.name": "a"}, scope=scope) as span:
            interrupt(span, "langgraph.errors.ParentCommand")
        if goes_on:
            rig.run({**agent, "agent.name": "b"}, scope=scope)
    assert rig.value("invocations_total", outcome="success") == int(goes_on)
    assert rig.value("invocations_total") == int(goes_on)
    assert rig.value("invocations_in_progress") == 0
    assert steered(rig) == ({} if goes_on else {"invocation": 1})


@pytest.mark.parametrize("inner_knows", [False, True])
def test_two_views_of_a_steered_call_are_one(
    make_rig: Callable[..., Rig], *, inner_knows: bool
) -> None:
    """Where one instrumentation names the exception and another does not, the former is right."""
    rig = make_rig(resource={v.PUBLISHER_ID: "acme", v.AGENT_ID: "desk"})
    named, other = "openinference.instrumentation.langchain", "traceloop.sdk"
    agent = {"openinference.span.kind": "AGENT", "agent.name": "a"}
    inner = {"openinference.span.kind": "TOOL", "tool.name": "send"}
    with (
        rig.span(agent, scope=named),
        rig.span({"traceloop.span.kind": "tool"}, {v.TOOL_NAME: "send"}, scope=other) as outer,
    ):
        with rig.span(inner, scope=named) as span:
            interrupt(span, GRAPH_INTERRUPT if inner_knows else "Exception")
        interrupt(outer, "Exception" if inner_knows else GRAPH_INTERRUPT)
    assert rig.value("tool_calls_total") == 0
    assert steered(rig) == {"tool": 1}
