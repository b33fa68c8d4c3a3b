"""The engines: Debian's, from PATH, and the current ones, which `make engines` builds."""

import json
import re
import shutil
import subprocess
import tempfile
import urllib.request
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from typing import Any, Final

import pytest
from tests.patience import patience
from tests.ports import free_port
from tests.tools import Run, runs

from agent_analytics.demo._run.servers import LOOPBACK, Server

HOME: Final = Path(__file__).resolve().parents[2] / ".engines"
PROMETHEUS: Final = HOME / "prometheus"
ALERTMANAGER: Final = HOME / "alertmanager"
VICTORIA: Final = HOME / "victoria-metrics"
#: How long samples are kept: those of the past are older than a retention of months.
_AGES: Final = "100y"
#: A line of ``promtool tsdb dump``.
_SAMPLE: Final = re.compile(r"(\{.*\}) (\S+) (-?\d+)\n?")
_LABEL: Final = re.compile(r'("?)([^",{} =]+)\1=("(?:[^"\\]|\\.)*")')
#: Samples that VictoriaMetrics is given at a time.
_LINES: Final = 2_000


def current(folder: Path, program: str) -> Path:
    """Return a program of a current engine, or skip where it is not built."""
    path = folder / program
    if not path.exists():
        pytest.skip(f"the current {program} is not built: make engines")
    return path


def debian(program: str) -> Path:
    """Return a program from PATH, or skip where it is not installed."""
    path = shutil.which(program)
    if path is None:
        pytest.skip(f"{program} is not installed (Debian: {program})")
    return Path(path)


def runs_current(folder: Path, program: str) -> Run:
    """Return what runs a program of a current engine, or skip where it is not built."""
    return runs(current(folder, program))


@contextmanager
def _served(name: str, port: int, *arguments: str | Path) -> Generator[str]:
    """Run a server on a port of loopback, and yield its address once it is ready."""
    with tempfile.TemporaryDirectory(prefix="agent-analytics-engine-") as home:
        server = Server(name, list(map(str, arguments)), port=port, log=Path(home, "log"))
        try:
            server.wait_ready(patience())
            yield server.url
        finally:
            server.stop()


@contextmanager
def prometheus(
    program: Path, data: Path | None, *flags: str, config: str = "global: {}\n"
) -> Generator[str]:
    """Run a Prometheus over a copy of a data directory, which another release may write anew."""
    with tempfile.TemporaryDirectory(prefix="agent-analytics-prometheus-") as home:
        copy, file, port = Path(home, "data"), Path(home, "prometheus.yml"), free_port()
        if data is not None:
            shutil.copytree(data, copy)
        file.write_text(config, encoding="utf-8")
        with _served(
            "prometheus", port, program, f"--config.file={file}", f"--storage.tsdb.path={copy}",
            f"--storage.tsdb.retention.time={_AGES}", "--query.max-samples=200000000",
            f"--web.listen-address={LOOPBACK}:{port}", *flags,
        ) as url:  # fmt: skip
            yield url


@contextmanager
def victoria_metrics(program: Path, data: Path | None, *flags: str | Path) -> Generator[str]:
    """Run a VictoriaMetrics that is given every sample of a data directory of Prometheus."""
    with tempfile.TemporaryDirectory(prefix="agent-analytics-victoria-") as home:
        port = free_port()
        with _served(
            "victoria-metrics", port, program, f"-storageDataPath={home}/data",
            f"-retentionPeriod={_AGES}", f"-httpListenAddr={LOOPBACK}:{port}",
            # What docs/engines.md asks for: its answers would be half a minute late.
            "-search.latencyOffset=0s", *flags,
        ) as url:  # fmt: skip
            if data is not None:
                _fill(url, data)
            yield url


@contextmanager
def alertmanager(program: Path, config: str) -> Generator[str]:
    """Run an Alertmanager with a configuration."""
    with tempfile.TemporaryDirectory(prefix="agent-analytics-alertmanager-") as home:
        file, port = Path(home, "alertmanager.yml"), free_port()
        file.write_text(config, encoding="utf-8")
        with _served(
            "alertmanager", port, program, f"--config.file={file}", f"--storage.path={home}/data",
            f"--web.listen-address={LOOPBACK}:{port}", "--cluster.listen-address=",
        ) as url:  # fmt: skip
            yield url


@contextmanager
def vmalert(program: Path, port: int, rules: Path, metrics: str, alerts: str) -> Generator[str]:
    """Run a vmalert that evaluates the rules of a directory over a VictoriaMetrics."""
    with _served(
        "vmalert", port, program, f"-rule={rules}/*.yml", f"-datasource.url={metrics}",
        f"-remoteWrite.url={metrics}", f"-remoteRead.url={metrics}", f"-notifier.url={alerts}",
        f"-httpListenAddr={LOOPBACK}:{port}",
        # As docs/engines.md has it: what is evaluated would be half a minute old.
        "-rule.evalDelay=0s",
    ) as url:  # fmt: skip
        yield url


def _fill(url: str, data: Path) -> None:
    """Give VictoriaMetrics every sample of a data directory."""
    lines: list[str] = []
    for labels, points in stored(data):
        times, values = zip(*points, strict=True)
        lines.append(json.dumps({"metric": labels, "values": values, "timestamps": times}))
        if len(lines) == _LINES:
            _post(url, "api/v1/import", lines)
            lines.clear()
    _post(url, "api/v1/import", lines)
    # What was written is found from here on, not a second later.
    _post(url, "internal/force_flush", [])


def stored(data: Path) -> Iterator[tuple[dict[str, str], list[tuple[int, float]]]]:
    """Yield the series of a data directory: labels, and values by time in milliseconds."""
    with subprocess.Popen(
        [debian("promtool"), "tsdb", "dump", data], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        found = (match for line in process.stdout if (match := _SAMPLE.fullmatch(line)))
        for text, samples in groupby(found, key=lambda match: match[1]):
            labels = {name: json.loads(value) for _, name, value in _LABEL.findall(text)}
            yield labels, [(int(match[3]), float(match[2])) for match in samples]
    assert process.returncode == 0


def _post(url: str, path: str, lines: list[str]) -> None:
    request = urllib.request.Request(f"{url}/{path}", data="\n".join(lines).encode())
    with urllib.request.urlopen(request, timeout=patience()):
        pass


def answered(url: str, path: str) -> Any:  # noqa: ANN401 - JSON
    """Return the JSON that a server answers at a path."""
    with urllib.request.urlopen(f"{url}/{path}", timeout=patience()) as answer:
        return json.load(answer)
