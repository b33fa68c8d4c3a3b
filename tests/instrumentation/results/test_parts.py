"""Results of several parts, one of which is a stream: pairs of Flask and Quart, answers of boto3.

Classes of bottle 0.13, botocore 1.42 and llama-index-core 0.14 keep here what matters: their full
name, where they keep what they stream, and how it is read.
"""

import asyncio
import gc
from collections.abc import Callable, Generator, Iterator
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from tests.instrumentation.chunks import chunks, chunks_async

from agent_analytics.instrumentation import agent

Finished = Callable[[], list[ReadableSpan]]
Said = Callable[[], dict[str, object]]


def giving(value: object) -> Any:  # noqa: ANN401 - whatever it is
    """Call an agent that returns ``value``."""

    @agent(publisher_id="acme", agent_id="giver", price_usd="1")
    def give() -> object:
        return value

    return give()


def broken() -> Generator[bytes, None, None]:
    """Fail after a chunk."""
    yield b"0"
    raise TimeoutError


def like(name: str, **body: object) -> type[Any]:
    """Return a class of this full name."""
    module, _, bare = name.rpartition(".")
    return type(bare, (), {"__module__": module, "__qualname__": bare, **body})


@pytest.mark.parametrize("rest", [(200,), (200, {"X-Kind": "events"}), ({"tokens": 3},), ()])
def test_a_tuple_lasts_as_long_as_its_stream(rest: tuple[object, ...], finished: Finished) -> None:
    """A stream beside a status, headers or metadata: Flask's, Quart's, LlamaIndex's pairs."""
    stream, *others = giving((chunks(), *rest))
    assert tuple(others) == rest
    assert not finished()
    assert b"".join(stream) == b"012"
    (span,) = finished()
    assert (span.attributes or {})["marketplace.outcome"] == "success"
    assert "gen_ai.response.time_to_first_chunk" in (span.attributes or {})


def test_a_stream_in_a_tuple_that_fails_or_is_left(said: Said) -> None:
    """What the stream raises is the outcome; one that is dropped half read was cancelled."""
    stream, _ = giving((broken(), 200))
    with pytest.raises(TimeoutError):
        list(stream)
    assert said()["marketplace.outcome"] == "timeout"
    stream, _ = giving((chunks(), 200))
    next(stream)
    del stream
    gc.collect()
    assert said()["marketplace.outcome"] == "cancelled"


def test_a_stream_in_a_tuple_that_nobody_reads(said: Said) -> None:
    """It was a part of the answer, which was done when it was returned."""
    assert giving((chunks(), "the answer"))[1] == "the answer"
    gc.collect()
    assert said()["marketplace.outcome"] == "success"


def test_an_asynchronous_stream_in_a_tuple(finished: Finished) -> None:
    """Quart's pair of an asynchronous generator and a status."""

    async def read() -> bytes:
        stream, status = giving((chunks_async(), 200))
        assert status == 200
        assert not finished()
        return b"".join([chunk async for chunk in stream])

    assert asyncio.run(read()) == b"012"
    assert len(finished()) == 1


@pytest.mark.parametrize(
    "value",
    [
        (1, 2),
        (),
        ("text", {"a": 1}),
        (chunks(), chunks()),
        tuple(range(1000)),
        (object(), None),
        {"a": chunks()},
    ],
)
def test_other_tuples_and_dictionaries_are_over(value: object, finished: Finished) -> None:
    """Without one stream in it, a result is over when it is returned, and is the very object."""
    assert giving(value) is value
    assert len(finished()) == 1


def test_usage_beside_no_stream_is_read(said: Said) -> None:
    """A pair of an answer and what a client said of it is read as before."""
    usage = {"usage": {"prompt_tokens": 3, "completion_tokens": 4}, "model": "m"}
    giving(("the answer", usage))
    attributes = said()
    assert attributes["gen_ai.usage.input_tokens"] == 3


def _events(self: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - an instance of a class made below
    for _ in range(2):
        yield {"contentBlockDelta": {"delta": {"text": "a"}}}
    yield {"metadata": {"usage": {"inputTokens": self.tokens, "outputTokens": 5}}}


def _close(_: object) -> None:
    """Close the connection."""


@pytest.mark.parametrize("key", ["stream", "body", "completion"])
def test_what_boto3_returns_lasts_until_its_events_are_read(
    key: str, finished: Finished, said: Said
) -> None:
    """``converse_stream``, ``invoke_model_with_response_stream``, ``invoke_agent``."""
    kind = like("botocore.eventstream.EventStream", __iter__=_events, close=_close, tokens=12)
    events = kind()
    answer = {"ResponseMetadata": {"HTTPStatusCode": 200}, key: events}
    given = giving(answer)
    assert given is answer
    assert given[key] is events
    assert not finished()
    assert len(list(given[key])) == 3
    attributes = said()
    assert attributes["marketplace.outcome"] == "success"
    assert attributes["gen_ai.usage.input_tokens"] == 12
    assert attributes["gen_ai.usage.output_tokens"] == 5


def test_an_answer_of_boto3_without_events_is_over(said: Said) -> None:
    """``converse`` has answered."""
    giving({"ResponseMetadata": {}, "usage": {"inputTokens": 7, "outputTokens": 2}})
    assert said()["gen_ai.usage.input_tokens"] == 7


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("bottle.BaseResponse", "body"),
        ("llama_index.core.base.response.schema.StreamingResponse", "response_gen"),
    ],
)
def test_further_holders_of_streams(name: str, field: str, finished: Finished) -> None:
    """Bottle's responses and LlamaIndex's answers last as long as what they hold."""
    held = like(name)()
    setattr(held, field, chunks())
    assert giving(held) is held
    assert not finished()
    assert b"".join(getattr(held, field)) == b"012"
    assert len(finished()) == 1
