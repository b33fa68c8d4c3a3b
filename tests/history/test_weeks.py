"""Weeks and months that have ended, recorded over a simulated past, against its ledger."""

import shutil
from pathlib import Path

import pytest

from agent_analytics.demo._history import History, Pace, World, build_history, default_world, serve
from agent_analytics.demo._history.clock import DAY
from agent_analytics.insights import write_rules
from agent_analytics.insights._promql.closed import listings, tenants
from agent_analytics.insights._promql.rollups import OF_MARKETPLACE

#: A Tuesday noon, and the Monday before it.
END = 1_795_523_456
MONDAY = END // DAY * DAY - DAY
#: Noon of the first of a month, and the days of the two months before it.
FIRST = 1_796_126_400
NOVEMBER, OCTOBER = 30, 31


def simulated(home: Path, *, days: int, end: int) -> tuple[History, Path]:
    """Return the past of one listing in the whole population, and the rules that recorded it."""
    for command in ("prometheus", "promtool"):
        if shutil.which(command) is None:
            pytest.skip(f"{command} is not installed (Debian: prometheus)")
    whole = default_world()
    chosen = tuple(profile for profile in whole.profiles if profile.agent == "note-taker")
    rules = home / "rules"
    write_rules(rules)
    # Nothing of these is read here.
    for name in ("insights.yml", "oncall.yml"):
        (rules / name).unlink()
    history = build_history(
        home / "data",
        seed=5,
        days=days,
        end=end,
        world=World(chosen, whole.population),
        rules=rules,
        pace=Pace(dense_days=0.1, moment_days=0.0),
    )
    return history, rules


@pytest.mark.servers
@pytest.mark.slow
def test_weeks_are_those_of_the_ledger(tmp_path: Path) -> None:
    """Who stayed, who went and what was earned is what happened, within the error of sketches."""
    history, rules = simulated(tmp_path, days=19, end=END)
    with serve(history, rules) as prometheus:
        found = {
            (name, sample.labels.get("movement", "")): sample.value
            for name in (
                tenants.moved(OF_MARKETPLACE),
                listings.REVENUE,
                listings.INVOCATIONS,
                listings.REVENUE_MOVED,
            )
            for sample in prometheus.query(f"last_over_time({name}[7d])", at=history.clock.end)
        }
    (ledger,) = history.ledgers.values()
    week = ledger.truth((MONDAY - 7 * DAY, MONDAY))
    before = ledger.truth((MONDAY - 14 * DAY, MONDAY - 7 * DAY))
    kept, gone = len(week.tenants & before.tenants), len(before.tenants - week.tenants)
    assert kept > 50
    assert gone > 10
    moved = tenants.moved(OF_MARKETPLACE)
    assert found[moved, "kept"] == pytest.approx(kept, abs=4)
    assert found[moved, "churned"] == pytest.approx(gone, abs=4)
    # A day's mark is a scrape of an hour in the thin past: some calls are of the day after.
    assert found[listings.INVOCATIONS, ""] == pytest.approx(week.total, abs=5)
    assert found[listings.REVENUE, ""] == pytest.approx(week.revenue / 1e9, abs=0.3)
    assert week.revenue < before.revenue
    less = (week.revenue - before.revenue) / 1e9
    assert found[listings.REVENUE_MOVED, "shrunk"] == pytest.approx(less, abs=0.6)


@pytest.mark.servers
@pytest.mark.slow
def test_months_are_those_of_the_ledger(tmp_path: Path) -> None:
    """The share of a month's tenants who are there in the next one is what happened."""
    history, rules = simulated(tmp_path, days=NOVEMBER + OCTOBER + 3, end=FIRST)
    (ledger,) = history.ledgers.values()
    midnight = FIRST // DAY * DAY
    november = (midnight - NOVEMBER * DAY, midnight)
    october = (november[0] - OCTOBER * DAY, november[0])
    now, then = ledger.truth(november).tenants, ledger.truth(october).tenants
    back = len(now & then)
    assert back > 50
    assert len(then - now) > 20
    name = tenants.returned(OF_MARKETPLACE)
    with serve(history, rules) as prometheus:
        found = {
            sample.labels["months"]: sample.value
            for sample in prometheus.query(f"last_over_time({name}[1d])", at=history.clock.end)
        }
    assert found == {"1": pytest.approx(back / len(then), abs=0.03)}
