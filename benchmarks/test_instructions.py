"""Instructions that a span takes, which unlike time are the same at every run, by callgrind.

With ``AGAINST=REVISION`` in the environment, also those of an earlier revision of this repository;
with ``WORKLOADS=foreign,library`` only some.
"""

import io
import os
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Final

import pytest
from benchmarks.instructions import ONE_OF, WORKLOADS
from benchmarks.measure import once, table, target
from pytest_benchmark.fixture import BenchmarkFixture

ROOT: Final = Path(__file__).parents[1]
PACKAGES: Final = ("instrumentation", "processor", "exporters")
VALGRIND: Final = shutil.which("valgrind") or ""
#: Start-up, imports and whatever is done once are the same in both, and so drop out.
FEW: Final = 200
MANY: Final = 1_200
#: How much more than the revision that it is compared with a span may take.
MOST_MORE: Final = 1.02
#: What counting may add to a span of others, as a part of what it added in c2f417d, or before the
#: spans of others went through the core.
MOST_OF_OTHERS: Final = 2 / 3
OTHERS: Final = ("foreign", "library", "library in run")


def _instructions(sources: Path, workload: str, how: str, number: int) -> int:
    paths = [str(sources / package) for package in PACKAGES]
    done = subprocess.run(
        [VALGRIND, "--tool=callgrind", "--callgrind-out-file=/dev/null",
         sys.executable, "-m", "benchmarks.instructions", workload, how, str(number)],
        cwd=ROOT,
        env={
            "PATH": os.environ["PATH"],
            "PYTHONHASHSEED": "0",
            # Every run compiles as much as every other: the first would compile for all.
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONPATH": os.pathsep.join((*paths, str(ROOT))),
        },
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    found = re.search(r"Collected : (\d+)", done.stderr)
    assert done.returncode == 0, done.stderr
    assert found is not None, done.stderr
    return int(found[1])


def _per_span(sources: Path, workload: str, how: str) -> float:
    whole = ONE_OF.get(workload, 1)
    numbers = [-(-number // whole) * whole for number in (FEW, MANY)]
    few, many = (_instructions(sources, workload, how, number) for number in numbers)
    return (many - few) / (numbers[1] - numbers[0])


def _checked_out(revision: str, directory: Path) -> Path:
    """Write the packages of a revision into a directory."""
    archive = subprocess.run(
        ["git", "archive", revision, *PACKAGES],  # noqa: S607 - git of the machine
        cwd=ROOT, capture_output=True, check=True,
    ).stdout  # fmt: skip
    with tarfile.open(fileobj=io.BytesIO(archive)) as opened:
        opened.extractall(directory, filter="data")
    return directory


@pytest.mark.skipif(not VALGRIND, reason="valgrind is not installed")
def test_instructions(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    """Instructions of a span with and without counting, now and in the revision ``AGAINST``."""
    revision = os.environ.get("AGAINST")
    chosen = os.environ.get("WORKLOADS", "").split(",") if "WORKLOADS" in os.environ else WORKLOADS

    def work() -> dict[str, object]:
        places = {"now": ROOT}
        if revision:
            places[revision] = _checked_out(revision, tmp_path)
        rows: list[list[str]] = []
        totals: dict[tuple[str, str], float] = {}
        added: dict[tuple[str, str], float] = {}
        for workload in chosen:
            bare = _per_span(ROOT, workload, "bare")
            for place, sources in places.items():
                total = totals[workload, place] = _per_span(sources, workload, "counted")
                added[workload, place] = total - bare
                figures = [f"{number:,.0f}" for number in (bare, total, total - bare)]
                rows.append([workload, place, *figures, f"{(total - bare) / bare:.3f}"])
        table(("instructions", "of", "bare", "counted", "added", "share of bare"), rows)
        if revision:
            for workload in chosen:
                if workload in OTHERS:
                    part = added[workload, "now"] / added[workload, revision]
                    target(f"{workload}: added, of that of {revision}", part, MOST_OF_OTHERS)
                    continue
                more = totals[workload, "now"] / totals[workload, revision]
                target(f"{workload}: times those of {revision}", more, MOST_MORE)
        return {f"{workload} {place}": total for (workload, place), total in totals.items()}

    once(benchmark, work)
