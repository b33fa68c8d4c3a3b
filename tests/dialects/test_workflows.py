"""Workflows: which are agents themselves, and which only hold what an agent or a chain does."""

from collections.abc import Mapping
from typing import Any

import pytest
from opentelemetry.trace import StatusCode
from tests.dialects.spans import USAGE, Program

#: genai-langchain 1.3b0 calls a graph that is not called an agent a workflow: deepagents' too.
GENAI = "opentelemetry.instrumentation.genai.langchain"
CHAT = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m", **USAGE}
WORKFLOW = {"gen_ai.operation.name": "invoke_workflow", "gen_ai.workflow.name": "supervisor"}
AGENT = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "helper"}
TOOL = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "search"}
#: Whoever declares a workflow in code: ``@workflow`` of traceloop-sdk 0.62.4, and the handler of
#: opentelemetry-util-genai 0.4b0 (``with handler.workflow(name)``).
DECLARED: dict[str, tuple[str, str, Mapping[str, Any]]] = {
    "traceloop": (
        "traceloop.tracer",
        "supervisor.workflow",
        {"traceloop.span.kind": "workflow", "traceloop.entity.name": "supervisor"},
    ),
    "util": ("opentelemetry.util.genai.handler", "invoke_workflow supervisor", WORKFLOW),
}
BY = pytest.mark.parametrize("by", DECLARED)


@pytest.mark.parametrize("tools", [1, 3])
def test_a_workflow_that_asks_again_once_a_tool_has_answered(tools: int) -> None:
    """A deep agent that calls tools and no agent is one by its work."""
    program = Program(GENAI)
    with program.span("invoke_workflow supervisor", WORKFLOW):
        for _ in range(tools):
            program.one("chat m", CHAT)
            program.one("execute_tool search", TOOL)
        program.one("chat m", CHAT)
    told = program.counted()
    assert dict(told.agents) == {"supervisor": 1}
    assert dict(told.model_calls) == {"success": tools + 1}


@pytest.mark.parametrize("steps", ["m", "mm", "tm", "mt", "ttm", "tt"])
def test_a_chain_is_no_agent(steps: str) -> None:
    """What a framework calls a workflow and asks no model about a tool's answer is a chain."""
    program = Program(GENAI)
    with program.span("invoke_workflow supervisor", WORKFLOW):
        for step in steps:
            if step == "m":
                program.one("chat m", CHAT)
            else:
                program.one("execute_tool search", TOOL)
    told = program.counted()
    assert not told.invocations
    assert told.health["unattributed"] == len(steps)


def test_subagents_at_once() -> None:
    """Two agents in tools that overlap with each other are inner work of the outer one."""
    program = Program(GENAI)
    with program.span("invoke_workflow supervisor", WORKFLOW) as outer:
        program.one("chat m", CHAT)
        with program.span("execute_tool task", TOOL), program.span("invoke_agent helper", AGENT):
            program.one("chat m", CHAT)
            with (
                program.within(outer),
                program.span("execute_tool task", TOOL),
                program.span("invoke_agent other", {**AGENT, "gen_ai.agent.name": "other"}),
            ):
                program.one("chat m", CHAT)
        program.one("chat m", CHAT)
    told = program.counted()
    assert dict(told.agents) == {"supervisor": 1}
    assert dict(told.model_calls) == {"success": 4}


@pytest.mark.parametrize("status", [StatusCode.OK, StatusCode.ERROR])
def test_a_workflow_round_an_agent(status: StatusCode) -> None:
    """A framework's workflow that asks models beside its agent holds it: the agent is counted."""
    program = Program(GENAI)
    with program.span("invoke_workflow supervisor", WORKFLOW, status=status):
        program.one("chat m", CHAT)
        program.one("execute_tool search", TOOL)
        with program.span("invoke_agent helper", AGENT, status=status):
            program.one("chat m", CHAT)
    outcome = "success" if status is StatusCode.OK else "error"
    told = program.counted()
    assert dict(told.agents) == {"helper": 1}
    assert dict(told.invocations) == {outcome: 1}


# --- declared by the user's own code -------------------------------------------------------------


@BY
@pytest.mark.parametrize("work", [("chat m", CHAT), ("execute_tool search", TOOL)])
def test_a_declared_workflow(by: str, work: tuple[str, Mapping[str, Any]]) -> None:
    """One that asks a model or calls a tool is an invocation, called as it was declared."""
    scope, name, attributes = DECLARED[by]
    program = Program(scope)
    with program.span(name, attributes):
        program.one(*work, scope="opentelemetry.instrumentation.openai")
    told = program.counted()
    assert dict(told.agents) == {"supervisor": 1}
    assert not told.health["unattributed"]


@BY
def test_a_declared_workflow_in_another(by: str) -> None:
    """The outermost is the invocation."""
    scope, name, attributes = DECLARED[by]
    program = Program(scope)
    with program.span(name, attributes), program.span(name, attributes):
        program.one("chat m", CHAT)
    assert dict(program.counted().agents) == {"supervisor": 1}


@BY
def test_a_declared_workflow_round_agents(by: str) -> None:
    """Agents in it are what is counted: they are the parts of one run."""
    scope, name, attributes = DECLARED[by]
    program = Program(scope)
    with program.span(name, attributes):
        for _ in range(2):
            with program.span("invoke_agent helper", AGENT):
                program.one("chat m", CHAT)
    assert dict(program.counted().agents) == {"helper": 1}


@BY
def test_a_declared_workflow_that_fails_at_once(by: str) -> None:
    """One that raises before it has asked anything is a failed invocation."""
    scope, name, attributes = DECLARED[by]
    program = Program(scope)
    program.one(name, attributes, status=StatusCode.ERROR, raised=("KeyError", "a"))
    assert dict(program.counted().invocations) == {"error": 1}


@BY
def test_a_declared_workflow_without_a_model(by: str) -> None:
    """One that does nothing that an agent does is a function of the user's own."""
    scope, name, attributes = DECLARED[by]
    program = Program(scope)
    program.one(name, attributes)
    assert not program.counted().invocations
