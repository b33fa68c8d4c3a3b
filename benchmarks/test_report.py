"""How much CPU of Prometheus a report takes: the marketplace's and a publisher's.

Over thirty days of a marketplace whose roll-ups are written down as rules would have recorded them
(:mod:`tests.insights.market`): one publisher with ten listings, and what is read of all listings,
are told in full. CPU time is the server's, and does not count what else this machine does.
"""

from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Final

from benchmarks.measure import table, target
from benchmarks.test_dashboards import (
    LISTINGS_A_PUBLISHER,
    REGISTERS,
    cpu_seconds,
    make_blocks,
    prometheus,
)
from tests.insights.market import END, Market, publisher

from agent_analytics.insights import MarketplaceAnalytics, PublisherAnalytics

if TYPE_CHECKING:
    from collections.abc import Callable

LISTINGS: Final = 500
ROUNDS: Final = 3
#: Seconds of CPU of Prometheus that a report is to take at most.
LIMITS: Final = {"marketplace": 5.0, "publisher": 1.5}


def test_reports(tmp_path: Path) -> None:
    """Seconds of CPU for the report of the marketplace, and for that of a publisher."""
    size = Market(
        listings=LISTINGS,
        publishers=LISTINGS // LISTINGS_A_PUBLISHER,
        full=1,
        registers=REGISTERS,
    )
    with prometheus(make_blocks(tmp_path, size)) as server:
        ask: dict[str, Callable[[], object]] = {
            "marketplace": lambda: MarketplaceAnalytics(server.url, timeout=120).dashboard(at=END),
            "publisher": lambda: PublisherAnalytics(server.url, timeout=120).dashboard(
                publisher(0), at=END
            ),
        }
        taken: dict[str, list[float]] = {}
        for whose, report in ask.items():
            report()  # what the first one reads into memory is there for the next
            for _ in range(ROUNDS):
                before = cpu_seconds(server.pid)
                report()
                taken.setdefault(whose, []).append(cpu_seconds(server.pid) - before)
    print(f"\nReports over 30 days, {LISTINGS} listings, {ROUNDS} rounds, CPU of Prometheus in s\n")
    table(
        ("report", "median", "least", "most"),
        [
            (whose, f"{median(each):.2f}", f"{min(each):.2f}", f"{max(each):.2f}")
            for whose, each in taken.items()
        ],
    )
    for whose, each in taken.items():
        target(f"{whose} with {LISTINGS} listings, CPU s", median(each), LIMITS[whose])
