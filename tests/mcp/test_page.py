"""The programs of docs/mcp.md, run as they stand."""

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.mcp.conftest import ROOT, Metrics, identity
from tests.patience import patience
from tests.ports import free_port

PAGE = (ROOT / "docs/mcp.md").read_text(encoding="utf-8")
PROGRAMS = re.findall(r"^```python\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


@pytest.fixture
def server_port(tmp_path: Path) -> Iterator[tuple[int, Metrics]]:
    """Run the page's server on a free port; return that, and its metrics."""
    port, metrics = free_port(), free_port()
    program = tmp_path / "server.py"
    program.write_text(
        PROGRAMS[0].replace("port=8000", f"port={port}").replace("9465", str(metrics))
    )
    environment = {**os.environ, **identity("globex", "atlas"), "AGENT_ANALYTICS_HOLD_SECONDS": "0"}
    with subprocess.Popen(
        [sys.executable, program], env=environment, stderr=subprocess.DEVNULL
    ) as process:
        deadline = time.monotonic() + patience()
        while time.monotonic() < deadline:
            with socket.socket() as one:
                if one.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield port, Metrics(metrics)
        process.kill()


def test_the_pages_programs(server_port: tuple[int, Metrics], tmp_path: Path) -> None:
    """The agent's process counts the call, and the server's does not count it again."""
    port, metrics = server_port
    own = free_port()
    program = tmp_path / "agent.py"
    program.write_text(
        PROGRAMS[1].replace("8000", str(port)).replace("9464", str(own))
        + "\nfrom urllib.request import urlopen\n"
        f"print(urlopen('http://127.0.0.1:{own}/metrics').read().decode())\n"
    )
    done = subprocess.run(
        [sys.executable, program],
        env={**os.environ, "AGENT_ANALYTICS_HOLD_SECONDS": "0"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "all about stations" in done.stdout
    listing = 'publisher_id="acme",agent_id="finder"'
    call = f'marketplace_agent_tool_calls_total{{{listing},tool="search",outcome="success"}} 1'
    assert call in done.stdout.splitlines()
    assert metrics.wait_for(lambda one: one.health("spans_total", "duplicate"), 1) == 1
    assert metrics.calls() == {}
