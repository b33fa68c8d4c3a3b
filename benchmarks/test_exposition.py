"""What a scrape costs, how long it holds spans up, and what a series weighs."""

import subprocess
import sys
import time
from array import array
from collections.abc import Callable
from functools import partial
from pathlib import Path
from threading import RLock
from typing import Any, Final, cast
from unittest.mock import patch

import pytest
from benchmarks.measure import Variant, cpu_ns, interleaved, once, table, target
from benchmarks.series import comparable, filled, mirrored
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.openmetrics import exposition as their_openmetrics
from pytest_benchmark.fixture import BenchmarkFixture

from agent_analytics.exporters import exposition

OPENMETRICS: Final = "application/openmetrics-text;version=1.0.0"
TEXT: Final = "text/plain"
OURS: Final = "agent-analytics, text"
OURS_OPENMETRICS: Final = "agent-analytics, OpenMetrics"
THEIRS: Final = "generate_latest, text"
THEIRS_OPENMETRICS: Final = "generate_latest, OpenMetrics"
COLLECTOR: Final = "generate_latest over our Collector"
#: ``prometheus_client`` leaves the type of its registries open.
Renderer = Callable[[Any], bytes]
ROUNDS: Final = 11
MOST_CELLS: Final = 500


@pytest.mark.parametrize("samples", [1_000, 10_000, 100_000])
def test_exposition(benchmark: BenchmarkFixture, samples: int) -> None:
    """CPU time of one scrape, against ``prometheus_client`` with equal families."""

    def work() -> dict[str, object]:
        processor = filled(samples)
        registry = mirrored(processor.collect())
        text = exposition(processor, TEXT)[0].decode()
        in_text = cast("Renderer", generate_latest)
        in_openmetrics = cast("Renderer", their_openmetrics.generate_latest)  # pyright: ignore[reportUnknownMemberType]  # theirs
        assert comparable(text) == comparable(in_text(registry).decode())
        lines = sum(not line.startswith("#") for line in text.splitlines())
        bridge = CollectorRegistry()
        bridge.register(processor)
        renderers: dict[str, Callable[[], object]] = {
            OURS: lambda: exposition(processor, TEXT),
            OURS_OPENMETRICS: lambda: exposition(processor, OPENMETRICS),
            THEIRS: lambda: in_text(registry),
            THEIRS_OPENMETRICS: lambda: in_openmetrics(registry),
        }
        if samples < 100_000:
            renderers[COLLECTOR] = lambda: in_text(bridge)

        def scrape(render: Callable[[], object], _: int) -> float:
            return cpu_ns(render) / lines

        variants: dict[str, Variant] = {
            name: partial(scrape, render) for name, render in renderers.items()
        }
        figures = interleaved(f"Exposition of {lines:,} samples, {ROUNDS} rounds", variants, ROUNDS)
        equals = {THEIRS: OURS, THEIRS_OPENMETRICS: OURS_OPENMETRICS, COLLECTOR: OURS}
        rows = [
            [
                name,
                f"{figures.cost(name) * lines / 1e6:,.2f}",
                f"{figures.cost(name):,.0f}",
                f"{figures.times(equals[name], name):.1f}" if name in equals else "",
            ]
            for name in variants
        ]
        table(("CPU", "ms per scrape", "ns per sample", "x ours"), rows)
        times = figures.times(OURS, THEIRS)
        times_openmetrics = figures.times(OURS_OPENMETRICS, THEIRS_OPENMETRICS)
        if samples >= 100_000:
            target("generate_latest / ours, text", times, 30, most=False)
            target("generate_latest / ours, OpenMetrics", times_openmetrics, 30, most=False)
        return {
            "samples": lines,
            "ms": {name: figures.cost(name) * lines / 1e6 for name in variants},
            "times": times,
            "times_openmetrics": times_openmetrics,
        }

    once(benchmark, work)


class _Watch:
    """What the processor did in each hold of its lock."""

    def __init__(self) -> None:
        self.cells = 0
        self.holds: list[tuple[int, int]] = []


class _WatchedLock:
    """A re-entrant lock that notes CPU nanoseconds and cells copied of each outermost hold."""

    def __init__(self, watch: _Watch) -> None:
        self._lock = RLock()
        self._watch = watch
        self._depth = 0
        self._since = 0

    def acquire(self) -> None:
        self._lock.acquire()
        self._depth += 1
        if self._depth == 1:
            self._watch.cells = 0
            self._since = time.thread_time_ns()

    def release(self) -> None:
        self._depth -= 1
        if self._depth == 0:
            self._watch.holds.append((time.thread_time_ns() - self._since, self._watch.cells))
        self._lock.release()


def test_lock_holds(benchmark: BenchmarkFixture) -> None:
    """Cells copied and CPU time spent in one hold of the lock, in scrapes of 100,000 samples."""

    def work() -> dict[str, object]:
        watch = _Watch()

        class _CountedCells(array):  # type: ignore[type-arg]  # generic in stubs only
            def tolist(self) -> list[Any]:
                watch.cells += len(self)
                return list(self)

        print("\nHolds of the lock, 5 scrapes of 100,000 samples")
        with (
            patch("agent_analytics.processor._wiring.RLock", lambda: _WatchedLock(watch)),
            patch("agent_analytics.processor._series.store.array", _CountedCells),
        ):
            processor = filled(100_000)
            rows: list[list[str]] = []
            most: dict[str, int] = {}
            for part in ("metrics", "sketches"):
                watch.holds.clear()
                for _ in range(5):
                    exposition(processor, TEXT, part)
                nanoseconds = sorted(hold for hold, _ in watch.holds)
                most[part] = max(cells for _, cells in watch.holds)
                rows.append(
                    [
                        part,
                        f"{len(watch.holds) / 5:,.0f}",
                        f"{most[part]:,}",
                        f"{nanoseconds[len(nanoseconds) // 2] / 1e3:,.1f}",
                        f"{nanoseconds[-1] / 1e3:,.1f}",
                    ]
                )
        table(("part", "holds a scrape", "most cells", "median µs", "longest µs"), rows)
        assert most["metrics"] > 0
        target("most cells copied in one hold", most["metrics"], MOST_CELLS)
        return {"most_cells": most["metrics"]}

    once(benchmark, work)


def test_memory(benchmark: BenchmarkFixture) -> None:
    """Bytes of memory for each exposed sample, in processes of their own."""

    def work() -> dict[str, object]:
        print("\nMemory of 100,000 samples ", end="", flush=True)
        rows: list[list[str]] = []
        measured: dict[str, object] = {}
        for whose in ("agent-analytics", "prometheus_client"):
            row = [whose]
            for what in ("resident", "traced"):
                done = subprocess.run(
                    [sys.executable, "-m", "benchmarks.memory", whose, what],
                    capture_output=True,
                    text=True,
                    check=True,
                    timeout=120,
                    cwd=Path(__file__).parent.parent,
                )
                samples, taken = map(int, done.stdout.split())
                measured[f"{whose} {what}"] = taken / samples
                row.append(f"{taken / samples:,.0f}")
                print(".", end="", flush=True)
            rows.append(row)
        print()
        table(("bytes per sample", "resident", "traced"), rows)
        for what in ("resident", "traced"):
            ours = measured[f"agent-analytics {what}"]
            assert isinstance(ours, float)
            target(f"bytes per sample, {what}", ours, 60)
        return measured

    once(benchmark, work)
