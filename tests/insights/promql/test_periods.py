"""What a period says is what its counters grew by, whatever befell the processes that kept them."""

import json
import random
import subprocess
from pathlib import Path

import pytest

from agent_analytics.insights._promql import quantities, rollups
from agent_analytics.insights._promql.windows import GraphPeriod, Period, RulePeriod
from agent_analytics.processor import catalogue

STEPS_A_DAY = 288
DAYS = 4
STEP = "5m"
LISTING = 'publisher_id="acme",agent_id="finder",outcome="success"'


class Counter:
    """A counter of one instance, five minutes a step; what it grew by is kept beside it."""

    def __init__(self, seed: int, instance: str, born: int, died: int | None) -> None:
        dice = random.Random(f"{seed}/{instance}")
        self.name = instance
        self.born = born
        self.died = died
        self.restarts = sorted(dice.sample(range(born + 2, DAYS * STEPS_A_DAY), dice.randrange(4)))
        self.steps = [dice.randrange(5) for _ in range(DAYS * STEPS_A_DAY + 1)]

    def series(self) -> dict[str, str]:
        """Return the counter as ``promtool test rules`` wants it."""
        values: list[str] = []
        level = 0
        for step, grown in enumerate(self.steps):
            if step < self.born:
                values.append("_")
            elif self.died is not None and step >= self.died:
                values.append("stale" if step == self.died else "_")
            else:
                level = 0 if step in self.restarts or step == self.born else level + grown
                values.append(str(level))
        labels = f'{LISTING},job="agent-analytics",instance="{self.name}"'
        return {
            "series": f"marketplace_agent_invocations_total{{{labels}}}",
            "values": " ".join(values),
        }

    def grown(self, first: int, last: int) -> int:
        """Return what it grew by after step ``first`` and up to step ``last``."""
        return sum(
            grown
            for step, grown in enumerate(self.steps)
            if max(first, self.born) < step <= last
            and (self.died is None or step < self.died)
            and step not in self.restarts
        )


@pytest.mark.parametrize(
    "seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 4))]
)
def test_growth_is_exact(tmp_path: Path, seed: int) -> None:
    """Births, restarts and disappearances of instances leave every window's growth exact."""
    counters = [
        Counter(seed, "steady", 0, None),
        Counter(seed, "gone", 0, 300 + 7 * seed),
        Counter(seed, "late", 900 - 11 * seed, None),
        Counter(seed, "brief", 500, 520 + 90 * seed),
    ]
    (tmp_path / "rollups.yml").write_text(rollups.render_rollups([catalogue.INVOCATIONS.name]))
    at = DAYS * STEPS_A_DAY
    asked = [
        GraphPeriod(1),
        RulePeriod(2),
        Period(1),
        Period(2),
        Period(3),
        Period(1, 1),
        Period(2, 1),
        Period(1, 2),
    ]
    expected: list[dict[str, object]] = []
    for period in asked:
        last = at - period.ago * STEPS_A_DAY
        first = last - period.days * STEPS_A_DAY
        grown = sum(counter.grown(first, last) for counter in counters)
        expected.append(
            {
                "expr": quantities.invocations(period),
                "eval_time": f"{at * 5}m",
                "exp_samples": [
                    {"labels": '{publisher_id="acme",agent_id="finder"}', "value": grown}
                ],
            }
        )
    suite = {
        "rule_files": ["rollups.yml"],
        "evaluation_interval": STEP,
        "tests": [
            {
                "interval": STEP,
                "input_series": [counter.series() for counter in counters],
                "promql_expr_test": expected,
            }
        ],
    }
    file = tmp_path / "suite.yml"
    file.write_text(json.dumps(suite))
    ran = subprocess.run(
        ["promtool", "test", "rules", str(file)],  # noqa: S607 - Debian's
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
