"""Runs programs that never heard of us by ``opentelemetry-instrument``, each in its process."""

import importlib
import json
import os
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, distribution, entry_points
from pathlib import Path
from typing import IO, Any, cast

import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.patience import patience
from tests.ports import free_port

PROGRAMS = Path(__file__).parent / "programs"
ROOT = Path(__file__).parents[2]
SCRIPTS = Path(sys.executable).parent
INSTRUMENT = (str(SCRIPTS / "opentelemetry-instrument"), sys.executable)
PLAIN = (sys.executable,)
#: Labels that tell one count from another.
WHICH = ("publisher_id", "agent_id", "tool", "model", "outcome")

OURS = {"OTEL_PYTHON_DISTRO": "agent_analytics", "OTEL_PYTHON_CONFIGURATOR": "agent_analytics"}
ACME = {**OURS, "AGENT_ANALYTICS_PUBLISHER_ID": "acme"}

#: Modules that instrument GenAI, of all the instrumentations in the test environment.
GENAI_MODULES = ("openinference.instrumentation.", "opentelemetry.instrumentation.genai.")
#: Frameworks that record spans themselves, by name.
FRAMEWORKS = {
    "agent-framework": "agent-framework-core",
    "pydantic-ai": "pydantic-ai-slim",
    "semantic-kernel": "semantic-kernel",
}

Counts = dict[tuple[str, ...], float]


def model_api() -> Any:  # noqa: ANN401 - the lab is untyped, it runs in environments of its own
    """Return the module of the look-alike of the model API."""
    with pytest.MonkeyPatch.context() as patch:
        # It is a program of other environments, whose modules import each other by bare names.
        patch.setattr(sys, "path", [str(ROOT / "tests" / "frameworks" / "lab"), *sys.path])
        return importlib.import_module("model_api")


@contextmanager
def serving(*turns: list[str]) -> Generator[Any]:
    """Run the model API, and leave no thread of it behind.

    Args:
        turns: Which tools the model ``gpt-4o-mini`` calls in each turn before it answers.
    """
    before = set(threading.enumerate())
    server = model_api().ModelApi(plans={"gpt-4o-mini": list(turns)})
    try:
        yield server
    finally:
        server.close()
        for thread in set(threading.enumerate()) - before:
            thread.join(patience())


def installed() -> list[list[str]]:
    """Return name and distribution of all GenAI instrumentations here, in the order of telling."""
    packages = {
        (point.name, point.dist.name)
        for group in ("opentelemetry_instrumentor", "openinference_instrumentor")
        for point in entry_points(group=group)
        if point.dist is not None and point.value.startswith(GENAI_MODULES)
    }
    found = [list(package) for package in sorted(packages)]
    for name, framework in FRAMEWORKS.items():
        with suppress(PackageNotFoundError):
            found.append([name, distribution(framework).name])
    return found


def announced(said: str) -> str:
    """Return the one line that tells of the instrumentations, without its beginning."""
    start = "agent-analytics: instrumentations "
    (line,) = [line for line in said.splitlines() if line.startswith(start)]
    return line.removeprefix(start)


def environment() -> dict[str, str]:
    """Return an environment without settings of telemetry but for those that save time."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("OTEL_", "AGENT_ANALYTICS_", "OPENINFERENCE_", "PYTHON"))
    }
    return {**kept, "AGENT_ANALYTICS_HOLD_SECONDS": "0", "AGENT_ANALYTICS_TENANT_KEY": "k"}


def exposed(port: int) -> str:
    """Return what is exposed on a port."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=patience()) as response:
        return cast("bytes", response.read()).decode()


def scrape(port: int) -> Counts:
    """Return the counters that are not 0, by name and the labels that matter."""
    return {
        (sample.name.removeprefix("marketplace_agent_"), *(
            sample.labels[label] for label in WHICH if label in sample.labels
        )): sample.value
        for family in text_string_to_metric_families(exposed(port))
        for sample in family.samples
        if sample.value and sample.name.startswith("marketplace_agent_")
    }  # fmt: skip


@dataclass
class Program:
    """A program that prints one line of JSON when it is done, and ends when its input does.

    Attributes:
        port: Where it was told to serve metrics.
    """

    process: subprocess.Popen[str]
    port: int
    ended: bool = False
    said: str = field(default="")

    def told(self) -> Any:  # noqa: ANN401 - JSON
        """Return what the program says of itself."""
        line = cast("IO[str]", self.process.stdout).readline()
        if not line:
            pytest.fail(f"the program ended: {self.finish()}")
        return json.loads(line)

    def counts(self) -> Counts:
        """Scrape it."""
        return scrape(self.port)

    def text(self) -> str:
        """Return what it exposes."""
        return exposed(self.port)

    def finish(self) -> str:
        """Let it end, and return what it wrote to its standard error."""
        if not self.ended:
            self.ended = True
            _, self.said = self.process.communicate(timeout=patience())
        return self.said


@contextmanager
def running(
    program: str,
    settings: Mapping[str, str],
    *,
    command: tuple[str, ...] = INSTRUMENT,
    first: Path | None = None,
    port: int | None = None,
) -> Generator[Program]:
    """Run a program of the folder, or a text of code, until it is not needed any more."""
    port = free_port() if port is None else port
    arguments = [str(PROGRAMS / program)] if program.endswith(".py") else ["-c", program]
    env = {**environment(), "AGENT_ANALYTICS_METRICS_PORT": str(port), **settings}
    if first is not None:
        env["PYTHONPATH"] = str(first)
    with subprocess.Popen(
        [*command, *arguments],
        env=env,
        cwd=PROGRAMS,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        running_program = Program(process, port)
        try:
            yield running_program
        finally:
            process.kill()


def run(
    program: str,
    settings: Mapping[str, str],
    *,
    command: tuple[str, ...] = INSTRUMENT,
    first: Path | None = None,
    port: int | None = None,
) -> tuple[Any, str]:
    """Return what a program says of itself, and its standard error; it must end well."""
    with running(program, settings, command=command, first=first, port=port) as started:
        told = started.told()
        said = started.finish()
        assert started.process.returncode == 0, said
        return told, said


def asked(api: Any) -> dict[str, str]:  # noqa: ANN401 - untyped
    """Return what makes OpenAI's client ask the look-alike."""
    return {"OPENAI_BASE_URL": api.base_url, "OPENAI_API_KEY": "sk-test"}


def put_first(folder: Path, name: str) -> Path:
    """Put an installed distribution's entry points before those of all others."""
    found = distribution(name)
    return install(folder, name, found.version, found.read_text("entry_points.txt") or "")


def install(
    folder: Path,
    name: str,
    version: str,
    entry_points: str,
    *,
    needs: str = "",
    files: Mapping[str, str] | None = None,
) -> Path:
    """Install a distribution in a folder, as an installer would.

    Args:
        folder: The folder, for PYTHONPATH.
        name: Name of the distribution.
        version: Its version.
        entry_points: Content of its ``entry_points.txt``.
        needs: What it instruments, as its extra ``instruments`` says.
        files: Its modules by file name.
    """
    info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir(parents=True)
    metadata = [f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}"]
    if needs:
        metadata.append(
            f'Provides-Extra: instruments\nRequires-Dist: {needs}; extra == "instruments"'
        )
    (info / "METADATA").write_text("\n".join(metadata) + "\n")
    (info / "entry_points.txt").write_text(entry_points)
    for file, content in (files or {}).items():
        (folder / file).write_text(content)
    return folder
