"""Where the metrics server listens: every address that a host stands for, on one port.

A name may stand for addresses of both families or of one, an unspecified address for every
interface. Machines without IPv6, and those without IPv4, are served on what they have.
"""

import enum
import errno
import socket
from contextlib import ExitStack
from ipaddress import IPv6Address, ip_address
from typing import Any, Final

from agent_analytics.exporters._workers.shared_port import share, steer

_MAX_PORT: Final = 65535
#: Names of every interface, beside its addresses.
_EVERY: Final = frozenset({"", "*"})
#: The machine does not have this address, or not its family.
_ABSENT: Final = frozenset({errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.EPROTONOSUPPORT})
#: How often a port that was free for one address may turn out to be taken for the next.
_TRIES: Final = 20
_BACKLOG: Final = 256

Address = tuple[socket.AddressFamily, tuple[Any, ...]]


class Sharing(enum.Enum):
    """Whether others may listen where we do.

    Attributes:
        ALONE: Nobody may, and nobody does.
        LATER: Nobody does now; one of the same user may later.
        BESIDE: One of the same user does, and gets no connection from now on.
    """

    ALONE = "alone"
    LATER = "later"
    BESIDE = "beside"


class NotServedError(OSError):
    """Nothing can listen there; the cause is the error of the system."""


def listen(addr: str, port: int, sharing: Sharing = Sharing.ALONE) -> list[socket.socket]:
    """Return sockets that listen on every address of a host, without blocking.

    Args:
        addr: A name, an address (brackets round IPv6 do not matter), or every interface.
        port: The port; 0 takes any that is free for all the addresses.
        sharing: Whether others may listen there, too.

    Raises:
        ValueError: A bad port.
        NotServedError: The port is in use, or nothing that ``addr`` stands for is on this machine.
    """
    if isinstance(port, bool) or not 0 <= port <= _MAX_PORT:
        msg = f"port: expected a number from 0 to {_MAX_PORT}, got {port!r}"
        raise ValueError(msg)
    try:
        listeners = (
            _on_every_interface(port, sharing)
            if is_every(addr)
            else _on(_addresses(addr), port, sharing)
        )
    except OSError as error:
        msg = f"cannot serve metrics on {addr or '*'} port {port}: {error.strerror or error}"
        raise NotServedError(error.errno, msg) from error
    for listener in listeners:
        listener.settimeout(0)
    return listeners


def answers(addr: str, port: int, seconds: float) -> bool:
    """Return whether whoever listens says anything, even that it will not talk to us.

    Args:
        addr: As for ``listen``.
        port: The port.
        seconds: How long to wait for each of connecting and the first word.
    """
    host = "127.0.0.1" if is_every(addr) else bare(addr)
    try:
        with socket.create_connection((host, port), seconds) as connection:
            connection.sendall(b"GET /-/healthy HTTP/1.0\r\n\r\n")
            connection.recv(1)
    except (TimeoutError, ConnectionRefusedError):
        return False
    except OSError:
        return True  # it has hung up, or cannot be asked
    return True


def bare(addr: str) -> str:
    """Return an address without the brackets that belong to URLs, one of IPv4 in its own form."""
    host = addr[1:-1] if addr.startswith("[") and addr.endswith("]") else addr
    try:
        mapped = IPv6Address(host).ipv4_mapped
    except ValueError:
        return host
    return host if mapped is None else str(mapped)


def is_every(addr: str) -> bool:
    """Tell whether every interface is meant: IPv4 and IPv6, however it is spelled.

    An unspecified address of either family means both, as it does in Prometheus.
    """
    try:
        return addr in _EVERY or ip_address(bare(addr)).is_unspecified
    except ValueError:
        return False


def _addresses(addr: str) -> list[Address]:
    found = socket.getaddrinfo(bare(addr), 0, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    return list(dict.fromkeys((family, tuple(address)) for family, _, _, _, address in found))


def _on_every_interface(port: int, sharing: Sharing) -> list[socket.socket]:
    if socket.has_dualstack_ipv6():
        try:
            return [_socket(socket.AF_INET6, ("::", port), sharing, both=True)]
        except OSError as error:
            if error.errno not in _ABSENT:
                raise
    both: list[Address] = [(socket.AF_INET, ("0.0.0.0", 0)), (socket.AF_INET6, ("::", 0, 0, 0))]  # noqa: S104 - asked for
    return _on(both, port, sharing)


def _on(addresses: list[Address], port: int, sharing: Sharing) -> list[socket.socket]:
    for left in reversed(range(_TRIES)):
        try:
            return _on_one_port(addresses, port, sharing)
        except OSError as error:
            # The system chose a port for the first address that another one has in use.
            if port or not left or error.errno != errno.EADDRINUSE:
                raise
    raise AssertionError  # pragma: no cover - the last try returns or raises


def _on_one_port(addresses: list[Address], port: int, sharing: Sharing) -> list[socket.socket]:
    listeners: list[socket.socket] = []
    absent: OSError | None = None
    with ExitStack() as opened:
        for family, (host, _, *more) in addresses:
            try:
                listener = _socket(family, (host, port, *more), sharing)
            except OSError as error:
                if error.errno not in _ABSENT:
                    raise
                absent = absent or error
                continue
            listeners.append(opened.enter_context(listener))
            port = port or listener.getsockname()[1]
        if absent is not None and not listeners:
            raise absent
        opened.pop_all()
    return listeners


def _socket(
    family: socket.AddressFamily, address: tuple[Any, ...], sharing: Sharing, *, both: bool = False
) -> socket.socket:
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, not both)
        if sharing is Sharing.BESIDE:
            share(listener)
        listener.bind(address)
        if sharing is Sharing.LATER:
            share(listener)  # not before: whoever listens there already would be shared with
        listener.listen(_BACKLOG)
        if sharing is Sharing.BESIDE:
            steer(listener)
    except BaseException:
        listener.close()
        raise
    return listener
