"""No content in spans: not of arguments, results, chunks, exceptions or comments."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Generator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan

from agent_analytics.instrumentation import agent, current_invocation, record_feedback, tool

Finished = Callable[[], list[ReadableSpan]]


class Leaky(Exception):  # noqa: N818 - not an error of ours
    """An exception whose text, arguments and notes are content."""


@agent(publisher_id="acme", agent_id="finder", tenant=lambda *_, **__: "t-1")
def work(secret: str, *, how: str) -> dict[str, str]:
    """Return or raise what it was given."""
    with pytest.raises(Leaky):
        look(secret)
    if how == "raise":
        error = Leaky(secret)
        error.add_note(secret)
        raise error
    if how == "fail":
        current_invocation().fail(Leaky(secret))
    return {"answer": secret, "isError": secret}


@tool
def look(secret: str) -> str:
    """Raise what it was given."""
    raise Leaky(secret) from ValueError(secret)


@agent
def stream(secret: str) -> Generator[str, str, str]:
    """Yield, receive and return what it was given."""
    yield secret
    yield secret
    return secret


@agent
async def async_stream(secret: str) -> AsyncGenerator[dict[str, str], None]:
    """Yield and raise what it was given."""
    yield {"text": secret}
    raise Leaky(secret)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(word=st.text(alphabet="abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=20))
def test_nothing_leaks(word: str, finished: Finished) -> None:
    """A planted word is in no span, whichever way it goes through an agent."""
    secret = f"Xq7{word}7qX"
    work(secret, how="return")
    work(secret, how="fail")
    with pytest.raises(Leaky):
        work(secret, how="raise")
    reader = stream(secret)
    next(reader)
    reader.send(secret)
    reader.close()
    list(stream(secret))
    with pytest.raises(Leaky):
        stream(secret).throw(Leaky(secret))

    async def main() -> None:
        async for _ in async_stream(secret):
            pass

    with pytest.raises(Leaky):
        asyncio.run(main())
    record_feedback(publisher_id="acme", agent_id="finder", rating=1, comment=secret)
    spans = finished()
    assert len(spans) == 10
    for span in spans:
        assert not span.events
        assert secret not in span.to_json()


def test_exceptions_are_not_recorded_by_the_users_own_context(finished: Finished) -> None:
    """The body may use the span as OpenTelemetry's context manager does; that is its own doing."""

    @agent
    def own() -> None:
        trace.get_current_span().set_attribute("mine", "kept")

    own()
    (span,) = finished()
    assert (span.attributes or {})["mine"] == "kept"
