"""LangSmith's export alone: agents, tools, outcomes, tokens, as its exporter 0.15.1 writes them."""

import json
from typing import Any

import pytest
from opentelemetry.trace import StatusCode
from tests.dialects.replay import IDENTITY
from tests.dialects.spans import Program

SCOPE = "langsmith"
USAGE = {
    "input_tokens": 101,
    "output_tokens": 17,
    "input_token_details": {"cache_read": 5},
    "output_token_details": {"reasoning": 2},
}


def run(kind: str, operation: str, **metadata: str) -> dict[str, Any]:
    """Return the attributes of a run."""
    return {
        "langsmith.span.kind": kind,
        "gen_ai.operation.name": operation,
        **{f"langsmith.metadata.{key}": value for key, value in metadata.items()},
    }


def chain(**metadata: str) -> dict[str, Any]:
    """Return the attributes of a chain."""
    return run("chain", "chain", **metadata)


MODEL = {
    **run("llm", "chat", ls_model_name="gpt-4o-mini", usage_metadata=json.dumps(USAGE)),
    "gen_ai.usage.input_tokens": 101,
    "gen_ai.usage.output_tokens": 17,
}


@pytest.mark.parametrize("built", ["langchain_create_agent", "deepagents"])
def test_an_agent_that_the_framework_built(built: str) -> None:
    """``create_agent`` and ``create_deep_agent`` make one invocation, called as the agent is."""
    program = Program(SCOPE)
    mine = {"ls_integration": built, "lc_agent_name": "writer"}
    with (
        program.span("writer", late=chain(**mine)),
        program.span("model", late=chain(**mine, langgraph_node="model")),
    ):
        program.one("ChatOpenAI", late=MODEL)
    told = program.counted()
    assert dict(told.agents) == {"writer": 1}
    assert dict(told.model_calls) == {"success": 1}
    assert dict(told.tokens) == {
        "input": 101, "output": 17, "cached_input": 5, "reasoning_output": 2,
    }  # fmt: skip


def test_middleware_called_after_agents() -> None:
    """A hook of deepagents' middleware, ``….before_agent``, is a step and no agent."""
    program = Program(SCOPE)
    mine = {"ls_integration": "deepagents", "lc_agent_name": "writer"}
    hook = "PatchToolCallsMiddleware.before_agent"
    with program.span("writer", late=chain(**mine)):
        program.one(hook, late=chain(**mine, langgraph_node=hook))
    assert dict(program.counted().agents) == {"writer": 1}


def test_middleware_that_was_parted_from_its_agent() -> None:
    """A method of ``SubAgentMiddleware`` whose parent the exporter has lost is no agent."""
    program = Program(SCOPE, resource=IDENTITY)
    inner = {"ls_integration": "deepagents", "lc_agent_name": "writer", "langgraph_node": "model"}
    with program.span("SubAgentMiddleware.awrap_model_call", late=chain(**inner)):
        program.one("ChatOpenAI", late=MODEL)
    told = program.counted()
    assert not told.invocations
    assert dict(told.model_calls) == {"success": 1}


def test_a_traced_function_that_is_called_an_agent() -> None:
    """``@traceable`` functions: one called an agent is one; prompts and retrievers ask no model."""
    program = Program(SCOPE)
    with program.span("support_agent", late=chain()):
        program.one("prompt", late=run("prompt", "chat"))
        program.one("retrieve", late=run("retriever", "embeddings"))
        program.one("look", late={**run("tool", "execute_tool"), "gen_ai.tool.name": "look"})
        program.one("call", late=MODEL)
    told = program.counted()
    assert dict(told.agents) == {"support_agent": 1}
    assert dict(told.tools) == {("look", "success"): 1}
    assert dict(told.model_calls) == {"success": 1}


def test_an_agent_executor_of_langchain() -> None:
    """``AgentExecutor`` of langchain-classic is an agent, and the chains in it are its steps."""
    program = Program(SCOPE)
    with program.span("AgentExecutor", late=chain()), program.span("RunnableAgent", late=chain()):
        program.one("ChatOpenAI", late=MODEL)
    assert dict(program.counted().agents) == {"AgentExecutor": 1}


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("ToolBoom('exploded')Traceback (most recent call last): ...", "ToolBoom"),
        ("Traceback (most recent call last):\n  ...\n\nValueError: bad (really)", "ValueError"),
        ("KeyError('a')", "KeyError"),
        ("something (odd) happened", "_OTHER"),
        ("", "_OTHER"),
    ],
)
def test_a_failure_that_no_status_shows(text: str, kind: str) -> None:
    """The status OK of the beginning stays; the exception says that a run failed, and with what."""
    program = Program(SCOPE)
    mine = {"ls_integration": "langchain_create_agent", "lc_agent_name": "writer"}
    with program.span("writer", late=chain(**mine)) as span:
        span.set_status(StatusCode.OK)
        span.add_event("exception", {"exception.type": "Exception", "exception.message": text})
        span.set_status(StatusCode.ERROR)
    told = program.counted()
    assert dict(told.invocations) == {"error": 1}
    assert program.errors() == {kind: 1}


def test_a_cancelled_run() -> None:
    """A run that ended with ``CancelledError`` is cancelled, and no error."""
    program = Program(SCOPE)
    mine = {"ls_integration": "langchain_create_agent", "lc_agent_name": "writer"}
    with program.span("writer", late=chain(**mine), raised=("Exception", "CancelledError()")):
        pass
    assert dict(program.counted().invocations) == {"cancelled": 1}


def test_an_exception_elsewhere_that_was_handled() -> None:
    """A span of another scope that ends well has, whatever exception it went through."""
    program = Program("strands.tracing")
    program.one(
        "invoke_agent writer",
        {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "writer"},
        raised=("ValueError", "no"),
        status=StatusCode.OK,
    )
    assert dict(program.counted().invocations) == {"success": 1}


def test_usage_that_only_the_metadata_has() -> None:
    """Where the exporter finds no usage in the output, the metadata's counts are the call's."""
    program = Program(SCOPE)
    with program.span("support_agent", late=chain()):
        program.one("call", late=run("llm", "chat", usage_metadata=str(USAGE)))
    assert dict(program.counted().tokens) == {
        "input": 101, "output": 17, "cached_input": 5, "reasoning_output": 2,
    }  # fmt: skip
