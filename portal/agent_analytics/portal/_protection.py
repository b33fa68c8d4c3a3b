"""Who may ask the portal: pages of its own, under names that are its own.

A page of another site may send requests to loopback, and a name of another site may be made to
point there. Neither reaches anything: the first has another ``Origin``, the second another
``Host``.
"""

from collections.abc import Collection
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK: Final = ("127.0.0.1", "localhost", "[::1]")
#: Nothing from third parties, no script and no style but files of the portal.
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
    " connect-src 'self'; base-uri 'self'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_OWN: Final = frozenset({"", "same-origin", "none"})


class Protection:
    """Lets requests of the portal's own pages through to an app, and no others.

    Args:
        app: What is protected.
        hosts: Names under which it is served, without ports; besides those of loopback.
    """

    def __init__(self, app: ASGIApp, hosts: Collection[str] = ()) -> None:
        self._app = app
        self._hosts = frozenset(name.lower() for name in (*LOOPBACK, *hosts))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def protected(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        against = self._against(Headers(scope=scope), scope["path"])
        if against:
            await PlainTextResponse(against, 403)(scope, receive, protected)
        else:
            await self._app(scope, receive, protected)

    def _against(self, headers: Headers, path: str) -> str:
        """Return what stands against a request, or nothing."""
        host = headers.get("host", "").lower()
        if _name(host) not in self._hosts:
            return "This host name is not one of the portal's: see --allow-host.\n"
        origin = headers.get("origin")
        if origin is not None and origin.lower().partition("://")[2] != host:
            return "Pages of other origins may not ask the portal.\n"
        # A link of another site may lead to a page, and to nothing that pages ask for.
        if "/api/" in path and headers.get("sec-fetch-site", "") not in _OWN:
            return "Pages of other sites may not ask the portal.\n"
        return ""


def _name(host: str) -> str:
    """Return the name in a ``Host`` header, without the port."""
    if host.startswith("["):
        return host[: host.find("]") + 1]
    return host.partition(":")[0]
