"""The tools of Prometheus and Alertmanager that check what was written."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.patience import patience

Run = Callable[..., "subprocess.CompletedProcess[str]"]


def _tool(name: str) -> Run:
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"{name} is not installed (Debian: prometheus, prometheus-alertmanager)")

    def run(*arguments: str | Path) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [path, *map(str, arguments)],
            capture_output=True,
            text=True,
            timeout=patience(),
            check=False,
        )

    return run


@pytest.fixture
def promtool() -> Run:
    """Run promtool, or skip where it is not installed."""
    return _tool("promtool")


@pytest.fixture
def amtool() -> Run:
    """Run amtool, or skip where it is not installed."""
    return _tool("amtool")
