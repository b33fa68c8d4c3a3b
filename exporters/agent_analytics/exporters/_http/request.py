"""The head of an HTTP/1 request, read as RFC 9110 and RFC 9112 say.

What they call a bad request is one here, too: a lenient reading of an odd request is how two
servers in a row come to understand it differently.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final
from urllib.parse import unquote

_MAX_HEAD_BYTES: Final = 16 * 1024
#: RFC 9112 wants 8,000 at least.
_MAX_LINE_BYTES: Final = 8 * 1024
#: A line may end without its carriage return.
_END: Final = re.compile(rb"\r?\n\r?\n")
_BEGINS: Final = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]")
_WORDS: Final = 3
_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VERSION: Final = re.compile(r"HTTP/([0-9])\.([0-9])")
#: A fragment stays with the client, so it is in no request target.
_TARGET: Final = re.compile(r"[!\"$-~]+")
_BAD_ESCAPE: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
_ABSOLUTE: Final = re.compile(r"https?://([^/?]*)(.*)", re.IGNORECASE)
_HOST: Final = re.compile(r"(?:\[[0-9A-Za-z:.%_~-]+\]|[0-9A-Za-z._~!$&'()*+,;=%-]*)(?::[0-9]*)?")
_NO_TEXT: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_ENCODED_SLASH: Final = re.compile("%2f", re.IGNORECASE)


class BadRequestError(Exception):
    """A request that is answered with an error status instead of being read."""

    def __init__(self, status: HTTPStatus) -> None:
        super().__init__(status.phrase)
        self.status = status


@dataclass(frozen=True, slots=True)
class Head:
    """Request line and headers; the names of headers are in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]


class HeadReader:
    """Reads a request up to the end of its headers, as its bytes come in."""

    def __init__(self) -> None:
        self._data = bytearray()

    def feed(self, chunk: bytes) -> Head | None:
        """Take what has come in and return the head, once it is complete.

        Raises:
            BadRequestError: It is no HTTP/1 request, or its head is too large.
        """
        known = len(self._data)
        # Empty lines before a request do not count; some clients end the last one with them.
        self._data += chunk if known else chunk.lstrip(b"\r\n")
        # What was looked at already is not looked at again, but for an end that was cut in two.
        end = _END.search(self._data, max(0, known - 3))
        head = self._data if end is None else self._data[: end.start()]
        _check_size(head)
        return None if end is None else parse(head.decode("latin-1"))


def _check_size(data: bytes | bytearray) -> None:
    """Refuse a request line or a head that is too long, and what begins as no request does.

    A client that speaks TLS to a server that does not would wait for an answer to it else.
    """
    if data and not _BEGINS.match(data):
        raise BadRequestError(HTTPStatus.BAD_REQUEST)
    if data.find(b"\n", 0, _MAX_LINE_BYTES) < 0 and len(data) > _MAX_LINE_BYTES:
        raise BadRequestError(HTTPStatus.REQUEST_URI_TOO_LONG)
    if len(data) > _MAX_HEAD_BYTES:
        raise BadRequestError(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)


def parse(text: str) -> Head:
    """Return what the head of a request says.

    Args:
        text: From the request line to the last header, without the line ends that follow.

    Raises:
        BadRequestError: It is no request that can be answered.
    """
    line, *others = (each.removesuffix("\r") for each in text.split("\n"))
    words = line.split(" ")
    version = _VERSION.fullmatch(words[-1])
    if len(words) != _WORDS or version is None or not _TOKEN.fullmatch(words[0]):
        raise BadRequestError(HTTPStatus.BAD_REQUEST)
    if version[1] != "1":
        raise BadRequestError(HTTPStatus.HTTP_VERSION_NOT_SUPPORTED)
    method, target, _ = words
    headers, hosts = _headers(others)
    _check(headers, hosts, newer=version[2] != "0")
    return Head(method, path_of(target, method), headers)


def path_of(target: str, method: str = "GET") -> str:
    """Return the decoded path of a request target; an encoded slash stays encoded.

    Raises:
        BadRequestError: It is no target of such a request.
    """
    if not _TARGET.fullmatch(target) or _BAD_ESCAPE.search(target):
        raise BadRequestError(HTTPStatus.BAD_REQUEST)
    if method == "CONNECT":  # names a host; there are no tunnels here, whatever the host
        return "/"
    if target == "*" and method == "OPTIONS":
        return target
    absolute = _ABSOLUTE.fullmatch(target)
    if absolute is not None:
        host, target = absolute.groups()
        if not host or not _HOST.fullmatch(host):
            raise BadRequestError(HTTPStatus.BAD_REQUEST)
        target = target if target.startswith("/") else f"/{target}"
    if not target.startswith("/"):
        raise BadRequestError(HTTPStatus.BAD_REQUEST)
    path = target.partition("?")[0]
    return unquote(_ENCODED_SLASH.sub("%252F", path))


def _headers(lines: list[str]) -> tuple[dict[str, str], int]:
    """Return the headers by name, and how many of them name a host."""
    headers: dict[str, str] = {}
    hosts = 0
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not _TOKEN.fullmatch(name) or _NO_TEXT.search(value):
            raise BadRequestError(HTTPStatus.BAD_REQUEST)
        name = name.lower()
        value = value.strip(" \t")
        hosts += name == "host"
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers, hosts


def _check(headers: Mapping[str, str], hosts: int, *, newer: bool) -> None:
    """Refuse what a server has to refuse.

    Args:
        headers: The headers by name.
        hosts: How many of them name a host.
        newer: Whether the request is one of HTTP/1.1.
    """
    if hosts > 1 or (newer and hosts == 0) or not _HOST.fullmatch(headers.get("host", "")):
        raise BadRequestError(HTTPStatus.BAD_REQUEST)
    length = headers.get("content-length")
    coding = headers.get("transfer-encoding")
    if length is not None:
        lengths = {each.strip(" \t") for each in length.split(",")}
        one = lengths.pop()
        if lengths or coding is not None or not (one.isascii() and one.isdigit()):
            raise BadRequestError(HTTPStatus.BAD_REQUEST)
    if coding is not None and coding.lower() != "chunked":
        raise BadRequestError(HTTPStatus.NOT_IMPLEMENTED)
    if newer and headers.get("expect", "100-continue").lower() != "100-continue":
        raise BadRequestError(HTTPStatus.EXPECTATION_FAILED)
