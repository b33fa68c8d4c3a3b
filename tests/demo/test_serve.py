"""The marketplace for somebody else's Prometheus: metrics, webhooks, and nothing else."""

import json
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator

import pytest
from tests.patience import patience
from tests.ports import free_port

from agent_analytics.demo._run.servers import LOOPBACK

ALERT = {
    "status": "firing",
    "labels": {"severity": "critical", "publisher_id": "acme", "agent_id": "finder"},
    "annotations": {"description": "20% of the invocations failed."},
}


@pytest.fixture
def port() -> int:
    """Return a port that is free, and so is the next one."""
    for _ in range(50):
        port = free_port()
        with socket.socket() as probe:
            if probe.connect_ex((LOOPBACK, port + 1)) != 0:
                return port
    pytest.fail("no two ports in a row are free")


@pytest.fixture
def service(port: int) -> Iterator["subprocess.Popen[str]"]:
    """Return a marketplace that is served on ``port``."""
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "agent_analytics.cli",
            "demo",
            "--serve",
            f"{LOOPBACK}:{port}",
            "--speed",
            "5",
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate(timeout=patience())


def metrics(port: int) -> str:
    """Return what ``/metrics`` says."""
    with urllib.request.urlopen(f"http://{LOOPBACK}:{port}/metrics", timeout=patience()) as answer:
        text: str = answer.read().decode()
        return text


def test_serves_metrics_takes_webhooks_and_ends_when_told(
    service: "subprocess.Popen[str]", port: int
) -> None:
    """Listings show up, a page is printed, and SIGTERM ends it with status 0."""
    deadline = time.monotonic() + patience()
    found = ""
    while "marketplace_agent_installs_total{" not in found and time.monotonic() < deadline:
        time.sleep(0.2)
        try:
            found = metrics(port)
        except OSError:
            assert service.poll() is None
    assert 'publisher_id="brightdesk"' in found
    body = json.dumps({"receiver": "oncall", "alerts": [ALERT]}).encode()
    with urllib.request.urlopen(f"http://{LOOPBACK}:{port + 1}/oncall", body, 10) as answer:
        assert answer.status == 200
    service.send_signal(signal.SIGTERM)
    output, _ = service.communicate(timeout=patience())
    assert service.returncode == 0
    assert f"metrics: http://{LOOPBACK}:{port}/metrics" in output
    assert "oncall: firing critical acme/finder: 20% of the invocations failed." in output


def test_a_port_that_is_taken_is_named() -> None:
    """One line and status 1, no traceback."""
    with socket.socket() as taken:
        taken.bind((LOOPBACK, 0))
        taken.listen()
        address = f"{LOOPBACK}:{taken.getsockname()[1]}"
        done = subprocess.run(
            [sys.executable, "-m", "agent_analytics.cli", "demo", "--serve", address],
            capture_output=True,
            text=True,
            timeout=patience(),
            check=False,
        )
    assert done.returncode == 1
    assert f"cannot listen on {address}" in done.stderr
    assert "Traceback" not in done.stderr
