"""Programs of Prometheus and Alertmanager that tests run, and which of many cases run quickly."""

import shutil
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from _pytest.mark.structures import ParameterSet
from tests.patience import patience

#: Runs a program with arguments, and returns what came of it.
Run = Callable[..., "subprocess.CompletedProcess[str]"]


def slow_but(cases: Iterable[str], *quick: str) -> list[ParameterSet]:
    """Return the parameters of a test that takes long: `make test` runs the cases in ``quick``."""
    every = list(cases)
    assert set(quick) <= set(every)
    slow = pytest.mark.slow
    return [pytest.param(case, marks=() if case in quick else slow) for case in every]


def installed(name: str) -> Run:
    """Return what runs a program, or skip where it is not installed."""
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"{name} is not installed (Debian: prometheus, prometheus-alertmanager)")
    return runs(path)


def runs(path: str | Path) -> Run:
    """Return what runs the program at a path."""

    def run(*arguments: str | Path) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [path, *map(str, arguments)],
            capture_output=True,
            text=True,
            timeout=patience(),
            check=False,
        )

    return run
