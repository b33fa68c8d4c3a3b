"""Cached and reasoning tokens that a span states without the whole that they are part of."""

from typing import Any

import pytest
from tests.dialects.spans import USAGE, Program

AGENT = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "writer"}
CHAT = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m"}
CACHED = {"gen_ai.usage.cache_read.input_tokens": 5}
WRITTEN = {"gen_ai.usage.cache_creation.input_tokens": 3}
REASONING = {"gen_ai.usage.reasoning.output_tokens": 2}
OUTPUT = {"gen_ai.usage.output_tokens": 9}
INPUT = {"gen_ai.usage.input_tokens": 9}


@pytest.mark.parametrize(
    ("late", "counted"),
    [
        (CACHED, {"input": 5, "cached_input": 5}),
        (REASONING, {"output": 2, "reasoning_output": 2}),
        (
            {**CACHED, **REASONING},
            {"input": 5, "output": 2, "cached_input": 5, "reasoning_output": 2},
        ),
        ({**CACHED, **WRITTEN}, {"input": 8, "cached_input": 5}),
        ({**CACHED, **OUTPUT}, {"input": 5, "output": 9, "cached_input": 5}),
        ({**REASONING, **INPUT}, {"input": 9, "output": 2, "reasoning_output": 2}),
    ],
)
def test_a_part_without_its_whole(late: dict[str, Any], counted: dict[str, int]) -> None:
    """A whole that nobody states is at least its parts, and a part is never lost."""
    program = Program("strands.tracing")
    with program.span("invoke_agent writer", AGENT):
        program.one("chat m", late={**CHAT, **late})
    assert dict(program.counted().tokens) == counted


def test_the_parts_in_one_view_and_the_whole_in_another() -> None:
    """A framework states parts, and the client inside it the whole: one call with both."""
    program = Program("strands.tracing")
    with (
        program.span("invoke_agent writer", AGENT),
        program.span("chat m", late={**CHAT, **CACHED, **REASONING}),
    ):
        late = {**CHAT, **USAGE}
        program.one("chat m", late=late, scope="opentelemetry.instrumentation.openai.v1")
    told = program.counted()
    assert dict(told.model_calls) == {"success": 1}
    assert dict(told.tokens) == {
        "input": 10, "output": 4, "cached_input": 5, "reasoning_output": 2,
    }  # fmt: skip
