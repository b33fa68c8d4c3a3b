"""A framework, a client, the protocol and a server in one process: each call counts once."""

import os
import subprocess
import sys

import pytest
from tests.mcp.conftest import ROOT, calls_in, identity, needs_newer


@pytest.mark.parametrize(
    ("caller", "wrapped", "prefix"),
    [
        ("nothing", "plain", ""),
        pytest.param("nothing", "tool", "", marks=pytest.mark.slow),
        ("tool", "tool", "atlas_"),
        pytest.param("framework", "plain", "", marks=(needs_newer, pytest.mark.slow)),
        pytest.param("framework", "tool", "", marks=needs_newer),
    ],
)
def test_every_view_of_a_call(caller: str, wrapped: str, prefix: str) -> None:
    """Twenty calls at the same time and a failure: once each, under the outermost name."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("OTEL_")}
    done = subprocess.run(
        [sys.executable, "-m", "tests.mcp.alone", caller, wrapped],
        cwd=ROOT,
        env=environment | identity("acme", "finder"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert calls_in(done.stdout) == {
        ("acme", "finder", f"{prefix}search", "success"): 20,
        ("acme", "finder", f"{prefix}broken", "error"): 1,
    }
