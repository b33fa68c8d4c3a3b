"""Random trees of foreign spans: nothing raises, nothing leaks, and order does not matter."""

# looks inside for what must not be left behind
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false, reportPrivateUsage=false

import random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.dialects.replay import Player, counts
from tests.effort import examples

from agent_analytics.instrumentation import health

MARKS = st.sampled_from(
    [
        {},
        {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "a"},
        {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "search"},
        {"gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": 7},
        {"gen_ai.operation.name": 7, "gen_ai.agent.name": 1.5, "gen_ai.usage.input_tokens": "x"},
        {"openinference.span.kind": "AGENT"},
        {"openinference.span.kind": "TOOL", "tool.name": "search"},
        {"openinference.span.kind": "LLM", "llm.token_count.prompt": 7},
        {"openinference.span.kind": "CHAIN", "metadata": '{"ls_integration": "langgraph"}'},
        {"traceloop.span.kind": "workflow"},
        {"traceloop.span.kind": "task", "tool.name": ["x"]},
        {"mcp.method.name": "tools/call", "gen_ai.tool.name": "search"},
        {"http.request.method": "GET"},
    ]
)
SCOPES = st.sampled_from(["openinference.instrumentation.x", "strands.y", "autogen-core", "app"])


@st.composite
def recordings(draw: st.DrawFn) -> dict[str, Any]:
    """Return spans in random trees, some with lost parents, some that never end."""
    spans: list[dict[str, Any]] = []
    for number in range(draw(st.integers(1, 14))):
        parent = draw(st.one_of(st.none(), st.integers(0, 15)))
        start = draw(st.integers(0, 400)) * 1_000_000 + number + 1
        marks = draw(MARKS)
        spans.append(
            {
                "name": draw(st.sampled_from(["x", "invoke_agent y", "ReAct.forward", "a.run"])),
                "kind": "INTERNAL",
                "trace_id": "0" * 31 + "1",
                "span_id": f"{number + 1:016x}",
                "parent_span_id": None
                if parent is None or parent == number
                else f"{parent + 1:016x}",
                "start_time_unix_nano": start,
                "end_time_unix_nano": start + draw(st.integers(0, 400)) * 1_000_000,
                "status": {"code": draw(st.sampled_from(["UNSET", "OK", "ERROR"]))},
                "attributes": marks,
                "attributes_at_start": marks if draw(st.booleans()) else {},
                "events": [],
                "links": [],
                "scope": {"name": draw(SCOPES), "version": ""},
            }
        )
    for number, span in enumerate(spans):  # parents before children: no cycles
        parent_id = span["parent_span_id"]
        if (
            parent_id is not None
            and int(parent_id, 16) <= len(spans)
            and (int(parent_id, 16) > number)
        ):
            span["parent_span_id"] = None
    cut = draw(st.integers(0, len(spans)))
    return {"spans": spans[:cut], "unfinished_spans": spans[cut:]}


@settings(max_examples=examples(60), deadline=None)
@given(recordings())
def test_nothing_raises_and_nothing_leaks(recording: dict[str, Any]) -> None:
    """Whatever is recorded, no error is met, and given up spans leave nothing in progress."""
    errors = health.internal_errors()
    player = Player()
    player.play(recording)
    counts(player.processor)
    opened = player.processor._open_spans  # noqa: SLF001 - nothing else lets time pass
    opened._clock = lambda: 10.0**9  # noqa: SLF001 - what no public name shows
    runs = player.processor._runs  # noqa: SLF001 - what no public name shows
    runs._clock = runs._ends._clock = opened._clock  # noqa: SLF001 - what no public name shows
    told = counts(player.processor)
    assert health.internal_errors() == errors
    assert told.health["in_progress"] == 0
    assert not opened.nodes
    assert not runs._open_runs._runs  # noqa: SLF001 - what no public name shows
    assert not runs._ends._waiting  # noqa: SLF001 - what no public name shows


@settings(max_examples=examples(30), deadline=None)
@given(recordings(), st.integers(0, 10**6))
def test_the_order_of_ends_does_not_matter(recording: dict[str, Any], seed: int) -> None:
    """Spans that end in another order inside one run make the same counts."""
    spans = [*recording["spans"], *recording["unfinished_spans"]]
    root = {
        **spans[0],
        "span_id": "f" * 16,
        "parent_span_id": None,
        "name": "invoke_agent root",
        "attributes": {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "root"},
        "attributes_at_start": {"gen_ai.operation.name": "invoke_agent"},
        "start_time_unix_nano": 0,
        "end_time_unix_nano": 10**12,
        "scope": {"name": "openinference.instrumentation.x", "version": ""},
    }
    known = {span["span_id"] for span in spans}
    inside = [
        {
            **span,
            "parent_span_id": span["parent_span_id"]
            if span["parent_span_id"] in known
            else root["span_id"],
        }
        for span in spans
    ]
    shuffled = list(inside)
    random.Random(seed).shuffle(shuffled)
    results = []
    for order in (inside, shuffled):
        player = Player()
        player.play({"spans": [*order, root]})
        results.append(counts(player.processor))
    assert results[0] == results[1]
