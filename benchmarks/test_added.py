"""Instructions that counting adds to a span of the decorators, compiled and in Python."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest
from benchmarks.measure import once, table, target
from pytest_benchmark.fixture import BenchmarkFixture

from agent_analytics.processor import _compiled

ROOT: Final = Path(__file__).parents[1]
VALGRIND: Final = shutil.which("valgrind") or ""
#: Spans that are counted, all of them like some that came before.
NUMBER: Final = 400
#: Most instructions that the compiled core may add.
MOST: Final = {"invocation": 30_000, "tool": 11_500}
#: Most of a bare span's that may be added: compiled, in Python, and compiled by public readers.
SHARES: Final = {
    "invocation": {"compiled": 0.33, "pure": 0.55, "public": 0.60},
    "tool": {"compiled": 0.18, "pure": 0.30},
}
OTEL_TIMES: Final = 15
DURABLE: Final = 1.15


def _per_span(workload: str, how: str, *, pure: bool = False) -> float:
    done = subprocess.run(
        # Only what runs inside this function of the library of ``ctypes``: see ``warm``.
        [VALGRIND, "--tool=callgrind", "--callgrind-out-file=/dev/null",
         "--toggle-collect=ffi_call",
         sys.executable, "-m", "benchmarks.warm", workload, how, str(NUMBER)],
        cwd=ROOT,
        env={
            "PATH": os.environ["PATH"],
            "PYTHONHASHSEED": "0",
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
            _compiled.PURE: "1" if pure else "",
        },
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    found = re.search(r"Collected : (\d+)", done.stderr)
    assert done.returncode == 0, done.stderr
    assert found is not None, done.stderr
    assert int(found[1]), "callgrind does not know ffi_call"
    return int(found[1]) / NUMBER


@pytest.mark.skipif(not VALGRIND, reason="valgrind is not installed")
@pytest.mark.parametrize("workload", MOST)
def test_added_instructions(benchmark: BenchmarkFixture, workload: str) -> None:
    """Instructions that counting adds to a span like those that have come before."""
    compiled = _compiled.WHY_PURE is None

    def work() -> dict[str, object]:
        totals = {"pure": _per_span(workload, "memory", pure=True)}
        if compiled:
            for name, how in (("compiled", "memory"), ("public", "public"), ("durable", "durable")):
                totals[name] = _per_span(workload, how)
        bare, otel = _per_span(workload, "bare"), _per_span(workload, "otel")
        added = {name: total - bare for name, total in totals.items()}
        rows = [
            [
                name,
                f"{bare:,.0f}",
                f"{more:,.0f}",
                f"{more / bare:.3f}",
                f"{(otel - bare) / more:.1f}",
            ]
            for name, more in added.items()
        ]
        head = (f"instructions, {workload}", "bare", "added", "share of bare", "OpenTelemetry / it")
        table(head, rows)
        for name, share in SHARES[workload].items():
            if name in added:
                target(f"{workload}, {name}: share of the bare span", added[name] / bare, share)
        if compiled:
            target(f"{workload}, compiled: added", added["compiled"], MOST[workload])
            target(f"{workload}: durable / memory", totals["durable"] / totals["compiled"], DURABLE)
            if workload == "invocation":
                times = (otel - bare) / added["compiled"]
                target("OpenTelemetry / compiled", times, OTEL_TIMES, most=False)
        return {"bare": bare, **added}

    once(benchmark, work)
