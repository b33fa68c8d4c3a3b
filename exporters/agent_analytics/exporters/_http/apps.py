"""The metrics as WSGI and ASGI applications, for a web server that the service runs already."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, MutableMapping
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

from agent_analytics.exporters._access.sketch_readers import SketchReaders, is_local, readers_of
from agent_analytics.exporters._http.renderings import Answer, renderings_of
from agent_analytics.exporters._http.request import BadRequestError, path_of
from agent_analytics.exporters._http.responses import (
    READER,
    Request,
    Response,
    mounted_path,
    refuse,
    rendered,
    respond,
    route,
)
from agent_analytics.exporters._settings.settings import UNSET, OrUnset
from agent_analytics.exporters._workers.alone import REFUSAL, alone
from agent_analytics.processor import AgentMetricsProcessor

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]

_READER_OF_WSGI: Final = f"HTTP_{READER.upper().replace('-', '_')}"
_LIFESPAN: Final = ("startup", "shutdown")
#: What a web server is given at once.
_PIECE_BYTES: Final = 256 * 1024
_WRITE_SECONDS: Final = 30.0


def make_wsgi_app(
    processor: AgentMetricsProcessor, *, sketches_token: OrUnset[str | None] = UNSET
) -> "WSGIApplication":
    """Return a WSGI application that answers like the server of ``start_http_server``.

    Mount it at the root of a server of its own, under any prefix, or under ``/metrics``.

    Args:
        processor: Whose metrics are served.
        sketches_token: Bearer token for ``/metrics/sketches``; AGENT_ANALYTICS_SKETCHES_TOKEN, or
            that of ``configure()``, by default.

    Raises:
        ValueError: It is no token.
    """
    readers = readers_of(processor, sketches_token)

    def app(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        request = Request(
            environ["REQUEST_METHOD"],
            _path(
                environ.get("SCRIPT_NAME", ""),
                environ.get("PATH_INFO", ""),
                environ.get("RAW_URI") or environ.get("REQUEST_URI") or "",
            ),
            environ.get("HTTP_ACCEPT", ""),
            environ.get("HTTP_ACCEPT_ENCODING", ""),
            environ.get("HTTP_AUTHORIZATION", ""),
            is_local(
                environ.get("REMOTE_ADDR", ""),
                environ.get("HTTP_HOST", ""),
                (name[5:].replace("_", "-").lower() for name in environ if name[:5] == "HTTP_"),
            ),
            environ.get(_READER_OF_WSGI, ""),
        )
        several = bool(environ.get("wsgi.multiprocess"))
        if processor.state_dir is None and not alone(environ.get("SERVER_PORT"), several=several):
            response = refuse(REFUSAL)
        else:
            response = respond(processor, readers, request)
        status = f"{response.status.value} {response.status.phrase}"
        start_response(status, list(response.headers))
        if len(response.body) <= _PIECE_BYTES:
            return [response.body]
        return renderings_of(processor).pieces(response.body, _PIECE_BYTES)

    return app


def make_asgi_app(
    processor: AgentMetricsProcessor, *, sketches_token: OrUnset[str | None] = UNSET
) -> ASGIApp:
    """Return an ASGI 3 application that answers like the server of ``start_http_server``.

    Mount it at the root of a server of its own, under any prefix, or under ``/metrics``. The
    metrics are rendered in a thread of their own, one rendering for all who wait, so that the loop
    goes on meanwhile. Who has not taken an answer within 30 seconds does not get the rest.

    Args:
        processor: Whose metrics are served.
        sketches_token: As for ``make_wsgi_app``.

    Raises:
        ValueError: It is no token.
    """
    readers = readers_of(processor, sketches_token)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _live(receive, send)
        elif scope["type"] == "http":
            server = scope.get("server") or ("", None)
            if processor.state_dir is None and not alone(server[1] or server[0]):
                await _send(send, processor, refuse(REFUSAL))
            else:
                response = await _off_the_loop(processor, readers, _request(scope))
                await _send(send, processor, response)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1000})
        else:
            msg = f"unknown ASGI scope {scope['type']!r}"
            raise ValueError(msg)

    return app


async def _live(receive: Receive, send: Send) -> None:
    for event in _LIFESPAN:
        while (await receive())["type"] != f"lifespan.{event}":
            pass
        await send({"type": f"lifespan.{event}.complete"})


def _request(scope: Scope) -> Request:
    headers: dict[bytes, str] = {}
    for name, value in scope["headers"]:
        text = value.decode("latin-1")
        headers[name] = f"{headers[name]}, {text}" if name in headers else text
    # Servers disagree on whether the path has the prefix that the app is mounted under.
    root: str = scope.get("root_path", "").rstrip("/")
    path: str = scope["path"].removeprefix(root)
    raw: bytes = scope.get("raw_path") or b""
    return Request(
        scope["method"],
        _path(root, path, raw.decode("latin-1")),
        headers.get(b"accept", ""),
        headers.get(b"accept-encoding", ""),
        headers.get(b"authorization", ""),
        is_local(
            (scope.get("client") or ("",))[0],
            headers.get(b"host", ""),
            (name.decode("latin-1") for name in headers),
        ),
        headers.get(READER.lower().encode(), ""),
    )


def _path(root: str, path: str, target: str) -> str:
    """Return the path to route by.

    Args:
        root: What the app is mounted under.
        path: The decoded path below it, as the web server has it.
        target: The request target as it was sent; empty where the web server keeps it.
    """
    if path.lower().startswith(("http://", "https://")):  # some servers pass proxies' forms on
        try:
            path = path_of(path).removeprefix(root)
        except BadRequestError:
            return path
    # A path is decoded after it was split, so an encoded slash is no slash.
    if "%2f" in target.partition("?")[0].lower():
        return "%2F"
    return mounted_path(root, path)


async def _off_the_loop(
    processor: AgentMetricsProcessor, readers: SketchReaders, request: Request
) -> Response:
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:  # another event loop than asyncio's
        return respond(processor, readers, request)
    found = route(processor, readers, request)
    if isinstance(found, Response):
        return found
    answered: asyncio.Future[Answer] = loop.create_future()

    def settle(answer: Answer) -> None:
        if not answered.done():  # nobody waits any more where the client has gone
            answered.set_result(answer)

    def then(answer: Answer) -> None:
        with suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(settle, answer)

    renderings_of(processor).ask(found, then)
    return rendered(request, await answered)


async def _send(send: Send, processor: AgentMetricsProcessor, response: Response) -> None:
    await send(
        {
            "type": "http.response.start",
            "status": response.status.value,
            "headers": [
                (name.lower().encode("latin-1"), value.encode("latin-1"))
                for name, value in response.headers
            ],
        }
    )
    if len(response.body) <= _PIECE_BYTES:
        await send({"type": "http.response.body", "body": response.body})
        return
    # Web servers copy what they cannot send yet: of a piece that is little, of a body much.
    async with _deadline():
        sent = 0
        for piece in renderings_of(processor).pieces(response.body, _PIECE_BYTES):
            sent += len(piece)
            more = sent < len(response.body)
            await send({"type": "http.response.body", "body": piece, "more_body": more})


@asynccontextmanager
async def _deadline() -> AsyncGenerator[None]:
    """Leave what takes too long, where the event loop is asyncio's; the web server ends it then."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        yield
        return
    with suppress(TimeoutError):
        async with asyncio.timeout(_WRITE_SECONDS):
            yield
