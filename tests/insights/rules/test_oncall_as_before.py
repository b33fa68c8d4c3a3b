"""On-call's alerts answer from what is recorded as they did when each read raw series.

The earlier expressions are made of the named quantities over raw series, and asked of the same
history on a real Prometheus: twelve listings, with restarts, processes that vanish and come back,
counters that never move, and bounds of some listings' own.
"""

import random
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from tests.tools import Run

from agent_analytics.insights._definitions import (
    ERROR_RATE,
    RESPONSE_TIME,
    SATISFACTION,
    TOOL_FAILURES,
    field,
)
from agent_analytics.insights._definitions.spec.asking import Form
from agent_analytics.insights._definitions.spec.model import Question, Spec
from agent_analytics.insights._promql import counts as every_counts
from agent_analytics.insights._promql import quantities
from agent_analytics.insights._promql.counts import Counts
from agent_analytics.insights._promql.windows import Live
from agent_analytics.insights._rules import of_specs

END = 1_750_003_200
SPAN = 7_800
SCRAPE = 15
#: Measure and floor of each definition over raw series, as they were asked.
BEFORE: dict[str, tuple[Callable[[Live], str], Callable[[Live], str]]] = {
    ERROR_RATE.slug: (quantities.error_rate, quantities.judged_invocations),
    RESPONSE_TIME.slug: (quantities.slow_share, quantities.responses),
    SATISFACTION.slug: (quantities.mean_rating, quantities.ratings),
    TOOL_FAILURES.slug: (quantities.tool_failure_rate, quantities.judged_tool_calls),
}
CASES = [
    (spec, form, question)
    for spec in field.SPECS
    for form, question in zip(field.FORMS[spec.slug], spec.asked_of("oncall"), strict=True)
]
COUNTS = [each for each in vars(every_counts).values() if isinstance(each, Counts)]


def history() -> str:
    """Return two hours of counters as OpenMetrics, from a fixed seed."""
    lines: dict[str, list[str]] = {}
    draw = random.Random(14)
    times = range(END - SPAN, END + 1, SCRAPE)
    for number in range(12):
        listing = f'publisher_id="p-{number % 3}",agent_id="a-{number}"'
        for replica in range(1 + number % 2):
            own = f'{listing},job="agent-analytics",instance="apps-{replica}:9464"'
            away = draw.randrange(0, len(times), 60) if number % 4 == 1 else len(times)
            fails = draw.choice([0.0, 0.03, 0.05, 0.2])
            pace = draw.choice([0.1, 0.5, 3.0, 12.0])
            counts: dict[str, float] = {}
            for index, time in enumerate(times):
                if away <= index < away + 30:
                    continue
                if draw.random() < 0.004:
                    counts.clear()  # it begins anew
                for series, step in steps(draw, own, pace, fails * (2.0 * index / len(times))):
                    counts[series] = counts.get(series, 0) + step
                    lines.setdefault(series.partition("{")[0], []).append(
                        f"{series} {counts[series]!r} {time}\n"
                    )
    for number in (2, 5):
        for insight, bound in (("error-rate", 0.5), ("tool-failures", 0.01), ("satisfaction", 4.5)):
            series = (
                f'marketplace_insight_threshold{{publisher_id="p-2",agent_id="a-{number}"'
                f',insight="{insight}"}}'
            )
            lines.setdefault("marketplace_insight_threshold", []).extend(
                f"{series} {bound} {time}\n" for time in range(END - SPAN, END + 1, 60)
            )
    text = "".join(
        f"# TYPE {name} unknown\n{''.join(by_series(every))}" for name, every in lines.items()
    )
    return f"{text}# EOF\n"


def by_series(lines: list[str]) -> list[str]:
    """Return lines so that each series stands together."""
    return sorted(lines, key=lambda line: line.partition("}")[0])


def steps(draw: random.Random, own: str, pace: float, fails: float) -> Iterator[tuple[str, float]]:
    """Yield what each series of a process grows by until its next scrape."""
    calls = draw.randrange(0, 1 + round(2 * pace))
    failed = sum(draw.random() < fails for _ in range(calls))
    slow = sum(draw.random() < 0.06 for _ in range(calls - failed))
    name = "marketplace_agent_invocations_total"
    yield f'{name}{{{own},outcome="success"}}', calls - failed
    yield f'{name}{{{own},outcome="error"}}', failed
    if "a-7" not in own:
        yield f'{name}{{{own},outcome="timeout"}}', failed // 3
        yield f'{name}{{{own},outcome="cancelled"}}', draw.randrange(3)
    name = "marketplace_agent_invocation_duration_seconds"
    yield f'{name}_bucket{{{own},outcome="success",le="10.0"}}', calls - failed - slow
    yield f'{name}_count{{{own},outcome="success"}}', calls - failed
    name = "marketplace_agent_feedback_rating"
    rated = draw.random() < 0.3
    yield f"{name}_sum{{{own}}}", draw.randrange(1, 6) if rated else 0
    yield f"{name}_count{{{own}}}", int(rated)
    name = "marketplace_agent_tool_calls_total"
    for tool in ("search", "mail"):
        bad = sum(draw.random() < fails for _ in range(calls))
        yield f'{name}{{{own},tool="{tool}",outcome="success"}}', calls - bad
        yield f'{name}{{{own},tool="{tool}",outcome="error"}}', bad


def inlined(expr: str) -> str:
    """Return an expression with what is recorded for it put in its place."""
    recorded = {
        rule.record: rule.expr
        for spec in field.SPECS
        for question in spec.asked_of("oncall")
        for rule in question.looks_up
    }
    # The longest names first; an expression in its place may name another.
    for _ in range(2):
        for name in sorted(recorded, key=len, reverse=True):
            expr = expr.replace(name, f"({recorded[name]})")
    return expr


@pytest.fixture(scope="module")
def asked(
    promtool: Run,
    tmp_path_factory: pytest.TempPathFactory,
    prometheus_over: Callable[[Path, int], AbstractContextManager[Any]],
) -> Iterator[Callable[[str], dict[tuple[Any, ...], float]]]:
    """Ask a query at every half minute of the last hour."""
    folder = tmp_path_factory.mktemp("oncall")
    text = folder / "history.txt"
    text.write_text(history(), encoding="utf-8")
    made = promtool("tsdb", "create-blocks-from", "openmetrics", text, folder / "data")
    assert made.returncode == 0, made.stderr

    def ask(expr: str) -> dict[tuple[Any, ...], float]:
        answer = server._get(  # noqa: SLF001 - the labels, besides the values
            "query_range", query=expr, start=END - 3_900, end=END, step=30
        )
        return {
            (time, *sorted((key, text) for key, text in each["metric"].items() if key[0] != "_")): (
                float(value)
            )
            for each in answer
            for time, value in each["values"]
        }

    with prometheus_over(folder / "data", END) as server:
        yield ask


@pytest.mark.parametrize(
    ("spec", "form", "question"),
    CASES,
    ids=[f"{spec.slug}-{form.traffic}" for spec, form, _ in CASES],
)
def test_same_answers(
    asked: Callable[[str], dict[tuple[Any, ...], float]], spec: Spec, form: Form, question: Question
) -> None:
    """Each alert is up for the same listings at the same moments, with the same number."""
    measure, observations = BEFORE[spec.slug]
    threshold = spec.threshold
    lines = [
        threshold.crossed(measure(Live(form.window)), spec.slug),
        f"and {observations(Live(form.window))} >= {form.floor}",
    ]
    if form.still:
        lines.append(f"and {threshold.crossed(measure(Live(form.still)), spec.slug)}")
    if form.dense:
        window, floor = form.dense
        lines.append(f"unless {observations(Live(window))} >= {floor}")
    before = asked("\n".join(lines))
    now = asked(inlined(of_specs.condition(spec, question)))
    assert before, "the history has to raise it"
    # Numbers are rounded to the millionth: 21 of 128 is half of one more, and may go either way.
    assert now == pytest.approx(before, abs=1.01e-6)
    numbers = asked(inlined(question.measure))
    assert numbers == pytest.approx(
        asked(measure(Live(form.window))), rel=1e-9, abs=1e-9, nan_ok=True
    )


@pytest.mark.parametrize("counts", COUNTS)
def test_a_window_that_is_not_recorded(counts: Counts) -> None:
    """A window that no rule records is refused, for whose series an alert would wait for ever."""
    with pytest.raises(ValueError, match="over 2h is not recorded"):
        counts.measure("2h")
