"""Compares what Prometheus answers about periods with the ground truth."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from agent_analytics.demo._history._build import History
from agent_analytics.demo._history._clock import DAY
from agent_analytics.demo._history._ledger import Window
from agent_analytics.demo._history._questions import EXACT, QUESTIONS, Key, Target, Truths
from agent_analytics.demo._prometheus import Prometheus
from agent_analytics.insights import periods
from agent_analytics.insights.periods import Period

WINDOWS: Final = (1, 7, 30, 90)


@dataclass(frozen=True, slots=True)
class Line:
    """One quantity over one window: how far the answers were off.

    Attributes:
        quantity: Its name.
        days: The window.
        answers: How many answers there were.
        missing: How many there should have been besides.
        worst: The largest error.
        rms: Root-mean-square error.
        where: Whose answer was the worst.
        good: Whether the target is met.
    """

    quantity: str
    days: int
    answers: int
    missing: int
    worst: float
    rms: float
    where: Key
    good: bool


def measure_accuracy(
    history: History, prometheus: Prometheus, windows: Sequence[int] = WINDOWS
) -> list[Line]:
    """Ask for every quantity over every window that the history holds, and compare."""
    longest = (history.clock.last - history.clock.start) / DAY
    known = Truths(history.ledgers)
    lines: list[Line] = []
    for days in windows:
        if days > longest:
            continue
        window = history.window(days)
        for question in QUESTIONS:
            if days * question.looks > longest:
                continue
            answers = _answers(prometheus, question.ask(Period(days)), history.clock.end)
            truths = question.truths(known, window)
            lines.append(_line(question.quantity, days, question.target, answers, truths))
        answers = _answers(
            prometheus, periods.response_time_quantile(0.95, Period(days)), history.clock.end
        )
        lines.append(_p95(known, window, days, answers))
    return lines


def _answers(prometheus: Prometheus, expression: str, at: float) -> dict[Key, float]:
    return {
        tuple(
            sample.labels[label]
            for label in ("publisher_id", "agent_id", "tool")
            if label in sample.labels
        ): sample.value
        for sample in prometheus.query(expression, at=at)
    }


def _line(
    quantity: str,
    days: int,
    target: Target,
    answers: Mapping[Key, float],
    truths: Mapping[Key, float],
) -> Line:
    errors: dict[Key, float] = {}
    missing = 0
    for key, truth in truths.items():
        if math.isnan(truth):
            continue  # nothing happened of which there is a mean
        answer = answers.get(key, math.nan)
        if math.isnan(answer):
            missing += bool(truth)  # no answer where nothing happened is right
            continue
        relative = target.measure == "relative" and truth
        errors[key] = abs(answer - truth) / abs(truth) if relative else abs(answer - truth)
    return _summary(quantity, days, target, errors, missing)


def _summary(
    quantity: str, days: int, target: Target, errors: Mapping[Key, float], missing: int
) -> Line:
    worst = max(errors, key=errors.__getitem__, default=())
    rms = math.sqrt(_mean(error * error for error in errors.values()))
    good = (
        not missing
        and errors.get(worst, 0.0) <= target.worst
        and rms <= target.rms
        and all(
            _mean(float(error <= limit) for error in errors.values()) >= share
            for limit, share in (target.shares or {}).items()
        )
    )
    return Line(quantity, days, len(errors), missing, errors.get(worst, 0.0), rms, worst, good)


def _p95(truths: Truths, window: Window, days: int, answers: Mapping[Key, float]) -> Line:
    """Compare 95th percentiles: an answer in the right bucket is off by nothing."""
    errors: dict[Key, float] = {}
    missing = 0
    for key in truths.ledgers:
        low, high = truths.of(key, window).p95_bucket
        if math.isnan(low) or math.isinf(high):
            continue
        answer = answers.get(key, math.nan)
        if math.isnan(answer):
            missing += 1
            continue
        errors[key] = max(0.0, low - answer, answer - high)
    return _summary("p95 beyond its bucket", days, EXACT, errors, missing)


def _mean(numbers: Iterable[float]) -> float:
    every = list(numbers)
    return math.fsum(every) / len(every) if every else 0.0
