"""A process that is gone for any while loses nothing of what it had counted by its last level.

One process for each minute of two hours is gone for so long, and begins anew, or goes on where it
was. What windows say is compared with a ledger: a dictionary of the last level of each process.
"""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from tests.tools import Run

from agent_analytics.insights._promql import quantities, rollups
from agent_analytics.insights._promql.scopes import Scope
from agent_analytics.insights._promql.windows import UTC_DAY, Levels, Period
from agent_analytics.processor import catalogue

#: Minutes.
HOUR: Final = 60
DAY: Final = 24 * HOUR
STEP: Final = 5
AWAY: Final = range(1, 2 * HOUR + 1)
#: By the minute of the hour at which rules of hours are evaluated: when processes vanish first.
FIRST: Final = {0: 22 * HOUR + 50, 5: 23 * HOUR, 35: 18 * HOUR}
LAST: Final = DAY + 6 * HOUR + 15
OF_PROCESS: Final = Scope(("instance",))
NAME: Final = catalogue.INVOCATIONS.name


class Process:
    """A counter that grows by three a minute, is gone for a while, and begins anew or goes on."""

    def __init__(self, first: int, away: int, *, anew: bool) -> None:
        self.instance = f"{first}-{away}-{'anew' if anew else 'on'}"
        self.gone = range(first + 7 * away % HOUR, first + 7 * away % HOUR + away)
        self.values: dict[int, int] = {}
        value = 0
        for minute in range(LAST + 1):
            if minute == self.gone.stop and anew:
                value = 0
            if minute not in self.gone:
                self.values[minute] = value
                value += 3

    def series(self) -> dict[str, str]:
        """Return the counter as ``promtool test rules`` wants it."""
        labels = (
            f'publisher_id="acme",agent_id="finder",outcome="success",instance="{self.instance}"'
        )
        values = [
            "stale" if minute == self.gone.start else str(self.values.get(minute, "_"))
            for minute in range(LAST + 1)
        ]
        return {"series": f"{NAME}{{{labels}}}", "values": " ".join(values)}

    def grown(self, first: int, last: int) -> int:
        """Return what it grew by from the level of a minute to that of another."""
        levels: dict[str, int] = {}
        grown = 0
        for minute in range(0, last + 1, STEP):
            value = self.values.get(minute)
            if value is None:
                continue
            before = levels.get("last")
            if before is not None and minute > first:
                seen = [self.values.get(each, 0) for each in range(minute - STEP, minute + 1)]
                grown += value if value < before else value - before
                grown += max(0, max(seen) - before) if value < before else 0
            levels["last"] = value
        return grown


def every_hour_at(minute: int) -> dict[str, Any]:
    """Return the rules, those of hours evaluated at one minute of each hour: not at every step."""
    document: dict[str, Any] = yaml.safe_load(rollups.render_rollups([NAME]))
    for group in document["groups"]:
        if group["interval"] == rollups.HOUR_INTERVAL:
            for rule in group["rules"]:
                rule["expr"] = f"({rule['expr']}) and on () minute() == {minute}"
    return document


def earlier_rules(document: dict[str, Any], until: int) -> dict[str, Any]:
    """Return rules of which those of levels are revision c2f417d's until a minute."""
    fell = f"(last_over_time({rollups.level(NAME)}[1d]) > {NAME})"
    dropped = f"(max_over_time({NAME}[5m]) > {fell}) or {fell}"
    drops = {
        rollups.drop(NAME): dropped,
        rollups.drop(rollups.EVERY_INVOCATION): f"sum without (outcome) ({dropped})",
    }
    marks = {
        rollups.day(name): (
            f"last_over_time({rollups.level(name)}[1d]) and on () (hour() == 0 and minute() < 5)"
        )
        for name in (NAME, rollups.EVERY_INVOCATION)
    }
    before = {**drops, **marks}
    since = {*before, rollups.fell(NAME)}
    for group in document["groups"]:
        for rule in group["rules"]:
            if rule["record"] in since:
                rule["expr"] = f"({rule['expr']}) and on () vector(time()) >= {60 * until}"
    old = {
        name: {"record": name, "expr": f"({expr}) and on () vector(time()) < {60 * until}"}
        for name, expr in before.items()
    }
    levels = document["groups"][0]["rules"]
    earlier = [old[name] for name in drops], [old[name] for name in marks]
    document["groups"][0]["rules"] = [*earlier[0], *levels, *earlier[1]]
    return document


def answers(processes: list[Process], first: int, last: int) -> list[dict[str, Any]]:
    """Return what promtool shall find for each process."""
    return [
        {"labels": f'{{instance="{each.instance}"}}', "value": each.grown(first, last)}
        for each in processes
    ]


def questions(processes: list[Process], minute: int) -> Iterator[dict[str, Any]]:
    """Yield questions of windows and of days, with the ledger's answers."""
    for at in (LAST, DAY + 2 * HOUR + minute):
        yield {
            "expr": quantities.invocations(Period(1), OF_PROCESS),
            "eval_time": f"{at}m",
            "exp_samples": answers(processes, at - DAY, at),
        }
    # Windows of hours, in which processes vanish and return, are asked when all are back; between
    # two evaluations, as other groups ask.
    back = DAY + 2 * HOUR + minute
    yield {
        "expr": quantities.invocations(Levels("6h"), OF_PROCESS),
        "eval_time": f"{back + 1}m",
        "exp_samples": answers(processes, back - 6 * HOUR, back),
    }
    # The mark of a day is the level as of 00:00 to 00:05, whenever in the hour it is recorded.
    marks = f"last_over_time({rollups.day(NAME)}[1h] offset -{minute or HOUR}m)"
    yield {
        "expr": f"sum by (instance) ({marks})",
        "eval_time": f"{DAY}m",
        "exp_samples": [
            {
                "labels": f'{{instance="{each.instance}"}}',
                "value": next(each.values[at] for at in range(DAY, 0, -STEP) if at in each.values),
            }
            for each in processes
        ],
    }
    yield {
        "expr": UTC_DAY.grown(NAME, OF_PROCESS),
        "eval_time": "0m",
        "exp_samples": answers(processes, 0, DAY),
    }


@pytest.mark.parametrize(
    "minute", [35, *(pytest.param(each, marks=pytest.mark.slow) for each in (0, 5))]
)
def test_nothing_is_lost(promtool: Run, tmp_path: Path, minute: int) -> None:
    """Windows say what the ledger does, whenever in the hour the rules of hours are evaluated."""
    check(promtool, tmp_path, minute, every_hour_at(minute), AWAY)


@pytest.mark.parametrize(("left", "dropped"), [("100 _ _", []), ("_ _ _", []), ("_ 100 _", [100])])
def test_what_fell_before_is_not_counted_again(
    promtool: Run, tmp_path: Path, left: str, dropped: list[int]
) -> None:
    """What an evaluation before a restart of Prometheus has left counts no second time."""
    labels = 'outcome="success",instance="a"'
    document: dict[str, Any] = yaml.safe_load(rollups.render_rollups([NAME]))
    rules = [
        rule
        for rule in document["groups"][0]["rules"]
        if rule["record"] in {rollups.drop(NAME), rollups.drop(rollups.EVERY_INVOCATION)}
    ]
    (tmp_path / "rollups.yml").write_text(
        json.dumps({"groups": [{"name": "levels", "rules": rules}]})
    )
    suite = {
        "rule_files": ["rollups.yml"],
        "evaluation_interval": f"{STEP}m",
        "tests": [
            {
                "interval": f"{STEP}m",
                "input_series": [
                    {"series": f"{rollups.fell(NAME)}{{{labels}}}", "values": left},
                    {"series": f"{NAME}{{{labels}}}", "values": "3 3 3"},
                ],
                "promql_expr_test": [
                    {
                        "expr": f"sum by (instance) (last_over_time({name}[4m]))",
                        "eval_time": f"{STEP}m",
                        "exp_samples": [
                            {"labels": '{instance="a"}', "value": value} for value in dropped
                        ],
                    }
                    for name in (rollups.drop(NAME), rollups.drop(rollups.EVERY_INVOCATION))
                ],
            }
        ],
    }
    file = tmp_path / "suite.yml"
    file.write_text(json.dumps(suite))
    ran = promtool("test", "rules", file)
    assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.mark.parametrize(
    "until",
    [
        23 * HOUR + 55,
        *(pytest.param(each, marks=pytest.mark.slow) for each in (12 * HOUR, DAY + HOUR + 30)),
    ],
)
def test_upgraded_in_a_window(promtool: Run, tmp_path: Path, until: int) -> None:
    """Windows begun with the rules of an earlier release, and days, are exact with those of now."""
    rules = earlier_rules(every_hour_at(35), until)
    check(promtool, tmp_path, 35, rules, AWAY[::8])


def check(
    promtool: Run, folder: Path, minute: int, rules: dict[str, Any], away: Sequence[int]
) -> None:
    """Ask promtool what the ledger knows."""
    (folder / "rollups.yml").write_text(json.dumps(rules))
    first = FIRST[minute]
    processes = [Process(first, each, anew=True) for each in away]
    processes += [Process(first, each, anew=False) for each in away[::15]]
    suite = {
        "rule_files": ["rollups.yml"],
        "evaluation_interval": f"{STEP}m",
        "tests": [
            {
                "interval": "1m",
                "input_series": [each.series() for each in processes],
                "promql_expr_test": list(questions(processes, minute)),
            }
        ],
    }
    file = folder / "suite.yml"
    file.write_text(json.dumps(suite))
    ran = promtool("test", "rules", file)
    assert ran.returncode == 0, ran.stdout + ran.stderr
