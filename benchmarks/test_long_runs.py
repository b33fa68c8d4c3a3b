"""Runs of up to 100,000 spans: how the time to count them grows, and who waits for it meanwhile."""

import gc
import math
import os
import threading
import time
from typing import Final, Self

import pytest
from benchmarks.measure import once, table
from pytest_benchmark.fixture import BenchmarkFixture
from tests.processor.runs.long_runs import SHAPES, Host

from agent_analytics.processor import Limits

#: Time grows with the spans to the power of this; 1 is linear, and sorting is a little more.
MOST_EXPONENT: Final = 1.25
#: Seconds that somebody else's span may take meanwhile.
MOST_WAIT: Final = 0.25
SIZES: Final = (1_000, 3_000, 8_000, 30_000, 100_000)
#: ``QUICK=1`` leaves out the largest.
QUICK: Final = bool(os.environ.get("QUICK"))


def exponent(points: list[tuple[int, float]]) -> float:
    """Return the slope of the line through the logarithms of sizes and times."""
    xs = [math.log(size) for size, _ in points]
    ys = [math.log(max(seconds, 1e-9)) for _, seconds in points]
    mean_x, mean_y = sum(xs) / len(xs), sum(ys) / len(ys)
    above = sum((x - mean_x) * (y - mean_y) for x, y in zip(xs, ys, strict=True))
    return above / sum((x - mean_x) ** 2 for x in xs)


class Neighbour:
    """Another publisher's thread, which starts and ends invocations all the time."""

    def __init__(self, host: Host) -> None:
        self.longest = 0.0
        self._host = host
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        own = {
            "gen_ai.operation.name": "invoke_agent",
            "marketplace.publisher.id": "neighbour",
            "marketplace.agent.id": "finder",
        }
        while not self._over.wait(0.002):
            began = time.perf_counter()
            self._host.start(own).end()
            self.longest = max(self.longest, time.perf_counter() - began)


@pytest.mark.prove
def test_long_runs(benchmark: BenchmarkFixture) -> None:
    """Exponent of the time by the number of spans, and the longest that a neighbour's span took."""

    def work() -> dict[str, object]:
        rows: list[list[str]] = []
        measured: dict[str, object] = {}
        for name, shape in SHAPES.items():
            points: list[tuple[int, float]] = []
            longest = 0.0
            for size in SIZES[:-2] if QUICK else SIZES:
                host = Host(Limits(open_spans=1_000 if "cap" in name else 1_000_000))
                end = shape(host, size)
                gc.freeze()  # or a collection of the host's own spans would take seconds, for all
                began = time.process_time()
                with Neighbour(host) as neighbour:
                    end()
                gc.unfreeze()
                points.append((size, time.process_time() - began))
                longest = max(longest, neighbour.longest)
            power = exponent(points)
            met = power <= MOST_EXPONENT and longest <= MOST_WAIT
            rows.append(
                [
                    name,
                    f"{points[-1][1]:.2f}",
                    f"{power:.2f}",
                    f"{longest * 1_000:.0f}",
                    "met" if met else "MISSED",
                ]
            )
            measured[name] = [power, longest]
            print("  ".join(rows[-1]), flush=True)  # all of them take long
        table(("run", "s, largest", "exponent", "neighbour, ms", ""), rows)
        return measured

    once(benchmark, work)
