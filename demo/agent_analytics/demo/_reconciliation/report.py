"""The end of a run in words and as JSON."""

from collections.abc import Iterable
from typing import Final

from rich import box
from rich.console import Console
from rich.table import Table

from agent_analytics.demo._market.ledger import Ledger
from agent_analytics.demo._reconciliation.reconcile import Comparison
from agent_analytics.demo._run.run import Burst, Outcome
from agent_analytics.demo._terminal.board import Board
from agent_analytics.instrumentation.money import NANO_PER_USD

_SHOWN_DIFFERENCES: Final = 12


def print_summary(console: Console, ledger: Ledger, outcome: Outcome) -> None:
    """Print what happened, what was compared, and how soon pages came."""
    totals = ledger.totals()
    console.print()
    console.print(
        f"[bold]{outcome.seconds:.0f} s[/]: {totals['invocations']:,} invocations"
        f" ({totals['failed']:,} failed) of {totals['listings']} listings by"
        f" {totals['publishers']} publishers for {totals['tenants']:,} tenants,"
        f" {totals['tool_calls']:,} tool calls, {totals['installs']:,} installs,"
        f" ${totals['revenue_nano_usd'] / NANO_PER_USD:,.2f} revenue",
        highlight=False,
        soft_wrap=not console.is_terminal,
    )
    if outcome.comparison:
        console.print(_comparison_table(outcome.comparison))
        _print_tenants(console, outcome.comparison)
        _print_differences(console, outcome.comparison)
    if outcome.bursts:
        console.print(_bursts_table(outcome.bursts))
        _print_worst(console, outcome.bursts, outcome.page_target)
    for problem in outcome.problems:
        console.print(f"[bold red]PROBLEM[/] {problem}", highlight=False)
    if not outcome.problems:
        console.print("[bold green]OK[/] everything that should run did, and every number agrees")


def _comparison_table(comparison: Comparison) -> Table:
    table = Table(
        title="Prometheus against the demo's own ledger", box=box.SIMPLE_HEAD, title_justify="left"
    )
    table.add_column("what was compared")
    for heading in ("answers", "equal", "differ"):
        table.add_column(heading, justify="right")
    for group, compared in sorted(comparison.compared.items()):
        differing = comparison.differing(group)
        style = "bold red" if differing else ""
        table.add_row(group, str(compared), str(compared - differing), str(differing), style=style)
    total, different = sum(comparison.compared.values()), len(comparison.differences)
    table.add_section()
    table.add_row("all", str(total), str(total - different), str(different))
    return table


def _print_tenants(console: Console, comparison: Comparison) -> None:
    console.print(
        f"distinct tenants are estimates: root-mean-square error"
        f" {comparison.tenants_rmse:.2%}, {comparison.tenants_usual:.0%} of the listings within"
        f" 5 %, worst {comparison.tenants_worst:.2%}",
        highlight=False,
        soft_wrap=not console.is_terminal,
    )


def _print_differences(console: Console, comparison: Comparison) -> None:
    for difference in comparison.differences[:_SHOWN_DIFFERENCES]:
        console.print(
            f"  differs: {difference.series}: expected {difference.expected},"
            f" answered {difference.answered}",
            highlight=False,
            markup=False,
            soft_wrap=True,
        )
    hidden = len(comparison.differences) - _SHOWN_DIFFERENCES
    if hidden > 0:
        console.print(f"  and {hidden} more")


def _bursts_table(bursts: Iterable[Burst]) -> Table:
    table = Table(
        title="From the first failing invocation to the page", box=box.SIMPLE_HEAD,
        title_justify="left",
    )  # fmt: skip
    table.add_column("agent", no_wrap=True)
    table.add_column("s after a scrape", justify="right")
    table.add_column("paged after", justify="right")
    table.add_column("")
    for burst in bursts:
        table.add_row(
            burst.key,
            "" if burst.phase is None else f"{burst.phase:.1f}",
            "never" if burst.seconds is None else f"{burst.seconds:.1f} s",
            "beside a page" if burst.while_paged else "",
        )
    return table


def _print_worst(console: Console, bursts: Iterable[Burst], target: float) -> None:
    times = [burst.seconds for burst in bursts if burst.seconds is not None]
    if times:
        console.print(f"worst {max(times):.1f} s; the target is {target:.0f} s", highlight=False)


def as_json(
    *, seed: int, speed: float, addresses: dict[str, str], ledger: Ledger, outcome: Outcome
) -> dict[str, object]:
    """Return the run as plain data, money in nano-dollars."""
    comparison = outcome.comparison
    return {
        "ok": not outcome.problems,
        "problems": list(outcome.problems),
        "interrupted": outcome.interrupted,
        "seed": seed,
        "speed": speed,
        "seconds": round(outcome.seconds, 3),
        "addresses": addresses,
        "totals": ledger.totals(),
        "ledger": ledger.as_json(),
        "prometheus": _board_json(outcome.board),
        "comparison": None if comparison is None else comparison.as_json(),
        "page_target_seconds": outcome.page_target,
        "pages": [
            {
                "agent": burst.key,
                "seconds_after_scrape": burst.phase,
                "seconds_to_page": burst.seconds,
                "another_already_paged": burst.while_paged,
            }
            for burst in outcome.bursts
        ],
    }


def _board_json(board: Board | None) -> dict[str, object] | None:
    if board is None:
        return None
    return {
        "tenants": board.tenants,
        "agents": [
            {
                "publisher": row.listing[0],
                "agent": row.listing[1],
                "invocations_per_second": row.rate,
                "error_rate": row.error_rate,
                "p95_seconds": row.p95,
                "rating": row.rating,
                "revenue_usd_per_hour": row.usd_per_hour,
                "installs": row.installs,
                "severity": row.severity or None,
            }
            for row in board.rows
        ],
        "insights": [
            {
                "severity": insight.severity,
                "category": insight.category,
                "publisher": insight.publisher_id,
                "agent": insight.agent_id,
                "tool": insight.tool or None,
                "title": insight.title,
                "description": insight.description,
                "recommendation": insight.recommendation,
            }
            for insight in board.insights
        ],
    }
