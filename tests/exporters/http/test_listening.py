"""Where the server listens: every address that a host stands for, on machines of all kinds."""

import errno
import http.client
import socket
from collections.abc import Callable
from contextlib import ExitStack, suppress
from typing import Any

import pytest
from tests.patience import patience

from agent_analytics.exporters import configure, start_http_server
from agent_analytics.processor import AgentMetricsProcessor


def has_ipv6() -> bool:
    """Tell whether this machine has an IPv6 loopback."""
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


needs_ipv6 = pytest.mark.skipif(not has_ipv6(), reason="no IPv6 here")


def status(host: str, port: int) -> int:
    """Return the status of the health check, asked at an address."""
    connection = http.client.HTTPConnection(host, port, timeout=patience())
    try:
        connection.request("GET", "/-/healthy")
        return connection.getresponse().status
    finally:
        connection.close()


def resolves(**names: list[str]) -> Callable[..., Any]:
    """Return a resolver that knows some names: two that no machine here has, one or both."""
    real = socket.getaddrinfo

    def getaddrinfo(host: str, *args: Any, **options: Any) -> Any:  # noqa: ANN401 - as it is
        found: list[Any] = []
        for address in names.get(host, [host]):
            found += real(address, *args, **options)
        return found

    return getaddrinfo


@needs_ipv6
@pytest.mark.parametrize(
    "addr",
    ["", "*", "0.0.0.0", "::", "[::]", "::0", "0:0:0:0:0:0:0:0", "::ffff:0.0.0.0"],  # noqa: S104 - the test
)
def test_every_interface_is_both_families(processor: AgentMetricsProcessor, addr: str) -> None:
    """However every interface is spelled, IPv4 and IPv6 are served on one port."""
    with start_http_server(processor, addr=addr) as server:
        assert status("127.0.0.1", server.port) == 200
        assert status("::1", server.port) == 200
        assert server.url == f"http://127.0.0.1:{server.port}"


@needs_ipv6
def test_without_sockets_for_both(
    processor: AgentMetricsProcessor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A system whose IPv6 sockets take no IPv4, such as OpenBSD, gets a socket for each."""
    monkeypatch.setattr(socket, "has_dualstack_ipv6", lambda: False)
    with start_http_server(processor, addr="") as server:
        assert [status(host, server.port) for host in ("127.0.0.1", "::1")] == [200, 200]


@pytest.mark.parametrize("error", [errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL])
@pytest.mark.parametrize("addr", ["", "0.0.0.0", "::", "localhost"])  # noqa: S104 - the test
def test_a_machine_without_ipv6(
    processor: AgentMetricsProcessor, monkeypatch: pytest.MonkeyPatch, addr: str, error: int
) -> None:
    """Where IPv6 is switched off, every interface and localhost are what IPv4 there is."""
    real = socket.socket.bind

    class Machine(socket.socket):
        def bind(self, address: Any) -> None:  # noqa: ANN401 - as it is
            if self.family == socket.AF_INET6:
                raise OSError(error, "no IPv6")
            real(self, address)

    monkeypatch.setattr(socket, "socket", Machine)
    monkeypatch.setattr(socket, "getaddrinfo", resolves(localhost=["::1", "127.0.0.1"]))
    with start_http_server(processor, addr=addr) as server:
        assert status("127.0.0.1", server.port) == 200


@needs_ipv6
@pytest.mark.parametrize(
    ("addresses", "reached"),
    [
        (["::1"], ["::1"]),
        (["127.0.0.1"], ["127.0.0.1"]),
        (["127.0.0.1", "::1"], ["127.0.0.1", "::1"]),
        (["::1", "127.0.0.1", "127.0.0.2", "::1"], ["::1", "127.0.0.1", "127.0.0.2"]),
        (["192.0.2.1", "::1"], ["::1"]),  # an address of another machine in between
    ],
)
def test_a_name_is_all_its_addresses(
    processor: AgentMetricsProcessor,
    monkeypatch: pytest.MonkeyPatch,
    addresses: list[str],
    reached: list[str],
) -> None:
    """A name may stand for one family or for both; what it stands for is served on one port."""
    monkeypatch.setattr(socket, "getaddrinfo", resolves(metrics=addresses))
    with start_http_server(processor, addr="metrics") as server:
        assert [status(host, server.port) for host in reached] == [200] * len(reached)
        assert server.url == f"http://metrics:{server.port}"


@pytest.mark.parametrize("addr", ["::ffff:127.0.0.1", "[::ffff:7f00:1]"])
def test_an_address_of_ipv4_as_one_of_ipv6(processor: AgentMetricsProcessor, addr: str) -> None:
    """It is served as what it is: systems refuse it on a socket of IPv6 alone."""
    with start_http_server(processor, addr=addr) as server:
        assert status("127.0.0.1", server.port) == 200
        assert server.url == f"http://127.0.0.1:{server.port}"


@needs_ipv6
def test_brackets_do_not_matter(processor: AgentMetricsProcessor) -> None:
    """An IPv6 address may stand in the brackets that it has in URLs."""
    with start_http_server(processor, addr="[::1]") as server:
        assert status("::1", server.port) == 200
        assert server.url == f"http://[::1]:{server.port}"


@needs_ipv6
def test_a_port_that_one_family_has_in_use(
    processor: AgentMetricsProcessor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half of a name's addresses would be a target for half of the clients: that is refused."""
    monkeypatch.setattr(socket, "getaddrinfo", resolves(metrics=["127.0.0.1", "::1"]))
    with ExitStack() as opened:
        port = 0
        while not port:  # one that nobody has in the other family either
            taken = opened.enter_context(socket.create_server(("::1", 0), family=socket.AF_INET6))
            with (
                suppress(OSError),
                socket.create_server(("127.0.0.1", taken.getsockname()[1])) as at,
            ):
                port = at.getsockname()[1]
        with pytest.raises(OSError, match=f"metrics port {port}: Address already in use"):
            start_http_server(processor, port, addr="metrics")
        with socket.create_server(("127.0.0.1", port)):
            pass  # and nothing is left listening


@pytest.mark.parametrize("addr", ["no.such.name.invalid", "192.0.2.1"])
def test_nothing_to_listen_on(processor: AgentMetricsProcessor, addr: str) -> None:
    """A name that nobody knows and an address of another machine are errors that name them."""
    with pytest.raises(OSError, match=f"cannot serve metrics on {addr} port 0: "):
        start_http_server(processor, addr=addr)


@needs_ipv6
def test_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """AGENT_ANALYTICS_METRICS_HOST means the same."""
    monkeypatch.setenv("AGENT_ANALYTICS_METRICS_HOST", "0.0.0.0")  # noqa: S104 - the test
    with configure(metrics_port=0, tenant_key="k") as runtime:
        port = runtime.metrics_port
        assert port is not None
        assert [status(host, port) for host in ("127.0.0.1", "::1")] == [200, 200]
