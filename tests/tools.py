"""Programs of Prometheus and Alertmanager that tests run."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.patience import patience

#: Runs a program with arguments, and returns what came of it.
Run = Callable[..., "subprocess.CompletedProcess[str]"]


def installed(name: str) -> Run:
    """Return what runs a program, or skip where it is not installed."""
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
