"""Spans side by side that are one call, and workflows that are agents."""

import pytest
from opentelemetry.trace import StatusCode
from tests.dialects.spans import USAGE, Program

KIND = "openinference.span.kind"
CLAUDE = "openinference.instrumentation.claude_agent_sdk"
MCP = "mcp-python-sdk"
LANGCHAIN = "opentelemetry.instrumentation.genai.langchain"
CALL = {"gen_ai.operation.name": "execute_tool", "mcp.method.name": "tools/call"}
CHAT = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m", **USAGE}
WORKFLOW = {"gen_ai.operation.name": "invoke_workflow", "gen_ai.workflow.name": "supervisor"}
AGENT = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "helper"}
TOOL = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "task"}


@pytest.mark.parametrize("status", [StatusCode.OK, StatusCode.ERROR])
def test_a_protocol_beside_the_framework(status: StatusCode) -> None:
    """claude-agent-sdk starts its tool's span and the server's in one: one call of its name."""
    program = Program(CLAUDE)
    with program.span("ClaudeAgentSDK.query", {KIND: "AGENT"}) as agent:
        for _ in range(2):
            tool = {KIND: "TOOL", "tool.name": "mcp__lab__search"}
            with program.span("mcp__lab__search", tool), program.within(agent):
                late = {**CALL, "gen_ai.tool.name": "search"}
                program.one("tools/call search", late=late, scope=MCP, status=status)
    outcome = "success" if status is StatusCode.OK else "error"
    assert dict(program.counted().tools) == {("mcp__lab__search", outcome): 2}


def test_a_protocol_in_a_trace_of_its_own() -> None:
    """claude-agent-sdk's client serves its tools in a task that began before the query."""
    program = Program(CLAUDE)
    with program.span("ClaudeAgentSDK.ClaudeSDKClient.receive_response", {KIND: "AGENT"}):
        for _ in range(2):
            with program.span("mcp__lab__search", {KIND: "TOOL", "tool.name": "mcp__lab__search"}):
                late = {**CALL, "gen_ai.tool.name": "search"}
                program.one("tools/call search", late=late, scope=MCP, root=True)
    assert dict(program.counted().tools) == {("mcp__lab__search", "success"): 2}


def test_a_protocol_beside_another_tool() -> None:
    """A call of another tool meanwhile is a call of its own."""
    program = Program(CLAUDE)
    with (
        program.span("ClaudeAgentSDK.query", {KIND: "AGENT"}) as agent,
        program.span("shell", {KIND: "TOOL", "tool.name": "shell"}),
        program.within(agent),
    ):
        late = {**CALL, "gen_ai.tool.name": "search"}
        program.one("tools/call search", late=late, scope=MCP)
    assert program.counted().tools.total() == 2


def test_a_workflow_that_asks_a_model_and_calls_agents() -> None:
    """The instrumentation genai-langchain 1.3b0 calls a deep agent a workflow: it is the agent."""
    program = Program(LANGCHAIN)
    with program.span("invoke_workflow supervisor", WORKFLOW):
        program.one("chat m", CHAT)
        with program.span("execute_tool task", TOOL), program.span("invoke_agent helper", AGENT):
            program.one("chat m", CHAT)
    told = program.counted()
    assert dict(told.agents) == {"supervisor": 1}
    assert dict(told.model_calls) == {"success": 2}


def test_a_workflow_that_holds_agents() -> None:
    """One that asks no model itself holds the agents of one run."""
    program = Program(LANGCHAIN)
    with program.span("invoke_workflow supervisor", WORKFLOW):
        for _ in range(2):
            with program.span("invoke_agent helper", AGENT):
                program.one("chat m", CHAT)
    assert dict(program.counted().agents) == {"helper": 1}
