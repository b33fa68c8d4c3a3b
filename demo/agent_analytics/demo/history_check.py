"""``python -m agent_analytics.demo.history_check``: a simulated past against its ground truth.

Makes a past of ninety days, lets a real Prometheus serve it, and prints how far every quantity of
every period is off, and which insights are raised against which were planted, per insight, per seed
and in sum. Exit status 1 where a target is missed. `make prove` runs it on ten fresh seeds.
"""

import argparse
import secrets
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from agent_analytics.demo._history import (
    History,
    Line,
    Raised,
    Score,
    Verdict,
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
#: Shares of insights that have to be right and found, of all seeds together.
_PRECISION: Final = 0.99
_RECALL: Final = 0.99
SEEDS: Final = (20260101, 20260102)
#: What is counted of each insight, by heading. What is raised because it follows from something
#: that was planted is neither found nor false.
_COLUMNS: Final[Mapping[str, Callable[[Verdict], frozenset[Raised]]]] = {
    "planted": lambda verdict: verdict.planted,
    "raised": lambda verdict: verdict.raised,
    "found": lambda verdict: verdict.planted & verdict.raised,
    "missed": lambda verdict: verdict.missed,
    "false": lambda verdict: verdict.false,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the check and return its exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m agent_analytics.demo.history_check",
        description=(__doc__ or "").partition("\n\n")[2],
    )
    parser.add_argument(
        "--seed", type=int, action="append", help=f"may be repeated; default: {SEEDS}"
    )
    parser.add_argument(
        "--fresh", type=int, default=0, metavar="N", help="as many seeds that nobody has seen"
    )
    parser.add_argument("--days", type=int, default=91, help="length of the past (%(default)s)")
    options = parser.parse_args(argv)
    console = Console()
    seeds: list[int] = [*(options.seed or ()), *(_fresh() for _ in range(options.fresh))]
    scores: dict[int, Score] = {}
    accurate = True
    for seed in seeds or SEEDS:
        with tempfile.TemporaryDirectory(prefix="agent-analytics-history-") as home:
            rules = Path(home) / "rules"
            write_rules(rules)
            moments = [moment for moment in CHECKED if moment < options.days]
            history = build_history(
                Path(home) / "data", seed=seed, days=options.days, rules=rules, moments=moments
            )
            scores[seed], good = _check(console, seed, history, rules, moments)
            accurate &= good
    verdicts = [verdict for score in scores.values() for verdict in score.verdicts]
    together = Score(verdicts)
    console.print(_insights(together))
    for seed, score in scores.items():
        console.print(f"seed {seed}: {_shares(score)}")
    console.print(
        f"{len(scores)} seeds together: {_shares(together)};"
        f" to be reached: {_PRECISION:.2f} and {_RECALL:.2f}"
    )
    found = together.precision >= _PRECISION and together.recall >= _RECALL
    return 0 if accurate and found else 1


def _fresh() -> int:
    """Return a seed that was never used: chosen by nobody, so that nothing was tuned to it."""
    return secrets.randbelow(1 << 31)


def _shares(score: Score) -> str:
    return f"precision {score.precision:.3f}, recall {score.recall:.3f}"


def _check(
    console: Console, seed: int, history: History, rules: Path, moments: Sequence[float]
) -> tuple[Score, bool]:
    """Return the insights of a past, raised and planted, and whether its figures are right."""
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
    console.print(_shares(score))
    return score, all(line.good for line in lines)


def per_insight(score: Score) -> dict[str, dict[str, int]]:
    """Return how often each insight was planted, raised, found, missed and false."""
    found: dict[str, dict[str, int]] = {}
    for verdict in score.verdicts:
        for heading, of in _COLUMNS.items():
            for *_, insight in of(verdict):
                found.setdefault(insight, dict.fromkeys(_COLUMNS, 0))[heading] += 1
    return dict(sorted(found.items()))


def _insights(score: Score) -> Table:
    table = Table(title="Insights, of all seeds", title_justify="left")
    table.add_column("insight")
    for heading in _COLUMNS:
        table.add_column(heading, justify="right")
    for insight, counts in per_insight(score).items():
        table.add_row(insight, *map(str, counts.values()))
    return table


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
