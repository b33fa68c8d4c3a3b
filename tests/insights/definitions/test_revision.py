"""What nothing is compared across: the boundary between two revisions of the rules of counting."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pytest
import yaml

from agent_analytics.insights import GENERATED
from agent_analytics.insights._definitions import OF_PUBLISHERS
from agent_analytics.insights._promql import quantities, rollups, scopes
from agent_analytics.insights._promql.scopes import Scope
from agent_analytics.insights._promql.windows import Period, Raw, RawPeriod

if TYPE_CHECKING:
    import subprocess

Check = Callable[..., None]
Run = Callable[..., "subprocess.CompletedProcess[str]"]
TARGET = 'job="agent-analytics", instance="demo:9464"'
LISTING = 'publisher_id="acme", agent_id="finder"'
CHANGED = "listing_accounting_changed"
#: Two months of half days.
STEPS = 120


class Listing(Protocol):
    """The part of the fixture that is used here."""

    def __call__(self, name: str, *phases: tuple[int, float], **labels: str) -> dict[str, str]:
        """Return a counter that grows by so much a step, for so many steps each."""
        ...

    def invocations(
        self, *phases: tuple[int, float], failing: Sequence[tuple[int, float]] = ()
    ) -> dict[str, str]:
        """Return invocations that succeed, and those that fail."""
        ...


def revision(number: int, values: str) -> dict[str, str]:
    """Return what an endpoint shows of its revision."""
    return {f'agent_analytics_accounting{{{TARGET}, revision="{number}"}}': values}


@pytest.mark.slow
def test_tokens_across_a_revision(check_insight: Check, listing: Listing) -> None:
    """More tokens than before are told once both sides are within one revision."""
    tokens = {
        **listing("input_tokens_total", (106, 40_000), (14, 56_000), model="atlas"),
        **listing("output_tokens_total", (106, 10_000), (14, 14_000), model="atlas"),
        **listing.invocations((STEPS, 50)),
    }
    told = {("week",): 0.4}
    check_insight(
        "token-growth",
        [
            ("before there were revisions", tokens, told),
            ("one revision all along", {**tokens, **revision(2, f"1x{STEPS}")}, told),
            # The comparison reaches back 35 days, which are 70 steps.
            ("within one again", {**tokens, **revision(2, "_x49 1x71")}, told),
            ("hardly across", {**tokens, **revision(2, "_x51 1x69")}, {}),
            ("right across", {**tokens, **revision(2, "_x106 1x14")}, {}),
            ("rolled back", {**tokens, **revision(2, "1x80 _x40")}, {}),
            (
                "from the second to a third",
                {**tokens, **revision(2, "1x99 _x20"), **revision(3, "_x100 1x20")},
                {},
            ),
        ],
    )


def test_hours_across_a_revision(check_insight: Check) -> None:
    """Of the weeks before, those of another revision are no measure of what is usual."""
    hours = 5 * 168
    name = "marketplace_agent_invocations_total:hour"

    def errors(changed: int) -> dict[str, str]:
        """Return an hour of many failures, so many hours after the revision changed."""
        steps = hours - changed
        mark = {f"{CHANGED}{{{LISTING}}}": "_ " * steps + "1"} if changed else {}
        return {
            f'{name}{{{LISTING}, outcome="success"}}': f"_ 900x{hours - 1}",
            f'{name}{{{LISTING}, outcome="error"}}': f"_ 9x{hours - 2} 500",
            **mark,
        }

    told = {("1h",): 0.347}
    check_insight(
        "error-anomaly",
        [
            ("one revision all along", errors(0), told),
            # Three of the four weeks have to be known.
            ("three weeks", errors(3 * 168), {}),
            ("three weeks and their hour", errors(3 * 168 + 2), told),
            ("just now", errors(1), {}),
        ],
        interval="1h",
        every="168h",
        at=f"{hours}h",
        given=[name, CHANGED],
    )


def marks(promtool: Run, directory: Path, series: dict[str, str], expected: dict[str, int]) -> None:
    """Evaluate the rules that record revisions every five minutes; expect marks until a time."""
    groups = yaml.safe_load((GENERATED / "rules" / "rollups.yml").read_text())["groups"]
    wanted = ("listing_accounting", "marketplace_agent_invocations_of_any_outcome")
    for group in groups:
        group["rules"] = [rule for rule in group["rules"] if rule["record"].startswith(wanted)]
    groups = [group for group in groups if group["rules"]]
    (directory / "rules.json").write_text(json.dumps({"groups": groups}))
    tests = [
        {
            "expr": f"sum(count_over_time({CHANGED}[30d]))",
            "eval_time": at,
            "exp_samples": [{"labels": "{}", "value": count}] if count else [],
        }
        for at, count in expected.items()
    ]
    document = {
        "rule_files": [str(directory / "rules.json")],
        "evaluation_interval": "5m",
        "group_eval_order": [group["name"] for group in groups],
        "tests": [{"interval": "5m", "input_series": given(series), "promql_expr_test": tests}],
    }
    (directory / "test.json").write_text(json.dumps(document))
    done = promtool("test", "rules", directory / "test.json")
    assert done.returncode == 0, done.stdout + done.stderr


def given(series: dict[str, str]) -> list[dict[str, str]]:
    """Return series in promtool's words."""
    return [{"series": selector, "values": values} for selector, values in series.items()]


def calls(values: str, instance: str = "demo:9464") -> dict[str, str]:
    """Return the invocations that an endpoint shows."""
    labels = f'{LISTING}, outcome="success", job="agent-analytics", instance="{instance}"'
    return {f"marketplace_agent_invocations_total{{{labels}}}": values}


@pytest.mark.parametrize(
    ("series", "expected"),
    [
        pytest.param({**calls("1x100"), **revision(2, "1x100")}, {"500m": 0}, id="new"),
        pytest.param(calls("1x100"), {"500m": 0}, id="old"),
        pytest.param(
            {**calls("1x100"), **revision(2, "_x40 1x60")}, {"195m": 0, "500m": 1}, id="at once"
        ),
        pytest.param(
            # Away over a weekend: what was there before is found in the marks of the days.
            {**calls("1x300 stale _x899 1x20"), **revision(2, "1x300 stale _x899 1x20")},
            {"6100m": 0},
            id="away, and the same again",
        ),
        pytest.param(
            {**calls("1x300 stale _x899 1x20"), **revision(2, "_x1201 1x20")},
            {"6000m": 0, "6100m": 1},
            id="away, and another",
        ),
        pytest.param(
            # The second process is of revision 2 from step 20, the first one gone at step 60.
            {
                **calls("1x59 stale _x40"),
                **calls("_x20 1x80", "other:9464"),
                'agent_analytics_accounting{job="agent-analytics", instance="other:9464",'
                ' revision="2"}': "_x20 1x80",
            },
            {"95m": 0, "100m": 1, "295m": 40, "300m": 41, "500m": 41},
            id="one process after another",
        ),
    ],
)
def test_marks(
    promtool: Run, tmp_path: Path, series: dict[str, str], expected: dict[str, int]
) -> None:
    """A mark is there when the revisions of a listing changed, and while there are two at once."""
    marks(promtool, tmp_path, series, expected)


WEEKS = 15 * 24
SALES = "marketplace_agent_revenue_usd_total"


@pytest.mark.parametrize("scope", [scopes.LISTING, Scope(("publisher_id",)), Scope(())])
@pytest.mark.parametrize(
    ("changed", "known"), [(0, True), (20, True), (26, False), (200, False), (359, False)]
)
def test_trends(promtool: Run, tmp_path: Path, scope: Scope, changed: int, *, known: bool) -> None:
    """A trend is absent while a change is in its week or the week before, read from whatever.

    The hour of asking is the 360th, so that the two weeks begin with the 24th.
    """
    raw = RawPeriod(7, raw=Raw(7 * 86_400, 3600))
    marked = {f"{CHANGED}{{{LISTING}}}": "_ " * changed + "1"} if changed else {}
    for period, series in (
        (Period(7), {f"{SALES}:level{{{LISTING}, {TARGET}}}": f"0+1x{WEEKS}", **marked}),
        (
            raw,
            {
                f"{SALES}{{{LISTING}, {TARGET}}}": f"0+1x{WEEKS}",
                **revision(2, ("_ " * changed) + f"1x{WEEKS}"),
            },
        ),
    ):
        labels = ", ".join(part for part in LISTING.split(", ") if part.split("=")[0] in scope.by)
        expr = f"abs(round({quantities.revenue_trend(period, scope)}, 0.1))"
        document = {
            "evaluation_interval": "1h",
            "tests": [
                {
                    "interval": "1h",
                    "input_series": given(series),
                    "promql_expr_test": [
                        {
                            "expr": expr,
                            "eval_time": f"{WEEKS}h",
                            "exp_samples": [{"labels": f"{{{labels}}}", "value": 0}]
                            if known
                            else [],
                        }
                    ],
                }
            ],
        }
        (tmp_path / "test.json").write_text(json.dumps(document))
        done = promtool("test", "rules", tmp_path / "test.json")
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(("changed", "known"), [(0, True), (20, True), (200, False)])
def test_retention(promtool: Run, tmp_path: Path, changed: int, *, known: bool) -> None:
    """The share of tenants who came back is absent, too, where one of the weeks has a change."""
    marked = {f"{CHANGED}{{{LISTING}}}": "_ " * changed + "1"} if changed else {}
    days = rollups.union_of(scopes.LISTING).days
    registers = f'{days}{{{LISTING}, kind="tenants", register="0"}}'
    series = {registers: f"0.5x{WEEKS}", **marked}
    expr = f"count({quantities.retention(Period(7), scopes.LISTING)})"
    document = {
        "evaluation_interval": "1h",
        "tests": [
            {
                "interval": "1h",
                "input_series": given(series),
                "promql_expr_test": [
                    {
                        "expr": expr,
                        "eval_time": f"{WEEKS}h",
                        "exp_samples": [{"labels": "{}", "value": 1}] if known else [],
                    }
                ],
            }
        ],
    }
    (tmp_path / "test.json").write_text(json.dumps(document))
    done = promtool("test", "rules", tmp_path / "test.json")
    assert done.returncode == 0, done.stdout + done.stderr


#: Ratings are what tenants gave, by whatever rules calls are counted.
NOT_COUNTED = {"rating-falling"}


def test_every_comparison_has_a_guard() -> None:
    """Whatever reads a window that has ended looks whether the revision changed since."""
    for finding in OF_PUBLISHERS:
        for way in finding.asked_of("publisher"):
            text = "\n".join((way.measure, *way.conditions))
            if "d_ago" in text and finding.slug not in NOT_COUNTED:
                assert f"last_over_time({CHANGED}[" in text, finding.slug
