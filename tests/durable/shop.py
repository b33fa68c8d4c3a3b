"""A web service of agents, for real servers: WSGI for gunicorn, ASGI for uvicorn.

``/call`` runs an agent and answers its process id; ``/metrics`` is the exposition. Everything
else comes from the environment.
"""

import os
import time
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

from agent_analytics.exporters import configure, make_asgi_app, make_wsgi_app
from agent_analytics.instrumentation import agent, tool

runtime = configure(service_name="shop", metrics_port=None, hold_seconds=0)
_wsgi = make_wsgi_app(runtime.processor)
_asgi = make_asgi_app(runtime.processor)


@tool
def search(seconds: float) -> None:
    """Take some time."""
    time.sleep(seconds)


@agent(publisher_id="acme", agent_id="finder", price_usd="0.05")
def find(seconds: float) -> int:
    """Answer with the process id."""
    search(seconds)
    return os.getpid()


def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Serve over WSGI."""
    if environ["PATH_INFO"] == "/call":
        body = str(find(0.002)).encode()
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [body]
    return _wsgi(environ, start_response)


Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


async def asgi(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """Serve over ASGI."""
    if scope["type"] == "http" and scope["path"] == "/call":
        body = str(find(0.002)).encode()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body})
        return
    await _asgi(scope, receive, send)
