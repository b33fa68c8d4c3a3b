"""Insights answer as they did when each of their rules spelled all that it reads.

A later question of publishers left out, in full, what earlier ones asked; it looks up now what
those have recorded. Failed invocations were all that were judged less those that succeeded. Both
forms are asked of the same recorded figures on a real Prometheus: fifty listings, from a fixed
seed.
"""

import random
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from tests.tools import Run

from agent_analytics.insights._definitions import ERROR_RATE, OF_PUBLISHERS
from agent_analytics.insights._definitions.cost import TOKEN_GROWTH
from agent_analytics.insights._definitions.spec.asking import MONTH, WEEK, raised
from agent_analytics.insights._definitions.spec.model import Question, Spec
from agent_analytics.insights._promql import quantities, recorded
from agent_analytics.insights._promql.windows import Period
from agent_analytics.insights._rules import measures, of_specs

END = 1_750_003_200
HOUR = 3_600
VALUES = {
    "outcome": ("success", "error", "timeout", "cancelled"),
    "tool": ("search", "mail"),
    "le": ("1.0", "10.0", "+Inf"),
    "week": ("0", "1", "2", "3", "4"),
    "revision": ("2",),
}
CASES = [
    (spec, index)
    for spec in OF_PUBLISHERS
    for index, question in enumerate(spec.asked_of("publisher"))
    if index or recorded.MEASURE in "\n".join(question.conditions)
]


def history() -> str:
    """Return what is recorded for insights as OpenMetrics."""
    draw = random.Random(1414)
    lines: list[str] = []
    hours = sorted(
        {END - week * 7 * 86_400 - back * HOUR - 60 for week in range(5) for back in range(25)}
    )
    for name, labels in recorded.RECORDED.items():
        if name in {recorded.MEASURE, recorded.WORTH, recorded.INFO, recorded.THRESHOLD}:
            continue
        lines.append(f"# TYPE {name} unknown\n")
        for number in range(50):
            listing = {"publisher_id": f"p-{number % 5}", "agent_id": f"a-{number}"}
            size = random.Random(f"{number}").choice([5, 60, 400, 5_000])
            bad = random.Random(f"bad {number}").choice([0.01, 0.08, 0.4])
            for own in combinations([label for label in labels if label in VALUES]):
                if "duration" in name and own.get("outcome", "success") != "success":
                    continue
                text = ",".join(f'{key}="{value}"' for key, value in {**listing, **own}.items())
                times = hours if name.endswith(":hour") else [END - 60]
                scale = size * (bad if own.get("outcome") in {"error", "timeout"} else 1)
                for time in times:
                    value = round(scale * draw.uniform(0.2, 1.2), 3)
                    if name.endswith(("_error_rate:weeks_1h", "weeks_6h", "weeks_24h")):
                        value = draw.uniform(0, 3 * bad)
                    if ":usual_" in name or ":deviation_" in name:
                        value = draw.uniform(0.001, bad)
                    if name in {recorded.LAST_SEEN, recorded.COUNTING_SINCE}:
                        value = END - draw.choice([60, 86_400 * 40])
                    lines.append(f"{name}{{{text}}} {value!r} {time}\n")
    return f"{''.join(lines)}# EOF\n"


def combinations(labels: list[str]) -> Iterator[dict[str, str]]:
    """Yield every combination of the labels' values."""
    if not labels:
        yield {}
        return
    for value in VALUES[labels[0]]:
        for rest in combinations(labels[1:]):
            yield {labels[0]: value, **rest}


def any_of(spec: Spec, questions: tuple[Question, ...]) -> str:
    """Return the expression of where any of some questions is answered, spelled in full."""
    return "(" + "\nor ".join(of_specs.condition(spec, each) for each in questions) + ")"


def before(spec: Spec, index: int) -> str:
    """Return the expression of a question as it was."""
    questions = spec.asked_of("publisher")
    earlier = questions[:index]
    expr = of_specs.condition(spec, questions[index])
    if earlier:
        expr = f"{expr}\nunless on ({', '.join(spec.by)}) {any_of(spec, earlier)}"
    for other in (ERROR_RATE, TOKEN_GROWTH):
        expr = expr.replace(raised(other.slug), any_of(other, other.asked_of("publisher")))
    return expr


def now(expr: str) -> str:
    """Return an expression with what is recorded of insights put in its place."""
    rules = [rule for spec in OF_PUBLISHERS for rule in of_specs.measures(spec)]

    def inlined(found: re.Match[str]) -> str:
        some = found[2].split("|") if found[2] else None
        exprs = [
            now(rule.expr)
            for rule in rules
            if rule.labels["insight"] == found[1] and (not some or rule.labels["traffic"] in some)
        ]
        return "(" + " or ".join(f"({each})" for each in exprs) + ")"

    lookup = recorded.MEASURE + r'\{insight="([\w-]+)"(?:, traffic=~?"([^"]+)")?\}'
    return re.sub(lookup, inlined, expr)


Asked = Callable[[str], dict[tuple[Any, ...], float]]


@pytest.fixture(scope="module")
def asked(
    promtool: Run,
    tmp_path_factory: pytest.TempPathFactory,
    prometheus_over: Callable[[Path, int], AbstractContextManager[Any]],
) -> Iterator[Asked]:
    """Ask a query at the end of the history."""
    folder = tmp_path_factory.mktemp("insights")
    text = folder / "history.txt"
    text.write_text(history(), encoding="utf-8")
    blocks = "--max-block-duration=1488h"
    made = promtool("tsdb", "create-blocks-from", blocks, "openmetrics", text, folder / "data")
    assert made.returncode == 0, made.stderr

    with prometheus_over(folder / "data", END) as server:
        yield lambda expr: {
            tuple(sorted(labels.items())): value for labels, value in server.query(expr)
        }


@pytest.mark.servers
@pytest.mark.parametrize(("spec", "index"), CASES, ids=[f"{s.slug}-{i}" for s, i in CASES])
def test_later_questions_answer_as_before(asked: Asked, spec: Spec, index: int) -> None:
    """A look-up of what earlier questions recorded leaves out what their conditions did."""
    rule = of_specs.measures(spec)[index]
    assert asked(now(rule.expr)) == pytest.approx(asked(before(spec, index)), rel=1e-9, abs=1e-9)


@pytest.mark.servers
def test_the_history_raises_them(asked: Asked) -> None:
    """The comparison compares something: most of these questions have an answer."""
    answered = [case for case in CASES if asked(before(*case))]
    assert len(answered) >= len(CASES) // 2


@pytest.mark.servers
@pytest.mark.parametrize("period", [MONTH, WEEK], ids=["month", "week"])
def test_failures_are_counted_as_before(asked: Asked, period: Period) -> None:
    """What failed is what was judged less what succeeded."""
    rest = f"{quantities.judged_invocations(period)} - {quantities.successes(period)}"
    failed = asked(quantities.failed_invocations(period))
    assert failed
    assert failed == pytest.approx(asked(rest), rel=1e-9, abs=1e-6)


@pytest.mark.servers
@pytest.mark.parametrize("hours", recorded.COMPARED_HOURS)
@pytest.mark.parametrize("week", range(recorded.COMPARED_WEEKS + 1))
def test_hours_of_weeks_answer_as_before(asked: Asked, hours: int, week: int) -> None:
    """Error rates and times of hours, each in a rule of its own, are what they were in one rule."""
    offset = f" offset {week}w" if week else ""

    def grown(name: str, matcher: str, more: str = "") -> str:
        of = f"marketplace_agent_{name}:hour{matcher}[{hours * 60 - 1}m]{offset}"
        return f"(sum by (publisher_id, agent_id{more}) (avg_over_time({of})) * {hours})"

    failed = grown("invocations_total", '{outcome=~"error|timeout"}')
    judged = grown("invocations_total", '{outcome=~"success|error|timeout"}')
    buckets = grown("invocation_duration_seconds_bucket", "", ", le")
    every = grown("invocation_duration_seconds_bucket", '{le="+Inf"}')
    then = {
        recorded.ERROR_RATES: f"{failed} / ({judged} > 0) and {judged} >= 30",
        recorded.P95: f"histogram_quantile(0.95, {buckets}) and {every} >= 50",
    }
    for quantity, expr in then.items():
        (rule,) = [
            rule
            for rule in measures.same_hours()
            if rule.record == recorded.weeks(quantity, hours) and rule.labels == {"week": str(week)}
        ]
        answer = asked(rule.expr)
        assert answer
        assert answer == pytest.approx(asked(expr), rel=1e-9, abs=1e-9, nan_ok=True)
