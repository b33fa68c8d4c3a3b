"""Asks Prometheus, and stops asking when whoever wanted to know has gone."""

import asyncio
import json
import urllib.parse
from collections.abc import Awaitable, Mapping
from typing import Any, Final, cast

import httpx2

from agent_analytics.processor.addresses import reached

#: Queries that are under way at a time: Prometheus answers a few at once faster than many.
_PARALLEL: Final = 6
_STRANGE: Final = "it does not answer like a Prometheus; is this its address?"
_SERVER_ERROR: Final = 500


class Failed(Exception):  # noqa: N818 - reads as what has happened
    """Prometheus does not answer, or refuses; the message says so to whoever looks at the page.

    Attributes:
        unreachable: Whether nothing has answered.
    """

    def __init__(self, message: str, *, unreachable: bool = False) -> None:
        super().__init__(message)
        self.unreachable = unreachable


class Prometheus:
    """A Prometheus, or a guard in front of one.

    Args:
        url: Its address; a user and a password in it become basic authentication.
        timeout: Seconds that a query may take.
        headers: Sent with every query.

    Raises:
        ValueError: If the address is not one of HTTP.
    """

    def __init__(
        self, url: str, *, timeout: float = 30.0, headers: Mapping[str, str] | None = None
    ) -> None:
        address, self._headers = reached(url, headers)
        self.url: Final = address
        self._timeout = timeout
        self._client: httpx2.AsyncClient | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._turns = asyncio.Semaphore(_PARALLEL)

    async def ask(self, path: str, form: Mapping[str, str | list[str]]) -> dict[str, Any]:
        """Return the answer of an endpoint such as ``query_range``, with its warnings.

        Cancelled, it closes the connection, which ends the query at Prometheus.

        Raises:
            Failed: Nothing answers, or the query was refused.
        """
        client = self._of_this_loop()
        async with self._turns:
            return self._document(
                await self._answer(client.post(f"{self.url}/api/v1/{path}", data=dict(form)))
            )

    async def label_values(
        self, label: str, selector: str, *, start: float, end: float
    ) -> list[str]:
        """Return the values of a label among series that a selector selects, sorted.

        Raises:
            Failed: Nothing answers, or the query was refused.
        """
        asked = {"start": f"{start:.3f}", "end": f"{end:.3f}"}
        if selector:
            asked["match[]"] = selector
        address = f"{self.url}/api/v1/label/{urllib.parse.quote(label)}/values"
        answer = await self._answer(self._of_this_loop().get(address, params=asked))
        data = self._document(answer).get("data")
        if not isinstance(data, list):
            raise Failed(self._refused(_STRANGE))
        return sorted(map(str, cast("list[object]", data)))

    async def close(self) -> None:
        """Let go of connections."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def _answer(self, asked: Awaitable[httpx2.Response]) -> httpx2.Response:
        try:
            return await asked
        except httpx2.HTTPError as error:
            why = str(error) or type(error).__name__
            message = f"no answer from Prometheus at {self.url}: {why}"
            raise Failed(message, unreachable=True) from error

    def _of_this_loop(self) -> httpx2.AsyncClient:
        # Connections belong to the loop that they were made in; a mounted app may see several.
        loop = asyncio.get_running_loop()
        if self._client is None or self._loop is not loop:
            self._loop = loop
            self._turns = asyncio.Semaphore(_PARALLEL)
            # It follows no redirect, which would carry the credentials along.
            self._client = httpx2.AsyncClient(
                headers=self._headers,
                timeout=self._timeout,
                # The certificates of the system are read where one is to be checked.
                verify=self.url.startswith("https:"),
            )
        return self._client

    def _document(self, answer: httpx2.Response) -> dict[str, Any]:
        try:
            document: object = json.loads(answer.content)
        except ValueError:
            document = None
        if not isinstance(document, dict):
            reason = _STRANGE if answer.is_success else f"HTTP {answer.status_code}"
            raise Failed(self._refused(reason), unreachable=answer.status_code >= _SERVER_ERROR)
        found = cast("dict[str, Any]", document)
        if found.get("status") != "success":
            raise Failed(self._refused(str(found.get("error") or _STRANGE)))
        return found

    def _refused(self, reason: str) -> str:
        return f"Prometheus at {self.url} refused: {reason}"
