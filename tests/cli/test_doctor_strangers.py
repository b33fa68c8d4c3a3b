"""The doctor names who answers instead of the service, and why a certificate is not believed."""

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import bcrypt
import pytest
import trustme
from tests.cli.prometheus import job, running
from tests.patience import patience

from agent_analytics.cli._doctor import Examination, Problem, examine
from agent_analytics.cli._doctor.prometheus.failed_scrapes import scrape_remedy
from agent_analytics.exporters import start_http_server
from agent_analytics.processor import AgentMetricsProcessor

PORT = "AGENT_ANALYTICS_METRICS_PORT"
NODE = (
    "# TYPE node_load1 gauge\nnode_load1 0.2\n# TYPE node_cpu gauge\nnode_cpu 1\n"
    "# TYPE go_threads gauge\ngo_threads 8\n"
)
#: What a stranger sends, what is said of it, and what is advised.
STRANGERS: dict[str, tuple[bytes, str, str]] = {
    # node_exporter, as any program with prometheus_client.
    "another exposition": (
        f"HTTP/1.1 200 OK\r\nContent-Length: {len(NODE)}\r\n\r\n{NODE}".encode(),
        "an exposition of another program, with node_*, go_* answers",
        "The line `metrics on …`",
    ),
    # Grafana, Kibana: a page for every path.
    "a page": (
        (
            b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nServer: nginx/1.27\r\n"
            b"Content-Length: 15\r\n\r\n<html>hi</html>"
        ),
        "no exposition at all but text/html by nginx/1.27 answers",
        "The line `metrics on …`",
    ),
    "JSON": (
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
        "no exposition at all but application/json answers",
        "The line `metrics on …`",
    ),
    "nothing": (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "an empty answer answers", "The"),
    "a path that is not there": (
        b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
        "does not answer: HTTP 404 Not Found.",
        "The line `metrics on …`",
    ),
    "a log-in": (
        b"HTTP/1.1 302 Found\r\nLocation: http://sso/login\r\nContent-Length: 0\r\n\r\n",
        "does not answer: HTTP 302 Found.",
        "Give --metrics the address, http://sso/login,",
    ),
    # Redis, answering an HTTP request.
    "Redis": (
        b"-ERR wrong number of arguments for 'get' command\r\n",
        "does not answer: -ERR wrong number",
        "What serves there speaks no HTTP",
    ),
    # OpenSSH sends its banner first.
    "SSH": (b"SSH-2.0-OpenSSH_9.2\r\n", "SSH-2.0-OpenSSH_9.2", "What serves there speaks no HTTP"),
    # Go's net/http answers plain requests at a TLS port so.
    "TLS of Go": (
        b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n",
        "HTTP 400 Bad Request",
        "Ask by https://",
    ),
    "somebody who hangs up": (b"", "does not answer: Remote end closed", "Ask by https://"),
}


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take out of the environment what the tests set themselves."""
    for variable in os.environ:
        if variable.startswith(("OTEL_", "AGENT_ANALYTICS_", "WEB_CONCURRENCY", "SSL_CERT")):
            monkeypatch.delenv(variable)
    monkeypatch.setenv("AGENT_ANALYTICS_TENANT_KEY", "a long secret")


@contextmanager
def stranger(answer: bytes) -> Generator[int]:
    """Answer every connection with the same bytes, and yield the port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(65536)
                    connection.sendall(answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)


def only(found: Examination) -> Problem:
    """Return the one thing that is wrong."""
    (problem,) = found.problems
    return problem


@pytest.mark.parametrize("case", STRANGERS)
def test_a_stranger(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What answers at the port of the settings is described; a free port is advised for those."""
    answer, wrong, remedy = STRANGERS[case]
    with stranger(answer) as port:
        asked = only(examine(f"http://127.0.0.1:{port}/metrics", "none"))
        monkeypatch.setenv(PORT, str(port))
        by_settings = only(examine(None, "none"))
    for problem in (asked, by_settings):
        assert wrong in problem.wrong
        assert problem.remedy.startswith(remedy)
    # Who names the address has no port to set.
    assert PORT not in asked.remedy


def test_a_stranger_at_the_default_port(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no setting names the port, the service may be elsewhere: that is not wrong."""
    with stranger(STRANGERS["a page"][0]) as port:
        monkeypatch.setattr("agent_analytics.exporters._settings.settings.choose", _default(port))
        found = examine(None, "none")
    assert found.problems == []
    (left,) = [each for each in found.unchecked if "the running service" in each]
    assert "where it is by default" in left
    assert "set AGENT_ANALYTICS_METRICS_PORT to a free one, such as 9465" in left


def _default(port: int) -> object:
    """Return ``choose()`` with another default port: 9464 is not the test's to take."""
    from agent_analytics.exporters._settings import settings  # noqa: PLC0415 - before it is replaced

    chosen = settings.choose

    def choose(argument: object, variable: str, default: object, parse: object) -> object:
        default = port if variable == PORT else default
        return chosen(argument, variable, default, parse)  # type: ignore[arg-type] # passed on

    return choose


@pytest.mark.parametrize(
    ("path", "what"),
    [("", "the index"), ("/", "the index"), ("/metrics/sketches", "the sketches")],
)
def test_another_path_of_the_service(path: str, what: str) -> None:
    """A path of ours that is not /metrics is named, with the right one."""
    with start_http_server(AgentMetricsProcessor(hold_seconds=0)) as server:
        problem = only(examine(f"{server.url}{path}", "none"))
    if path != "/metrics/sketches":  # which is empty without tenants
        assert f"{what} of agent-analytics answers" in problem.wrong
        assert problem.remedy == f"Give --metrics {server.url}/metrics."


@contextmanager
def secured(place: Path, *names: str, until: datetime | None = None) -> Generator[str]:
    """Run a service whose certificate has some names, and yield its port."""
    signer = trustme.CA()
    signer.cert_pem.write_to_path(str(place / "ca.pem"))
    signer.issue_cert(*names, not_after=until).private_key_and_cert_chain_pem.write_to_path(
        str(place / "server.pem")
    )
    (place / "web.yml").write_text(
        "tls_server_config: {cert_file: server.pem, key_file: server.pem}\n"
    )
    processor = AgentMetricsProcessor(hold_seconds=0)
    with start_http_server(processor, web_config=place / "web.yml") as server:
        yield str(server.port)


@pytest.mark.parametrize(
    ("names", "host", "listed"),
    [
        (("agents.example",), "127.0.0.1", "agents.example"),
        (("agents.example", "10.0.0.7"), "127.0.0.1", "agents.example, 10.0.0.7"),
        (("127.0.0.1",), "localhost", "127.0.0.1"),
        (("*.example.com",), "localhost", "*.example.com"),
        (("::1",), "127.0.0.1", "0:0:0:0:0:0:0:1"),
    ],
)
def test_a_certificate_of_another_name(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    names: tuple[str, ...],
    host: str,
    listed: str,
) -> None:
    """A trusted certificate for other names: the names are listed, and no authority is asked for.

    OpenSSL says "Hostname mismatch" of a name and "IP address mismatch" of an address.
    """
    with secured(tmp_path, *names) as port:
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
        problem = only(examine(f"https://{host}:{port}/metrics", "none"))
    assert "mismatch" in problem.wrong
    assert f"(it is for {listed})" in problem.remedy
    assert "IP:address for an address" in problem.remedy
    assert "SSL_CERT_FILE" not in problem.remedy


def test_other_certificates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that nobody trusts wants an authority, an expired one is to be renewed."""
    with secured(tmp_path, "127.0.0.1") as port:
        untrusted = only(examine(f"https://127.0.0.1:{port}/metrics", "none"))
        plain = only(examine(f"http://127.0.0.1:{port}/metrics", "none"))
    yesterday = datetime.now(UTC) - timedelta(days=1)
    with secured(tmp_path, "127.0.0.1", until=yesterday) as port:
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
        expired = only(examine(f"https://127.0.0.1:{port}/metrics", "none"))
    with start_http_server(AgentMetricsProcessor(hold_seconds=0)) as server:
        bare = only(examine(f"{server.url.replace('http', 'https')}/metrics", "none"))
    assert untrusted.remedy.startswith("Set SSL_CERT_FILE")
    assert plain.remedy.startswith("Ask by https://")
    assert expired.remedy.startswith("Renew the service's certificate")
    assert bare.remedy.startswith("Ask by http://")


@pytest.mark.servers
def test_prometheus_and_a_certificate_of_another_name(tmp_path: Path) -> None:
    """What Prometheus says of a name that does not match is no matter of an authority."""
    with secured(tmp_path, "agents.example") as port:
        named = {"ca_file": str(tmp_path / "ca.pem")}
        jobs = [
            job("agent-analytics", f"127.0.0.1:{port}", scheme="https", tls_config=named),
            job("agent-analytics-sketches", f"localhost:{port}", scheme="https", tls_config=named),
        ]
        with running(tmp_path, jobs) as url:
            found = [each for each in examine("none", url).problems if "is down" in each.wrong]
    assert len(found) == 2
    assert all(each.remedy.startswith("Name the target in prometheus.yml as") for each in found)


#: Words of Go and Prometheus (the file that has them), and what is advised.
SCRAPES = [
    # crypto/x509/verify.go
    (
        (
            'Get "https://10.0.0.1:9464/metrics": tls: failed to verify certificate: x509: cannot '
            "validate certificate for 10.0.0.1 because it doesn't contain any IP SANs"
        ),
        "Name the target",
    ),
    ("x509: certificate is valid for localhost, not agents", "Name the target"),
    ("x509: certificate is not valid for any names, but wanted to match agents", "Name the target"),
    (
        "x509: certificate relies on legacy Common Name field, use SANs instead",
        "Name the target",
    ),
    (
        (
            "x509: certificate has expired or is not yet valid: current time "
            "2026-01-01T00:00:00Z is after 2025-01-01T00:00:00Z"
        ),
        "Renew the service's certificate",
    ),
    ("x509: certificate signed by unknown authority", "Set tls_config with ca_file"),
    # crypto/tls/alert.go
    ("remote error: tls: certificate required", "Set cert_file and key_file"),
    ("remote error: tls: bad certificate", "Set cert_file and key_file"),
    # scrape/scrape.go of Prometheus 3
    (
        (
            'received unsupported Content-Type "text/html" and no fallback_scrape_protocol '
            "specified for target"
        ),
        "Something else answers",
    ),
    ("non-compliant scrape target sending blank Content-Type and no fallback", "Something else"),
    ("server returned HTTP status 302 Found", "Something else answers"),
    ("server returned HTTP status 405 Method Not Allowed", "Something else answers"),
    ("server returned HTTP status 502 Bad Gateway", "Look into the log"),
    ("server returned HTTP status 400 Bad Request", "Set scheme: https"),
    ("sample limit exceeded", "Raise the limit"),
    ("body size limit exceeded", "Raise the limit"),
    # model/textparse of Prometheus 2
    ('"INVALID" is not a valid start token', "Something else answers"),
    ('expected value after metric, got "<" ("INVALID") while parsing: "<"', "Something else"),
    ('strconv.ParseFloat: parsing "html": invalid syntax', "Something else answers"),
    # net/http, net
    ("net/http: HTTP/1.x transport connection broken: malformed HTTP response", "Set scheme: http"),
    ("read tcp 127.0.0.1:1->127.0.0.1:2: read: connection reset by peer", "Look whether"),
    ("dial tcp: lookup agents on 127.0.0.11:53: no such host", "Correct the host's name"),
    ("dial tcp 10.0.0.1:9464: connect: network is unreachable", "Let Prometheus through"),
    ("unable to read CA cert /etc/ca.pem: open /etc/ca.pem: permission denied", "Let Prometheus"),
]


@pytest.mark.parametrize(("said", "remedy"), SCRAPES)
def test_remedies_of_scrapes(said: str, remedy: str) -> None:
    """Each way in which a scrape fails has its own remedy."""
    assert scrape_remedy(said).startswith(remedy)


@pytest.mark.parametrize(
    ("status", "remedy"),
    [
        (
            "401 Unauthorized",
            "Set basic_auth in prometheus.yml, with a user of the service's web_config; or,",
        ),
        ("403 Forbidden", "Set AGENT_ANALYTICS_TENANT_KEY for the service"),
        ("404 Not Found", "Correct metrics_path"),
    ],
)
def test_remedies_of_sketches(status: str, remedy: str) -> None:
    """Sketches are refused for reasons of their own: no tenant key, and a token."""
    said = f"server returned HTTP status {status}"
    assert scrape_remedy(said, sketches=True).startswith(remedy)


@pytest.mark.parametrize("module", ["yaml", "bcrypt"])
def test_a_package_that_is_missing(module: str, tmp_path: Path) -> None:
    """A package that a setting needs is to be installed; the setting itself is right."""
    hashed = bcrypt.hashpw(b"pass", bcrypt.gensalt(4)).decode()
    (tmp_path / "web.yml").write_text(f"basic_auth_users: {{prom: {hashed}}}\n")
    program = (
        f"import sys; sys.modules[{module!r}] = None\n"
        "from agent_analytics.cli import main\n"
        "sys.exit(main(['doctor', '--metrics', 'none', '--prometheus', 'none']))"
    )
    environment = {**os.environ, "AGENT_ANALYTICS_WEB_CONFIG": str(tmp_path / "web.yml")}
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=patience(),
        check=False,
        env=environment,
    )
    assert done.returncode == 1, done.stderr
    assert "pip install 'agent-analytics[auth]'" in done.stdout
    assert "-> Install it where the service runs" in done.stdout
    assert "Set AGENT_ANALYTICS_WEB_CONFIG" not in done.stdout


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may read for others and be refused")
@pytest.mark.parametrize("hidden", [False, True], ids=["file", "folder"])
@pytest.mark.parametrize(
    ("variable", "name"),
    [
        ("AGENT_ANALYTICS_PRICES", "prices.json"),
        ("AGENT_ANALYTICS_WEB_CONFIG", "web.yml"),
        ("AGENT_ANALYTICS_STATE_DIR", "state"),
    ],
)
def test_what_another_user_may_read(
    variable: str, name: str, tmp_path: Path, *, hidden: bool
) -> None:
    """A file of the service's user is not called wrong by a user who may not read it."""
    place = tmp_path / name
    if name == "state":
        place.mkdir(mode=0o700)
    else:
        place.write_text("{}")
        place.chmod(0o600)
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            for each in (tmp_path.parent.parent, tmp_path.parent, tmp_path):
                each.chmod(0o755)  # pytest's own are private
            if hidden:
                tmp_path.chmod(0o700)
            os.environ[variable] = str(place)
            os.setuid(65534)
            found = examine("none", "none")
            left = "\n".join(found.unchecked)
            status = 0 if not found.problems and "the user that the service runs as" in left else 2
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
