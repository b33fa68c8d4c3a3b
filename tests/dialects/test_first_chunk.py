"""Time to first chunk, as the spans of frameworks and model libraries tell it."""

from collections.abc import Mapping
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.dialects.recordings import cases
from tests.dialects.replay import Player, Recording

from agent_analytics.exporters import exposition

MS = 1_000_000
BEGIN = 1_800_000_000_000 * MS
AGENT = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "finder"}
CHAT = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m"}
TOOL = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "ask"}


def told(recording: Recording) -> object:
    """Return count and sum of the times to first chunk, or ``None`` without the family."""
    player = Player()
    player.play(recording)
    found = {
        sample.name.removeprefix("marketplace_agent_time_to_first_chunk_seconds_"): sample.value
        for family in text_string_to_metric_families(exposition(player.processor)[0].decode())
        for sample in family.samples
        if sample.name.startswith("marketplace_agent_time_to_first_chunk_seconds_")
        and not sample.name.endswith("_bucket")
    }
    return (found["count"], found["sum"]) if found else None


def span(
    number: int,
    parent: int | None,
    start_ms: int,
    end_ms: int,
    attributes: Mapping[str, Any],
    *,
    scope: str = "some.framework",
    chunks: tuple[tuple[str, int], ...] = (),
) -> dict[str, Any]:
    """Return a recorded span; ``chunks`` are span events by name and time."""
    return {
        "name": f"span {number}",
        "trace_id": f"{1:032x}",
        "span_id": f"{number:016x}",
        "parent_span_id": None if parent is None else f"{parent:016x}",
        "start_time_unix_nano": BEGIN + start_ms * MS,
        "end_time_unix_nano": BEGIN + end_ms * MS,
        "attributes": dict(attributes),
        "attributes_at_start": dict(attributes),
        "events": [{"name": name, "timestamp": BEGIN + at * MS} for name, at in chunks],
        "scope": {"name": scope},
    }


def test_a_recorded_stream() -> None:
    """It runs from the start of the invocation to the first chunk of the answer."""
    case = next(case for case in cases() if case.name == "pydantic-ai/native/given_streaming")
    spans = {one["span_id"]: one for one in case.recording["spans"]}
    key = "gen_ai.client.operation.time_to_first_chunk"
    answer = max(
        (one for one in spans.values() if key in one["attributes"]),
        key=lambda one: one["start_time_unix_nano"],
    )
    agent = spans[answer["parent_span_id"]]
    waited = (answer["start_time_unix_nano"] - agent["start_time_unix_nano"]) / 1e9
    assert told(case.recording) == (
        1,
        pytest.approx(waited + answer["attributes"][key], abs=1e-9),
    )


@pytest.mark.parametrize(
    ("call", "scope", "chunks", "seconds"),
    [
        ({"gen_ai.response.time_to_first_chunk": 0.25}, "some.framework", (), 0.25),
        ({"gen_ai.server.time_to_first_token": 0.25}, "some.framework", (), 0.25),
        # This framework writes milliseconds under the name that others write seconds under.
        ({"gen_ai.server.time_to_first_token": 250}, "strands.telemetry.tracer", (), 0.25),
        (
            {},
            "openinference.instrumentation.openai",
            (("First Token Stream Event", 1250),),
            0.25,
        ),
        (
            {},
            "opentelemetry.instrumentation.openai",
            (("gen_ai.content.completion.chunk", 1250), ("gen_ai.content.completion.chunk", 1900)),
            0.25,
        ),
    ],
)
def test_every_spelling(
    call: Mapping[str, Any], scope: str, chunks: tuple[tuple[str, int], ...], seconds: float
) -> None:
    """Attributes in seconds and milliseconds and events say the same."""
    recording = {
        "spans": [
            span(2, 1, 1000, 2000, {**CHAT, **call}, scope=scope, chunks=chunks),
            span(1, None, 0, 3000, AGENT),
        ]
    }
    assert told(recording) == (1, pytest.approx(1 + seconds))


def test_the_answer_and_not_the_calls_before_it() -> None:
    """What a model streams before its answer, or inside a tool, is no chunk of the invocation."""
    chunk = {"gen_ai.response.time_to_first_chunk": 0.1}
    recording = {
        "spans": [
            span(2, 1, 100, 900, {**CHAT, **chunk}),
            span(4, 3, 3000, 3500, {**CHAT, **chunk}),
            span(3, 1, 1000, 4000, TOOL),
            span(5, 1, 2000, 2900, {**CHAT, **chunk}),
            span(1, None, 0, 5000, AGENT),
        ]
    }
    assert told(recording) == (1, pytest.approx(2.1))


@pytest.mark.parametrize("value", [None, "0.1", -0.5, float("nan"), True])
def test_nothing_told_is_nothing(value: object) -> None:
    """Without a time to first chunk, or with an absurd one, there is no figure."""
    call = {} if value is None else {"gen_ai.response.time_to_first_chunk": value}
    recording = {"spans": [span(2, 1, 1000, 2000, {**CHAT, **call}), span(1, None, 0, 3000, AGENT)]}
    assert told(recording) is None
