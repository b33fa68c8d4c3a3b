"""Responses that are sent after the call that returned them, and streams of SDKs.

Starlette, sse-starlette, openai, httpx, langchain, pydantic-ai and openai-agents are the real ones.
Of other libraries, stated with their versions, the classes here keep what matters: their full name,
where they keep their iterator, and how servers read and close them.
"""

import asyncio
import gc
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import suppress
from typing import Any, Final, cast

import httpx
import httpx2
import openai
import pytest
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage
from opentelemetry.sdk.trace import ReadableSpan
from pydantic_ai import Agent
from pydantic_ai.models.test import TestModel
from sse_starlette import EventSourceResponse
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from tests.instrumentation.chunks import chunks, chunks_async
from tests.patience import patience

from agent_analytics.instrumentation import agent, tool

Finished = Callable[[], list[ReadableSpan]]
Outcomes = Callable[[], list[object]]

SSE: Final = b"""\
data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"gpt-x",\
"choices":[{"index":0,"delta":{"role":"assistant","content":"hi"},"finish_reason":"stop"}]}

data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"gpt-x",\
"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":3,"total_tokens":12}}

data: [DONE]

"""
BROKEN: Final = b'data: {"error": {"message": "overloaded"}}\n\n'


@pytest.fixture
def outcomes(finished: Finished) -> Outcomes:
    """Return what returns the outcomes of the spans that ended since it was last asked."""
    return lambda: [(span.attributes or {})["marketplace.outcome"] for span in finished()]


def giving(value: object) -> Any:  # noqa: ANN401 - whatever it is
    """Call an agent that returns ``value``."""

    @agent(publisher_id="acme", agent_id="giver")
    def give() -> object:
        return value

    return give()


async def _failing() -> AsyncGenerator[bytes, None]:
    yield b"0"
    raise TimeoutError


class Events:
    """An asynchronous iterable that is no generator."""

    def __init__(self) -> None:
        self.left = 3

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        await asyncio.sleep(0)
        if not self.left:
            raise StopAsyncIteration
        self.left -= 1
        return b"%d" % (2 - self.left)


def _get(make: Callable[[], Response]) -> bytes:
    """Serve what an agent makes, and read all of it."""

    @agent(publisher_id="acme", agent_id="giver")
    async def endpoint(_: Request) -> Response:
        await asyncio.sleep(0)
        return make()

    async def main() -> bytes:
        transport = httpx.ASGITransport(Starlette(routes=[Route("/", endpoint)]))
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return (await client.get("/")).content

    return asyncio.run(main())


@pytest.mark.parametrize("content", [chunks, chunks_async, Events, lambda: [b"0", b"1", b"2"]])
def test_starlette(content: Callable[[], Any], outcomes: Outcomes) -> None:
    """A streaming response lasts until it was sent; its background task comes after that."""
    seen: list[list[object]] = []
    made: list[StreamingResponse] = []

    def make() -> StreamingResponse:
        task = BackgroundTask(lambda: seen.append(outcomes()))
        made.append(StreamingResponse(content(), background=task))
        return made[-1]

    assert _get(make) == b"012"
    assert seen == [["success"]]
    assert type(made[0]) is StreamingResponse


def test_sse_starlette(outcomes: Outcomes) -> None:
    """So does a response of server-sent events."""
    assert _get(lambda: EventSourceResponse(chunks_async())) == b"012"
    assert outcomes() == ["success"]


def test_a_response_that_does_not_stream_is_over(outcomes: Outcomes) -> None:
    """Other responses end at return, whatever their background tasks do."""
    seen: list[list[object]] = []
    task = BackgroundTask(lambda: seen.append(outcomes()))
    assert _get(lambda: JSONResponse({}, background=task)) == b"{}"
    assert seen == [["success"]]


def test_a_response_that_fails_while_it_is_sent(outcomes: Outcomes) -> None:
    """A body that raises is the outcome."""
    with suppress(TimeoutError):
        _get(lambda: StreamingResponse(_failing()))
    assert outcomes() == ["timeout"]


@pytest.mark.parametrize("version", ["2.0", "2.4"])
@pytest.mark.parametrize("content", [chunks, chunks_async, Events])
def test_a_client_that_disconnects(
    version: str, content: Callable[[], Any], outcomes: Outcomes
) -> None:
    """A response whose client goes away is cancelled, however the server says so."""

    async def serve() -> None:
        response: StreamingResponse = giving(StreamingResponse(content()))
        sent = asyncio.Event()

        async def receive() -> dict[str, Any]:
            await sent.wait()
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:  # noqa: ANN401 - of ASGI
            if message.get("body"):
                sent.set()
                if version == "2.4":
                    raise OSError
                await asyncio.Event().wait()

        scope = {"type": "http", "asgi": {"spec_version": version}}
        with suppress(Exception):
            await response(scope, receive, send)

    async def main() -> None:
        await serve()
        gc.collect()
        for _ in range(5):
            await asyncio.sleep(0)

    asyncio.run(main())
    gc.collect()
    assert outcomes() == ["cancelled"]


def test_a_response_that_is_never_sent(outcomes: Outcomes) -> None:
    """A response that a middleware replaces by its own is cancelled."""
    giving(StreamingResponse(chunks_async()))
    gc.collect()
    assert outcomes() == ["cancelled"]


def _sse(content: bytes) -> Callable[[httpx2.Request], httpx2.Response]:
    return lambda _: httpx2.Response(
        200, headers={"content-type": "text/event-stream"}, content=content
    )


def _openai(content: bytes) -> openai.OpenAI:
    transport = httpx2.MockTransport(_sse(content))
    return openai.OpenAI(api_key="k", http_client=httpx2.Client(transport=transport))


def _async_openai(content: bytes) -> openai.AsyncOpenAI:
    transport = httpx2.MockTransport(_sse(content))
    return openai.AsyncOpenAI(api_key="k", http_client=httpx2.AsyncClient(transport=transport))


def _create(client: Any) -> Any:  # noqa: ANN401 - of either kind
    return client.chat.completions.create(
        model="gpt-x", messages=[{"role": "user", "content": "?"}], stream=True
    )


def _tokens(span: ReadableSpan) -> tuple[object, object]:
    attributes = span.attributes or {}
    return attributes["gen_ai.usage.input_tokens"], attributes["gen_ai.usage.output_tokens"]


def test_openai_streams(finished: Finished, outcomes: Outcomes) -> None:
    """A stream of openai keeps its type, lasts, and says its tokens."""
    stream = giving(_create(_openai(SSE)))
    assert type(cast("object", stream)) is openai.Stream
    assert len(list(stream)) == 2
    (span,) = finished()
    assert _tokens(span) == (9, 3)
    with pytest.raises(openai.APIError):
        list(giving(_create(_openai(BROKEN))))
    assert outcomes() == ["error"]
    with giving(_create(_openai(SSE))) as stream:
        next(stream)
    assert outcomes() == ["cancelled"]
    manager = giving(
        _openai(SSE).chat.completions.stream(
            model="gpt-x", messages=[{"role": "user", "content": "?"}]
        )
    )
    with manager as stream:
        assert stream.get_final_completion().choices[0].message.content == "hi"
        assert not finished()
    assert [_tokens(span) for span in finished()] == [(9, 3)]


def test_asynchronous_openai_streams(finished: Finished) -> None:
    """So does an asynchronous one; a coroutine of the client may be returned as well."""

    async def main() -> None:
        stream = giving(await _create(_async_openai(SSE)))
        assert type(cast("object", stream)) is openai.AsyncStream
        assert len([chunk async for chunk in stream]) == 2
        assert [_tokens(span) for span in finished()] == [(9, 3)]
        stream = await giving(_create(_async_openai(SSE)))
        assert not finished()
        assert len([chunk async for chunk in stream]) == 2
        assert [_tokens(span) for span in finished()] == [(9, 3)]

    asyncio.run(main())


def test_responses_of_httpx(outcomes: Outcomes) -> None:
    """A response that is read later lasts until then; one that was read is over."""
    transport = httpx.MockTransport(lambda _: httpx.Response(200, content=iter([b"a\n", b"b\n"])))
    with httpx.Client(transport=transport, base_url="http://test") as client:
        request = client.build_request("GET", "/")
        assert giving(client.get("/")).text == "a\nb\n"
        assert outcomes() == ["success"]
        response = giving(client.send(request, stream=True))
        assert type(response) is httpx.Response
        assert not outcomes()
        assert list(response.iter_lines()) == ["a", "b"]
        assert outcomes() == ["success"]
        giving(client.send(request, stream=True)).close()
        assert outcomes() == ["cancelled"]
        with giving(client.stream("GET", "/")) as response:
            response.read()
            assert not outcomes()
        assert outcomes() == ["success"]


def test_langchain_streams(outcomes: Outcomes) -> None:
    """What LangChain streams lasts, returned by a tool as by an agent."""
    model = GenericFakeChatModel(messages=iter([AIMessage("a b")] * 3))

    @tool
    def search() -> Iterator[Any]:
        return model.stream("?")

    assert len(list(search())) == 3
    assert outcomes() == ["success"]

    async def main() -> None:
        stream = giving(model.astream_events("?", version="v2"))
        assert not outcomes()
        assert [event async for event in stream]
        assert outcomes() == ["success"]

    asyncio.run(main())


def test_pydantic_ai_streams(finished: Finished) -> None:
    """The managers and streams of pydantic-ai last until they are left, with their tokens."""
    helper = Agent(TestModel())

    async def main() -> None:
        async with giving(helper.run_stream("?")) as result:
            assert [text async for text in result.stream_text()]
            assert not finished()
        (span,) = finished()
        assert _tokens(span)[0] == 51
        async with giving(helper.iter("?")) as run:
            async for _ in run:
                assert not finished()
        assert len(finished()) == 1

    asyncio.run(main())
    # Its synchronous stream runs in the loop of the thread, or in one that nobody closes.
    with asyncio.Runner() as runner:
        asyncio.set_event_loop(runner.get_loop())
        result = giving(helper.run_stream_sync("?"))
        assert not finished()
        assert list(result.stream_text())
        assert len(finished()) == 1
    asyncio.set_event_loop(None)


def _library(module: str, qualname: str | None = None) -> Callable[[type], type]:
    """Give a class the full name that it has in its library."""

    def name(kind: type) -> type:
        kind.__module__ = module
        kind.__qualname__ = qualname or kind.__name__
        return kind

    return name


@_library("werkzeug.wrappers.response", "Response")
class Werkzeug:
    """Of werkzeug 1.0 to 3.1, so of Flask: servers iterate over it and close it."""

    direct_passthrough = False

    def __init__(self, response: Any) -> None:  # noqa: ANN401 - of any type
        self.response = response

    def send(self) -> list[bytes]:
        """Do as a WSGI server."""
        try:
            return list(self.response)
        finally:
            self.close()

    def close(self) -> None:
        """Close what is sent."""
        if hasattr(self.response, "close"):
            self.response.close()


@_library("django.http.response", "StreamingHttpResponse")
class Django:
    """Of Django 2.2 to 5.2: it remembers how to close what it streams."""

    def __init__(self, value: Any) -> None:  # noqa: ANN401 - of any type
        self._iterator = iter(value)
        self._resource_closers = [value.close] if hasattr(value, "close") else []

    def __getitem__(self, header: str) -> str:
        raise KeyError(header)

    def __iter__(self) -> Iterator[bytes]:
        return map(bytes, self._iterator)

    def send(self) -> list[bytes]:
        """Do as a WSGI server."""
        try:
            return list(self)
        finally:
            self.close()

    def close(self) -> None:
        """Close what is sent."""
        for close in self._resource_closers:
            close()


@_library("webob.response", "Response")
class WebOb:
    """Of WebOb 1.8, so of Pyramid."""

    def __init__(self, app_iter: Any) -> None:  # noqa: ANN401 - of any type
        self._app_iter = app_iter

    def send(self) -> list[bytes]:
        """Do as a WSGI server."""
        return list(self._app_iter)

    def close(self) -> None:
        """Close what is sent."""
        self._app_iter.close()


@_library("requests.models", "Response")
class Requests:
    """Of requests 2.34, asked for with stream=True."""

    def __init__(self, raw: Iterator[bytes]) -> None:
        self.raw = raw
        self._content: bytes | bool = False
        self._content_consumed = False

    def __iter__(self) -> Iterator[bytes]:
        return self.iter_content(128)

    def iter_content(self, _size: int = 1) -> Iterator[bytes]:
        """Return an iterator over the body."""

        def generate() -> Iterator[bytes]:
            yield from self.raw
            self._content_consumed = True

        return generate()

    def send(self) -> list[bytes]:
        """Read it."""
        return list(self.iter_content())

    def close(self) -> None:
        """Close the connection."""


@pytest.mark.parametrize("kind", [Werkzeug, Django, WebOb, Requests])
def test_synchronous_responses(kind: Callable[[Any], Any], outcomes: Outcomes) -> None:
    """A response of a WSGI framework lasts until the server has sent or closed it."""
    response = giving(kind(chunks()))
    assert type(response) is kind
    assert not outcomes()
    assert response.send() == [b"0", b"1", b"2"]
    assert outcomes() == ["success"]
    response.close()
    response = giving(kind(chunks()))
    response.close()
    assert outcomes() == ["cancelled"]
    giving(kind(chunks()))
    gc.collect()
    assert outcomes() == ["cancelled"]


def test_responses_that_are_whole(outcomes: Outcomes) -> None:
    """A response whose body is there is over at return; so is one that is sent from a file."""
    response = Werkzeug([b"0"])
    assert giving(response) is response
    assert outcomes() == ["success"]
    response = Werkzeug(iter([b"0"]))
    response.direct_passthrough = True
    giving(response)
    assert outcomes() == ["success"]
    done = Requests(iter(()))
    done._content_consumed = True  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]  # as read
    giving(done)
    assert outcomes() == ["success"]
    sent = Sanic(chunks_async())
    del sent.streaming_fn  # As if called already.
    giving(sent)
    assert outcomes() == ["success"]


class _Body:
    """Of Quart 0.15 to 0.22: a body with an asynchronous iterator."""

    def __init__(self, iterator: AsyncIterator[bytes]) -> None:
        self.iter = iterator


@_library("quart.wrappers.response", "Response")
class Quart:
    """Of Quart 0.15 to 0.22."""

    def __init__(self, iterator: AsyncIterator[bytes]) -> None:
        self.response = _Body(iterator)

    async def send(self) -> list[bytes]:
        """Do as an ASGI server."""
        return [chunk async for chunk in self.response.iter]


class _Payload:
    """Of aiohttp 3.8 to 3.14: AsyncIterablePayload."""

    def __init__(self, value: AsyncIterator[bytes]) -> None:
        self._iter = value

    async def write(self) -> list[bytes]:
        """Write it."""
        found: list[bytes] = []
        with suppress(StopAsyncIteration):
            while True:
                found.append(await self._iter.__anext__())
        return found


@_library("aiohttp.web_response", "Response")
class Aiohttp(dict[str, str]):
    """Of aiohttp 3.8 to 3.14: it is a mapping, too."""

    def __init__(self, value: AsyncIterator[bytes]) -> None:
        super().__init__()
        self._body = _Payload(value)

    async def send(self) -> list[bytes]:
        """Do as its server."""
        return await self._body.write()


@_library("litestar.response.streaming", "Stream")
class Litestar:
    """Of Litestar 2.0 to 2.25."""

    def __init__(self, content: AsyncIterator[bytes]) -> None:
        self.iterator = content

    async def send(self) -> list[bytes]:
        """Do as an ASGI server."""
        return [chunk async for chunk in self.iterator]


@_library("sanic.response.types", "ResponseStream")
class Sanic:
    """Of Sanic 21.12 to 25: a function that is called to send the body."""

    __slots__ = ("__weakref__", "sent", "streaming_fn")

    def __init__(self, content: AsyncIterator[bytes]) -> None:
        self.sent: list[bytes] = []

        async def stream(response: Any) -> None:  # noqa: ANN401 - as Sanic calls it
            async for chunk in content:
                response.sent.append(chunk)

        self.streaming_fn = stream

    async def send(self) -> list[bytes]:
        """Do as its server."""
        await self.streaming_fn(self)
        return self.sent


@pytest.mark.parametrize("kind", [Quart, Aiohttp, Litestar, Sanic])
@pytest.mark.parametrize("content", [chunks_async, Events])
def test_asynchronous_responses(
    kind: Callable[[Any], Any], content: Callable[[], AsyncIterator[bytes]], outcomes: Outcomes
) -> None:
    """A response of an ASGI framework lasts until it was sent, or dropped."""

    async def main() -> None:
        response = giving(kind(content()))
        assert type(response) is kind
        assert not outcomes()
        assert await response.send() == [b"0", b"1", b"2"]
        assert outcomes() == ["success"]
        del response
        giving(kind(content()))
        gc.collect()
        assert outcomes() == ["cancelled"]

    asyncio.run(main())


def test_threads_read_one_object(outcomes: Outcomes) -> None:
    """Each chunk may be asked for by another thread, as Starlette does with plain iterators."""
    response: Any = giving(iter([1, 2, 3]))
    found: list[int] = []
    for _ in range(3):
        reader = threading.Thread(target=lambda: found.append(next(response)))
        reader.start()
        reader.join(patience())
    assert next(response, None) is None
    assert found == [1, 2, 3]
    assert outcomes() == ["success"]
