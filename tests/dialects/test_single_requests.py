"""Agents as a single request, in traces of their own, and spans that poll for their answers."""

from collections.abc import Mapping
from typing import Any

import pytest
from tests.dialects.replay import IDENTITY
from tests.dialects.spans import USAGE, Program

FOUNDRY = "azure.ai.projects"
THREADS = "azure.ai.agents"
OPENLLMETRY = "opentelemetry.instrumentation.openai.v1"
RUN = "run_0123456789abcdefghijklmn"
#: A turn of an agent that runs at its provider, as five emitters write it.
TURNS: Mapping[str, tuple[str, str, dict[str, Any]]] = {
    # azure-ai-projects 2.10.0
    "foundry": (
        FOUNDRY,
        "invoke_agent writer",
        {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "writer", **USAGE},
    ),
    # azure-ai-agents 1.1.0, which knows the agent by an id alone
    "threads": (THREADS, "run", {"gen_ai.operation.name": "process_thread_run", **USAGE}),
    # the conventions' remote agents, Bedrock's among them
    "remote": (
        "opentelemetry.instrumentation.botocore.bedrock-agent-runtime",
        "invoke_agent",
        {"gen_ai.operation.name": "invoke_agent", "gen_ai.system": "aws.bedrock", **USAGE},
    ),
    # openinference-instrumentation-bedrock 0.1.61
    "bedrock": (
        "openinference.instrumentation.bedrock",
        "bedrock_agent.invoke_agent",
        {"openinference.span.kind": "AGENT", "llm.token_count.prompt": 10},
    ),
    # openinference-instrumentation-google-genai 1.4.14
    "google": (
        "openinference.instrumentation.google_genai",
        "InteractionsResource.create",
        {"openinference.span.kind": "AGENT", "llm.token_count.prompt": 10},
    ),
}  # fmt: skip


@pytest.mark.parametrize("emitter", TURNS)
def test_each_turn_is_an_invocation(emitter: str) -> None:
    """Two turns in traces of their own are two invocations, with the tokens of both."""
    scope, name, late = TURNS[emitter]
    program = Program(scope, resource=IDENTITY)
    for turn in (1, 2):
        answer = {"gen_ai.response.id": f"resp_0123456789abcdef{turn}"}
        program.one(name, late={**late, **answer}, root=True)
    told = program.counted()
    assert dict(told.invocations) == {"success": 2}
    assert told.tokens["input"] == 20


def test_a_turn_that_its_client_shows_too() -> None:
    """The model's client shows the request inside the agent's: tokens once, one invocation."""
    scope, name, late = TURNS["foundry"]
    answer = {"gen_ai.response.id": "resp_0123456789abcdef1"}
    program = Program(scope, resource=IDENTITY)
    with program.span(name, late={**late, **answer}):
        call = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m", **USAGE, **answer}
        program.one("chat m", late=call, scope=OPENLLMETRY)
    told = program.counted()
    assert dict(told.invocations) == {"success": 1}
    assert told.tokens["input"] == 10


@pytest.mark.parametrize("root", [True, False])
def test_polling_for_a_run(root: bool) -> None:  # noqa: FBT001 - a parameter of a test
    """azure-ai-agents: a run is started, and each poll repeats its usage: it counts once."""
    program = Program(THREADS, resource=IDENTITY)
    poll = {"gen_ai.operation.name": "get_thread_run", "gen_ai.thread.run.id": RUN}
    with program.span("request", scope="app"):
        start = {"gen_ai.operation.name": "start_thread_run", "gen_ai.thread.run.id": RUN}
        program.one("start_thread_run", late=start, root=root)
        program.one("get_thread_run", late=poll, root=root)
        for _ in range(3):
            program.one("get_thread_run", late={**poll, **USAGE}, root=root)
    told = program.counted()
    assert dict(told.invocations) == {"success": 1}
    assert dict(told.tokens) == {"input": 10, "output": 4}
    assert told.model_calls.total() == 1


def test_polling_inside_a_run() -> None:
    """azure-ai-agents: a run that polls for itself says its usage, as its polls do."""
    program = Program(THREADS, resource=IDENTITY)
    run = {"gen_ai.operation.name": "process_thread_run", "gen_ai.thread.run.id": RUN, **USAGE}
    with program.span("process_thread_run", late=run):
        for _ in range(3):
            poll = {"gen_ai.operation.name": "get_thread_run", "gen_ai.thread.run.id": RUN}
            program.one("get_thread_run", late={**poll, **USAGE})
    told = program.counted()
    assert dict(told.invocations) == {"success": 1}
    assert told.tokens["input"] == 10


def test_listing_a_threads_messages() -> None:
    """OpenLLMetry 0.62.4 writes an assistant's run again each time its messages are listed."""
    program = Program(OPENLLMETRY, resource=IDENTITY)
    run = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m", **USAGE}
    first = {"gen_ai.response.0.id": "msg_0123456789abcdefghijkl"}
    second = {**first, "gen_ai.response.1.id": "msg_abcdefghijkl0123456789"}
    for messages in (first, first, first, second, second):
        program.one("openai.assistant.run", late={**run, **messages}, root=True)
    told = program.counted()
    assert dict(told.model_calls) == {"success": 2}
    assert told.tokens["input"] == 20


def test_polling_through_the_client() -> None:
    """openinference-instrumentation-openai 0.1.66 marks each poll a model call: it is none."""
    program = Program("openinference.instrumentation.openai", resource=IDENTITY)
    for _ in range(5):
        program.one("Run", late={"openinference.span.kind": "LLM", "llm.system": "openai"})
    assert not program.counted().model_calls


def test_what_prepares_a_run_is_no_agent() -> None:
    """Agents, threads and messages that are made or listed are no invocations."""
    program = Program(THREADS, resource=IDENTITY)
    for operation in ("create_agent", "create_thread", "create_message", "list_messages"):
        program.one(operation, late={"gen_ai.operation.name": operation, "gen_ai.agent.name": "w"})
    told = program.counted()
    assert not told.invocations
    assert not told.model_calls
