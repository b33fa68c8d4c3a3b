"""LangGraph before 1.0, which says of a span in which step it is, and nothing of the graph itself.

The metadata are those of langgraph 0.2.74 and 0.6.11, as OpenInference 0.1.80, LangSmith's export
0.15.1 and OpenLLMetry 0.62.4 write them. Whole runs of both are among the recordings.
"""

import json
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import pytest
from opentelemetry.trace import Span
from tests.dialects.spans import USAGE, Program

SCOPES = {
    "oi": "openinference.instrumentation.langchain",
    "langsmith": "langsmith",
    "tl": "opentelemetry.instrumentation.langchain",
}
#: Those that give what is called an agent the role of one.
BY_NAME = pytest.mark.parametrize("by", ["oi", "langsmith"])


def chain(by: str, name: str, node: str | None = None) -> dict[str, Any]:
    """Return the attributes of a span in a step, or of one that is in none."""
    place = {} if node is None else {"langgraph_step": 1, "langgraph_node": node}
    if by == "oi":
        kind = "AGENT" if "agent" in name.lower() else "CHAIN"
        return {"openinference.span.kind": kind, "metadata": json.dumps(place)}
    if by == "langsmith":
        kinds = {"langsmith.span.kind": "chain", "gen_ai.operation.name": "chain"}
        return {**kinds, **{f"langsmith.metadata.{key}": value for key, value in place.items()}}
    return {
        "traceloop.span.kind": "task",
        "traceloop.entity.name": name,
        "gen_ai.operation.name": "execute_task",
        **{f"traceloop.association.properties.{key}": value for key, value in place.items()},
    }


CALLS: dict[str, dict[str, Any]] = {
    "oi": {"openinference.span.kind": "LLM", "llm.model_name": "m"},
    "langsmith": {"langsmith.span.kind": "llm", "gen_ai.operation.name": "chat", **USAGE},
    "tl": {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m", **USAGE},
}


class Graphs(Program):
    """A program whose spans are those of graphs."""

    def __init__(self, by: str) -> None:
        super().__init__(SCOPES[by])
        self.by = by

    @contextmanager
    def run(self, name: str, node: str | None = None) -> Generator[Span]:
        """Run what is called so in a step, or in none."""
        shown = f"execute_task {name}" if self.by == "tl" else name
        with self.span(shown, chain(self.by, name, node)) as span:
            yield span

    def ask(self) -> None:
        """Ask a model."""
        self.one("ChatOpenAI", CALLS[self.by])


@BY_NAME
@pytest.mark.parametrize("graph", ["finder", "LangGraph", "finder_agent"])
def test_a_graph_whose_step_is_an_agent(by: str, graph: str) -> None:
    """The graph is the agent, and not each time that its step called so is gone through."""
    program = Graphs(by)
    with program.run(graph):
        for _ in range(3):
            with program.run("agent", "agent"), program.run("call_model", "agent"):
                program.ask()
    told = program.counted()
    assert dict(told.agents) == {graph: 1}
    assert dict(told.model_calls) == {"success": 3}


@BY_NAME
@pytest.mark.parametrize("step", ["agent", "my_agent", "AgentNode"])
def test_a_step_called_an_agent_that_asks_no_model(by: str, step: str) -> None:
    """A graph of the user's own is none, whatever its steps are called."""
    program = Graphs(by)
    with program.run("pipeline"):
        with program.run(step, step):
            pass
        with program.run("b", "b"):
            pass
    assert not program.counted().invocations


@BY_NAME
@pytest.mark.parametrize("function", ["agent", "call_model"])
def test_a_step_that_is_called_as_its_function_is(by: str, function: str) -> None:
    """``add_node(agent)`` gives a step and its function one name; neither is a graph."""
    program = Graphs(by)
    with program.run("finder"), program.run("agent", "agent"), program.run(function, "agent"):
        program.ask()
    assert dict(program.counted().agents) == {"finder": 1}


@BY_NAME
def test_what_the_framework_does_between_steps(by: str) -> None:
    """Langgraph 0.2 shows its channels, called after the steps: they are no agents."""
    program = Graphs(by)
    with program.run("finder"):
        with program.run("__start__", "__start__"), program.run("ChannelWrite<start:agent>", "x"):
            pass
        with program.run("agent", "agent"):
            program.ask()
            for plumbing in ("ChannelWrite<...,agent>", "Branch<agent,should_continue>"):
                with program.run(plumbing, "agent"):
                    pass
    assert dict(program.counted().agents) == {"finder": 1}


@BY_NAME
@pytest.mark.parametrize("inner", ["research_agent", "writer"])
def test_an_agent_that_a_tool_runs(by: str, inner: str) -> None:
    """A graph in a tool is in the tool's step: it is inner work of the outer one."""
    program = Graphs(by)
    with program.run("supervisor"):
        with program.run("agent", "agent"):
            program.ask()
        with (
            program.run("tools", "tools"),
            program.run(inner, "tools"),
            program.run("agent", "agent"),
        ):
            program.ask()
    told = program.counted()
    assert dict(told.agents) == {"supervisor": 1}
    assert dict(told.model_calls) == {"success": 2}


@BY_NAME
@pytest.mark.parametrize("inner", ["research_agent", "agent"])
def test_an_agent_that_is_a_node(by: str, inner: str) -> None:
    """A graph that is a node of another says that it is that step; it is the agent all the same."""
    program = Graphs(by)
    with program.run("pipeline"):
        with program.run("before", "before"):
            pass
        with program.run(inner, inner), program.run(inner, inner):
            with program.run("agent", "agent"):
                program.ask()
            with program.run("tools", "tools"):
                pass
    assert dict(program.counted().agents) == {inner: 1}


@BY_NAME
@pytest.mark.parametrize("task", ["ask", None])
def test_an_agent_that_the_function_of_a_step_runs(by: str, task: str | None) -> None:
    """A step that runs an agent is none, be it called so; neither is a step that has tasks."""
    program = Graphs(by)
    with program.run("pipeline"):
        with program.run("plan", "plan"):
            program.ask()
        with (
            program.run("agent", "agent"),
            program.run("writer", "agent"),
            program.run("agent", "agent"),
        ):
            if task is None:
                program.ask()
            else:
                with program.run(task, task):
                    program.ask()
    told = program.counted()
    assert dict(told.agents) == {"writer": 1}
    assert dict(told.model_calls) == {"success": 2}


@BY_NAME
def test_a_team_of_agents_that_are_nodes(by: str) -> None:
    """langgraph-supervisor and langgraph-swarm run each member as a node: one run of the team."""
    program = Graphs(by)
    with program.run("office"):
        for member in ("boss", "research_agent", "boss"):
            with (
                program.run(member, member),
                program.run(member, member),
                program.run("agent", "agent"),
            ):
                program.ask()
    told = program.counted()
    assert dict(told.agents) == {"boss": 1}
    assert dict(told.model_calls) == {"success": 3}


def test_a_graph_beside_what_calls_it() -> None:
    """OpenLLMetry's span of an agent stands beside the graph's where the agent is a node."""
    program = Graphs("tl")
    agent = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "research_agent"}
    whole = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "pipeline"}
    whole["gen_ai.workflow.nodes"], agent["gen_ai.workflow.nodes"] = "['a']", "['agent']"
    with (
        program.span("invoke_agent pipeline", whole),
        program.run("research_agent", "research_agent") as step,
        program.span("invoke_agent research_agent", agent),
        program.within(step),
        program.run("research_agent", "research_agent"),
        program.run("agent", "agent"),
    ):
        program.ask()
    told = program.counted()
    assert dict(told.agents) == {"research_agent": 1}
    assert dict(told.model_calls) == {"success": 1}
