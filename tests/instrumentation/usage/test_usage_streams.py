"""Usage in streams: running totals, differences, and several calls one after the other.

Each stream is a sequence of chunks as the newest release of the library yields them, as mappings
and as objects.
"""

from collections.abc import Callable, Generator, Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.instrumentation.shapes import FORMS, Form, anthropic, as_it_is, objects, usage

from agent_analytics.instrumentation import agent

Said = Callable[[], dict[str, object]]
Finished = Callable[[], list[Any]]
Chunks = list[dict[str, Any]]


@agent
def stream(chunks: list[object], end: object = None) -> Generator[object, None, object]:
    """Yield what it is given."""
    yield from chunks
    return end


def langchain(sent: int, made: int, name: str = "run-1", kind: str = "AIMessageChunk") -> Any:  # noqa: ANN401 - any shape
    """Return a message of LangChain with what it added."""
    used = {"input_tokens": sent, "output_tokens": made, "total_tokens": sent + made}
    return {"type": kind, "id": name, "content": "…", "usage_metadata": used}


def response(name: str | None, sent: int, made: int, kind: str = "response.completed") -> Any:  # noqa: ANN401 - any shape
    """Return an event of OpenAI's responses."""
    used = {"input_tokens": sent, "output_tokens": made, "total_tokens": sent + made}
    answer = {"model": "m", "usage": used}
    return {"type": kind, "response": answer if name is None else {**answer, "id": name}}


def chat(name: str, sent: int, made: int) -> Any:  # noqa: ANN401 - any shape
    """Return a chunk of OpenAI's chat completions with usage."""
    return {"id": name, "model": "m", "usage": {"prompt_tokens": sent, "completion_tokens": made}}


def google(name: str | None, sent: int, made: int | None) -> Any:  # noqa: ANN401 - any shape
    """Return a chunk of google-genai: totals so far."""
    used = {"prompt_token_count": sent, "total_token_count": sent + (made or 0)}
    if made is not None:
        used["candidates_token_count"] = made
    chunk = {"model_version": "m", "usage_metadata": used}
    return chunk if name is None else {**chunk, "response_id": name}


def message(name: str, used: dict[str, Any], *made: int) -> Chunks:
    """Return the events of one message of Anthropic's; the output is a running total."""
    return [
        {"type": "message_start", "message": {"id": name, "model": "m", "usage": used}},
        {"type": "content_block_delta", "delta": {"type": "text_delta", "text": "…"}},
        *({"type": "message_delta", "delta": {}, "usage": {"output_tokens": n}} for n in made),
        {"type": "message_stop"},
    ]


def bedrock(fresh: int, made: int, read: int = 0) -> Chunks:
    """Return the events of Bedrock's ConverseStream."""
    used = {
        "inputTokens": fresh,
        "outputTokens": made,
        "totalTokens": fresh + made + read,
        "cacheReadInputTokens": read,
    }
    return [
        {"messageStart": {"role": "assistant"}},
        {"contentBlockDelta": {"delta": {"text": "…"}, "contentBlockIndex": 0}},
        {"messageStop": {"stopReason": "end_turn"}},
        {"metadata": {"usage": used, "metrics": {"latencyMs": 5}}},
    ]


def run(requests: int, sent: int, made: int) -> Any:  # noqa: ANN401 - any shape
    """Return the usage of a run of pydantic-ai, of which no part is a call."""
    return {"usage": {"requests": requests, "input_tokens": sent, "output_tokens": made}}


STREAMS: Mapping[str, tuple[Chunks, dict[str, object]]] = {
    # langchain-google#975 and #576: chunks say what they added.
    "langchain": (
        [langchain(100, 30), langchain(0, 30), langchain(0, 30)],
        {"input": 100, "output": 90},
    ),
    "langchain, two calls": (
        [
            langchain(100, 30),
            langchain(0, 30),
            langchain(150, 5, "run-2"),
            langchain(0, 5, "run-2"),
        ],
        {"input": 250, "output": 70},
    ),
    # langchain-core 1.8.4, astream_events: announced for the model and the chain, then told whole.
    "langchain, events": (
        [
            {"event": "on_chat_model_stream", "data": {"chunk": langchain(100, 30)}},
            {"event": "on_chain_stream", "data": {"chunk": langchain(100, 30)}},
            {"event": "on_chat_model_stream", "data": {"chunk": langchain(0, 30)}},
            {"event": "on_chain_stream", "data": {"chunk": langchain(0, 30)}},
            {"event": "on_chat_model_end", "data": {"output": langchain(100, 60, kind="ai")}},
        ],
        {"input": 100, "output": 60},
    ),
    "langchain, messages one after the other": (
        [langchain(100, 30, "a", "ai"), langchain(150, 5, "b", "ai"), langchain(150, 5, "b", "ai")],
        {"input": 250, "output": 35},
    ),
    # openai-agents-js#635: a usage event for each of two calls.
    "responses": (
        [response("r-1", 1_000, 50), response("r-2", 1_200, 300)],
        {"input": 2_200, "output": 350, "model": "m"},
    ),
    "responses without ids": (
        [response(None, 1_000, 50), response(None, 1_200, 300)],
        {"input": 2_200, "output": 350, "model": "m"},
    ),
    "responses that are the same twice": (
        [response(None, 1_000, 50), response(None, 1_000, 50)],
        {"input": 2_000, "output": 100, "model": "m"},
    ),
    "one response told twice": (
        [response("r-1", 1_000, 50), response("r-1", 1_000, 50, "response.done")],
        {"input": 1_000, "output": 50, "model": "m"},
    ),
    # openai-agents 0.24.0: the events of a run, round those of its calls.
    "openai-agents": (
        [
            {"type": "raw_response_event", "data": {"type": "response.created", "response": {}}},
            {"type": "raw_response_event", "data": response("r-1", 1_000, 50)},
            {"type": "run_item_stream_event", "name": "tool_called", "item": {}},
            {"type": "raw_response_event", "data": response("r-2", 1_200, 300)},
        ],
        {"input": 2_200, "output": 350, "model": "m"},
    ),
    "usage events alone": (
        [
            {"usage": {"input_tokens": 1_000, "output_tokens": 50}},
            {"usage": {"input_tokens": 1_200, "output_tokens": 300}},
        ],
        {"input": 2_200, "output": 350},
    ),
    # openai 3.57.0, include_usage: the last chunk of each answer.
    "chat": (
        [
            {"id": "c-1", "model": "m", "usage": None, "choices": [{"delta": {"content": "…"}}]},
            chat("c-1", 1_000, 50),
            {"id": "c-2", "model": "m", "usage": None, "choices": [{"delta": {"content": "…"}}]},
            chat("c-2", 900, 300),
        ],
        {"input": 1_900, "output": 350, "model": "m"},
    ),
    # vLLM's continuous_usage_stats: totals so far in every chunk.
    "chat, totals so far": (
        [chat("c-1", 9, 1), chat("c-1", 9, 2), chat("c-1", 9, 3), chat("c-2", 20, 1)],
        {"input": 29, "output": 4, "model": "m"},
    ),
    # anthropic 2.14.0: two messages, the second from the cache; server tools add to the input.
    "anthropic": (
        message("a", anthropic(10, 1, 5, 2), 15, 42) + message("b", anthropic(20, 1, 100, 0), 8),
        {"input": 137, "output": 50, "cached": 105, "written": 2, "model": "m"},
    ),
    "messages without ids that were broken off": (
        [
            {"type": "message_start", "message": {"usage": anthropic(10, 1, 0, 0)}},
            {"type": "message_delta", "usage": {"output_tokens": 15}},
            {"type": "message_start", "message": {"usage": anthropic(10, 1, 0, 0)}},
            {"type": "message_delta", "usage": {"output_tokens": 20}},
        ],
        {"input": 20, "output": 35},
    ),
    "anthropic, input that grows": (
        [
            *message("a", anthropic(10, 1, 0, 0))[:2],
            {"type": "message_delta", "usage": anthropic(700, 90, 0, 0)},
        ],
        {"input": 700, "output": 90, "model": "m"},
    ),
    "anthropic, its helper's end": (
        [
            *message("a", anthropic(10, 1, 5, 2), 42)[:-1],
            {
                "type": "message_stop",
                "message": {"id": "a", "model": "m", "usage": anthropic(10, 42, 5, 2)},
            },
        ],
        {"input": 17, "output": 42, "cached": 5, "written": 2, "model": "m"},
    ),
    "anthropic, a compaction at the end": (
        [
            *message("a", anthropic(10, 1, 0, 0))[:2],
            {
                "type": "message_delta",
                "usage": anthropic(
                    10,
                    42,
                    0,
                    0,
                    iterations=[anthropic(900, 60, 0, 0), anthropic(10, 42, 0, 0)],
                ),
            },
        ],
        {"input": 910, "output": 102, "model": "m"},
    ),
    # google-genai 3.6.1: totals so far; the old client had no ids.
    "google": (
        [
            google("g-1", 10, None),
            google("g-1", 10, 5),
            google("g-1", 10, 12),
            google("g-2", 30, 4),
        ],
        {"input": 40, "output": 16, "model": "m"},
    ),
    "google without ids": (
        [google(None, 10, 5), google(None, 10, 12), google(None, 30, 4)],
        {"input": 40, "output": 16, "model": "m"},
    ),
    # boto3 1.44.8, and strands-agents 1.62.0, which puts an event round each.
    "bedrock": (
        bedrock(12, 40, 1_500) + bedrock(20, 40, 1_500),
        {"input": 3_032, "output": 80, "cached": 3_000},
    ),
    "strands": (
        [{"event": chunk} for chunk in bedrock(12, 40) + bedrock(12, 40)],
        {"input": 24, "output": 80},
    ),
    # cohere 7.3.1, ollama 0.6.3.
    "cohere": (
        [
            {"type": "message-start", "id": "c-1"},
            {
                "type": "message-end",
                "delta": {"usage": {"tokens": {"input_tokens": 70.0, "output_tokens": 12.0}}},
            },
            {"type": "message-start", "id": "c-2"},
            {
                "type": "message-end",
                "delta": {"usage": {"tokens": {"input_tokens": 70.0, "output_tokens": 15.0}}},
            },
        ],
        {"input": 140, "output": 27},
    ),
    "ollama": (
        [
            {"model": "m", "done": False, "message": {"content": "…"}},
            {"model": "m", "done": True, "prompt_eval_count": 26, "eval_count": 9},
            {"model": "m", "done": True, "prompt_eval_count": 26, "eval_count": 12},
        ],
        {"input": 52, "output": 21, "model": "m"},
    ),
    # pydantic-ai 2.68.0: what a run has used so far.
    "pydantic-ai, its run": ([run(1, 100, 20), run(2, 250, 45)], {"input": 250, "output": 45}),
    "pydantic-ai, its calls and its run": (
        [
            {
                "model_response": {
                    "kind": "response",
                    "model_name": "m",
                    "provider_response_id": "p-1",
                    "usage": {"input_tokens": 100, "output_tokens": 20},
                }
            },
            {
                "model_response": {
                    "kind": "response",
                    "model_name": "m",
                    "provider_response_id": "p-2",
                    "usage": {"input_tokens": 150, "output_tokens": 25},
                }
            },
            run(2, 250, 45),
        ],
        {"input": 250, "output": 45, "model": "m"},
    ),
    # claude-agent-sdk 0.2.189: messages in parts, then what the whole run took.
    "claude-agent-sdk": (
        [
            {"content": [], "model": "m", "message_id": "a", "usage": anthropic(10, 2, 5, 0)},
            {"content": [], "model": "m", "message_id": "a", "usage": anthropic(10, 30, 5, 0)},
            {"content": [], "model": "m", "message_id": "b", "usage": anthropic(20, 9, 0, 0)},
            {"num_turns": 2, "total_cost_usd": 0.1, "usage": anthropic(30, 39, 5, 0)},
        ],
        {"input": 35, "output": 39, "cached": 5, "model": "m"},
    ),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", STREAMS)
def test_every_stream(name: str, form: Form, said: Said) -> None:
    """Each call counts once and whole, however its usage is spread over the chunks."""
    chunks, right = STREAMS[name]
    list(stream([form(chunk) for chunk in chunks]))
    assert usage(said()) == right


def test_chunks_in_pairs(said: Said) -> None:
    """LangGraph yields each chunk with where it comes from, and names the mode round both."""
    one, two = objects(langchain(100, 30)), objects(langchain(0, 30))
    list(stream([(one, {"langgraph_node": "model"}), ("messages", (two, {})), ("values", {})]))
    assert usage(said()) == {"input": 100, "output": 60}


def test_models_do_not_mix(finished: Finished) -> None:
    """Two models of one stream have spans of their own, each with its own cached tokens."""
    small = {"id": "1", "model": "small", "usage": {"prompt_tokens": 9, "completion_tokens": 4}}
    details = {"prompt_tokens_details": {"cached_tokens": 5}}
    used = {"prompt_tokens": 90, "completion_tokens": 40, **details}
    list(stream([small, {"id": "2", "model": "large", "usage": used}, small]))
    assert [usage(span.attributes) for span in finished()] == [
        {"input": 90, "output": 40, "cached": 5, "model": "large"},
        {"input": 9, "output": 4, "model": "small"},
    ]


@pytest.mark.parametrize("form", [as_it_is, objects])
@pytest.mark.parametrize(
    ("chunks", "end"),
    [
        ([chat("c", 9, 4)], chat("c", 9, 4)),
        ([langchain(5, 2), langchain(4, 2)], langchain(9, 4, kind="ai")),
        ([response("a", 5, 1), response("b", 4, 3)], {"usage": {"input_tokens": 9}}),
        ([{"usage": {"input_tokens": 9}}], {"usage": {"input_tokens": 9, "output_tokens": 4}}),
        ([], chat("c", 9, 4)),
    ],
)
def test_what_is_returned_at_the_end(chunks: Chunks, end: object, form: Form, said: Said) -> None:
    """What a generator returns is all of it again, and not one call more."""
    list(stream([form(chunk) for chunk in chunks], form(end)))
    found = usage(said())
    assert (found["input"], found["output"]) == (9, 4)


count = st.integers(1, 10**6)
calls = st.lists(st.tuples(count, st.lists(count, min_size=1, max_size=4)), min_size=1, max_size=5)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(made=calls)
def test_whoever_streams_a_run(made: list[tuple[int, list[int]]], said: Said) -> None:
    """The same calls use the same, in differences, running totals, or told at their ends."""
    so_far = [(sent, [sum(parts[: n + 1]) for n in range(len(parts))]) for sent, parts in made]
    streams: list[Chunks] = [
        [
            langchain(0 if n else sent, part, f"run-{number}")
            for number, (sent, parts) in enumerate(made)
            for n, part in enumerate(parts)
        ],
        [
            chat(f"c-{number}", sent, total)
            for number, (sent, totals) in enumerate(so_far)
            for total in totals
        ],
        [
            google(f"g-{number}", sent, total)
            for number, (sent, totals) in enumerate(so_far)
            for total in totals
        ],
        [
            event
            for number, (sent, totals) in enumerate(so_far)
            for event in message(f"a-{number}", anthropic(sent, 1, 0, 0), *totals)
        ],
        [response(None, sent, totals[-1]) for sent, totals in so_far],
        [event for sent, totals in so_far for event in bedrock(sent, totals[-1])],
    ]
    right = (sum(sent for sent, _ in made), sum(sum(parts) for _, parts in made))
    for chunks in streams:
        list(stream([*chunks]))
        found = usage(said())
        assert (found["input"], found["output"]) == right
