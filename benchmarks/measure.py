"""Measuring variants against each other on a machine that has other things to do as well.

Every figure is CPU time of the whole process, not time on the clock: what neighbours take does not
count, what background threads of ours take does. Every round runs all variants once, in shuffled
order; differences and ratios are taken within a round, and their median over the rounds is shown.
"""

import gc
import os
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median, quantiles
from typing import Any

from pytest_benchmark.fixture import BenchmarkFixture

#: Runs a variant once, given the number of the round, and returns CPU nanoseconds per unit.
Variant = Callable[[int], float]


@dataclass(frozen=True, slots=True)
class Figures:
    """CPU nanoseconds per unit: for each variant one value a round, rounds in the same order."""

    rounds: Mapping[str, Sequence[float]]

    def cost(self, name: str) -> float:
        """Return the median cost of a variant."""
        return median(self.rounds[name])

    def added(self, name: str, base: str) -> float:
        """Return what ``name`` costs more than ``base``: the median of the paired differences."""
        return median(self._differences(name, base))

    def spread(self, name: str, base: str) -> tuple[float, float]:
        """Return the first and third quartile of the paired differences."""
        low, _, high = quantiles(self._differences(name, base), n=4)
        return low, high

    def share(self, name: str, base: str) -> float:
        """Return what ``name`` adds to ``base``, as a share of ``base``."""
        pairs = zip(self.rounds[name], self.rounds[base], strict=True)
        return median((one - bare) / bare for one, bare in pairs)

    def times(self, name: str, other: str, base: str | None = None) -> float:
        """Return how many times the cost of ``other`` is that of ``name``.

        With ``base``, what the two add to it is compared. A variant within the noise of ``base``
        has no ratio that means anything: then the result is NaN.
        """
        ones, others = self.rounds[name], self.rounds[other]
        bare = self.rounds[base] if base is not None else [0.0] * len(ones)
        if base is not None and self.spread(name, base)[0] <= 0:
            return float("nan")
        return median(
            (b - floor) / (a - floor) for a, b, floor in zip(ones, others, bare, strict=True)
        )

    def _differences(self, name: str, base: str) -> list[float]:
        pairs = zip(self.rounds[name], self.rounds[base], strict=True)
        return [one - bare for one, bare in pairs]


def interleaved(title: str, variants: Mapping[str, Variant], rounds: int, seed: int = 1) -> Figures:
    """Run every variant once a round, in shuffled order, after one round that does not count."""
    order = list(variants)
    shuffler = random.Random(seed)
    results: dict[str, list[float]] = {name: [] for name in variants}
    print(f"\n{title} ", end="", flush=True)
    gc.collect()
    gc.freeze()
    try:
        for number in range(-1, rounds):
            shuffler.shuffle(order)
            for name in order:
                gc.collect()
                cost = variants[name](number + 1)
                if number >= 0:
                    results[name].append(cost)
            print(".", end="", flush=True)
    finally:
        gc.unfreeze()
    print(f" load {os.getloadavg()[0]:.1f}")
    return Figures(results)


def cpu_ns(work: Callable[[], object]) -> int:
    """Return the CPU nanoseconds of the whole process that ``work`` takes."""
    start = time.process_time_ns()
    work()
    return time.process_time_ns() - start


def once(benchmark: BenchmarkFixture, work: Callable[[], Mapping[str, object]]) -> None:
    """Run ``work`` as one benchmark: its figures go into ``--benchmark-json``.

    The rounds that matter are inside ``work``, where variants take turns; pytest-benchmark would
    run one variant after the other, each at another moment of a machine that others use too.
    """
    measured: dict[str, object] = {}
    untyped: Any = benchmark
    untyped.pedantic(lambda: measured.update(work()), rounds=1, iterations=1)
    untyped.extra_info.update(measured)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table, the first column flush left and the others flush right."""
    widths = [max(len(row[i]) for row in (head, *rows)) for i in range(len(head))]
    for row in (head, ["-" * width for width in widths], *rows):
        first, *others = row
        cells = [cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True)]
        print("  ".join([first.ljust(widths[0]), *cells]))


def target(what: str, measured: float, limit: float, *, most: bool = True) -> str:
    """Print whether a target is met, and return the same line."""
    met = measured <= limit if most else measured >= limit
    line = (
        f"{'met   ' if met else 'MISSED'} {what}: {measured:.3g}, "
        f"to be {'<=' if most else '>='} {limit:.3g}"
    )
    print(line)
    return line
