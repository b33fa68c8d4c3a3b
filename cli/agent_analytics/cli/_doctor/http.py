"""Asks servers, and follows no redirect: it would carry the credentials along."""

import base64
import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any, Final

from agent_analytics.exporters.checks import NO_READER, READER
from agent_analytics.insights.openers import unredirected

_TIMEOUT: Final = 10.0
_MOST_BYTES: Final = 256 << 20


class NoAnswerError(Exception):
    """Nothing answers, or not as it should; the message says why.

    Attributes:
        status: Status of the answer; 0 where there was none.
        reason: What was raised, where there was no answer.
        location: Where the answer sends who asks.
    """

    def __init__(
        self,
        why: str,
        status: int = 0,
        *,
        reason: BaseException | None = None,
        location: str = "",
    ) -> None:
        super().__init__(why)
        self.status: Final = status
        self.reason: Final = reason
        self.location: Final = location

    @property
    def nobody(self) -> bool:
        """Whether nobody listens there."""
        return isinstance(self.reason, ConnectionRefusedError)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server has answered."""

    text: str
    headers: Mapping[str, str]


class Server:
    """A server that is asked below one address.

    Args:
        address: Such as ``http://localhost:9090``; a user and password in it become basic
            authentication.
        authorization: Value of the header Authorization; empty for none.

    Raises:
        ValueError: The address is not one of HTTP.
    """

    def __init__(self, address: str, authorization: str = "") -> None:
        parts = urllib.parse.urlsplit(address.strip())
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            message = f"expected an address such as http://localhost:9090, got {address!r}"
            raise ValueError(message)
        #: A look is no scrape: what is newborn must be seen at 0 by who scrapes.
        self._headers: dict[str, str] = {READER: NO_READER}
        if authorization:
            self._headers["Authorization"] = authorization
        if parts.username is not None:
            user = urllib.parse.unquote(parts.username)
            password = urllib.parse.unquote(parts.password or "")
            token = base64.b64encode(f"{user}:{password}".encode()).decode()
            self._headers["Authorization"] = f"Basic {token}"
        host = parts.netloc.rpartition("@")[2]
        self.url: Final = f"{parts.scheme}://{host}{parts.path.rstrip('/')}"
        self._opener = unredirected()

    def elsewhere(self, address: str) -> "Server":
        """Return the server at another of its addresses, asked with the same credentials."""
        return Server(address, self._headers.get("Authorization", ""))

    def get(self, path: str = "") -> Answer:
        """Return the answer to a request.

        Raises:
            NoAnswerError: There is none, or it is an error.
        """
        request = urllib.request.Request(f"{self.url}{path}", headers=self._headers)  # noqa: S310 - the scheme is checked above
        try:
            with self._opener.open(request, timeout=_TIMEOUT) as response:
                body: bytes = response.read(_MOST_BYTES)
                return Answer(body.decode(errors="replace"), dict(response.headers))
        except urllib.error.HTTPError as error:
            with error:
                why = f"HTTP {error.code} {error.reason}"
                location = error.headers.get("Location", "")
                raise NoAnswerError(why, error.code, location=location) from error
        except (OSError, HTTPException, ValueError) as error:
            raised = error.reason if isinstance(error, urllib.error.URLError) else error
            reason = raised if isinstance(raised, Exception) else error
            why = str(raised) or type(error).__name__
            raise NoAnswerError(why, reason=reason) from error

    def ask(self, path: str) -> Any:  # noqa: ANN401 - JSON of a server
        """Return the ``data`` of what an API of Prometheus answers.

        Raises:
            NoAnswerError: There is none, or it is none of Prometheus'.
        """
        text = self.get(path).text
        try:
            return json.loads(text)["data"]
        except (ValueError, KeyError, TypeError) as error:
            why = "what answers there is no Prometheus"
            raise NoAnswerError(why) from error

    def query(self, expression: str) -> list[dict[str, Any]]:
        """Return what an instant query finds: labels under ``metric``, the value under ``value``.

        Raises:
            NoAnswerError: There is no answer, or it is none of Prometheus'.
        """
        data = self.ask(f"/api/v1/query?query={urllib.parse.quote(expression)}")
        try:
            found: list[dict[str, Any]] = list(data["result"])
        except (KeyError, TypeError) as error:
            why = "what answers there is no Prometheus"
            raise NoAnswerError(why) from error
        return found
