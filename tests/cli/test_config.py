"""``agent-analytics config``: configurations that the servers accept, by every way of finding."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.tools import Run

from agent_analytics.cli import main
from agent_analytics.exporters import make_wsgi_app
from agent_analytics.processor import AgentMetricsProcessor

JOBS = ("agent-analytics", "agent-analytics-sketches")


def write(folder: Path, *options: str) -> dict[str, Any]:
    """Run the command and return what Prometheus would read."""
    assert main(["config", "--output", str(folder), *options]) == 0
    document: dict[str, Any] = yaml.safe_load((folder / "prometheus.yml").read_text("utf-8"))
    return document


def accepted(promtool: Run, folder: Path) -> None:
    """Fail where promtool refuses the configuration, or a file that it names is not there."""
    done = promtool("check", "config", folder / "prometheus.yml")
    assert done.returncode == 0, done.stdout + done.stderr


def test_services_are_named(promtool: Run, tmp_path: Path) -> None:
    """Each target is scraped for metrics and for sketches, under the service that it belongs to."""
    document = write(tmp_path, "--target", "finder=a:9464", "--target", "b:9465")
    accepted(promtool, tmp_path)
    first, second, own = document["scrape_configs"]
    assert (first["job_name"], second["job_name"]) == JOBS
    assert first["static_configs"] == [
        {"targets": ["a:9464"], "labels": {"service": "finder"}},
        {"targets": ["b:9465"]},
    ]
    assert second["static_configs"] == first["static_configs"]
    assert second["metrics_path"] == "/metrics/sketches"
    assert own["static_configs"] == [{"targets": ["localhost:9090"]}]


@pytest.mark.parametrize(
    ("options", "section", "settings"),
    [
        (["--targets-file", "t/*.json"], "file_sd_configs", {"files": ["t/*.json"]}),
        (["--targets-url", "http://cmdb/t"], "http_sd_configs", {"url": "http://cmdb/t"}),
        (["--dns", "_m._tcp.a.internal"], "dns_sd_configs", {"names": ["_m._tcp.a.internal"]}),
        (
            ["--dns", "agents.internal:9464"],
            "dns_sd_configs",
            {"names": ["agents.internal"], "type": "A", "port": 9464},
        ),
    ],
)
def test_targets_can_be_found(
    promtool: Run, tmp_path: Path, options: list[str], section: str, settings: dict[str, object]
) -> None:
    """Prometheus accepts every way of finding targets, in both jobs."""
    document = write(tmp_path, *options)
    accepted(promtool, tmp_path)
    for job in document["scrape_configs"][:2]:
        assert job[section] == [settings]


def test_ways_go_together(promtool: Run, tmp_path: Path) -> None:
    """A name that DNS resolves becomes the service, and leaves those of other targets alone."""
    document = write(
        tmp_path,
        *("--target", "finder=a:1", "--dns", "a:1", "--dns", "b:2", "--targets-file", "t.json"),
    )
    accepted(promtool, tmp_path)
    job = document["scrape_configs"][0]
    assert len(job["dns_sd_configs"]) == 2
    assert job["relabel_configs"] == [
        {"source_labels": ["__meta_dns_name"], "regex": "(.+)", "target_label": "service"}
    ]


@pytest.mark.parametrize(
    ("options", "namespaces"),
    [(["--kubernetes"], None), (["--kubernetes", "agents"], {"names": ["agents"]})],
)
def test_pods_can_be_found(
    promtool: Run, tmp_path: Path, options: list[str], namespaces: object
) -> None:
    """Pods with a port of the right name are targets, with names that outlive a pod of a set."""
    document = write(tmp_path, *options)
    done = promtool("check", "config", tmp_path / "prometheus.yml")
    # Debian's build of Prometheus knows no Kubernetes, and says so; it must not mind anything else.
    complaints = {line.split()[-6] for line in done.stderr.splitlines() if "not found in" in line}
    assert done.returncode == 0 or complaints == {"kubernetes_sd_configs"}, done.stderr
    for job in document["scrape_configs"][:2]:
        (found,) = job["kubernetes_sd_configs"]
        assert found["role"] == "pod"
        assert found.get("namespaces") == namespaces
        keep, service, instance = job["relabel_configs"]
        assert (keep["action"], keep["regex"]) == ("keep", "agent-analytics")
        assert service["target_label"] == "service"
        assert (instance["target_label"], instance["separator"]) == ("instance", "/")


def test_the_endpoints_may_ask_who_comes(promtool: Run, tmp_path: Path) -> None:
    """Certificates switch TLS on, and a password is read from a file beside the configuration."""
    for name in ("ca.pem", "own.pem", "own.key", "password"):
        (tmp_path / name).touch()
    document = write(
        tmp_path,
        *("--target", "a:9464", "--ca-file", "ca.pem", "--server-name", "agents.internal"),
        *("--cert-file", "own.pem", "--key-file", "own.key"),
        *("--user", "prometheus", "--password-file", "password"),
    )
    accepted(promtool, tmp_path)
    for job in document["scrape_configs"][:2]:
        assert job["scheme"] == "https"
        assert job["tls_config"] == {
            "ca_file": "ca.pem",
            "cert_file": "own.pem",
            "key_file": "own.key",
            "server_name": "agents.internal",
        }
        assert job["basic_auth"] == {"username": "prometheus", "password_file": "password"}


def test_a_token_and_plain_tls(promtool: Run, tmp_path: Path) -> None:
    """A bearer token is read from a file, and the system's certificates may do."""
    (tmp_path / "token").touch()
    document = write(tmp_path, "--target", "a:9464", "--tls", "--token-file", "token")
    accepted(promtool, tmp_path)
    job = document["scrape_configs"][0]
    assert job["scheme"] == "https"
    assert "tls_config" not in job
    assert job["authorization"] == {"credentials_file": "token"}


def test_a_cluster_of_alertmanagers(promtool: Run, tmp_path: Path) -> None:
    """Each Alertmanager is told, by its own scheme and path."""
    document = write(
        tmp_path,
        *("--target", "a:9464", "--prometheus", "none"),
        *("--alertmanager", "am-1:9093", "--alertmanager", "https://am-2.example/alerts"),
    )
    accepted(promtool, tmp_path)
    assert document["alerting"]["alertmanagers"] == [
        {"static_configs": [{"targets": ["am-1:9093"]}]},
        {
            "static_configs": [{"targets": ["am-2.example"]}],
            "scheme": "https",
            "path_prefix": "/alerts",
        },
    ]
    assert len(document["scrape_configs"]) == 2


@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        (["audience=oncall", "publisher_id=acme"], "oncall"),
        (["audience=publisher", "publisher_id=acme"], "publisher: acme"),
        (["audience=publisher", "publisher_id=globex"], "publishers"),
    ],
)
def test_everybody_is_told(
    amtool: Run,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    labels: list[str],
    receiver: str,
) -> None:
    """Alertmanager accepts every kind of receiver, and the command says who is told how."""
    write(
        tmp_path,
        *("--target", "a:9464", "--oncall", "slack:/s", "--oncall", "pagerduty:/p"),
        *("--oncall", "webhook:http://pager/", "--publishers", "email:them@example.com"),
        *("--publisher", "acme", "email:it@acme.example", "--publisher", "acme", "slack:/acme"),
        *("--smtp", "mail:587", "--smtp-from", "us@example.com"),
        *("--smtp-user", "us", "--smtp-password-file", "/m"),
    )
    path = tmp_path / "alertmanager.yml"
    done = amtool("check-config", path)
    assert done.returncode == 0, done.stdout + done.stderr
    found = amtool("config", "routes", "test", f"--config.file={path}", *labels)
    assert found.stdout.strip() == receiver
    out = capsys.readouterr().out
    for line in (
        "on-call: Slack, by the incoming webhook whose address is in /s",
        "on-call: PagerDuty, by the integration key (Events API v2) in /p",
        "on-call: JSON, posted to http://pager/",
        "publishers: mail to them@example.com",
        "publisher acme: mail to it@acme.example",
    ):
        assert f"{line}\n" in out
    assert json.dumps(yaml.safe_load(path.read_text("utf-8"))).count('"/acme"') == 1


def test_nobody_is_told(amtool: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without a receiver alerts show on Alertmanager's page, and the command says that they do."""
    write(tmp_path, "--target", "a:9464")
    assert amtool("check-config", tmp_path / "alertmanager.yml").returncode == 0
    out = capsys.readouterr().out
    assert "on-call: nobody is told; alerts show on Alertmanager's page only" in out


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "name where metrics are served, by --target HOST:PORT"),
        (["--target", "nowhere"], "expected HOST:PORT"),
        (["--target", "a:0"], "expected HOST:PORT"),
        (["--target", "a:70000"], "expected HOST:PORT"),
        (["--dns", ":9464"], "expected NAME"),
        (["--kubernetes", "--target", "a:1"], "--kubernetes goes with no other way"),
        (["--target", "a:1", "--cert-file", "c"], "--cert-file and --key-file go together"),
        (["--target", "a:1", "--user", "me"], "--user and --password-file go together"),
        (
            ["--target", "a:1", "--user", "me", "--password-file", "p", "--token-file", "t"],
            "--user and --token-file cannot both be sent",
        ),
        (["--target", "a:1", "--oncall", "pigeon:loft"], "expected one of slack"),
        (["--target", "a:1", "--oncall", "slack"], "expected one of slack"),
        (["--target", "a:1", "--oncall", "slack:url"], "absolute path"),
        (["--target", "a:1", "--oncall", "webhook:pager"], "expected an address of HTTP"),
        (["--target", "a:1", "--publisher", "acme", "pagerduty:key"], "absolute path"),
        (
            ["--target", "a:1", "--oncall", "email:me@a.b"],
            "--oncall email:me@a.b needs a mail server: give --smtp HOST:PORT and --smtp-from",
        ),
        (["--target", "a:1", "--smtp", "mail:25"], "--smtp and --smtp-from go together"),
        (["--target", "a:1", "--smtp-from", "a@b.c"], "--smtp and --smtp-from go together"),
        (["--target", "a:1", "--smtp", "mail"], "argument --smtp: expected HOST:PORT"),
        (["--target", "a:1", "--publishers", "email:me@a.b"], "--publishers email:me@a.b needs"),
        (["--target", "a:1", "--publisher", "acme", "email:me@a.b"], "--publisher acme email:"),
        (["--target", "a:1", "--publisher", "acme", "email:me"], "argument --publisher acme: exp"),
        (["--target", "a:1", "--oncall", "email:me"], "argument --oncall: expected an address"),
        (["--target", "a:1", "--key-file", "k"], "--cert-file and --key-file go together"),
        (["--target", "a:1", "--password-file", "p"], "--user and --password-file go together"),
        (["--target", "a:1", "--smtp-user", "me"], "--smtp-user needs --smtp"),
        (["--target", "a:1", "--smtp-plain"], "--smtp-plain needs --smtp"),
    ],
)
def test_what_makes_no_sense_is_refused(
    options: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The message says what was expected, and nothing is written."""
    try:
        status: object = main(["config", "--output", str(tmp_path), *options])
    except SystemExit as ended:
        status = ended.code
    assert status == 2
    printed = capsys.readouterr().err
    assert said in printed
    assert printed.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_what_was_edited_stays(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file with other content is left alone and named, until it may be replaced."""
    command = ["config", "--output", str(tmp_path), "--target", "a:9464"]
    assert main(command) == 0
    assert main(command) == 0
    edited = tmp_path / "alertmanager.yml"
    edited.write_text("# mine\n", encoding="utf-8")
    capsys.readouterr()
    assert main(command) == 1
    said = capsys.readouterr()
    assert str(edited) in said.err
    assert "--force" in said.err
    assert "prometheus.yml" not in said.err
    assert edited.read_text("utf-8") == "# mine\n"
    assert main([*command, "--force"]) == 0
    assert "route:" in edited.read_text("utf-8")


def test_a_folder_that_cannot_be_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file in the way ends with 1, and is named."""
    (tmp_path / "out").touch()
    assert main(["config", "--output", str(tmp_path / "out"), "--target", "a:9464"]) == 1
    assert f"cannot write {tmp_path / 'out'}" in capsys.readouterr().err


def test_sketches_have_a_token_of_their_own(promtool: Run, tmp_path: Path) -> None:
    """The second job sends it instead of the password, under the name that the rules know."""
    password, token = tmp_path / "password", tmp_path / "token"
    for file in (password, token):
        file.write_text("secret")
    document = write(
        tmp_path,
        *("--target", "a:9464", "--tls", "--user", "prometheus"),
        *("--password-file", str(password), "--sketches-token-file", str(token)),
    )
    accepted(promtool, tmp_path)
    first, second, _ = document["scrape_configs"]
    assert (first["job_name"], second["job_name"]) == JOBS
    assert first["basic_auth"]["password_file"] == str(password)
    assert "authorization" not in first
    assert second["authorization"] == {"credentials_file": str(token)}
    assert "basic_auth" not in second
    assert second["scheme"] == "https"


def test_a_key_is_another_each_time(capsys: pytest.CaptureFixture[str]) -> None:
    """Each call prints one secret, long enough for a key, and one that a token may be."""
    assert [main(["key"]) for _ in range(2)] == [0, 0]
    first, second = capsys.readouterr().out.splitlines()
    assert first != second
    for secret in (first, second):
        assert len(secret) >= 43
        make_wsgi_app(AgentMetricsProcessor(), sketches_token=secret)
