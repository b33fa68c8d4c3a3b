"""Registers let who reads them test for a tenant: who may, by which credential, over which path.

The attack is the issue's: registers are fetched over a socket, and names are hashed with the key
that everybody knows until one is among them.
"""

import base64
import http.client
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from wsgiref.simple_server import make_server
from wsgiref.util import setup_testing_defaults

import bcrypt
import httpx
import pytest
from opentelemetry.sdk.trace import TracerProvider
from prometheus_client.parser import text_string_to_metric_families as parse_text
from tests.exporters.conftest import record
from tests.exporters.http.test_apps import Quiet, served_by_uvicorn
from tests.patience import patience

from agent_analytics.exporters import (
    configure,
    exposition,
    make_asgi_app,
    make_wsgi_app,
    start_http_server,
)
from agent_analytics.processor import AgentMetricsProcessor
from agent_analytics.processor.sketches import Hasher

KEY = "a secret of the marketplace"
TOKEN = "sketches-0123456789abcdef"
TENANTS = [f"customer-{number}" for number in range(8_000)]


def processor(key: str | None) -> AgentMetricsProcessor:
    """Return a processor that has seen two tenants of the list."""
    found = AgentMetricsProcessor(0, tenant_key=key)
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(found)
    for tenant in ("customer-70", "customer-7000"):
        record(provider.get_tracer("test"), tenant=tenant)
    return found


def found_in(text: str) -> set[str]:
    """Return the tenants that a reader of registers finds with the key that everybody knows."""
    there = {
        (int(sample.labels["register"]), sample.value)
        for family in parse_text(text)
        for sample in family.samples
        if sample.labels["kind"] == "tenants"
    }
    place = Hasher(b"agent-analytics", "tenants").place
    return {tenant for tenant in TENANTS if place(tenant) in there}


@pytest.fixture(scope="module")
def elsewhere() -> str:
    """Return an address of this machine that is not loopback: its clients come from there, too."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.254", 9))  # sends nothing
        except OSError:
            pytest.skip("this machine has no address but loopback")
        return str(probe.getsockname()[0])


def ask(
    host: str, port: int, path: str = "/metrics/sketches", method: str = "GET", **headers: str
) -> tuple[int, str]:
    """Return status and text of an answer."""
    connection = http.client.HTTPConnection(host, port, timeout=patience())
    try:
        connection.request(
            method, path, headers={name.replace("_", "-"): text for name, text in headers.items()}
        )
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


def bearer(token: str) -> dict[str, str]:
    """Return the header of a reader with a token."""
    return {"Authorization": f"Bearer {token}"}


def test_the_attack(elsewhere: str) -> None:
    """With the default key a reader on this machine finds the tenants, and no other gets to try."""
    with start_http_server(processor(None), addr="0.0.0.0") as server:  # noqa: S104 - the test
        status, text = ask("127.0.0.1", server.port)
        assert (status, found_in(text)) == (200, {"customer-70", "customer-7000"})
        status, text = ask(elsewhere, server.port)
        assert (status, found_in(text) if status == 200 else set()) == (403, set())
        assert "agent-analytics key" in text
        assert ask(elsewhere, server.port, "/metrics")[0] == 200


def test_a_key_opens_them_and_hides_tenants(elsewhere: str) -> None:
    """With a secret key they are as open as the metrics, and the attack finds nobody."""
    with start_http_server(processor(KEY), addr="0.0.0.0") as server:  # noqa: S104 - the test
        status, text = ask(elsewhere, server.port)
    assert (status, found_in(text)) == (200, set())
    assert text.count("sketch_register{") == 2


def test_the_default_key_by_hand_is_no_key(elsewhere: str) -> None:
    """Who sets what everybody knows has set nothing."""
    with start_http_server(processor("agent-analytics"), addr="0.0.0.0") as server:  # noqa: S104 - the test
        assert ask(elsewhere, server.port)[0] == 403


@pytest.mark.parametrize("key", [None, KEY])
def test_a_token_is_the_only_way(elsewhere: str, key: str | None) -> None:
    """With a token nobody reads them without it, on this machine or another; metrics are open."""
    found = processor(key)
    with start_http_server(found, addr="0.0.0.0", sketches_token=TOKEN) as server:  # noqa: S104 - the test
        for host in ("127.0.0.1", elsewhere):
            assert ask(host, server.port, **bearer(TOKEN))[0] == 200
            assert ask(host, server.port, "/metrics")[0] == 200
            for headers in ({}, bearer(TOKEN[:-1]), bearer(""), {"Authorization": TOKEN}):
                assert ask(host, server.port, **headers)[0] == 401


@pytest.mark.parametrize(
    "path",
    [
        "/metrics/sketches",
        "/metrics/sketches/",
        "/metrics/sketches?x=/metrics",
        "/%6detrics/sketches",
        "/metrics/%73ketches",
        "http://localhost/metrics/sketches",
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_every_spelling_of_the_path_is_guarded(path: str, method: str) -> None:
    """However the path is written, it asks for the token."""
    with start_http_server(processor(KEY), sketches_token=TOKEN) as server:
        assert ask("127.0.0.1", server.port, path, method)[0] == 401
        assert ask("127.0.0.1", server.port, path, method, **bearer(TOKEN))[0] == 200


#: Requests from loopback that strangers can cause: Envoy, nginx, HAProxy, Traefik, Caddy, a CDN's
#: tunnel (cloudflared), Varnish; and a page in a browser of this machine, by DNS rebinding.
STRANGERS: dict[str, dict[str, str]] = {
    "nginx": {"X_Real_IP": "203.0.113.9"},
    "Traefik": {"X_Forwarded_For": "203.0.113.9", "X_Forwarded_Server": "edge"},
    "HAProxy": {"X_Forwarded_For": "127.0.0.1"},
    "RFC 7239": {"Forwarded": "for=127.0.0.1"},
    "Varnish": {"Via": "1.1 varnish"},
    "Envoy": {"X_Envoy_External_Address": "203.0.113.9"},
    "cloudflared": {"CF_Connecting_IP": "203.0.113.9"},
    "a rebound name": {"Host": "rebound.example:9464"},
    "a rebound address": {"Host": "203.0.113.9"},
    "a name that begins as ours": {"Host": "localhost.rebound.example"},
}


@pytest.mark.parametrize("stranger", STRANGERS)
def test_what_strangers_send_through_this_machine_is_not_of_this_machine(stranger: str) -> None:
    """A request that shows where it comes from is judged by that, not by its last step."""
    with start_http_server(processor(None)) as server:
        assert ask("127.0.0.1", server.port, **STRANGERS[stranger])[0] == 403
        assert ask("127.0.0.1", server.port, "/metrics", **STRANGERS[stranger])[0] == 200


@pytest.mark.parametrize(
    "host", ["localhost", "127.0.0.1:9464", "[::1]:9464", "agents.localhost", socket.gethostname()]
)
def test_who_is_on_this_machine_names_it_as_it_likes(host: str) -> None:
    """Every usual name of this machine is one."""
    with start_http_server(processor(None)) as server:
        assert ask("127.0.0.1", server.port, Host=host)[0] == 200


class TestBesideOtherCredentials:
    """A web configuration with users, and registers with a token of their own."""

    @pytest.fixture
    def web_config(self, tmp_path: Path) -> Path:
        """Return a web configuration with one user."""
        hashed = bcrypt.hashpw(b"x", bcrypt.gensalt(4)).decode()
        path = tmp_path / "web.yml"
        path.write_text(f"basic_auth_users: {{publisher: {hashed}}}\n")
        return path

    def test_users_of_the_metrics_do_not_read_registers(self, web_config: Path) -> None:
        """A user reads metrics and no registers; the token reads registers and no metrics."""
        user = {"Authorization": "Basic " + base64.b64encode(b"publisher:x").decode()}
        with start_http_server(
            processor(KEY), web_config=web_config, sketches_token=TOKEN
        ) as server:
            found = {
                (name, path): ask("127.0.0.1", server.port, path, **headers)[0]
                for name, headers in (("user", user), ("token", bearer(TOKEN)), ("nobody", {}))
                for path in ("/metrics", "/metrics/sketches")
            }
        assert found == {
            ("user", "/metrics"): 200,
            ("user", "/metrics/sketches"): 401,
            ("token", "/metrics"): 401,
            ("token", "/metrics/sketches"): 200,
            ("nobody", "/metrics"): 401,
            ("nobody", "/metrics/sketches"): 401,
        }

    def test_a_password_is_no_key(self, web_config: Path, elsewhere: str) -> None:
        """Without a token users read registers as they read metrics, with a tenant key alone."""
        user = {"Authorization": "Basic " + base64.b64encode(b"publisher:x").decode()}
        for key, status in ((KEY, 200), (None, 403)):
            with start_http_server(
                processor(key),
                addr="0.0.0.0",  # noqa: S104 - the test
                web_config=web_config,
            ) as server:
                assert ask(elsewhere, server.port, **user)[0] == status
                assert ask(elsewhere, server.port)[0] == 401


class TestApps:
    """WSGI and ASGI applications."""

    def wsgi(self, app: Any, **environ: str) -> str:  # noqa: ANN401 - as WSGI has it
        """Return the status of an answer."""
        given: dict[str, Any] = {"PATH_INFO": "/metrics/sketches", **environ}
        setup_testing_defaults(given)
        statuses: list[str] = []

        def start_response(status: str, *_: object) -> None:
            statuses.append(status)

        list(app(given, start_response))
        return statuses[0][:3]

    def test_under_real_servers(self) -> None:
        """On loopback they serve registers, behind a proxy or with a token they ask for it."""
        found = processor(None)
        with (
            make_server("127.0.0.1", 0, make_wsgi_app(found), handler_class=Quiet) as server,
            httpx.Client(timeout=patience()) as client,
            served_by_uvicorn(make_asgi_app(found)) as asgi,
            served_by_uvicorn(make_asgi_app(found, sketches_token=TOKEN)) as guarded,
        ):
            thread = threading.Thread(target=server.serve_forever, args=(0.05,))
            thread.start()
            try:
                for url in (f"http://127.0.0.1:{server.server_port}", asgi):
                    path = f"{url}/metrics/sketches"
                    assert client.get(path).status_code == 200
                    proxied = client.get(path, headers={"X-Forwarded-For": "127.0.0.1"})
                    assert proxied.status_code == 403
                    rebound = client.get(path, headers={"Host": "rebound.example"})
                    assert rebound.status_code == 403
                assert client.get(f"{guarded}/metrics/sketches").status_code == 401
                given = client.get(f"{guarded}/metrics/sketches", headers=bearer(TOKEN))
                assert given.status_code == 200
            finally:
                server.shutdown()
                thread.join()

    @pytest.mark.parametrize("peer", ["", "localhost", "10.0.0.1", "::ffff:10.0.0.1", "unix:"])
    def test_who_cannot_be_seen_to_be_here_is_elsewhere(self, peer: str) -> None:
        """A socket file has no address (gunicorn, waitress): who is behind it is not known."""
        app = make_wsgi_app(processor(None))
        assert self.wsgi(app, REMOTE_ADDR=peer) == "403"
        assert self.wsgi(app) == "403"
        for here in ("127.0.0.1", "127.8.0.1", "::1", "::ffff:127.0.0.1"):
            assert self.wsgi(app, REMOTE_ADDR=here) == "200"
        assert self.wsgi(make_wsgi_app(processor(KEY)), REMOTE_ADDR=peer) == "200"


class TestSettings:
    """Where the token comes from."""

    @pytest.fixture
    def served(self) -> Iterator[int]:
        """Serve with a token from configure()."""
        with configure(metrics_port=0, tenant_key=KEY, sketches_token=TOKEN) as runtime:
            assert runtime.metrics_port
            app = make_wsgi_app(runtime.processor)
            assert TestApps().wsgi(app, REMOTE_ADDR="127.0.0.1") == "401"
            yield runtime.metrics_port

    def test_configure(self, served: int) -> None:
        """What configure() is given holds for its server, and for apps of its processor."""
        assert ask("127.0.0.1", served)[0] == 401
        assert ask("127.0.0.1", served, **bearer(TOKEN))[0] == 200

    def test_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The variable holds for every server and app."""
        monkeypatch.setenv("AGENT_ANALYTICS_SKETCHES_TOKEN", f" {TOKEN}\n")
        with start_http_server(processor(KEY)) as server:
            assert ask("127.0.0.1", server.port)[0] == 401
            assert ask("127.0.0.1", server.port, **bearer(TOKEN))[0] == 200

    @pytest.mark.parametrize(
        "token", ["", "short", "with spaces in it, long", "ümlaut-" * 4, "x" * 15]
    )
    def test_a_token_that_can_be_guessed_or_not_be_sent(self, token: str) -> None:
        """It is refused by name, and not repeated."""
        with pytest.raises(ValueError, match="sketches_token: expected 16") as caught:
            start_http_server(processor(KEY), sketches_token=token)
        assert not token or token not in str(caught.value)

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            ({}, "served on loopback alone: set tenant_key"),
            ({"sketches_token": TOKEN}, "everybody knows: set tenant_key"),
        ],
    )
    def test_the_start_says_how_to_make_a_key(
        self, arguments: dict[str, Any], said: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Without a key the warning says what follows, and which command prints one."""
        configure(metrics_port=None, **arguments).shutdown()
        assert said in caplog.text
        assert "`agent-analytics key` prints one" in caplog.text


def test_in_process_readers_get_both_parts() -> None:
    """Who calls the processor in its own process is trusted: SECURITY.md says so."""
    found = processor(None)
    assert b"sketch_register{" in exposition(found, part="sketches")[0]
    assert any(family.name == "marketplace_agent_sketch_register" for family in found.collect())
