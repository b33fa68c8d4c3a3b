"""What it takes to record since when each listing is counted, at each evaluation of the levels.

610 listings with all that the rule reads: raw counters that are scraped every 15 seconds at each
moment that is probed, levels of a day, marks of sixty days, and what was recorded before. CPU time
is the server's, and does not count what else this machine does.
"""

import subprocess
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from statistics import median
from typing import Final

import pytest
from benchmarks.measure import table, target
from benchmarks.test_dashboards import ask, cpu_seconds, prometheus
from tests.insights.market import END
from tests.insights.panels import Query

from agent_analytics.demo._run.servers import find_command
from agent_analytics.insights._promql import counting, recorded, rollups
from agent_analytics.processor import catalogue

LISTINGS: Final = 610
ROUNDS: Final = 20
#: Seconds between two evaluations.
INTERVAL: Final = 300
#: All rules together may take so much CPU for a listing and a second, in milliseconds.
BUDGET: Final = 0.2
_DAY: Final = 86_400
_SCRAPE: Final = 15
_COUNTER: Final = catalogue.INVOCATIONS.name
#: Moments that are probed, as seconds before the end, and now.
_PROBED: Final = (0, 1_800, 3_600, 7_200, 21_600, 43_200, *(day * _DAY for day in range(1, 31)))


def _moments() -> list[int]:
    """Return the times of the samples of a raw counter."""
    found = {
        END - moment - back
        for moment in _PROBED
        for back in range(0, 1_800 if not moment else 600, _SCRAPE)
    }
    return sorted(found)


def _series(name: str, times: Iterable[int]) -> Iterator[str]:
    """Yield the lines of a series of each listing."""
    yield f"# TYPE {name} gauge\n"
    every = list(times)
    for number in range(LISTINGS):
        labels = (
            f'publisher_id="publisher-{number // 10:03}",agent_id="listing-{number:04}",'
            f'job="agent-analytics",instance="apps-{number % 20}:9464",outcome="success"'
        )
        if name == recorded.COUNTING_SINCE:
            labels = labels.partition(",job=")[0]
        for at in every:
            value = END - 60 * _DAY if name == recorded.COUNTING_SINCE else at - END + 61 * _DAY
            yield f"{name}{{{labels}}} {value} {at}\n"


@pytest.mark.parametrize("before", ["the first evaluation", "every further one"])
def test_counting(tmp_path: Path, before: str) -> None:
    """CPU and seconds of one evaluation, where nothing was recorded before and where all was."""
    text, data = tmp_path / "past.txt", tmp_path / "data"
    steps = range(END - _DAY, END + 1, INTERVAL)
    with text.open("w", encoding="utf-8") as file:
        file.writelines(_series(_COUNTER, _moments()))
        if before != "the first evaluation":
            file.writelines(_series(rollups.level(_COUNTER), steps))
            days = range(END - 60 * _DAY, END + 1, _DAY)
            file.writelines(_series(rollups.day(_COUNTER), days))
            file.writelines(_series(recorded.COUNTING_SINCE, steps))
        file.write("# EOF\n")
    make = ["tsdb", "create-blocks-from", "--max-block-duration=1488h", "--quiet", "openmetrics"]
    subprocess.run(
        [find_command("promtool"), *make, str(text), str(data)], check=True, capture_output=True
    )
    query = Query("since", counting.since().expr, 0, 0)
    with prometheus(data) as server:
        ask(server.url, query)
        clock: list[float] = []
        began = cpu_seconds(server.pid)
        for _ in range(ROUNDS):
            wall = time.perf_counter()
            ask(server.url, query)
            clock.append(time.perf_counter() - wall)
        cpu = (cpu_seconds(server.pid) - began) / ROUNDS
    share = 1_000 * cpu / LISTINGS / INTERVAL
    print(f"\nSince when {LISTINGS} listings are counted, {before}, {ROUNDS} rounds\n")
    row = (f"{median(clock):.3f}", f"{max(clock):.3f}", f"{cpu:.3f}", f"{share:.5f}")
    table(("seconds", "most", "CPU", "CPU ms a listing and second"), [row])
    target(f"CPU ms a listing and second, {before}", share, BUDGET)
