"""Who may read the registers of sketches.

Whoever reads registers can test whether a tenant is among them: with the default key for any name,
with a secret one for each tenant whose registers the reader knows, as a publisher knows those of
its own. So they have a credential of their own. Without one they are as open as all else is where
tenants are hashed with a secret key, and served on loopback alone where they are not: a key that is
drawn at random would hide tenants as well, and no two processes would agree on who is the same.
"""

import hmac
import re
import socket
import weakref
from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus
from ipaddress import IPv6Address, ip_address
from typing import Final

from agent_analytics.exporters._settings import settings
from agent_analytics.exporters._settings.settings import UNSET, OrUnset
from agent_analytics.processor import AgentMetricsProcessor

CHALLENGE: Final = ("WWW-Authenticate", 'Bearer realm="agent-analytics sketches"')
REFUSAL: Final = (
    "Whoever reads registers can test whether a tenant is among them, and tenants are hashed here "
    "with a key that everybody knows: registers are served on loopback, or for sketches_token. "
    "`agent-analytics key` prints what AGENT_ANALYTICS_TENANT_KEY or "
    "AGENT_ANALYTICS_SKETCHES_TOKEN can be set to.\n"
)
#: What proxies add, and no client on this machine: behind one, everybody seems to be on loopback.
_FORWARDED: Final = frozenset({
    "forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto",
    "x-forwarded-port", "x-forwarded-server", "x-real-ip", "x-client-ip", "true-client-ip",
    "cf-connecting-ip", "x-cluster-client-ip", "x-envoy-external-address", "x-original-host",
})  # fmt: skip
_PORT: Final = re.compile(r":[0-9]*$")

#: Tokens that configure() was given, by processor.
_given: Final[weakref.WeakKeyDictionary[AgentMetricsProcessor, str | None]] = (
    weakref.WeakKeyDictionary()
)


@dataclass(frozen=True, slots=True)
class SketchReaders:
    """Who may read the registers of one processor.

    Attributes:
        token: What a reader has to send, or None.
        keyed: Whether tenants are hashed with a key of the marketplace's own.
    """

    token: str | None
    keyed: bool

    def __repr__(self) -> str:
        return f"SketchReaders(token={self.token and '…'!r}, keyed={self.keyed})"

    def refusal(self, authorization: str, *, local: bool) -> HTTPStatus | None:
        """Return the status of who may not read them, else None.

        Args:
            authorization: The ``Authorization`` header, or empty.
            local: Whether the reader is on this machine.
        """
        if self.token is None:
            return None if self.keyed or local else HTTPStatus.FORBIDDEN
        scheme, _, sent = authorization.partition(" ")
        right = scheme.lower() == "bearer" and hmac.compare_digest(
            sent.strip(" ").encode("utf-8", "surrogatepass"), self.token.encode()
        )
        return None if right else HTTPStatus.UNAUTHORIZED


def readers_of(
    processor: AgentMetricsProcessor, token: OrUnset[str | None] = UNSET
) -> SketchReaders:
    """Return who may read a processor's registers.

    Args:
        processor: Whose registers.
        token: What readers have to send; else what ``configure()`` was given for this processor,
            else AGENT_ANALYTICS_SKETCHES_TOKEN.

    Raises:
        ValueError: It is no token.
    """
    if token is UNSET and processor in _given:
        token = _given[processor]
    return SketchReaders(settings.sketches_token(token), processor.has_tenant_key)


def offer(processor: AgentMetricsProcessor, token: str | None) -> None:
    """Let servers and apps of a processor know which token it was configured with."""
    _given[processor] = token


def is_local(peer: object, host: str, headers: Iterable[str]) -> bool:
    """Return whether a request was made on this machine, as far as the request can show it.

    Args:
        peer: The address at the other end, where it is known.
        host: The ``Host`` header, or empty: a page of a stranger whose name was made to stand for
            loopback shows by it in which browser it is open.
        headers: The names of all headers, in lower case.
    """
    return (
        _is_loopback(str(peer))
        and _is_own(_PORT.sub("", host).strip("[]").lower())
        and not any(name in _FORWARDED for name in headers)
    )


def _is_own(name: str) -> bool:
    own = socket.gethostname().lower()
    return (
        name in {"", "localhost", own, own.partition(".")[0]}
        or name.endswith(".localhost")
        or _is_loopback(name)
    )


def _is_loopback(address: str) -> bool:
    try:
        found = ip_address(address)
    except ValueError:
        return False
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return (mapped or found).is_loopback
