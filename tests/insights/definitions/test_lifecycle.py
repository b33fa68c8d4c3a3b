"""What becomes of insights: open, reopened, fixed or not known, against planted histories."""

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest
from tests.insights.definitions.rules_alone import rules_of, run
from tests.tools import Run

from agent_analytics.insights._definitions import OF_PUBLISHERS
from agent_analytics.insights._promql import recorded
from agent_analytics.insights._rules import lifecycle

OWN = 'publisher_id="acme", agent_id="finder"'
HOURS = 6
STEP = HOURS * 3_600
DAY = 86_400
NAMES = re.compile("|".join((recorded.STATE, *recorded.OF_LIFECYCLES)))


@dataclass
class Past:
    """A past in steps of six hours, and what is recorded of an insight in it.

    Attributes:
        steps: How many.
        series: What is given.
        looks: By step, expressions with their only answer, or None for no answer.
    """

    steps: int
    series: dict[str, str] = field(default_factory=dict[str, str])
    looks: list[tuple[int, str, float | None]] = field(
        default_factory=list[tuple[int, str, float | None]]
    )

    def given(self, name: str, values: Mapping[range, float] | float, **labels: str) -> "Past":
        """Plant a series that has values in some steps, and is absent in others."""
        own = "".join(f', {key}="{text}"' for key, text in labels.items())
        if not isinstance(values, Mapping):
            values = {range(self.steps): values}
        told = ["_"] * self.steps
        for steps, value in values.items():
            for step in steps:
                if step < self.steps:
                    told[step] = f"{value:g}"
        self.series[f"{name}{{{OWN}{own}}}"] = " ".join(told)
        return self

    def raised(
        self, insight: str, traffic: str, *steps: range, worth: float = 0, **labels: str
    ) -> "Past":
        """Plant an insight that is raised in some steps."""
        own = {"insight": insight, "traffic": traffic, **labels}
        if worth:
            self.given(recorded.WORTH, dict.fromkeys(steps, worth), **own)
        return self.given(recorded.MEASURE, dict.fromkeys(steps, 0.2), **own)

    def traffic(self, day: Mapping[range, float] | float, week: float, month: float) -> "Past":
        """Plant the invocations of a day, a week and a month."""
        name = "marketplace_agent_invocations_total:growth_"
        self.given(f"{name}1d", day, outcome="success")
        self.given(f"{name}7d", week, outcome="success")
        return self.given(f"{name}30d", month, outcome="success")

    def is_(self, insight: str, **states: Sequence[int]) -> "Past":
        """Expect states of an insight at steps."""
        for state, steps in states.items():
            for step in steps:
                shown = f'count by (state) ({recorded.STATE}{{insight="{insight}"}})'
                self.looks.append((step, f'{shown}{{state="{state}"}}', 1))
        return self

    def answers(self, name: str, insight: str, **at: float | None) -> "Past":
        """Expect the only value of what is recorded of an insight at steps, as ``step_4=…``."""
        for step, value in at.items():
            expr = f'sum ({name}{{insight="{insight}"}})'
            self.looks.append((int(step.removeprefix("step_")), expr, value))
        return self

    def test(self, name: str) -> dict[str, Any]:
        """Return the test of promtool."""
        return {
            "name": name,
            "interval": f"{HOURS}h",
            "input_series": [{"series": key, "values": text} for key, text in self.series.items()],
            "promql_expr_test": [_look(*look) for look in self.looks],
        }


def _look(step: int, expr: str, value: float | None) -> dict[str, Any]:
    labels = "{}"
    state = re.search(r'\{state="(\w+)"\}$', expr)
    if state:
        # A bare matcher behind an aggregation is no PromQL: it says what is expected.
        expr, labels = expr.removesuffix(state[0]), state[0]
    samples = [] if value is None else [{"labels": labels, "value": value}]
    return {"expr": expr, "eval_time": f"{step * HOURS}h", "exp_samples": samples}


def check(promtool: Run, folder: Path, pasts: Mapping[str, Past]) -> None:
    """Let promtool evaluate the rules of lifecycles over planted pasts."""
    groups = rules_of(folder / "rules", NAMES)
    run(promtool, folder, groups, [past.test(name) for name, past in pasts.items()], f"{HOURS}h")


def test_raised_fixed_and_reopened(promtool: Run, tmp_path: Path) -> None:
    """An insight is open from when it is raised, fixed after as much traffic, and reopened."""
    failed = "marketplace_agent_invocations_total:growth_1d"
    past = (
        Past(50)
        .raised("error-rate", "day", range(4, 12), range(30, 33), worth=12)
        .traffic(
            {range(12): 75, range(12, 20): 100, range(20, 30): 0, range(30, 50): 100}, 700, 3_000
        )
        .given(failed, {range(12): 25, range(12, 50): 0}, outcome="error")
        .given("marketplace_agent_revenue_usd_total:growth_1d", 50)
        .is_("error-rate", open=(4, 11), not_known=(12, 14), fixed=(15, 16, 22, 29))
        .is_("error-rate", reopened=(30, 32), not_known=(33, 35), fixed=(36,))
        .answers(recorded.OPENINGS, "error-rate", step_3=None, step_4=1, step_20=1, step_31=2)
        .answers(recorded.SINCE, "error-rate", step_4=4 * STEP, step_20=4 * STEP)
        .answers(recorded.SINCE, "error-rate", step_31=30 * STEP, step_40=30 * STEP)
        .answers(recorded.LAST_RAISED, "error-rate", step_8=8 * STEP, step_20=11 * STEP)
        .answers(recorded.FIXED, "error-rate", step_14=None, step_20=15 * STEP, step_31=None)
        .answers(recorded.WORTH_BEFORE, "error-rate", step_8=12, step_20=12, step_45=12)
        .answers(recorded.WORTH_AFTER, "error-rate", step_12=None, step_16=0, step_31=None)
    )
    check(promtool, tmp_path, {"raised, fixed, reopened": past})


def test_silence_without_traffic_is_not_known(promtool: Run, tmp_path: Path) -> None:
    """An insight that is silent because nothing happens, or too little, is not fixed."""
    check(
        promtool,
        tmp_path,
        {
            "nobody uses it any more": Past(60)
            .raised("error-rate", "day", range(4, 12))
            .traffic({range(12): 100, range(12, 60): 0}, 90, 90)
            .is_("error-rate", open=(11,), not_known=(12, 16, 40, 59)),
            "half as much: after a week": Past(60)
            .raised("error-rate", "day", range(4, 12))
            .traffic({range(12): 100, range(12, 60): 50}, 350, 1_000)
            .is_("error-rate", not_known=(12, 16, 38), fixed=(39, 59)),
            "raised by a week: after a week": Past(60)
            .raised("error-rate", "week", range(4, 12))
            .traffic(100, 700, 3_000)
            .is_("error-rate", not_known=(15, 38), fixed=(39,)),
            "nothing is recorded any more": Past(60)
            .raised("error-rate", "day", range(4, 12))
            .traffic({range(12): 100}, 90, 90)
            .is_("error-rate", open=(11,), not_known=(12, 40, 59)),
            "the tool is not called, the listing is": Past(60)
            .raised("tool-failures", "day", range(4, 12), tool="search")
            .traffic(100, 700, 3_000)
            .given(
                "marketplace_agent_tool_calls_total:growth_1d",
                {range(12): 30, range(12, 60): 0},
                tool="search",
                outcome="error",
            )
            .given(
                "marketplace_agent_tool_calls_total:growth_1d", 90, tool="mail", outcome="success"
            )
            .is_("tool-failures", open=(11,), not_known=(12, 16, 59)),
            "the tool is called": Past(60)
            .raised("tool-failures", "day", range(4, 12), tool="search")
            .given(
                "marketplace_agent_tool_calls_total:growth_1d", 30, tool="search", outcome="success"
            )
            .is_("tool-failures", open=(11,), not_known=(12,), fixed=(15, 59)),
            "nobody rates": Past(60)
            .raised("satisfaction", "day", range(4, 12))
            .traffic(100, 700, 3_000)
            .given(
                "marketplace_agent_feedback_rating_count:growth_1d",
                {range(12): 20, range(12, 60): 0},
            )
            .is_("satisfaction", not_known=(16, 59)),
        },
    )


@pytest.mark.slow
def test_silence_that_proves_nothing(promtool: Run, tmp_path: Path) -> None:
    """What compares with its own past falls silent by itself; so does what a change hides."""
    changed = Past(40).raised("listing-dead", "week", range(4, 12)).traffic(100, 700, 3_000)
    changed.given("listing_accounting_changed", {range(12, 13): 1})
    check(
        promtool,
        tmp_path,
        {
            "a past that moves on": Past(60)
            .raised("token-growth", "day", range(4, 12))
            .traffic(100, 700, 3_000)
            .is_("token-growth", open=(4,), not_known=(12, 59)),
            "back to the usual": Past(60)
            .raised("error-anomaly", "1h", range(4, 12))
            .traffic(100, 700, 3_000)
            .is_("error-anomaly", open=(4,), not_known=(12,), fixed=(15, 59)),
            "usual by now": Past(60)
            .raised("error-anomaly", "1h", range(4, 34))
            .traffic(100, 700, 3_000)
            .is_("error-anomaly", open=(33,), not_known=(34, 59)),
            "rules of counting changed": changed.is_("listing-dead", not_known=(12, 39)),
            "used again": Past(60)
            .raised("listing-dead", "week", range(4, 12))
            .traffic({range(12): 0, range(12, 60): 3}, 0, 0)
            .is_("listing-dead", not_known=(14,), fixed=(15, 59)),
        },
    )


def test_one_opening(promtool: Run, tmp_path: Path) -> None:
    """Less than a day of silence, another window, or one that stands for it change nothing."""
    known = 'ALERTS_FOR_STATE{publisher_id="acme", agent_id="finder", %s}'
    upgraded = Past(20).raised("error-rate", "day", range(4, 20)).traffic(100, 700, 3_000)
    upgraded.series[known % 'insight="error-rate", audience="publisher", traffic="day"'] = "7x20"
    check(
        promtool,
        tmp_path,
        {
            "three steps of silence": Past(40)
            .raised("error-rate", "day", range(4, 8), range(10, 14))
            .traffic(100, 700, 3_000)
            .is_("error-rate", open=(4, 13), not_known=(9,))
            .answers(recorded.SINCE, "error-rate", step_13=4 * STEP)
            .answers(recorded.OPENINGS, "error-rate", step_13=1),
            "a day of silence": Past(40)
            .raised("error-rate", "day", range(4, 8), range(11, 14))
            .traffic(100, 700, 3_000)
            .is_("error-rate", open=(4,), reopened=(11,))
            .answers(recorded.SINCE, "error-rate", step_13=11 * STEP),
            "another window": Past(40)
            .raised("error-rate", "day", range(4, 8))
            .raised("error-rate", "week", range(8, 20))
            .traffic(100, 700, 3_000)
            .is_("error-rate", open=(4, 8, 19))
            .answers(recorded.SINCE, "error-rate", step_19=4 * STEP)
            .answers(recorded.TOOK, "error-rate", step_19=100),
            "another insight stands for it": Past(40)
            .raised("error-budget", "fast", range(4, 8))
            .raised("error-rate", "day", range(8, 20))
            .traffic(100, 700, 3_000)
            .is_("error-budget", open=(4, 8, 19), not_known=(20,), fixed=(23,))
            .answers(recorded.SINCE, "error-budget", step_19=4 * STEP),
            "raised before these rules were loaded": upgraded.is_("error-rate", open=(4,)).answers(
                recorded.SINCE, "error-rate", step_4=7, step_19=7
            ),
        },
    )


@pytest.mark.slow
def test_it_is_forgotten(promtool: Run, tmp_path: Path) -> None:
    """What became of an insight is told for sixty days, and then it was never raised."""
    last = 11
    gone = last + 60 * 4
    past = (
        Past(gone + 30)
        .raised("error-rate", "day", range(4, last + 1), range(gone + 20, gone + 30), worth=3)
        .traffic(100, 700, 3_000)
        .is_("error-rate", fixed=(gone - 1,), open=(gone + 20,))
        .answers(recorded.STATE, "error-rate", **{f"step_{gone + 1}": None})
        .answers(recorded.SINCE, "error-rate", **{f"step_{gone + 10}": None})
        .answers(recorded.WORTH_BEFORE, "error-rate", **{f"step_{gone + 10}": None})
    )
    check(promtool, tmp_path, {"forgotten": past})


_RECENT: Final = 4


def modelled(raised: Sequence[bool], traffic: Sequence[int]) -> list[tuple[str, int, int]]:
    """Return state, start and openings at each step, as the documentation has it.

    Traffic is that of a day, to be compared with that of the step at which it was raised.
    """
    found: list[tuple[str, int, int]] = []
    state, since, openings, last, took = "", 0, 0, -1, 0
    for step, up in enumerate(raised):
        if up:
            if last < 0 or step - last >= _RECENT:
                since, openings, took = step, openings + 1, traffic[step]
            state, last = ("reopened" if openings > 1 else "open"), step
        elif last >= 0 and state != "fixed":
            proven = step - last >= _RECENT and traffic[step] >= max(took, 1)
            state = "fixed" if proven else "not_known"
        found.append((state, since, openings))
    return found


@pytest.mark.slow
def test_any_history(promtool: Run, tmp_path: Path) -> None:
    """Twenty histories at random are told as a model tells them, step by step."""
    draw = random.Random(1414)
    pasts: dict[str, Past] = {}
    for number in range(20):
        raised, up = list[bool](), False
        for _ in range(40):
            up = up if draw.random() < 0.7 else not up
            raised.append(up)
        traffic = [draw.choice([0, 60, 100, 100]) for _ in raised]
        past = Past(40).raised(
            "error-rate", "day", *(range(step, step + 1) for step, on in enumerate(raised) if on)
        )
        past.traffic({range(step, step + 1): value for step, value in enumerate(traffic)}, 0, 0)
        for step, (state, since, openings) in enumerate(modelled(raised, traffic)):
            if not state:
                past.answers(recorded.STATE, "error-rate", **{f"step_{step}": None})
                continue
            past.is_("error-rate", **{state: (step,)})
            past.answers(recorded.SINCE, "error-rate", **{f"step_{step}": since * STEP})
            past.answers(recorded.OPENINGS, "error-rate", **{f"step_{step}": openings})
        pasts[f"history {number}"] = past
    check(promtool, tmp_path, pasts)


def test_a_pattern_of_insights_is_of_these_alone() -> None:
    """What is spelled once of several names matches each of them, and no other insight."""
    slugs = [spec.slug for spec in OF_PUBLISHERS]
    draw = random.Random(14)
    for _ in range(200):
        some = draw.sample(slugs, draw.randint(1, len(slugs)))
        assert {each for each in slugs if re.fullmatch(lifecycle.spelled(some), each)} == set(some)


def test_insights_that_cover_others_exist() -> None:
    """What stands for an insight is an insight."""
    slugs = {spec.slug for spec in OF_PUBLISHERS}
    assert {spec.covered_by for spec in OF_PUBLISHERS if spec.covered_by} <= slugs
