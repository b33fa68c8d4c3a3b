"""What publishers are told about who uses a listing, on both sides of every boundary."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import pytest
from tests.insights.definitions.conftest import GROUPS, slice_rules
from tests.tools import Run

from agent_analytics.insights._promql.scopes import LISTING
from agent_analytics.insights._promql.windows import Period

Check = Callable[..., None]
UP = {"up": "1x120"}
WHO = "finder of acme"


class Listing(Protocol):
    """The part of the fixture that is used here."""

    def __call__(self, name: str, *phases: tuple[int, float], **labels: str) -> dict[str, str]:
        """Return a counter that grows by so much a step, for so many steps each."""
        ...

    def values(self, name: str, values: str, **labels: str) -> dict[str, str]:
        """Return a series with values of its own."""
        ...

    def invocations(
        self, *phases: tuple[int, float], failing: Sequence[tuple[int, float]] = ()
    ) -> dict[str, str]:
        """Return invocations that succeed, and those that fail."""
        ...


@pytest.mark.slow
def test_install_churn(check_insight: Check, listing: Listing) -> None:
    """More uninstalls than installs is told, from ten on and where it is no accident."""

    def moves(come: float, go: float, week: float | None = None) -> dict[str, str]:
        last = go if week is None else week
        return {
            **listing("installs_total", (120, come)),
            **listing("uninstalls_total", (106, go), (14, last)),
        }

    check_insight(
        "install-churn",
        [
            ("as many", moves(1, 1), {}),
            ("an accident", moves(1, 1.3), {}),
            ("no accident", moves(1, 1.5), {("period",): 30}),
            ("since a week", moves(1, 0.5, 3), {("week",): 28}),
            ("few", moves(0, 0.15), {}),
            ("enough", moves(0, 0.2), {("period",): 12}),
            ("no data", UP, {}),
        ],
        texts={
            "no accident": (
                (
                    f"{WHO} was uninstalled 90 times and installed 60 times in the last 30 days: 30"
                    " more left than came."
                ),
                "",
            )
        },
    )


@pytest.mark.slow
def test_listing_dead(check_insight: Check, listing: Listing) -> None:
    """A week without an invocation is told after more than twenty in the four weeks before."""
    vanished = " ".join([*(str(10 * step) for step in range(100)), *["_"] * 21])
    check_insight(
        "listing-dead",
        [
            ("used", listing.invocations((120, 10)), {}),
            ("unused for a week", listing.invocations((106, 10), (14, 0)), {("week",): 560}),
            ("used once", listing.invocations((106, 10), (13, 0), (1, 1)), {}),
            ("hardly used before", listing.invocations((86, 0), (20, 1), (14, 0)), {}),
            (
                "a little used before",
                listing.invocations((85, 0), (21, 1), (14, 0)),
                {("week",): 21},
            ),
            ("never used", listing.invocations((120, 0)), {}),
            (
                "gone with its process",
                listing.values("invocations_total", vanished, outcome="success"),
                {("week",): 490},
            ),
            ("no data", UP, {}),
        ],
        texts={
            "unused for a week": (
                (
                    f"Nobody invoked {WHO} in the last 7 days, after 560"
                    " invocations in the four weeks"
                    " before."
                ),
                "",
            )
        },
    )


def tenants(listing: Listing, *weeks: range) -> dict[str, str]:
    """Return the registers of tenants, each with one of its own, by weeks.

    The last week is a day longer, as a window of days sees the scrape at its very beginning.
    """
    found: dict[str, str] = {}
    every = sorted({tenant for week in weeks for tenant in week})
    for tenant in every:
        values: list[str] = ["_"] * (119 - 14 * len(weeks))
        for week in weeks:
            values += ["0.999" if tenant in week else "_"] * 14
        values += values[-1:] * 2
        found |= listing.values(
            "sketch_register", " ".join(values), kind="tenants", register=str(tenant)
        )
    return found


@pytest.mark.slow
def test_retention_from_registers(check_insight: Check, listing: Listing) -> None:
    """Who comes back is read from the registers of three weeks."""
    whole, half = range(40), range(20)
    check_insight(
        "retention-falling",
        [
            ("all come back", tenants(listing, whole, whole, whole), {}),
            ("half come back", tenants(listing, whole, whole, half), {("week",): 0.5}),
        ],
        texts={
            "half come back": (
                (
                    f"50% of the tenants of {WHO} of the week before came back in"
                    " the last 7 days; a"
                    " week earlier 100% did."
                ),
                "",
            )
        },
    )


def test_retention_falling(check_insight: Check) -> None:
    """Ten points fewer of at least thirty tenants coming back is told, where it is no accident."""
    names = [
        "listing_retention:7d",
        "listing_retention:7d_7d_ago",
        "listing_unique_tenants:7d_7d_ago",
        "listing_unique_tenants:7d_14d_ago",
    ]

    def came(now: float, before: float, of: float, of_earlier: float) -> dict[str, str]:
        values = (now, before, of, of_earlier)
        return {
            f'{name}{{publisher_id="acme", agent_id="finder"}}': str(value)
            for name, value in zip(names, values, strict=True)
        }

    check_insight(
        "retention-falling",
        [
            ("more", came(0.95, 0.9, 4000, 4000), {}),
            ("a little less", came(0.8, 0.9, 4000, 4000), {}),
            ("chance", came(0.78, 0.9, 4000, 4000), {}),
            ("no chance", came(0.76, 0.9, 4000, 4000), {("week",): 0.14}),
            ("chance of few", came(0.6, 0.9, 40, 40), {}),
            ("no chance of few", came(0.55, 0.9, 40, 40), {("week",): 0.35}),
            ("below the floor", came(0.2, 0.9, 29, 31), {}),
            ("below it earlier", came(0.2, 0.9, 31, 29), {}),
            ("at the floor", came(0.2, 0.9, 30, 30), {("week",): 0.7}),
        ],
        at="0m",
        given=names,
    )


@pytest.mark.slow
def test_few_tenants(check_insight: Check, listing: Listing) -> None:
    """Fewer than five tenants who pay what they paid is told, from 25 dollars on."""

    def carried(count: int, before: float, now: float) -> dict[str, str]:
        return {
            **tenants(listing, *[range(count)] * 8),
            **listing("revenue_usd_total", (60, before), (60, now)),
        }

    check_insight(
        "few-tenants",
        [
            ("five", carried(5, 10, 10), {}),
            ("four", carried(4, 10, 10), {("period",): 4.0}),
            ("four who pay more", carried(4, 10, 20), {("period",): 4.0}),
            ("four who pay less", carried(4, 10, 8), {}),
            ("four who pay little", carried(4, 0.4, 0.41), {}),
            ("four who pay enough", carried(4, 0.4, 0.42), {("period",): 4.0}),
            ("no data", UP, {}),
        ],
    )


@pytest.mark.slow
def test_retention_looks_tenants_up(promtool: Run, tmp_path: Path, listing: Listing) -> None:
    """What is recorded is what registers say to a thousandth, also where nobody came back.

    Recorded is another estimate of the same share, which errs a little less (`_rules/tenants.py`).
    """
    cases = {
        "three quarters": [range(12), range(12), range(3, 15)],
        "nobody": [range(8), range(8), range(8, 12)],
        "the first week": [range(8)],
        "nobody now": [range(8), range(8), range(0)],
    }
    groups = slice_rules(tmp_path / "rules", "retention-falling")
    rules = tmp_path / "slice.json"
    rules.write_text(json.dumps({"groups": groups}), encoding="utf-8")
    tests: list[dict[str, object]] = []
    for name, weeks in cases.items():
        expressions: list[dict[str, object]] = []
        for period, recorded in ((Period(7), "7d"), (Period(7, 7), "7d_7d_ago")):
            asked = period.returned(LISTING)
            wrong = (
                f"abs(listing_retention:{recorded} - {asked}) > 0.001",
                f"listing_retention:{recorded} unless {asked}",
                f"{asked} unless listing_retention:{recorded}",
            )
            nothing: list[object] = []
            for each in wrong:
                asked_for: dict[str, object] = {"expr": each, "eval_time": "1440h"}
                expressions.append({**asked_for, "exp_samples": nothing})
        if len(weeks) > 1:
            there = {"labels": "{}", "value": 1}
            expr = "count(listing_retention:7d)"
            expressions.append({"expr": expr, "eval_time": "1440h", "exp_samples": [there]})
        series = tenants(listing, *weeks)
        tests.append(
            {
                "name": name,
                "interval": "12h",
                "input_series": [
                    {"series": selector, "values": values} for selector, values in series.items()
                ],
                "promql_expr_test": expressions,
            }
        )
    document = {"rule_files": [str(rules)], "evaluation_interval": "12h", "tests": tests}
    names = [group["name"] for group in groups]
    document["group_eval_order"] = [name for name in GROUPS if name in names]
    file = tmp_path / "cases.json"
    file.write_text(json.dumps(document), encoding="utf-8")
    done = promtool("test", "rules", file)
    assert done.returncode == 0, done.stdout + done.stderr
