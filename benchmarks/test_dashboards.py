"""How long the panels of a dashboard take together, and how that grows with the listings.

A publisher's overview and the operator's dashboard, over thirty days of a marketplace whose
roll-ups are written down as rules would have recorded them; one publisher, with ten listings, and
what is read of all listings, are told in full. Every query is asked on its own, one after the
other, as a browser with one connection would. CPU time is the server's, and does not count what
else this machine does.
"""

import os
import shutil
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Final

import pytest
from benchmarks.measure import table, target
from tests.insights.market import END, Market, write_market
from tests.insights.panels import Query, panel_queries

from agent_analytics.demo._run.servers import LOOPBACK, Server, find_command, free_port
from agent_analytics.insights import GENERATED

LISTINGS_A_PUBLISHER: Final = 10
#: Registers that a listing of the publisher uses: some 1,200 tenants each.
REGISTERS: Final = 700
ROUNDS: Final = 5
#: Seconds in which all panels of a dashboard are to be answered.
LIMITS: Final = {"publisher": 2.0, "marketplace": 4.0}


@contextmanager
def prometheus(data: Path) -> Generator[Server]:
    """Run Prometheus over a data directory."""
    config, port = data.with_suffix(".yml"), free_port()
    config.write_text("{}", encoding="utf-8")
    server = Server(
        "prometheus",
        [
            find_command("prometheus"),
            f"--config.file={config}",
            f"--storage.tsdb.path={data}",
            "--storage.tsdb.retention.time=50y",
            f"--web.listen-address={LOOPBACK}:{port}",
        ],
        port=port,
        log=data.with_suffix(".log"),
    )
    try:
        server.wait_ready()
        yield server
    finally:
        server.stop()


def ask(url: str, query: Query) -> None:
    """Ask a query, and read the answer to its end."""
    parameters: dict[str, object] = {"query": query.expr}
    if query.span:
        start, end = (at // query.step * query.step for at in (END - query.span, END))
        parameters |= {"start": start, "end": end, "step": query.step}
    else:
        parameters["time"] = END
    path = "query_range" if query.span else "query"
    body = urllib.parse.urlencode(parameters).encode()
    with urllib.request.urlopen(f"{url}/api/v1/{path}", body, timeout=120) as answer:
        answer.read()


def cpu_seconds(pid: int) -> float:
    """Return the CPU time that a process has taken."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measured(server: Server, dashboard: str) -> tuple[float, float]:
    """Return seconds on the clock, and of the server's CPU, of all panels of a dashboard."""
    queries = list(panel_queries(GENERATED / f"dashboards/{dashboard}.json"))
    wall, cpu = time.perf_counter(), cpu_seconds(server.pid)
    for query in queries:
        ask(server.url, query)
    return time.perf_counter() - wall, cpu_seconds(server.pid) - cpu


def make_blocks(folder: Path, size: Market) -> Path:
    """Write a marketplace as blocks of Prometheus, and return their directory."""
    text, data = folder / "market.txt", folder / "data"
    write_market(size, text)
    subprocess.run(
        [
            find_command("promtool"),
            "tsdb",
            "create-blocks-from",
            "--max-block-duration=1488h",
            "--quiet",
            "openmetrics",
            str(text),
            str(data),
        ],
        check=True,
        capture_output=True,
    )
    text.unlink()
    return data


@pytest.mark.parametrize("listings", [100, 250, 500])
def test_dashboards(tmp_path: Path, listings: int) -> None:
    """Seconds for all panels of a dashboard, in marketplaces of several sizes."""
    size = Market(
        listings=listings,
        publishers=listings // LISTINGS_A_PUBLISHER,
        full=1,
        registers=REGISTERS,
    )
    data = make_blocks(tmp_path, size)
    rows: list[tuple[str, ...]] = []
    with prometheus(data) as server:
        for dashboard in LIMITS:
            rounds = [measured(server, dashboard) for _ in range(ROUNDS + 1)][1:]
            clock, cpu = zip(*rounds, strict=True)
            rows.append(
                (
                    dashboard,
                    f"{median(clock):.2f}",
                    f"{min(clock):.2f}",
                    f"{max(clock):.2f}",
                    f"{median(cpu):.2f}",
                )
            )
    shutil.rmtree(data)
    print(f"\nAll panels over 30 days, {listings} listings, {ROUNDS} rounds, in seconds\n")
    table(("dashboard", "median", "least", "most", "CPU"), rows)
    for dashboard, middle, *_ in rows:
        target(f"{dashboard} with {listings} listings, s", float(middle), LIMITS[dashboard])
