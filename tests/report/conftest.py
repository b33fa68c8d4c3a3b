"""Fixtures of the report's tests: real Prometheus servers over a known past."""

import contextlib
import re
import runpy
import shutil
import subprocess
import tempfile
import urllib.request
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.patience import patience, wait_for
from tests.ports import free_port

from agent_analytics.insights._promql import rollups

#: The module ``past.py``: tests are no package that could be imported from.
PAST: dict[str, Any] = runpy.run_path(str(Path(__file__).with_name("past.py")))

Start = Callable[..., AbstractContextManager[str]]

#: What reads what others recorded comes after them: promtool evaluates against what is stored.
_STAGES = (
    (":level",),
    (":hourly", "marketplace_registers:level"),
    (
        ":fell",
        "_total:day",
        "_count:day",
        "_sum:day",
        "_bucket:day",
        "_any_outcome:day",
        "registers:hour",
    ),
    (":drop", "registers:day"),
    ("tenants:day", ":week"),
)


@contextlib.contextmanager
def started(data: Path, config: str = "global: {}\n", *options: str) -> Generator[str]:
    """Run a Prometheus over a data directory, with further options, and yield its address."""
    program = shutil.which("prometheus")
    if program is None:
        pytest.skip("prometheus is not installed (Debian: prometheus)")
    port = free_port()
    with tempfile.TemporaryDirectory() as place:
        path = Path(place, "prometheus.yml")
        path.write_text(config, encoding="utf-8")
        process = subprocess.Popen(
            [
                program,
                f"--config.file={path}",
                f"--storage.tsdb.path={data}",
                "--storage.tsdb.retention.time=100y",
                f"--web.listen-address=127.0.0.1:{port}",
                *options,
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            url = f"http://127.0.0.1:{port}"
            _wait(f"{url}/-/ready")
            yield url
        finally:
            process.terminate()
            try:
                process.wait(patience())
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(patience())


def _wait(url: str) -> None:
    def ready() -> bool:
        try:
            with urllib.request.urlopen(url, timeout=patience()) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    wait_for(ready, f"{url} is ready", every=0.05)


@pytest.fixture(scope="session")
def start() -> Start:
    """Return how to run a Prometheus."""
    return started


def _promtool(*arguments: str | Path) -> None:
    program = shutil.which("promtool")
    if program is None:
        pytest.skip("promtool is not installed (Debian: prometheus)")
    done = subprocess.run(
        [program, "tsdb", "create-blocks-from", "--max-block-duration=240h", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=patience(120),
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="session")
def past(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the past's raw series, before anything was rolled up."""
    folder = tmp_path_factory.mktemp("past")
    written = folder / "past.txt"
    written.write_text(PAST["text"](), encoding="utf-8")
    _promtool("openmetrics", written, folder / "data")
    return folder / "data"


@pytest.fixture(scope="session")
def raw_url(past: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run a Prometheus that has the raw series only."""
    data = tmp_path_factory.mktemp("raw") / "data"
    shutil.copytree(past, data)
    with started(data) as url:
        yield url


@pytest.fixture(scope="session")
def url(past: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run a Prometheus that has the past and its roll-ups, made by the real rules."""
    folder = tmp_path_factory.mktemp("rolled")
    data = folder / "data"
    shutil.copytree(past, data)
    groups = yaml.safe_load(rollups.render_rollups())["groups"]
    for number, endings in enumerate(_STAGES):
        stage = [
            {
                **group,
                "rules": [
                    {**rule, "expr": _after_the_fact(rule)}
                    for rule in group["rules"]
                    if rule["record"].endswith(endings)
                ],
            }
            for group in groups
        ]
        # One name for all: the moment of evaluation is drawn from it.
        file = folder / "stage.yml"
        file.write_text(yaml.safe_dump({"groups": stage}), encoding="utf-8")
        made = folder / f"made{number}"
        with started(data) as address:
            _record(address, file, made)
        for block in made.iterdir():
            if (block / "meta.json").exists():
                shutil.move(block, data)
    with started(data) as address:
        yield address


def _after_the_fact(rule: dict[str, str]) -> str:
    """Return a rule's expression for levels that are all there already.

    When rules run, what fell is asked for before the level of the moment is recorded.
    """
    if not rule["record"].endswith(":fell"):
        return rule["expr"]
    return re.sub(r"(:level\[\w+\])", r"\1 offset 5m", rule["expr"])


def _record(address: str, file: Path, made: Path) -> None:
    _promtool(
        "rules", f"--url={address}", f"--start={PAST['START']}", f"--end={PAST['END'] + 300}",
        "--eval-interval=5m", f"--output-dir={made}", file,
    )  # fmt: skip


@pytest.fixture(scope="session")
def end() -> float:
    """Return the Unix time at which the past is asked about, just before its next sample."""
    # Rules are evaluated once in five minutes, at a moment that Prometheus draws from their names:
    # by then they have seen the last sample, and there is no other.
    return float(PAST["END"]) + 299


@pytest.fixture(scope="session")
def hostile() -> str:
    """Return the name of the listing, and of the tool, that would break out of everything."""
    name: str = PAST["HOSTILE"]
    return name


@pytest.fixture
def stored(tmp_path: Path) -> Callable[[str], Path]:
    """Return how to make a data directory of series that are given as OpenMetrics text."""

    def make(text: str) -> Path:
        written = tmp_path / "given.txt"
        written.write_text(text, encoding="utf-8")
        _promtool("openmetrics", written, tmp_path / "given")
        return tmp_path / "given"

    return make
