"""One target for all workers of a state directory, and one only."""

import http.client
import os
import signal
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.patience import patience, wait_for
from tests.ports import free_port

HERE = Path(__file__).parent

SERVE = """
import logging, sys
logging.basicConfig()
from agent_analytics.exporters import configure
from agent_analytics.instrumentation import record_install
runtime = configure("shop", int(sys.argv[1]), state_dir=sys.argv[2] or None, hold_seconds=0)
record_install(publisher_id="acme", agent_id="finder", tenant_id="t")
print(runtime.metrics_port, flush=True)
sys.stdin.read()
"""


@contextmanager
def process(port: int, state: Path | str) -> Generator["subprocess.Popen[str]"]:
    """Run a worker that has configured itself."""
    with subprocess.Popen(
        [sys.executable, "-c", SERVE, str(port), str(state)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as worker:
        assert worker.stdout is not None
        worker.stdout.readline()
        try:
            yield worker
        finally:
            worker.kill()


def installs(port: int, *, wait: bool = False) -> float | None:
    """Return the installs that a port shows, or None if it does not answer, now or in time."""
    deadline = time.monotonic() + patience(float(wait) * 60)
    while True:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=patience())
        try:
            connection.request("GET", "/metrics")
            text = connection.getresponse().read().decode()
            return sum(
                float(line.rpartition(" ")[2])
                for line in text.splitlines()
                if line.startswith("marketplace_agent_installs_total{")
            )
        except OSError:
            if time.monotonic() >= deadline:
                return None
            time.sleep(0.05)
        finally:
            connection.close()


def test_another_worker_takes_over_the_port(tmp_path: Path) -> None:
    """When the worker that serves is killed, the same port answers with the same sum."""
    port = free_port()
    with process(port, tmp_path) as one, process(port, tmp_path), process(port, tmp_path):
        assert installs(port) == 3
        one.send_signal(signal.SIGKILL)
        one.wait()
        assert installs(port, wait=True) == 3


def test_a_second_target_waits_and_says_so(tmp_path: Path) -> None:
    """A worker that was told another port does not serve beside the first."""
    port, other = free_port(), free_port()
    with process(port, tmp_path), process(other, tmp_path) as second:
        assert installs(port) == 2
        assert installs(other) is None
        second.kill()
        assert second.stderr is not None
        said = second.stderr.read()
    assert said.count("a second target") == 1
    assert f":{port}" in said


def test_workers_in_memory_behind_one_port_are_refused() -> None:
    """The second one does not come up, and says what to do."""
    port = free_port()
    with process(port, "") as one, process(port, "") as two:
        assert two.wait(patience()) == 1
        assert two.stderr is not None
        assert "need a state directory" in two.stderr.read()
        assert installs(port) == 1
        assert one.poll() is None


def test_a_lease_that_can_be_taken_later(tmp_path: Path) -> None:
    """Who serves without a lease, for its file cannot be used, has it as soon as that can be."""
    port, target = free_port(), tmp_path / "target"
    target.mkdir()
    with process(port, tmp_path) as one:
        assert installs(port) == 1
        target.rmdir()
        wait_for(lambda: target.exists() and target.read_text(), "the lease to be taken")
        assert f'"pid": {one.pid}' in target.read_text()


@pytest.mark.slow
@pytest.mark.servers
@pytest.mark.parametrize(
    "command", [["gunicorn", "shop:app", "-w", "2", "-b"], ["uvicorn", "shop:asgi", "--workers"]]
)
def test_a_web_servers_workers_in_memory_are_refused(command: list[str]) -> None:
    """An app in several workers without a state directory answers 503, not numbers that jump."""
    port = free_port()
    end = [f"127.0.0.1:{port}"] if command[0] == "gunicorn" else ["2", "--port", str(port)]
    environment = {k: v for k, v in os.environ.items() if k != "AGENT_ANALYTICS_STATE_DIR"}
    with subprocess.Popen(
        [sys.executable, "-m", *command, *end],
        cwd=HERE,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as server:
        try:
            deadline = time.monotonic() + patience()
            statuses: set[int] = set()
            body = b""
            while 503 not in statuses and time.monotonic() < deadline:
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=patience())
                try:
                    connection.request("GET", "/metrics")
                    answer = connection.getresponse()
                    body = answer.read()
                    statuses.add(answer.status)
                except OSError:
                    time.sleep(0.1)
                finally:
                    connection.close()
            assert 503 in statuses
            assert b"STATE_DIR" in body
        finally:
            server.terminate()
            try:
                server.wait(patience())
            except subprocess.TimeoutExpired:
                server.kill()
