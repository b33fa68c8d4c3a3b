"""Opens addresses of servers that are asked with credentials."""

import urllib.request
from http.client import HTTPMessage
from typing import IO


def unredirected() -> urllib.request.OpenerDirector:
    """Return an opener that follows no redirect: it would carry the credentials along."""
    return urllib.request.build_opener(_NoRedirects)


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(  # noqa: PLR0917 - the standard library's signature
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: HTTPMessage,
        newurl: str,
    ) -> None:
        """Refuse; the error that is raised for the status then says so to the reader."""
