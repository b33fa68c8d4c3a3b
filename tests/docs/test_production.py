"""docs/production.md: its commands set up services, Prometheus and Alertmanager, which then work.

Three services on one machine stand for twenty on five. What the page calls machines is loopback
here, its folders are temporary, and ports are whichever are free; all else is as on the page.
"""

import configparser
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from http.client import HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from tests.docs import pages
from tests.patience import patience, wait_for
from tests.ports import free_port

pytestmark = [pytest.mark.servers, pytest.mark.slow]

PAGE = "production.md"
SERVICES = ("finder", "writer", "coder")
NEEDED = ("prometheus", "promtool", "amtool", "openssl", "bash")
BASH = shutil.which("bash") or "bash"
PROMTOOL = shutil.which("promtool") or "promtool"


@dataclass
class Place:
    """Where the page is followed.

    Attributes:
        folder: Holds all that the page writes.
        prometheus: Port of Prometheus.
        alertmanager: Port of Alertmanager.
        told: What on-call was sent.
        running: Every process, by name.
    """

    folder: Path
    prometheus: int = field(default_factory=free_port)
    alertmanager: int = field(default_factory=free_port)
    told: list[str] = field(default_factory=list[str])
    running: dict[str, "subprocess.Popen[bytes]"] = field(
        default_factory=dict[str, "subprocess.Popen[bytes]"]
    )

    def here(self, text: str) -> str:
        """Return a text of the page with this place's folders and addresses."""
        for page, place in (
            ("/etc/agent-analytics", str(self.folder / "etc")),
            ("/var/lib/agent-analytics", str(self.folder / "var")),
            ("/opt/agents/bin/python", sys.executable),
            ("/opt/agents", str(self.folder)),
            ("localhost:9090", f"127.0.0.1:{self.prometheus}"),
            ("localhost:9093", f"127.0.0.1:{self.alertmanager}"),
            ("agents-1:", "127.0.0.1:"),
            ("=0.0.0.0", "=127.0.0.1"),
            # There is no such user, and the package is here already.
            ("install -d -o agents", "install -d"),
            ("pip install 'agent-analytics[auth]'", ":"),
        ):
            text = text.replace(page, place)
        return text

    def shell(self, commands: str) -> str:
        """Run commands of the page, each of which must end well, and return what they print."""
        done = subprocess.run(
            [BASH, "-euo", "pipefail", "-c", self.here(commands)],
            cwd=self.folder,
            env=environment(),
            capture_output=True,
            text=True,
            timeout=patience(),
            check=False,
        )
        assert done.returncode == 0, f"{commands}\n{done.stdout}{done.stderr}"
        return done.stdout

    def start(self, name: str, command: list[str], variables: dict[str, str]) -> None:
        """Start a program whose output goes to a file."""
        with (self.folder / f"{name}.log").open("ab") as log:
            self.running[name] = subprocess.Popen(
                command, cwd=self.folder, env=environment() | variables, stdout=log, stderr=log
            )

    def start_service(self, name: str) -> None:
        """Start a service as the page's unit of systemd does."""
        (unit,) = pages.blocks(PAGE, "ini")
        parser = configparser.ConfigParser(interpolation=None)
        parser.read_string(self.here(unit.text.replace("%i", name)))
        settings = parser["Service"]
        lines = Path(settings["EnvironmentFile"]).read_text(encoding="utf-8").splitlines()
        variables = dict(line.split("=", 1) for line in lines)
        self.start(name, settings["ExecStart"].split(), variables)

    def ask(self, query: str) -> dict[str, float]:
        """Return the values of a query by agent, as promtool prints them."""
        done = subprocess.run(
            [PROMTOOL, "query", "instant", f"http://127.0.0.1:{self.prometheus}", query],
            capture_output=True,
            text=True,
            timeout=patience(),
            check=False,
        )
        found = re.findall(r'^\{(?:agent_id="(\w+)")?\} => (\S+) @', done.stdout, re.MULTILINE)
        return {agent: float(value) for agent, value in found}


def environment() -> dict[str, str]:
    """Return the environment of somebody who has installed the package and nothing set."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("OTEL_", "AGENT_ANALYTICS_", "PYTHON"))
    }
    return kept | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}


def blocks() -> list[str]:
    """Return the page's blocks of commands."""
    return [block.text for block in pages.blocks(PAGE, "sh")]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Follow the page up to its last step."""
    missing = [name for name in NEEDED if shutil.which(name) is None]
    server = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")
    if missing or server is None:
        pytest.skip(f"not installed: {', '.join(missing or ['prometheus-alertmanager'])}")
    place = Place(tmp_path_factory.mktemp("production"))

    class Slack(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            place.told.append(json.loads(body)["attachments"][0]["title"])
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - named by the base
            """Say nothing."""

    with ExitStack() as stack:
        stack.callback(stop, place)
        slack = stack.enter_context(ThreadingHTTPServer(("127.0.0.1", 0), Slack))
        threading.Thread(target=slack.serve_forever, daemon=True).start()
        stack.callback(slack.shutdown)
        etc = place.folder / "etc"
        etc.mkdir()
        (etc / "slack").write_text(f"http://127.0.0.1:{slack.server_address[1]}/", "utf-8")
        (etc / "services").write_text(
            "".join(f"{name} 127.0.0.1:{free_port()}\n" for name in SERVICES), "utf-8"
        )
        pages.write_programs(PAGE, place.folder)
        secrets, machine, monitor, servers, _ = blocks()
        place.shell(secrets)
        place.shell(machine)
        for name in SERVICES:
            place.start_service(name)
        place.shell(monitor)
        prometheus, alertmanager = (line.split() for line in place.here(servers).splitlines())
        where = f"--web.listen-address=127.0.0.1:{place.prometheus}"
        place.start("prometheus", [*prometheus, where], {})
        where = f"--web.listen-address=127.0.0.1:{place.alertmanager}"
        alone = "--cluster.listen-address="
        place.start("alertmanager", [server, *alertmanager[1:], where, alone], {})
        wait_for(lambda: ready(place.prometheus), "Prometheus is ready", every=0.1)
        wait_for(lambda: ready(place.alertmanager), "Alertmanager is ready", every=0.1)
        yield place


def stop(place: Place) -> None:
    """End every process."""
    for process in place.running.values():
        process.terminate()
    for process in place.running.values():
        process.wait(patience())


def ready(port: int) -> bool:
    """Tell whether a server is ready."""
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/-/ready", timeout=patience()).close()
    except OSError:
        return False
    return True


def last_step() -> list[str]:
    """Return the commands by which the page sees that all of it works."""
    return blocks()[-1].splitlines()


def test_every_service_is_scraped_and_counted(place: Place) -> None:
    """Over TLS and with the password, the first query finds each service, the second its calls."""
    up, calls = (line.split("'")[1] for line in last_step()[:2])
    wait_for(lambda: place.ask(up) == {"": len(SERVICES)}, "every target is up", every=0.5)
    wait_for(
        lambda: {agent for agent, number in place.ask(calls).items() if number} == set(SERVICES),
        "every agent's calls are seen",
        every=0.5,
    )


def test_nobody_else_may_scrape(place: Place) -> None:
    """Without the certificate's authority and the password, a service shows nothing."""
    address = (place.folder / "etc/services").read_text("utf-8").splitlines()[0].split()[1]
    with pytest.raises((OSError, HTTPException)):
        urllib.request.urlopen(f"http://{address}/metrics", timeout=patience())
    with pytest.raises(OSError, match="certificate verify failed"):
        urllib.request.urlopen(f"https://{address}/metrics", timeout=patience())


def test_a_restart_goes_on_where_the_counters_were(place: Place) -> None:
    """A service that is killed and started again counts on, under the same instance."""
    query = last_step()[1].split("'")[1]
    before = wait_for(lambda: place.ask(query).get("finder", 0.0), "finder has calls", every=0.5)
    place.running["finder"].kill()
    place.running["finder"].wait(patience())
    place.start_service("finder")
    wait_for(lambda: place.ask(query).get("finder", 0) > before, "finder counts on", every=0.5)
    instances = "count by (agent_id, instance) (last_over_time(marketplace_agent_info[5m]))"
    assert place.ask(f"count by (agent_id) ({instances})")["finder"] == 1


def test_the_rest_of_the_last_step(place: Place) -> None:
    """The report is asked for, and the rehearsal reaches on-call."""
    report, rehearsal = last_step()[2:]
    done = subprocess.run(
        [BASH, "-c", place.here(report)],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=patience(),
        check=False,
    )
    # Windows of days are read from roll-ups, which are minutes away here.
    assert done.returncode in (0, 4), done.stderr
    place.shell(rehearsal)
    wait_for(lambda: place.told == ["[FIRING] Rehearsal"], "on-call is told", every=0.1)
