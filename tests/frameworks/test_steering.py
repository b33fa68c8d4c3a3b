"""A tool that asks a person first, in real frameworks: one call, when the person has answered."""

# LangChain's own types are not complete.
# pyright: reportUnknownVariableType=false, reportMissingTypeStubs=false, reportArgumentType=false

import asyncio
import re
from collections.abc import Iterator
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, ToolCall
from langchain_core.tools import StructuredTool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.errors import GraphInterrupt
from langgraph.types import Command, interrupt
from opentelemetry.instrumentation.genai.langchain import LangChainInstrumentor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import Status, StatusCode
from pydantic_ai import (
    Agent,
    ApprovalRequired,
    CallDeferred,
    DeferredToolRequests,
    DeferredToolResults,
    RunContext,
)
from pydantic_ai.capabilities import Instrumentation
from pydantic_ai.models.instrumented import InstrumentationSettings
from pydantic_ai.models.test import TestModel

from agent_analytics.exporters import exposition
from agent_analytics.instrumentation import agent, tool, tracing
from agent_analytics.instrumentation import vocabulary as v
from agent_analytics.processor import AgentMetricsProcessor


class Bench:
    """A processor behind a provider whose resource is the listing's."""

    def __init__(self) -> None:
        self.processor = AgentMetricsProcessor(hold_seconds=0)
        resource = Resource({v.PUBLISHER_ID: "acme", v.AGENT_ID: "desk"})
        self.provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self.provider.add_span_processor(self.processor)

    def counted(self) -> dict[str, float]:
        """Return tool calls, invocations and errors by outcome, and steered tries."""
        found: dict[str, float] = {}
        for line in exposition(self.processor)[0].decode().splitlines():
            name, _, rest = line.partition("{")
            labels, _, value = rest.rpartition("} ")
            short = name.removeprefix("marketplace_agent_").removesuffix("_total")
            wanted = {"tool_calls", "invocations", "invocation_errors", "agent_analytics_steered"}
            if short in wanted and float(value):
                told = re.findall(r'(?:tool|outcome|kind|error_type)="([^"]*)"', labels)
                found[" ".join([short.rpartition("_")[2], *told])] = float(value)
        return found


@pytest.fixture
def bench() -> Iterator[Bench]:
    """Return a bench that decorators write to."""
    bench = Bench()
    tracing.use_provider(bench.provider)
    yield bench
    tracing.use_provider(None)


class Model(GenericFakeChatModel):
    """A model that answers as it is told, whatever tools it is given."""

    def bind_tools(self, tools: Any, **_: Any) -> Any:  # noqa: ANN401 - as its base has it
        """Return itself."""
        del tools
        return self


def run_graph(send: Any) -> None:  # noqa: ANN401 - what LangChain takes for a tool
    """Run an agent of LangChain's whose tool is interrupted, and resume it."""
    call = ToolCall(name="send", args={"text": "x"}, id="c1")
    model = Model(messages=iter([AIMessage("", tool_calls=[call]), AIMessage("done")]))
    graph: Any = create_agent(model, [send], checkpointer=InMemorySaver(), name="desk")
    thread = {"configurable": {"thread_id": "1"}}
    assert graph.invoke({"messages": [("user", "go")]}, thread)["__interrupt__"]
    assert graph.invoke(Command(resume="yes"), thread)["messages"][-1].content == "done"


def send(text: str) -> str:
    """Send a text, if a person says so."""
    return f"{text} {interrupt('may I?')}"


def test_langgraph_by_its_instrumentation(bench: Bench) -> None:
    """OpenTelemetry's own instrumentation gives the interrupted span an error; it is none."""
    instrumentor: Any = LangChainInstrumentor()  # type: ignore[no-untyped-call]  # theirs
    instrumentor.instrument(tracer_provider=bench.provider)
    try:
        run_graph(StructuredTool.from_function(send))
    finally:
        instrumentor.uninstrument()
    assert bench.counted() == {
        "invocations success": 2,
        "calls send success": 1,
        "steered tool": 1,
    }


def test_langgraph_under_the_decorators(bench: Bench) -> None:
    """A decorated tool, and a decorated function in the graph, are steered, and called once."""

    @agent(publisher_id="acme", agent_id="mailer", price_usd=1)
    def mail(text: str) -> str:
        return tool(send)(text)

    def outer(text: str) -> str:
        """Send a text."""
        return mail(text)

    run_graph(StructuredTool.from_function(outer, name="send"))
    assert bench.counted() == {
        "invocations success": 1,
        "calls send success": 1,
        "steered invocation": 1,
        "steered tool": 1,
    }


def test_an_instrumentation_that_knows_the_exception(bench: Bench) -> None:
    """OpenInference 0.1.80 gives an interrupted tool a good status, and records the exception."""
    tracer = bench.provider.get_tracer("openinference.instrumentation.langchain")
    for interrupted in (True, False):
        with (
            tracer.start_as_current_span(
                "desk", attributes={"openinference.span.kind": "AGENT", "agent.name": "desk"}
            ) as outer,
            tracer.start_as_current_span(
                "send", attributes={"openinference.span.kind": "TOOL", "tool.name": "send"}
            ) as span,
        ):
            if interrupted:
                span.record_exception(GraphInterrupt())
            else:
                span.record_exception(StopIteration())
            span.set_status(Status(StatusCode.OK))
            outer.set_status(Status(StatusCode.OK))
    assert bench.counted() == {
        "invocations success": 2,
        "calls send success": 1,
        "steered tool": 1,
    }


def run_pydantic_ai(bench: Bench, *, instrumented: bool, decorated: bool) -> None:
    """Run an agent of pydantic-ai's whose tools are put off, and resume it."""
    settings = InstrumentationSettings(tracer_provider=bench.provider)
    desk = Agent(
        TestModel(),
        name="desk",
        output_type=[str, DeferredToolRequests],
        capabilities=[Instrumentation(settings)] if instrumented else [],
    )

    def send(ctx: RunContext[None], text: str) -> str:
        if not ctx.tool_call_approved:
            raise ApprovalRequired
        return text

    def later(text: str) -> str:
        raise CallDeferred({"text": text})

    desk.tool(tool(send) if decorated else send)
    desk.tool_plain(tool(later) if decorated else later)
    # Not ``run_sync``, which leaves an event loop behind that nobody closes.
    first = asyncio.run(desk.run("go"))
    assert isinstance(first.output, DeferredToolRequests)
    answers = DeferredToolResults(
        approvals={call.tool_call_id: True for call in first.output.approvals},
        calls={call.tool_call_id: "late" for call in first.output.calls},
    )
    asyncio.run(desk.run(message_history=first.all_messages(), deferred_tool_results=answers))


def test_pydantic_ai_by_its_instrumentation(bench: Bench) -> None:
    """pydantic-ai says of a tool that was put off which exception did it, and gives no error."""
    run_pydantic_ai(bench, instrumented=True, decorated=False)
    assert bench.counted() == {
        "invocations success": 2,
        "calls send success": 1,
        "steered tool": 2,
    }


def test_pydantic_ai_under_the_decorator(bench: Bench) -> None:
    """Decorated tools are steered by the very exceptions."""

    @agent(publisher_id="acme", agent_id="desk")
    def work() -> None:
        run_pydantic_ai(bench, instrumented=False, decorated=True)

    work()
    assert bench.counted() == {
        "invocations success": 1,
        "calls send success": 1,
        "steered tool": 2,
    }
