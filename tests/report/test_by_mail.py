"""docs/report.md: its commands, units and CronJob mail a publisher its report."""

import configparser
import shlex
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.docs import pages
from tests.patience import patience, wait_for
from tests.report.counted import counted
from tests.report.mailbox import PASSWORD, Mailbox, Server, write_certificate

from agent_analytics.cli import main
from agent_analytics.exporters import start_http_server
from agent_analytics.insights import PublisherAnalytics
from agent_analytics.insights.analytics import NoData

pytestmark = pytest.mark.servers
#: What stands in the page's files of environment variables.
VARIABLES = {
    "MAIL_TO": "agents@acme.example",
    "SMTP": "mail.example:587",
    "SMTP_FROM": "reports@market.example",
    "SMTP_USER": "reports",
}


def _units() -> dict[str, configparser.ConfigParser]:
    """Return the units of the page, by what they are."""
    found: dict[str, configparser.ConfigParser] = {}
    for block in pages.blocks("report.md", "ini"):
        unit = configparser.ConfigParser(strict=False, interpolation=None)
        unit.optionxform = str  # type: ignore[assignment,method-assign]  # as typeshed says
        unit.read_string(block.text)
        found["timer" if "Timer" in unit else "service"] = unit
    return found


def _by_hand() -> list[str]:
    (command,) = [each for each in pages.commands("report.md") if "--mail-to" in each]
    return command


def _by_systemd() -> list[str]:
    line = _units()["service"]["Service"]["ExecStart"].replace("%i", "acme")
    for name, value in VARIABLES.items():
        line = line.replace(f"${{{name}}}", value)
    return shlex.split(line)


def _by_kubernetes() -> list[str]:
    (block,) = pages.blocks("report.md", "yaml")
    job: Any = yaml.safe_load(block.text)
    (container,) = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    return [str(each) for each in container["args"]]


@pytest.fixture(scope="module")
def prometheus(
    start: Callable[..., AbstractContextManager[str]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """Run a Prometheus that knows a publisher."""
    with start_http_server(counted(7, failed=2, first_tenant=0), port=0) as service:
        config = f"""
scrape_configs:
  - job_name: agent-analytics
    scrape_interval: 1s
    static_configs: [{{targets: ["127.0.0.1:{service.port}"]}}]
"""
        with start(tmp_path_factory.mktemp("prometheus") / "data", config) as url:

            def known() -> bool:
                try:
                    return bool(PublisherAnalytics(url, timeout=patience()).publishers(7))
                except NoData:
                    return False

            wait_for(known, "Prometheus scrapes", every=0.2)
            yield url


@pytest.fixture
def server(prometheus: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """Run a mail server that asks for TLS and a password."""
    monkeypatch.setenv("AGENT_ANALYTICS_PROMETHEUS", prometheus)
    write_certificate(tmp_path)
    (tmp_path / "password").write_text(f"{PASSWORD}\n", encoding="utf-8")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    server = Server(Mailbox(), tmp_path, passwords=True)
    server.start()
    yield server
    server.stop()


def _here(command: list[str], place: Path, server: Server, prometheus: str) -> list[str]:
    """Return the arguments of a command of the page with this test's addresses and files."""
    program, *arguments = command
    assert Path(program).name == "agent-analytics"
    changed = " ".join(arguments).replace("mail.example:587", server.address)
    for file in ("/etc/agent-analytics/smtp-password", "/secrets/password"):
        changed = changed.replace(file, str(place / "password"))
    changed = changed.replace("http://prometheus.monitoring:9090", prometheus)
    return changed.split()


@pytest.mark.parametrize("way", [_by_hand, _by_systemd, _by_kubernetes])
def test_a_publisher_gets_its_report(
    prometheus: str,
    server: Server,
    tmp_path: Path,
    way: Callable[[], list[str]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Each way mails the figures of the week, with the whole page attached."""
    assert main(_here(way(), tmp_path, server, prometheus)) == 0
    out, err = capsys.readouterr()
    assert (out, err) == ("", "agent-analytics report: mailed to agents@acme.example\n")
    (mail,) = server.box.mails
    assert server.box.readers == [["agents@acme.example"]]
    body = mail.get_body(("plain",))
    assert body is not None
    assert any(line.split()[:2] == ["Invocations", "7"] for line in body.get_content().splitlines())
    (page,) = mail.iter_attachments()
    assert page.get_filename() == "acme.html"
    assert "<title>Agents of acme" in page.get_content()


def test_a_file_as_well(prometheus: str, server: Server, tmp_path: Path) -> None:
    """With ``--output`` a report is written and mailed."""
    arguments = _here(_by_hand(), tmp_path, server, prometheus)
    file = tmp_path / "acme.json"
    assert main([*arguments, "--prometheus", prometheus, "--output", str(file)]) == 0
    assert file.exists()
    assert len(server.box.mails) == 1


def test_the_operator_learns_why_there_is_none(
    server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without Prometheus nobody is mailed, and standard error says why."""
    gone = "http://127.0.0.1:9"
    arguments = _here(_by_hand(), tmp_path, server, gone)
    assert main([*arguments, "--prometheus", gone]) == 1
    assert "no answer from Prometheus" in capsys.readouterr().err
    assert server.box.mails == []


def test_systemd_takes_the_units(tmp_path: Path) -> None:
    """Systemd finds nothing wrong with the units of the page, nor with their time."""
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("systemd-analyze is not installed (Debian: systemd)")
    for kind, unit in _units().items():
        path = tmp_path / f"agent-report@.{kind}"
        with path.open("w", encoding="utf-8") as file:
            unit.write(file, space_around_delimiters=False)
    text = (tmp_path / "agent-report@.service").read_text("utf-8")
    assert "/opt/agents/bin/agent-analytics" in text
    # The program of the page is not on this machine.
    here = text.replace("/opt/agents/bin/agent-analytics", shutil.which("true") or "/bin/true")
    (tmp_path / "agent-report@.service").write_text(here, encoding="utf-8")
    timer = str(tmp_path / "agent-report@acme.timer")
    (tmp_path / "agent-report@.timer").rename(timer)
    (tmp_path / "agent-report@.service").rename(tmp_path / "agent-report@acme.service")
    when = _units()["timer"]["Timer"]["OnCalendar"]
    for command in ([program, "verify", timer], [program, "calendar", when]):
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=patience(), check=False
        )
        assert done.returncode == 0, done.stderr
        assert "Unknown" not in done.stderr
        assert "Failed" not in done.stderr
