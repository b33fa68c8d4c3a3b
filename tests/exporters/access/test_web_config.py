"""TLS and basic authentication as a Prometheus web configuration file asks for them."""

import base64
import os
import socket
import ssl
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import bcrypt
import pytest
import trustme
from tests import forked
from tests.patience import patience

from agent_analytics.exporters import MetricsServer, start_http_server
from agent_analytics.exporters._access.passwords import Credential, Users
from agent_analytics.exporters._access.web_config import WebConfig
from agent_analytics.processor import AgentMetricsProcessor

TLS = "tls_server_config:\n  cert_file: server.pem\n  key_file: server.key\n"


def hashed(password: str) -> str:
    """Return a hash of the least cost, so that tests are quick."""
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode()


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """Return a certificate authority."""
    return trustme.CA()


def write_certificate(folder: Path, authority: trustme.CA) -> None:
    """Write a fresh certificate for 127.0.0.1 and its key."""
    leaf = authority.issue_cert("127.0.0.1")
    leaf.cert_chain_pems[0].write_to_path(str(folder / "server.pem"))
    leaf.private_key_pem.write_to_path(str(folder / "server.key"))
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))


@pytest.fixture
def folder(tmp_path: Path, authority: trustme.CA) -> Path:
    """Return a folder with a certificate."""
    write_certificate(tmp_path, authority)
    return tmp_path


Serve = Callable[[str], MetricsServer]


@pytest.fixture
def serve(folder: Path, processor: AgentMetricsProcessor) -> Iterator[Serve]:
    """Return what starts a server by the text of a web configuration."""
    servers: list[MetricsServer] = []

    def start(text: str) -> MetricsServer:
        (folder / "web.yml").write_text(text)
        server = start_http_server(processor, web_config=folder / "web.yml")
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.close()


def ask(
    server: MetricsServer,
    user: tuple[str, str] | None = None,
    context: ssl.SSLContext | None = None,
    header: str | None = None,
) -> int:
    """Return the status of a scrape."""
    request = urllib.request.Request(f"{server.url}/metrics")
    if user is not None:
        header = "Basic " + base64.b64encode(":".join(user).encode()).decode()
    if header is not None:
        request.add_header("Authorization", header)
    try:
        with urllib.request.urlopen(request, timeout=patience(), context=context) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def trusting(authority: trustme.CA, client: trustme.LeafCert | None = None) -> ssl.SSLContext:
    """Return a client's context that trusts the authority and may carry a certificate."""
    context = ssl.create_default_context()
    context.load_verify_locations(cadata=authority.cert_pem.bytes().decode())
    if client is not None:
        with client.private_key_and_cert_chain_pem.tempfile() as path:
            context.load_cert_chain(path)
    return context


class TestBasicAuthentication:
    """Users and passwords."""

    def test_only_users_get_in(self, serve: Serve) -> None:
        """The right password is let in, every other is asked for one."""
        server = serve(f"basic_auth_users:\n  prom: {hashed('s3:cret')}\n  other: {hashed('x')}\n")
        assert server.url.startswith("http://")
        assert ask(server, ("prom", "s3:cret")) == 200
        assert ask(server, ("prom", "s3:cret")) == 200
        assert ask(server, ("other", "x")) == 200
        for user in (("prom", "x"), ("other", "s3:cret"), ("nobody", "x"), ("", ""), ("prom", "")):
            assert ask(server, user) == 401
            assert ask(server, user) == 401
        assert ask(server) == 401

    @pytest.mark.parametrize(
        "header",
        ["Basic", "Basic !!!", "Basic cHJvbQ==", "Bearer cHJvbTp4", "Basic /w==", "Basic \xff"],
    )
    def test_malformed_credentials(self, serve: Serve, header: str) -> None:
        """What is no user and password is asked for them."""
        assert ask(serve(f"basic_auth_users: {{prom: {hashed('x')}}}"), header=header) == 401

    def test_every_path_is_guarded(self, serve: Serve) -> None:
        """Health, index and unknown paths tell nothing to strangers."""
        server = serve(f"basic_auth_users: {{prom: {hashed('x')}}}")
        for path in ("/", "/-/healthy", "/nothing", "/metrics/sketches"):
            with pytest.raises(urllib.error.HTTPError, match="401") as caught:
                urllib.request.urlopen(server.url + path, timeout=patience())
            assert caught.value.headers["WWW-Authenticate"].startswith("Basic realm=")
            caught.value.close()

    def test_passwords_that_bcrypt_cannot_take(self) -> None:
        """A password beyond bcrypt's 72 bytes matches by those, as elsewhere; NUL never does."""
        users = Users({"prom": hashed("p" * 72)})
        assert users.check(credential(users, "prom", "p" * 100))
        assert not users.check(credential(users, "prom", "p" * 71))
        assert not users.check(credential(users, "prom", "\0"))

    def test_an_unknown_user_costs_as_much(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A hash of the same cost is computed for a user who does not exist."""
        computed: list[bytes] = []
        real = bcrypt.checkpw

        def counting(password: bytes, hashed_password: bytes) -> bool:
            computed.append(hashed_password[:7])
            return real(password, hashed_password)

        monkeypatch.setattr(bcrypt, "checkpw", counting)
        users = Users({"prom": hashed("right")})
        for user in (("prom", "right"), ("prom", "wrong"), ("nobody", "right")):
            users.check(credential(users, *user))
        assert computed == [b"$2b$04$"] * 3

    def test_wrong_passwords_do_not_push_out_right_ones(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """After a flood of guesses a user is still let in without work, and memory is bounded."""
        monkeypatch.setattr("agent_analytics.exporters._access.passwords._REMEMBERED_FAILURES", 5)
        users = Users({"prom": hashed("right")})
        assert users.check(credential(users, "prom", "right"))
        for guess in range(12):
            assert not users.check(credential(users, "prom", str(guess)))
        found = [users.known(credential(users, "prom", str(guess))) for guess in range(12)]
        assert found == [None] * 7 + [False] * 5
        assert users.known(credential(users, "prom", "right"))

    def test_a_right_password_is_remembered_while_it_is_used(self) -> None:
        """It needs no hash as long as it comes within a quarter of an hour, and one after that."""
        now = [0.0]
        users = Users({"prom": hashed("right")}, lambda: now[0])
        right = credential(users, "prom", "right")
        assert users.known(right) is None
        assert users.check(right)
        for _ in range(5):
            now[0] += 890
            assert users.known(right)
        now[0] += 910
        assert users.known(right) is None
        assert users.check(right)
        assert users.known(right)

    def test_what_is_remembered_is_of_one_file(self) -> None:
        """The users of another file, or of the same one read anew, know nothing of it."""
        first, second = (Users({"prom": hashed("right")}) for _ in range(2))
        assert first.check(credential(first, "prom", "right"))
        assert second.known(credential(second, "prom", "right")) is None
        assert second.known(credential(first, "prom", "right")) is None


def credential(users: Users, name: str, password: str) -> Credential:
    """Return what a client has sent."""
    found = users.read(basic(name, password))
    assert found is not None
    return found


def basic(name: str, password: str) -> str:
    """Return an ``Authorization`` header."""
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


class TestTls:
    """Certificates."""

    def test_https(self, serve: Serve, authority: trustme.CA) -> None:
        """Files named relative to the configuration are found, and plain HTTP is not served."""
        server = serve(TLS)
        assert server.url.startswith("https://")
        assert ask(server, context=trusting(authority)) == 200
        with pytest.raises(OSError, match=r"closed|reset|aborted|ended"):
            urllib.request.urlopen(f"http://127.0.0.1:{server.port}/metrics", timeout=patience())

    def test_together_with_users(self, serve: Serve, authority: trustme.CA) -> None:
        """TLS and basic authentication go together."""
        server = serve(f"{TLS}basic_auth_users: {{prom: {hashed('x')}}}")
        context = trusting(authority)
        assert ask(server, ("prom", "x"), context) == 200
        assert ask(server, ("prom", "y"), context) == 401

    def test_client_certificates(self, serve: Serve, authority: trustme.CA) -> None:
        """Only clients with a certificate of the authority are served where that is asked for."""
        server = serve(
            f"{TLS}  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: ca.pem\n"
        )
        known = authority.issue_cert("prometheus.example")
        stranger = trustme.CA().issue_cert("prometheus.example")
        assert ask(server, context=trusting(authority, known)) == 200
        for context in (trusting(authority), trusting(authority, stranger)):
            with pytest.raises(OSError, match=r"(?i)certificate|alert|EOF|reset|closed"):
                ask(server, context=context)

    def test_client_names(self, serve: Serve, authority: trustme.CA) -> None:
        """Of the authority's clients, only those named are served where names are given."""
        server = serve(
            f"{TLS}  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: ca.pem\n"
            "  client_allowed_sans: [prometheus.example]\n"
        )
        known = authority.issue_cert("prometheus.example")
        other = authority.issue_cert("grafana.example")
        assert ask(server, context=trusting(authority, known)) == 200
        assert ask(server, context=trusting(authority, other)) == 403

    def test_minimum_version(self, serve: Serve, authority: trustme.CA) -> None:
        """A client that speaks an older version than allowed is refused."""
        server = serve(f"{TLS}  min_version: TLS13\n")
        context = trusting(authority)
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        with pytest.raises(OSError, match=r"(?i)version|alert"):
            ask(server, context=context)

    def test_idle_clients_do_not_keep_others_out(self, serve: Serve, authority: trustme.CA) -> None:
        """Clients that never finish the handshake make room for one that does."""
        server = serve(TLS)
        idle = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(20)]
        try:
            assert ask(server, context=trusting(authority)) == 200
        finally:
            for client in idle:
                client.close()


class TestFollowing:
    """The file is followed while the server runs."""

    def test_a_renewed_certificate_is_served(
        self, serve: Serve, folder: Path, authority: trustme.CA, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A certificate that is replaced is served to the next client, without a restart."""
        monkeypatch.setattr("agent_analytics.exporters._access.web_config._LOOK_SECONDS", 0.0)
        server = serve(TLS)
        assert ask(server, context=trusting(authority)) == 200
        successor = trustme.CA()
        write_certificate(folder, successor)
        assert ask(server, context=trusting(successor)) == 200

    def test_a_wrong_file_changes_nothing(
        self,
        serve: Serve,
        folder: Path,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        """While the file is wrong the earlier users stay, nobody else gets in, and it is logged."""
        monkeypatch.setattr("agent_analytics.exporters._access.web_config._LOOK_SECONDS", 0.0)
        server = serve(f"basic_auth_users: {{prom: {hashed('x')}}}")
        (folder / "web.yml").write_text("basic_auth_users: [")
        assert ask(server) == 401
        assert ask(server, ("prom", "x")) == 200
        (folder / "web.yml").unlink()
        assert ask(server) == 401
        assert "not YAML" in caplog.text
        (folder / "web.yml").write_text(f"basic_auth_users: {{next: {hashed('y')}}}\n")
        assert ask(server, ("prom", "x")) == 401
        assert ask(server, ("next", "y")) == 200


class TestWrongFiles:
    """What is wrong is refused at the start, by name; nothing is skipped in silence."""

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("[", "not YAML"),
            ("- a", "expected a mapping, got list"),
            ("tls_config: {}", "not supported here: tls_config"),
            ("tls_server_config: {}", "cert_file is missing"),
            ("tls_server_config: {cert_file: server.pem}", "key_file is missing"),
            ("tls_server_config: {cert_file: 3, key_file: a}", "cert_file: expected text, got int"),
            (f"{TLS}  cipher_suites: [A]", "tls_server_config: not supported here: cipher_suites"),
            (
                f"{TLS}  min_version: TLS10",
                "min_version: expected one of TLS12, TLS13",
            ),
            (f"{TLS}  min_version: TLS13\n  max_version: TLS12", "min_version is above"),
            (f"{TLS}  client_auth_type: RequireAnyClientCert", "client_auth_type: expected one of"),
            (f"{TLS}  client_auth_type: VerifyClientCertIfGiven", "need each other"),
            (f"{TLS}  client_ca_file: ca.pem", "need each other"),
            (f"{TLS}  client_allowed_sans: [a]", "needs RequireAndVerifyClientCert"),
            (f"{TLS}  client_allowed_sans: a", "client_allowed_sans: expected a list"),
            ("tls_server_config: {cert_file: no.pem, key_file: server.key}", "No such file"),
            ("tls_server_config: {cert_file: server.key, key_file: server.key}", "server.key"),
            (
                "http_server_config: {headers: {X-Frame-Options: deny}}",
                "not supported here: headers",
            ),
            ("basic_auth_users: {prom: secret}", "the password of 'prom' is not a bcrypt hash"),
            ("basic_auth_users: {prom: 7}", "basic_auth_users: prom: expected text, got int"),
        ],
    )
    def test_refused(self, folder: Path, text: str, message: str) -> None:
        """Each mistake is a ValueError that names the file and the setting."""
        (folder / "web.yml").write_text(text)
        with pytest.raises(ValueError, match=r"web\.yml: ") as caught:
            WebConfig(folder / "web.yml")
        assert message in str(caught.value)

    def test_a_password_is_never_repeated(self, folder: Path) -> None:
        """A password written where a hash belongs is not in the error."""
        (folder / "web.yml").write_text("basic_auth_users: {prom: hunter2}")
        with pytest.raises(ValueError, match="prom") as caught:
            WebConfig(folder / "web.yml")
        assert "hunter2" not in str(caught.value)

    def test_a_missing_file(self, tmp_path: Path) -> None:
        """A file that is not there is named."""
        with pytest.raises(ValueError, match=r"cannot read .*none.yml: No such file"):
            WebConfig(tmp_path / "none.yml")

    @pytest.mark.parametrize("text", ["", "{}", "http_server_config: {http2: true}"])
    def test_files_that_ask_for_nothing(self, serve: Serve, text: str) -> None:
        """An empty file is plain HTTP for everybody, as with Prometheus itself."""
        assert ask(serve(text)) == 200

    def test_nothing_is_left_running(self, folder: Path, processor: AgentMetricsProcessor) -> None:
        """A refused configuration leaves no thread behind."""
        (folder / "web.yml").write_text("[")
        before = threading.active_count()
        with pytest.raises(ValueError, match="not YAML"):
            start_http_server(processor, web_config=folder / "web.yml")
        assert threading.active_count() == before

    @pytest.mark.parametrize(
        ("module", "text"),
        [("yaml", ""), ("bcrypt", f"basic_auth_users: {{prom: {hashed('x')}}}")],
        # A hash is another in every process, and all workers must have tests of the same names.
        ids=["yaml", "bcrypt"],
    )
    def test_missing_packages_are_named(self, tmp_path: Path, module: str, text: str) -> None:
        """Without an optional package the error says what to install."""
        path = tmp_path / "web.yml"
        path.write_text(text)
        code = (
            f"import sys; sys.modules[{module!r}] = None\n"
            "from agent_analytics.exporters import start_http_server\n"
            "from agent_analytics.processor import AgentMetricsProcessor\n"
            "try:\n"
            f"    start_http_server(AgentMetricsProcessor(), web_config={os.fspath(path)!r})\n"
            "except ImportError as error:\n"
            "    print(error)\n"
        )
        found = forked.run(
            [sys.executable, "-c", code],
            capture_output=True,
            check=True,
            timeout=patience(),
        )
        assert "pip install 'agent-analytics[auth]'" in found.stdout
