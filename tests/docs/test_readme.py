"""README.md: every program and every command of it runs, and shows what is said there.

What installs is left to the tests of the wheel. Ports are whichever are free; nothing else of the
page is changed. Of `make`, it is checked that the targets are there: this is one of them.
"""

import os
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.docs import pages
from tests.patience import patience, wait_for
from tests.ports import free_port

PAGE = "../README.md"
INSTALLS = ("python3 -m venv agents", ". agents/bin/activate", "pip install .")
BASH = shutil.which("bash") or "bash"


def blocks() -> list[list[str]]:
    """Return the lines of each block of commands."""
    return [block.text.splitlines() for block in pages.blocks(PAGE, "sh")]


@dataclass
class Reader:
    """Somebody who follows the page.

    Attributes:
        folder: Where.
        metrics: Port of the metrics.
        prometheus: Port of Prometheus.
    """

    folder: Path
    metrics: int
    prometheus: int

    def here(self, text: str) -> str:
        """Return a text of the page with this reader's ports."""
        for port, mine in ((":9464", self.metrics), (":9090", self.prometheus)):
            text = text.replace(port, f":{mine}")
        return text

    def environment(self) -> dict[str, str]:
        """Return the environment of somebody who has set nothing but ports."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("OTEL_", "AGENT_ANALYTICS_", "PYTHON"))
        }
        return kept | {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "AGENT_ANALYTICS_METRICS_PORT": str(self.metrics),
            "AGENT_ANALYTICS_PROMETHEUS": f"http://127.0.0.1:{self.prometheus}",
        }

    def run(self, command: str) -> "subprocess.CompletedProcess[str]":
        """Run a command to its end."""
        return subprocess.run(
            [BASH, "-c", self.here(command)],
            cwd=self.folder,
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=patience(),
            check=False,
        )

    def start(self, command: str, log: str) -> "subprocess.Popen[bytes]":
        """Start a command that does not end."""
        with (self.folder / log).open("wb") as output:
            return subprocess.Popen(
                [BASH, "-c", f"exec {self.here(command)}"],
                cwd=self.folder,
                env=self.environment(),
                stdout=output,
                stderr=output,
            )


@pytest.fixture
def reader(tmp_path: Path) -> Reader:
    """Return a reader who has saved both programs."""
    pages.write_programs(PAGE, tmp_path)
    # The page installs no list of prices; the tests' environment has one.
    missing = "raise ModuleNotFoundError(\"No module named 'genai_prices'\")\n"
    (tmp_path / "genai_prices.py").write_text(missing, encoding="utf-8")
    return Reader(tmp_path, free_port(), free_port())


def answers(url: str) -> bool:
    """Tell whether a server answers."""
    try:
        urllib.request.urlopen(url, timeout=patience()).close()
    except OSError:
        return False
    return True


def test_the_first_program_ends_with_its_own_numbers(reader: Reader) -> None:
    """It prints the answer and the three series that the page shows."""
    install, (command,), *_ = blocks()
    assert tuple(install) == INSTALLS
    shown = pages.blocks(PAGE, "text")[0].text
    done = reader.run(command)
    assert (done.returncode, done.stdout) == (0, shown), done.stderr
    (warned,) = done.stderr.splitlines()
    assert "AGENT_ANALYTICS_TENANT_KEY" in warned


@pytest.fixture
def followed(reader: Reader) -> Iterator[Reader]:
    """Return a reader whose service runs and is scraped."""
    if shutil.which("prometheus") is None or shutil.which("curl") is None:
        pytest.skip("prometheus or curl is not installed")
    _, _, (service,), (*files, prometheus), *_ = blocks()
    running = [reader.start(service, "service.log")]
    try:
        for command in files:
            done = reader.run(command)
            assert done.returncode == 0, done.stderr
        listen = f"--web.listen-address=127.0.0.1:{reader.prometheus}"
        running.append(reader.start(f"{prometheus} {listen}", "prometheus.log"))
        ready = f"http://127.0.0.1:{reader.prometheus}/-/ready"
        wait_for(lambda: answers(ready), "Prometheus is ready", every=0.1)
        yield reader
    finally:
        for process in running:
            process.terminate()
            process.wait(patience())


@pytest.mark.servers
def test_the_service_is_scraped(followed: Reader) -> None:
    """The service says what the page shows, and its calls are seen after the hold."""
    *_, (curl, doctor, report), _ = blocks()
    said = followed.here(pages.blocks(PAGE, "text")[1].text).splitlines()
    log = followed.folder / "service.log"
    wait_for(lambda: len(log.read_text("utf-8").splitlines()) >= len(said), str(said), every=0.1)
    for shown, line in zip(said, log.read_text("utf-8").splitlines(), strict=True):
        assert pages.shown(shown).fullmatch(line)
    success = 'agent_id="finder",outcome="success"} '
    wait_for(
        lambda: any(
            success in line and not line.endswith(" 0")
            for line in followed.run(curl).stdout.splitlines()
        ),
        "the first calls are shown",
        every=0.5,
    )
    # As the page says: no tenant key is what is wrong, and nobody has started an Alertmanager.
    found = followed.run(doctor)
    assert found.returncode == 1, found.stderr
    assert "Wrong (1)" in found.stdout
    assert "tenant key" in found.stdout.partition("Wrong (1)")[2]
    assert "Alertmanager at http://localhost:9093" in found.stdout
    # The report has nothing to say yet.
    asked = followed.run(report)
    assert asked.returncode in (0, 4), asked.stderr


def test_targets_of_make_are_there() -> None:
    """Every `make` of the page is a target of the Makefile."""
    named = [line.split()[:2] for block in blocks() for line in block if line.startswith("make ")]
    text = (pages.DOCS.parent / "Makefile").read_text("utf-8")
    assert len(named) == 3
    assert [words for words in named if f"\n{words[1]}:" not in text] == []
    assert "\nbench:" in text
    assert (pages.DOCS.parent / "benchmarks/test_by_hand.py").exists()


def test_no_command_is_left_out() -> None:
    """The tests above run every block of commands."""
    assert [len(block) for block in blocks()] == [3, 1, 1, 3, 3, 3]
