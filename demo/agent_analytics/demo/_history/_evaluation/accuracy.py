"""Compares what Prometheus answers about periods with the ground truth."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from agent_analytics.demo._history._evaluation.questions import (
    EXACT,
    QUESTIONS,
    Key,
    Target,
    Truths,
)
from agent_analytics.demo._history._simulation.ledger import Window
from agent_analytics.demo._history.build import History
from agent_analytics.demo._history.clock import DAY
from agent_analytics.demo._run.prometheus import Prometheus
from agent_analytics.insights.promql import Period, quantities

WINDOWS: Final = (1, 7, 30, 90)


@dataclass(frozen=True, slots=True)
class Line:
    """One quantity over one window: how far the answers were off.

    Attributes:
        quantity: Its name.
        days: The window; 0 for all windows together, which shares of the answers are judged over.
        answers: How many answers there were.
        missing: How many there should have been besides.
        worst: The largest error.
        rms: Root-mean-square error.
        where: Whose answer was the worst.
        good: Whether the target is met.
        errors: Every error, by whose answer it is.
    """

    quantity: str
    days: int
    answers: int
    missing: int
    worst: float
    rms: float
    where: Key
    good: bool
    errors: Mapping[Key, float] = field(repr=False)


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
            prometheus, quantities.response_time_quantile(0.95, Period(days)), history.clock.end
        )
        lines.append(_p95(known, window, days, answers))
    return [*lines, *_together(lines)]


def _together(lines: Sequence[Line]) -> Iterator[Line]:
    """Yield one line for each quantity that has a target for shares of its answers.

    One window of few listings has too few answers for "nine in ten": three of 28 are chance.
    """
    for question in QUESTIONS:
        target = question.target
        if not target.shares:
            continue
        own = [line for line in lines if line.quantity == question.quantity]
        errors = {(*key, str(line.days)): e for line in own for key, e in line.errors.items()}
        missing = sum(line.missing for line in own)
        pooled = _summary(question.quantity, 0, target, errors, missing)
        kept = all(
            _mean(float(error <= limit) for error in errors.values()) >= share
            for limit, share in target.shares.items()
        )
        yield replace(pooled, good=pooled.good and kept)


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
    largest = errors.get(worst, 0.0)
    good = not missing and largest <= target.worst and rms <= target.rms
    return Line(quantity, days, len(errors), missing, largest, rms, worst, good, errors)


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
