"""Addresses as they may stand in a message: without whatever may be a password in them."""

import base64
import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit

_SCHEME: Final = re.compile(r"\s*[A-Za-z][\w+.-]*:[/\\]+")
#: What separates user and password from the host, also where somebody has encoded it.
_AT: Final = re.compile(r".*(?:@|%40|\uff20)", re.DOTALL)
_REST: Final = re.compile(r"[?#].*", re.DOTALL)
#: A host, and behind a colon what is no port.
_NO_PORT: Final = re.compile(r"^(\[[^\]]*\]|[^\[:/\\]*):(?!\d{0,5}(?:[/\\?]|$)).*", re.DOTALL)
_HIDDEN: Final = "…"


def shown(address: str) -> str:
    """Return an address without user and password, parameters, and what stands for a port.

    It may be no address at all: what precedes the last at sign is hidden, whatever is in it.
    """
    scheme = _SCHEME.match(address)
    begin = scheme.group() if scheme else ""
    rest = address[len(begin) :]
    user = _AT.match(rest)
    if user is not None:
        rest = f"{_HIDDEN}@{rest[user.end() :]}"
    rest = _REST.sub(lambda found: found.group()[0] + _HIDDEN, rest)
    return begin + _NO_PORT.sub(rf"\1:{_HIDDEN}", rest)


def parts_of(address: str) -> SplitResult | None:
    """Return the parts of an address of HTTP, or ``None`` where it is none.

    A password that is not encoded ends the host for whoever reads the address: what is left of it
    behind the host would stand in messages. What the standard library raises quotes it, too.
    """
    try:
        parts = urlsplit(address.strip())
        right = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return None
    return parts if right and "@" not in f"{parts.path}{parts.query}{parts.fragment}" else None


def reached(address: str, headers: Mapping[str, str] | None = None) -> tuple[str, dict[str, str]]:
    """Return an address of HTTP without user and password, and the headers that are sent there.

    Args:
        address: A user and a password in it become basic authentication.
        headers: Sent besides; an ``Authorization`` among them goes before what the address has.

    Raises:
        ValueError: It is no address of HTTP.
    """
    parts = parts_of(address)
    if parts is None:
        message = f"expected an address such as http://localhost:9090, got {shown(address)!r}"
        raise ValueError(message)
    sent = dict(headers or {})
    if parts.username is not None:
        credentials = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        token = base64.b64encode(credentials.encode()).decode()
        sent.setdefault("Authorization", f"Basic {token}")
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{parts.path.rstrip('/')}", sent
