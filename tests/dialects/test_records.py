"""Spans that only record what was spent: AG2 1.2.1 writes them beside its calls."""

from typing import Any

import pytest
from tests.dialects.spans import USAGE, Program

SCOPE = "opentelemetry.instrumentation.ag2"
AGENT = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "writer"}
HELPER = {**AGENT, "gen_ai.agent.name": "helper"}
CHAT = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m", **USAGE}
TASK = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "task_helper"}


def record(kind: str, **more: str) -> dict[str, Any]:
    """Return the attributes of a record."""
    return {
        "ag2.span.type": "usage",
        "ag2.usage.kind": kind,
        **{f"ag2.usage.{key}": value for key, value in more.items()},
        "gen_ai.response.model": "m",
        **USAGE,
    }


def test_a_record_of_a_call() -> None:
    """A call and the record of it are one, and so are two calls with the same tokens."""
    program = Program(SCOPE)
    with program.span("invoke_agent writer", late=AGENT):
        for _ in range(2):
            program.one("chat m", late=CHAT)
            program.one("record_usage model_call", late=record("model_call"))
    told = program.counted()
    assert dict(told.model_calls) == {"success": 2}
    assert told.tokens["input"] == 20


@pytest.mark.parametrize("kind", ["model_call", "compaction", "aggregation"])
def test_a_record_of_a_call_without_a_span(kind: str) -> None:
    """A live session's call, a shortened history and a memory have a record alone: it counts."""
    program = Program(SCOPE)
    with program.span("invoke_agent writer", late=AGENT):
        program.one("chat m", late={**CHAT, "gen_ai.usage.input_tokens": 7})
        program.one(f"record_usage {kind}", late=record(kind))
    assert program.counted().tokens["input"] == 17


def test_a_record_of_a_call_that_its_client_shows() -> None:
    """The vendor's instrumentation shows the call that shortened a history: one call."""
    program = Program(SCOPE)
    with program.span("invoke_agent writer", late=AGENT):
        program.one("chat m", late=CHAT, scope="opentelemetry.instrumentation.openai_v2")
        program.one("record_usage compaction", late=record("compaction"))
    told = program.counted()
    assert dict(told.model_calls) == {"success": 1}
    assert told.tokens["input"] == 10


@pytest.mark.parametrize("inside", ["nothing", "agent", "client"])
def test_a_record_of_a_sub_task(inside: str) -> None:
    """What a sub-task spent counts once: by its calls where they have spans, else by its record."""
    program = Program(SCOPE)
    with (
        program.span("invoke_agent writer", late=AGENT) as agent,
        program.span("execute_tool task_helper", late=TASK),
    ):
        if inside == "agent":
            with program.span("invoke_agent helper", late=HELPER):
                program.one("chat m", late=CHAT)
        elif inside == "client":
            program.one("chat m", late=CHAT, scope="opentelemetry.instrumentation.openai_v2")
        with program.within(agent):
            program.one("record_usage subtask", late=record("subtask", label="helper"))
    told = program.counted()
    assert told.tokens["input"] == 10
    assert told.model_calls.total() == (0 if inside == "nothing" else 1)
    assert dict(told.agents) == {"writer": 1}


def test_two_sub_tasks_at_once() -> None:
    """Of two that run at the same time, one with spans, each counts by what it has."""
    program = Program(SCOPE)
    with (
        program.span("invoke_agent writer", late=AGENT) as agent,
        program.span("execute_tool task_helper", late=TASK),
    ):
        with (
            program.within(agent),
            program.span("task_seen", late={**TASK, "gen_ai.tool.name": "task_seen"}),
            program.span("invoke_agent seen", late={**AGENT, "gen_ai.agent.name": "seen"}),
        ):
            program.one("chat m", late=CHAT)
        with program.within(agent):
            program.one("record_usage subtask", late=record("subtask", label="helper"))
            program.one("record_usage subtask", late=record("subtask", label="seen"))
    assert program.counted().tokens["input"] == 20
