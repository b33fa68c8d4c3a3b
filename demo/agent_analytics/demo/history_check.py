"""``python -m agent_analytics.demo.history_check``: a simulated past against its ground truth.

Makes a past of ninety days, lets a real Prometheus serve it, and prints how far every quantity of
every period is off, and which insights are raised against which were planted. Exit status 1 where
a target is missed.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from agent_analytics.demo._history import (
    History,
    Line,
    Score,
    build_history,
    judge,
    measure_accuracy,
    read_alerts,
    serve,
    unplanted,
)
from agent_analytics.insights import write_rules

#: Days before the end at which insights are judged.
CHECKED: Final = (0.0, 20.0, 40.0)
#: Shares of insights that have to be right and found; seeds that are shipped reach 1.
_PRECISION: Final = 0.95
_RECALL: Final = 0.95
SEEDS: Final = (20260101, 20260102)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the check and return its exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m agent_analytics.demo.history_check",
        description=(__doc__ or "").partition("\n\n")[2],
    )
    parser.add_argument(
        "--seed", type=int, action="append", help=f"may be repeated; default: {SEEDS}"
    )
    parser.add_argument("--days", type=int, default=91, help="length of the past (%(default)s)")
    options = parser.parse_args(argv)
    console = Console()
    good = True
    for seed in options.seed or SEEDS:
        with tempfile.TemporaryDirectory(prefix="agent-analytics-history-") as home:
            rules = Path(home) / "rules"
            write_rules(rules)
            moments = [moment for moment in CHECKED if moment < options.days]
            history = build_history(
                Path(home) / "data", seed=seed, days=options.days, rules=rules, moments=moments
            )
            good &= _check(console, seed, history, rules, moments)
    return 0 if good else 1


def _check(
    console: Console, seed: int, history: History, rules: Path, moments: Sequence[float]
) -> bool:
    steps = ", ".join(f"{step} {seconds:.1f} s" for step, seconds in history.seconds.items())
    events = sum(len(ledger.invocations.time) for ledger in history.ledgers.values())
    console.print(
        f"seed {seed}: {len(history.ledgers)} listings, {events:,} invocations,"
        f" {history.samples:,} samples ({steps})"
    )
    with serve(history, rules) as prometheus:
        lines = measure_accuracy(history, prometheus)
        alerts = read_alerts(prometheus.url)
        score = Score([judge(history, prometheus, alerts, days_ago) for days_ago in moments])
    console.print(_table(lines))
    for verdict in score.verdicts:
        console.print(
            f"{verdict.days_ago:g} days before the end: {len(verdict.raised)} raised,"
            f" {len(verdict.planted)} planted"
        )
        for what, found in (("missed", verdict.missed), ("without reason", verdict.false)):
            for publisher, agent, insight in sorted(found):
                console.print(f"  {what}: {insight} of {publisher}/{agent}")
    for insight in sorted(unplanted(history, alerts)):
        console.print(f"  planted nowhere: {insight}")
    console.print(f"precision {score.precision:.3f}, recall {score.recall:.3f}")
    accurate = all(line.good for line in lines)
    return accurate and score.precision >= _PRECISION and score.recall >= _RECALL


def _table(lines: Sequence[Line]) -> Table:
    table = Table(title="Errors against the ground truth", title_justify="left")
    for heading in ("days", "quantity", "answers", "missing", "worst", "rms", "target", "where"):
        numeric = heading in {"days", "answers", "missing", "worst", "rms"}
        table.add_column(heading, justify="right" if numeric else "left")
    for line in lines:
        table.add_row(
            str(line.days or "all"),
            line.quantity,
            str(line.answers),
            str(line.missing),
            f"{line.worst:.5f}",
            f"{line.rms:.5f}",
            "met" if line.good else "MISSED",
            "/".join(line.where) if line.worst else "",
        )
    return table


if __name__ == "__main__":
    sys.exit(main())
