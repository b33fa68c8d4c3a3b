"""Agents that are declared by a function: LangGraph's functional API, by three instrumentations."""

import json
from typing import Any

import pytest
from opentelemetry.trace import StatusCode
from tests.dialects.spans import USAGE, Program

SCOPES = {
    "oi": "openinference.instrumentation.langchain",
    "langsmith": "langsmith",
    "tl": "opentelemetry.instrumentation.langchain",
}
BY = pytest.mark.parametrize("by", SCOPES)


def step(by: str, node: str | None, triggers: list[str] | None = None) -> dict[str, Any]:
    """Return the attributes of a step, as langgraph 1.2.24 describes it in metadata."""
    told: dict[str, Any] = {"ls_integration": "langgraph"}
    if node is not None:
        told.update(langgraph_step=0, langgraph_node=node, langgraph_triggers=triggers)
    if by == "oi":
        return {"openinference.span.kind": "CHAIN", "metadata": json.dumps(told)}
    if by == "langsmith":
        if triggers is not None:
            told["langgraph_triggers"] = json.dumps(triggers)
        kind = {"langsmith.span.kind": "chain", "gen_ai.operation.name": "chain"}
        return {**kind, **{f"langsmith.metadata.{key}": value for key, value in told.items()}}
    prefix = "traceloop.association.properties."
    return {
        "traceloop.span.kind": "task",
        "traceloop.entity.name": node or "LangGraph",
        **{prefix + key: value for key, value in told.items()},
    }


def call(by: str) -> dict[str, Any]:
    """Return the attributes of a model call."""
    if by == "oi":
        return {"openinference.span.kind": "LLM", "llm.model_name": "m"}
    if by == "langsmith":
        return {"langsmith.span.kind": "llm", "gen_ai.operation.name": "chat", **USAGE}
    return {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m", **USAGE}


@BY
@pytest.mark.parametrize("name", ["write_essay", "x", "my_agent"])
def test_an_entrypoint(by: str, name: str) -> None:
    """A function that asks a model in one of its tasks is an agent, whatever it is called."""
    program = Program(SCOPES[by])
    with (
        program.span("LangGraph", step(by, None)),
        program.span(name, step(by, name, ["__start__"])),
        program.span("ask", step(by, "ask", ["__pregel_push"])),
    ):
        program.one("ChatOpenAI", call(by))
    told = program.counted()
    assert dict(told.agents) == {name: 1}
    assert dict(told.model_calls) == {"success": 1}


@BY
def test_an_entrypoint_that_fails_at_once(by: str) -> None:
    """One that raises before it has asked anything is a failed invocation."""
    program = Program(SCOPES[by])
    with program.span("LangGraph", step(by, None), status=StatusCode.ERROR):
        program.one(
            "write",
            step(by, "write", ["__start__"]),
            status=StatusCode.ERROR,
            raised=("KeyError", "KeyError('a')"),
        )
    assert dict(program.counted().invocations) == {"error": 1}


@BY
def test_an_entrypoint_without_a_model(by: str) -> None:
    """One that asks no model and calls no tool is a workflow of the user's own."""
    program = Program(SCOPES[by])
    with program.span("LangGraph", step(by, None)):
        program.one("sort", step(by, "sort", ["__start__"]))
    assert not program.counted().invocations


@BY
@pytest.mark.parametrize(
    ("node", "triggers"), [("ask", ["branch:to:ask"]), ("ask", ["start:ask"]), ("__start__", None)]
)
def test_the_first_step_of_a_graph(by: str, node: str, triggers: list[str] | None) -> None:
    """The first node of a graph of nodes, of newer and older versions, declares nothing."""
    program = Program(SCOPES[by])
    with (
        program.span("LangGraph", step(by, None)),
        program.span(node, step(by, node, triggers or ["__start__"])),
    ):
        program.one("ChatOpenAI", call(by))
    assert not program.counted().invocations


def test_an_entrypoint_round_an_agent_of_the_framework() -> None:
    """One that only runs an agent holds it: the agent is the listing."""
    program = Program(SCOPES["oi"])
    built = {"ls_integration": "langchain_create_agent", "lc_agent_name": "writer"}
    agent = {"openinference.span.kind": "CHAIN", "metadata": json.dumps(built)}
    with (
        program.span("LangGraph", step("oi", None)),
        program.span("flow", step("oi", "flow", ["__start__"])),
        program.span("writer", agent),
    ):
        program.one("ChatOpenAI", call("oi"))
    assert dict(program.counted().agents) == {"writer": 1}
