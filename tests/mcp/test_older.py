"""What OpenLLMetry recorded of MCP 1, which cannot be installed beside MCP 2."""

import pytest
from opentelemetry.trace import NonRecordingSpan as Remote
from opentelemetry.trace import SpanContext, Status, StatusCode, TraceFlags, set_span_in_context
from tests.processor.rig import Rig

from agent_analytics.instrumentation import tool
from agent_analytics.instrumentation.tracing import use_provider

SCOPE = "opentelemetry.instrumentation.mcp.instrumentation"
RESOURCE = {"marketplace.publisher.id": "globex", "marketplace.agent.id": "atlas"}
TOOL = {"traceloop.span.kind": "tool", "traceloop.entity.name": "search"}
SERVER = {"traceloop.span.kind": "server", "traceloop.entity.name": "mcp.server"}


def serve(rig: Rig, *, remote: bool) -> None:
    """Be the server's process for one call, which fails."""
    far = SpanContext(1, 2, is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED))
    context = set_span_in_context(Remote(far)) if remote else None
    tracer = rig.tracer(SCOPE)
    with tracer.start_as_current_span("mcp.server", context) as outer:
        with tracer.start_as_current_span("search.tool") as inner:
            inner.set_attributes({**TOOL, "error.type": "ToolError"})
            inner.set_status(Status(StatusCode.ERROR))
        outer.set_attributes(SERVER)


@pytest.mark.parametrize(("remote", "counted"), [(True, 0), (False, 1)])
def test_a_server(remote: bool, counted: int) -> None:  # noqa: FBT001 - a parameter of the test
    """A call from another process is told of there, and any other one here, by its tool's name."""
    rig = Rig(resource=RESOURCE)
    serve(rig, remote=remote)
    assert rig.value("tool_calls_total") == counted
    assert rig.value("tool_calls_total", tool="search", outcome="error") == counted


def test_client_and_server_in_one_process() -> None:
    """Both ends are one call, whose failure the server alone tells."""
    rig = Rig(resource=RESOURCE)
    tracer = rig.tracer(SCOPE)
    with tracer.start_as_current_span("search.tool") as span:
        with tracer.start_as_current_span("ResponseStreamWriter"):
            serve(rig, remote=False)
        span.set_attributes(TOOL)
    assert rig.value("tool_calls_total") == 1
    assert rig.value("tool_calls_total", tool="search", outcome="error") == 1


def test_the_context_of_an_agent_in_the_same_process() -> None:
    """A server that the agent's own process runs is told of by nobody else."""
    rig = Rig(resource=RESOURCE)
    agent = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "atlas"}
    with rig.tracer("lab").start_as_current_span("invoke_agent atlas", attributes=agent) as span:
        own = span.get_span_context()
        sent = SpanContext(own.trace_id, own.span_id, is_remote=True, trace_flags=own.trace_flags)
        call = {"mcp.method.name": "tools/call", "gen_ai.tool.name": "search"}
        context = set_span_in_context(Remote(sent))
        rig.tracer("mcp-python-sdk").start_span("tools/call search", context, attributes=call).end()
    assert rig.value("tool_calls_total", tool="search", outcome="success") == 1


def test_a_result_with_the_old_name_of_a_failure() -> None:
    """FastMCP warns where the name that MCP 2 gave up is read; a decorated tool reads the new."""

    class Result:
        is_error = True

        @property
        def isError(self) -> bool:  # noqa: N802 - as MCP 1 named it
            raise DeprecationWarning

    rig = Rig(resource=RESOURCE)
    use_provider(rig.provider)
    try:
        tool(name="search")(lambda: Result())()  # noqa: PLW0108 - a class is no tool
    finally:
        use_provider(None)
    assert rig.value("tool_calls_total", tool="search", outcome="error") == 1
