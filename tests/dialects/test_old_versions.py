"""Versions that people still run, and what they say in words of their own."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from opentelemetry.trace import StatusCode
from tests.dialects.spans import USAGE, Program

ADK = "gcp.vertex.agent"
ANSWER = {
    "content": {"parts": [{"text": 'says "usage_metadata":{"prompt_token_count":9}'}]},
    "usage_metadata": {
        "prompt_token_count": 10,
        "candidates_token_count": 4,
        "cached_content_token_count": 3,
        "thoughts_token_count": 2,
    },
}


@pytest.mark.parametrize("told", [USAGE, {}], ids=["1.14", "0.5"])
def test_a_model_call_of_an_old_adk(told: Mapping[str, Any]) -> None:
    """google-adk 1.14 gives ``call_llm`` no operation, and 0.5 no tokens but in its answer."""
    program = Program(ADK)
    asked = {
        "gen_ai.system": ADK,
        "gen_ai.request.model": "gemini-2.0-flash",
        "gcp.vertex.agent.llm_response": json.dumps(ANSWER, separators=(",", ":")),
    }
    with program.span("invocation"), program.span("agent_run [writer]"):
        program.one("call_llm", late={**asked, **told})
    counted = program.counted()
    assert dict(counted.agents) == {"writer": 1}
    assert dict(counted.model_calls) == {"success": 1}
    assert counted.tokens["input"] == 10
    assert counted.tokens["cached_input"] == 3
    assert counted.tokens["reasoning_output"] == 2


@pytest.mark.parametrize("answer", ["{}", '{"usage_metadata":', '{"usage_metadata":[1]}', "["])
def test_an_answer_of_adk_that_was_cut(answer: str) -> None:
    """An answer without usage, or one that a limit cut, leaves what the attributes say."""
    program = Program(ADK)
    with program.span("agent_run [writer]"):
        program.one("call_llm", late={"gcp.vertex.agent.llm_response": answer, **USAGE})
    assert dict(program.counted().tokens) == {"input": 10, "output": 4}


def test_a_call_of_adk_that_failed_before_it_was_described() -> None:
    """A ``call_llm`` that raised has no attribute at all, and is a failed call."""
    program = Program(ADK)
    with program.span("invocation"), program.span("agent_run [writer]", status=StatusCode.ERROR):
        program.one("call_llm", status=StatusCode.ERROR, raised=("TimeoutError", ""))
    assert dict(program.counted().model_calls) == {"timeout": 1}


def test_a_tool_of_adk_0_5() -> None:
    """google-adk 0.5 names a tool in ``tool_call […]``, and its answer in another span."""
    program = Program(ADK)
    with program.span("agent_run [writer]"), program.span("call_llm", late=USAGE):
        program.one("tool_call [search]")
        program.one("tool_response [search]")
    assert dict(program.counted().tools) == {("search", "success"): 1}


def test_an_agent_of_adk_with_brackets_in_its_name() -> None:
    """An agent is called what stands between the outermost brackets."""
    program = Program(ADK)
    program.one("agent_run [team [a]]")
    assert dict(program.counted().agents) == {"team [a]": 1}


@pytest.mark.parametrize("scope", ["pydantic-ai", "logfire.pydantic_ai"])
def test_the_step_of_pydantic_ai_in_which_tools_run(scope: str) -> None:
    """pydantic-ai 1.0 runs tools in a span ``running tools``, which is none."""
    program = Program(scope)
    with (
        program.span("agent run", {"agent_name": "writer", "model_name": "gpt-4o"}),
        program.span("running tools", {"tools": ["search"]}),
    ):
        program.one("running tool", {"gen_ai.tool.name": "search"})
    counted = program.counted()
    assert dict(counted.agents) == {"writer": 1}
    assert dict(counted.tools) == {("search", "success"): 1}


def test_an_agent_that_openinference_names_as_a_node() -> None:
    """openinference-instrumentation-openai-agents of 0.2's time has the name as ``graph.node.id``.

    The workflow round it has none.
    """
    program = Program("openinference.instrumentation.openai_agents")
    kind = {"openinference.span.kind": "AGENT"}
    with program.span("Agent workflow", kind), program.span("writer", kind) as agent:
        agent.set_attribute("graph.node.id", "writer")
    assert dict(program.counted().agents) == {"writer": 1}


def test_a_node_of_another_framework() -> None:
    """Elsewhere ``graph.node.id`` is the id of an object, and names nothing."""
    program = Program("openinference.instrumentation.agno")
    kind = {"openinference.span.kind": "AGENT", "graph.node.id": "a7b9"}
    program.one("writer.run", kind)
    assert dict(program.counted().agents) == {"writer": 1}
