"""Tools that say in their result how they ended, in spans that end well."""

import json

import pytest
from opentelemetry.trace import StatusCode
from tests.dialects.spans import Program

AGENT = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "writer"}
TOOL = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "search"}


def result(state: str) -> str:
    """Return a ``ToolResponse`` of agentscope 2.0.11."""
    return json.dumps({"content": [{"type": "text", "state": "error"}], "state": state, "id": "1"})


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        (result("error"), "error"),
        (result("success"), "success"),
        (result("running"), "success"),
        (result("interrupted"), "cancelled"),
        (result("denied"), "cancelled"),
        (result("error")[:60], "success"),
        ('["state", "error"]', "success"),
        ("[" * 100_000, "success"),
        (json.dumps("error"), "success"),
    ],
)
def test_the_state_of_a_result_of_agentscope(text: str, outcome: str) -> None:
    """The result's own state is the outcome; what cannot be read states nothing."""
    program = Program("agentscope")
    with program.span("invoke_agent writer", AGENT):
        program.one(
            "execute_tool search",
            TOOL,
            late={"gen_ai.tool.call.result": text},
            status=StatusCode.OK,
        )
    assert dict(program.counted().tools) == {("search", outcome): 1}


def test_a_result_that_says_so_elsewhere() -> None:
    """A tool of another framework may return such a text about something else."""
    program = Program("strands.tracing")
    with program.span("invoke_agent writer", AGENT):
        program.one("execute_tool search", TOOL, late={"gen_ai.tool.call.result": result("error")})
    assert dict(program.counted().tools) == {("search", "success"): 1}
