"""Real servers and real agents, each in a process of its own, and what their metrics say."""

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.patience import patience, wait_for

ROOT = Path(__file__).resolve().parents[2]
#: Publisher, listing, tool, outcome.
Calls = dict[tuple[str, str, str, str], int]
#: Name, labels, value.
Sample = tuple[str, dict[str, str], float]

needs_newer = pytest.mark.skipif(
    find_spec("fastmcp") is None,
    reason="the packages of the group newer cannot be had beside the oldest dependencies",
)


def identity(publisher: str | None, agent: str | None = None) -> dict[str, str]:
    """Return the environment of a process whose resource names these."""
    told = {"marketplace.publisher.id": publisher, "marketplace.agent.id": agent}
    text = ",".join(f"{key}={value}" for key, value in told.items() if value is not None)
    return {"OTEL_RESOURCE_ATTRIBUTES": text}


def calls_in(text: str) -> Calls:
    """Return the tool calls that an exposition tells of."""
    return _calls(_samples(text))


def _samples(text: str) -> Iterator[Sample]:
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            yield sample.name, sample.labels, sample.value


def _calls(samples: Iterator[Sample]) -> Calls:
    return {
        (labels["publisher_id"], labels["agent_id"], labels["tool"], labels["outcome"]): int(value)
        for name, labels, value in samples
        if name == "marketplace_agent_tool_calls_total" and value
    }


class Metrics:
    """What one process exposes."""

    def __init__(self, port: int) -> None:
        self._address = f"http://127.0.0.1:{port}/metrics"

    def samples(self) -> Iterator[Sample]:
        """Scrape, and yield every sample."""
        with urllib.request.urlopen(self._address, timeout=patience()) as answer:
            yield from _samples(answer.read().decode())

    def calls(self) -> Calls:
        """Return the tool calls that were counted."""
        return _calls(self.samples())

    def invocations(self) -> dict[tuple[str, str], int]:
        """Return the invocations that were counted."""
        found: dict[tuple[str, str], int] = {}
        for name, labels, value in self.samples():
            if name == "marketplace_agent_invocations_total" and value:
                key = labels["publisher_id"], labels["agent_id"]
                found[key] = found.get(key, 0) + int(value)
        return found

    def health(self, metric: str, kind: str) -> int:
        """Return one figure of the processor's own health."""
        return int(
            sum(
                value
                for name, labels, value in self.samples()
                if name == f"agent_analytics_{metric}" and labels.get("kind") == kind
            )
        )

    def wait_for(self, read: Callable[["Metrics"], int], least: int) -> int:
        """Wait until a figure is as high as it must get; return it."""
        deadline = time.monotonic() + patience()
        while (found := read(self)) < least and time.monotonic() < deadline:
            time.sleep(0.05)
        return found


class Pair:
    """An agent and a server that have done what a plan says, and are still there.

    Attributes:
        client: Metrics of the agent; ``None`` where it has none.
        server: Metrics of the server.
        outcomes: What came of each call, as the agent's own code saw it.
    """

    def __init__(self, client: Metrics | None, server: Metrics, outcomes: list[str]) -> None:
        self.client = client
        self.server = server
        self.outcomes = outcomes

    def told_again(self, calls: int) -> int:
        """Wait until the server has told of as many calls that their caller tells of, too."""
        return self.server.wait_for(lambda one: one.health("spans_total", "duplicate"), calls)


Start = Callable[..., Pair]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Return what starts a server and an agent that calls its tools."""
    processes: list[subprocess.Popen[str]] = []

    def begin(
        calls: list[str],
        *,
        transport: str = "stdio",
        server: dict[str, str] | None = None,
        serving: tuple[str, ...] = (),
        client: dict[str, str] | None = None,
        **plan: object,
    ) -> Pair:
        bare = {key: value for key, value in os.environ.items() if not key.startswith("OTEL_")}
        ready, begun = tmp_path / "ready", tmp_path / "begun"
        files = ("--ready", str(ready), "--begun", str(begun))
        command = [sys.executable, "-m", "tests.mcp.server", *files, *serving]
        surroundings = {**bare, **(identity("globex", "atlas") if server is None else server)}
        plan = {"agent": "decorated", "calls": calls, "begun": str(begun)} | plan
        if transport == "http":
            processes.append(_run([*command, "--transport", "http"], surroundings))
            _until_there(ready, processes[-1])
            plan["url"] = f"http://127.0.0.1:{json.loads(ready.read_text())['port']}/mcp"
        else:
            plan |= {"command": command, "env": surroundings}
        process = _run(
            [sys.executable, "-m", "tests.mcp.client", json.dumps(plan)], {**bare, **(client or {})}
        )
        processes.append(process)
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, "the agent died"
        said = json.loads(line)
        where = json.loads(ready.read_text())
        port = said["metrics"]
        return Pair(Metrics(port) if port else None, Metrics(where["metrics"]), said["outcomes"])

    yield begin
    for process in reversed(processes):
        if process.stdin is not None:
            process.stdin.close()
        try:
            process.wait(2 if process is processes[-1] else 0)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()


def _run(command: list[str], environment: dict[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def _until_there(ready: Path, process: subprocess.Popen[str]) -> None:
    wait_for(lambda: ready.exists() or process.poll() is not None, "the server comes up")
    assert process.poll() is None, "the server died"
