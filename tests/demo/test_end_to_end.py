"""The demo as its users run it: a process of its own, on a real Prometheus and Alertmanager."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from tests.patience import patience

from agent_analytics.demo._run.servers import PACKAGES, ServerError, find_command
from agent_analytics.portal import page_is_built

COMMAND = (sys.executable, "-m", "agent_analytics.cli", "demo")


def missing_server() -> str:
    """Return which server is not installed here, or nothing."""
    for command in PACKAGES:
        try:
            find_command(command)
        except ServerError as error:
            return str(error)
    return ""


needs_servers = [
    pytest.mark.servers,
    pytest.mark.skipif(bool(missing_server()), reason=missing_server() or "all installed"),
]


@dataclass
class Demo:
    """A demo in a child process without a terminal, its output in files."""

    process: "subprocess.Popen[bytes]"
    home: Path
    servers: dict[str, int] = field(default_factory=dict[str, int])

    @property
    def stdout(self) -> str:
        """What it has written to stdout."""
        return (self.home / "stdout").read_text(encoding="utf-8")

    @property
    def stderr(self) -> str:
        """What it has written to stderr."""
        return (self.home / "stderr").read_text(encoding="utf-8")

    def document(self) -> dict[str, Any]:
        """Return the JSON document on its stdout."""
        document: dict[str, Any] = json.loads(self.stdout)
        return document

    def wait_open(self) -> None:
        """Wait until the marketplace has opened, and note the servers that it has started."""
        deadline = time.monotonic() + patience()
        while "invocations/s" not in self.stderr:
            assert self.process.poll() is None, self.stderr
            assert time.monotonic() < deadline, self.stderr
            time.sleep(0.1)
        for task in Path(f"/proc/{self.process.pid}/task").iterdir():
            for pid in (task / "children").read_text(encoding="utf-8").split():
                command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0].decode()
                self.servers[Path(command).name] = int(pid)

    def wait(self) -> int:
        """Wait for its end and return its exit status."""
        return self.process.wait(patience(150))

    def ports(self) -> list[int]:
        """Return the ports of the addresses that it has told."""
        found = (urlsplit(word).port for word in self.stderr.split() if word.startswith("http://"))
        return [port for port in found if port]

    def assert_nothing_left(self) -> None:
        """Fail where one of its servers still runs or listens."""
        ports = self.ports()
        # The portal is one of them where its page is built.
        assert len(ports) == 3 + page_is_built(), self.stderr
        assert [port for port in ports if listening(port)] == []
        assert [name for name, pid in self.servers.items() if running(pid)] == []


def start(home: Path, *arguments: str) -> Demo:
    """Start a demo whose output goes to files in ``home``."""
    home.mkdir(exist_ok=True)
    with (home / "stdout").open("wb") as out, (home / "stderr").open("wb") as err:
        process = subprocess.Popen(
            [*COMMAND, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            env={**os.environ, "TMPDIR": str(home)},
            start_new_session=True,
        )
    return Demo(process, home)


def end(demo: Demo) -> None:
    """End a demo, whatever it is doing."""
    if demo.process.poll() is None:
        demo.process.send_signal(signal.SIGTERM)
        try:
            demo.process.wait(patience())
        except subprocess.TimeoutExpired:
            demo.process.kill()
            demo.process.wait(patience())


def listening(port: int) -> bool:
    """Tell whether somebody accepts connections on a loopback port."""
    with socket.socket() as probe:
        probe.settimeout(patience())
        return probe.connect_ex(("127.0.0.1", port)) == 0


def running(pid: int) -> bool:
    """Tell whether a process exists and is no zombie."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state.split()[0] != "Z"


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    """Return a demo that runs until it is stopped."""
    started = start(tmp_path, "--json", "--speed", "4", "--duration", "100")
    try:
        started.wait_open()
        yield started
    finally:
        end(started)


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """Return a demo with an incident that has ended by itself."""
    demo = start(
        tmp_path_factory.mktemp("demo"),
        *("--json", "--incident", "--duration", "12", "--speed", "4"),
    )
    try:
        demo.wait_open()
        demo.wait()
        yield demo
    finally:
        end(demo)


class TestIncident:
    """One whole run: an incident is planted, paged, and every number is compared."""

    pytestmark = needs_servers

    def test_exits_with_status_0(self, ended: Demo) -> None:
        """Nothing that should run did not."""
        assert ended.process.returncode == 0, ended.stderr
        assert ended.document()["problems"] == []

    def test_every_number_of_prometheus_equals_the_ledger(self, ended: Demo) -> None:
        """Thousands of series are compared, under every heading, and none differs."""
        comparison = ended.document()["comparison"]
        assert comparison["differences"] == []
        assert comparison["compared"].keys() >= {
            "distinct tenants",
            "durations",
            "errors by type",
            "first events",
            "installs",
            "invocations",
            "model calls",
            "money",
            "names and versions",
            "other series",
            "own health",
            "ratings",
            "tokens",
            "tool calls",
        }
        assert sum(comparison["compared"].values()) > 2000

    def test_distinct_tenants_are_near_the_truth(self, ended: Demo) -> None:
        """Root mean square 3.5 %, nine in ten listings within 5 %, none beyond 12 %."""
        listings = ended.document()["comparison"]["distinct_tenants"]["listings"]
        errors = [abs(each["answered"] / each["truth"] - 1) for each in listings.values()]
        assert len(errors) > 20
        assert (sum(error**2 for error in errors) / len(errors)) ** 0.5 <= 0.035
        assert sum(error <= 0.05 for error in errors) >= 0.9 * len(errors)
        assert max(errors) <= 0.12

    def test_both_agents_are_paged_within_a_minute(self, ended: Demo) -> None:
        """The second one fails while the first is already paged."""
        pages = ended.document()["pages"]
        assert [page["agent"] for page in pages] == [
            "brightdesk/ticket-triage",
            "shipwise/parcel-tracker",
        ]
        assert [page["another_already_paged"] for page in pages] == [False, True]
        assert all(0 < page["seconds_to_page"] <= patience() for page in pages)

    def test_the_insight_is_told_with_what_to_do(self, ended: Demo) -> None:
        """Progress names the agent, the number and the recommendation, as it fires."""
        line = next(
            line
            for line in ended.stderr.splitlines()
            if "CRITICAL brightdesk/ticket-triage" in line
        )
        assert "Error rate above 5 %" in line
        assert "-> Look at" in line

    def test_without_a_terminal_there_are_no_escape_codes(self, ended: Demo) -> None:
        """Progress is plain lines."""
        assert "\x1b" not in ended.stderr + ended.stdout

    def test_the_burst_is_in_the_ledger(self, ended: Demo) -> None:
        """A fifth of at least a few hundred invocations has failed."""
        account = next(
            each for each in ended.document()["ledger"] if each["agent"] == "ticket-triage"
        )
        assert account["errors"]["ConnectionError"] > 60
        assert account["invocations"]["success"] > 4 * account["errors"]["ConnectionError"] - 100

    def test_nothing_is_left(self, ended: Demo) -> None:
        """No server runs, none listens, and the temporary files are gone."""
        assert set(ended.servers) == {"prometheus", Path(find_command(list(PACKAGES)[1])).name}
        ended.assert_nothing_left()
        assert list(ended.home.glob("agent-analytics-demo-*")) == []


@pytest.mark.slow
class TestInterruption:
    """Ctrl-C, a hard kill, and a server that dies."""

    pytestmark = needs_servers

    def test_ctrl_c_ends_in_a_summary(self, demo: Demo) -> None:
        """The first Ctrl-C stops the traffic; the numbers are still compared, and agree."""
        demo.process.send_signal(signal.SIGINT)
        assert demo.wait() == 0, demo.stderr
        document = demo.document()
        assert document["interrupted"] is True
        assert document["comparison"]["equal"] is True
        demo.assert_nothing_left()

    def test_a_second_ctrl_c_does_not_wait(self, demo: Demo) -> None:
        """It skips the comparison, says so, and still stops the servers."""
        demo.process.send_signal(signal.SIGINT)
        while "waiting for the last scrape" not in demo.stderr:
            assert demo.process.poll() is None, demo.stderr
            time.sleep(0.05)
        demo.process.send_signal(signal.SIGINT)
        assert demo.wait() == 1, demo.stderr
        assert "not compared" in demo.document()["problems"][0]
        demo.assert_nothing_left()

    @pytest.mark.skipif(shutil.which("setpriv") is None, reason="needs setpriv of util-linux")
    def test_servers_die_with_a_demo_that_is_killed(self, demo: Demo) -> None:
        """The kernel ends the servers where the demo itself had no time to."""
        demo.process.kill()
        demo.process.wait(patience())
        # A killed process is a zombie as soon as its first thread has gone; its sockets are closed
        # with the last one, a moment later.
        deadline = time.monotonic() + patience()
        while (
            any(running(pid) for pid in demo.servers.values())
            or any(listening(port) for port in demo.ports())
        ) and time.monotonic() < deadline:
            time.sleep(0.05)
        demo.assert_nothing_left()

    def test_a_dead_server_is_a_failure(self, demo: Demo) -> None:
        """The demo ends with status 1, names the server, and stops the other one."""
        os.kill(demo.servers["prometheus"], signal.SIGKILL)
        assert demo.wait() == 1
        assert "prometheus ended with status -9" in demo.stderr
        demo.assert_nothing_left()


def test_a_missing_prometheus_is_named_with_its_package(tmp_path: Path) -> None:
    """Without the server on PATH there is one helpful line, and status 1."""
    done = subprocess.run(
        [*COMMAND, "--json"],
        env={**os.environ, "PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=patience(),
        check=False,
    )
    assert done.returncode == 1
    assert done.stdout == ""
    assert "prometheus is not on PATH; install" in done.stderr.splitlines()[-1]
    assert "apt-get install prometheus" in done.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    "arguments", [("--speed", "0"), ("--speed", "nan"), ("--duration", "-1"), ("--duration", "inf")]
)
def test_bad_arguments_are_refused(arguments: tuple[str, str]) -> None:
    """A wrong command line has status 2 and says what was expected."""
    done = subprocess.run(
        [*COMMAND, *arguments], capture_output=True, text=True, timeout=patience(), check=False
    )
    assert done.returncode == 2
    assert f"{arguments[0]}: expected" in done.stderr
