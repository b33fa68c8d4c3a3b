"""Compares what Prometheus answers with the ledger, after the traffic has stopped."""

import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

from agent_analytics.demo._market.ledger import Account, Ledger
from agent_analytics.demo._reconciliation.expected import (
    Expected,
    Series,
    exactly,
    expected_series,
    usd,
)
from agent_analytics.demo._run.prometheus import Prometheus
from agent_analytics.insights.promql import Live, quantities
from agent_analytics.processor import catalogue as c

#: Bounds on the error of distinct tenants over all listings.
TENANTS_RMSE: Final = 0.035
TENANTS_USUAL: Final = 0.05
TENANTS_USUAL_SHARE: Final = 0.9
TENANTS_WORST: Final = 0.12

#: Labels that Prometheus adds to every series.
_ADDED: Final = frozenset({"__name__", "job", "instance"})
_POLL_SECONDS: Final = 1.0
_FIRST: Final = "first events"
#: Counters whose growth is compared, and what it has to be.
_GROWING: Final[tuple[tuple[c.Metric, Callable[[Account], Expected]], ...]] = (
    (c.INVOCATIONS, lambda account: exactly(_FIRST, account.invocations)),
    (c.INVOCATION_ERRORS, lambda account: exactly(_FIRST, account.errors.total())),
    (c.TOOL_CALLS, lambda account: exactly(_FIRST, account.tools.total())),
    (c.INSTALLS, lambda account: exactly(_FIRST, account.installs)),
    (c.INPUT_TOKENS, lambda account: exactly(_FIRST, account.input_tokens.total())),
    (c.REVENUE, lambda account: usd(_FIRST, account.revenue)),
)
_HEALTHY_AT_ZERO: Final = (
    c.UNATTRIBUTED_SPANS,
    c.REFUSED_SERIES,
    c.REFUSED_VALUES,
    c.GIVEN_UP_SPANS,
    c.OPEN_SPANS,
    c.DUPLICATE_EVENTS,
    c.UNRECORDED_INVOCATIONS,
    c.INTERNAL_ERRORS,
)


@dataclass(frozen=True, slots=True)
class Difference:
    """One answer that is not what the ledger says."""

    group: str
    series: str
    expected: str
    answered: str


@dataclass(slots=True)
class Comparison:
    """What was compared, under which heading, and what differs.

    Attributes:
        compared: Number of answers by heading.
        differences: Answers that differ.
        tenants: Distinct tenants by listing: truth and answer.
    """

    compared: dict[str, int] = field(default_factory=dict[str, int])
    differences: list[Difference] = field(default_factory=list[Difference])
    tenants: dict[str, tuple[int, float]] = field(default_factory=dict[str, tuple[int, float]])
    tenants_rmse: float = 0.0
    tenants_worst: float = 0.0
    tenants_usual: float = 1.0

    @property
    def equal(self) -> bool:
        """Whether something was compared and nothing differs."""
        return bool(self.compared) and not self.differences

    def check(self, series: str, expected: Expected, value: float | None) -> None:
        """Compare one answer, None where there is none."""
        self.compared[expected.group] = self.compared.get(expected.group, 0) + 1
        if not expected.allows(0.0 if value is None else value):
            answered = "nothing" if value is None else f"{value:.12g}"
            self.differences.append(Difference(expected.group, series, expected.told, answered))

    def differing(self, group: str) -> int:
        """Return how many answers under a heading differ."""
        return sum(1 for difference in self.differences if difference.group == group)

    def as_json(self) -> dict[str, object]:
        """Return it as plain data."""
        return {
            "equal": self.equal,
            "compared": dict(self.compared),
            "differences": [
                {
                    "group": difference.group,
                    "series": difference.series,
                    "expected": difference.expected,
                    "answered": difference.answered,
                }
                for difference in self.differences
            ],
            "distinct_tenants": {
                "rmse": self.tenants_rmse,
                "worst": self.tenants_worst,
                "share_within_5_percent": self.tenants_usual,
                "listings": {
                    key: {"truth": truth, "answered": answer}
                    for key, (truth, answer) in sorted(self.tenants.items())
                },
            },
        }


def reconcile(prometheus: Prometheus, ledger: Ledger, *, window_seconds: float) -> Comparison:
    """Compare every number that Prometheus holds about listings with the ledger.

    Args:
        prometheus: Whom to ask.
        ledger: The truth.
        window_seconds: A window that reaches back to before the first event.
    """
    window = f"{math.ceil(window_seconds)}s"
    comparison = Comparison()
    _levels(prometheus, ledger, comparison)
    _first_events(prometheus, ledger, window, comparison)
    _tenants(prometheus, ledger, window, comparison)
    _health(prometheus, ledger, comparison)
    return comparison


def settle(
    prometheus: Prometheus,
    ledger: Ledger,
    *,
    began: float,
    quiet_since: float,
    patience: float,
) -> Comparison:
    """Wait until the last events have been scraped, then compare.

    Newborn series are held at 0 for a moment, so the comparison is repeated until it is equal.

    Args:
        prometheus: Whom to ask.
        ledger: The truth.
        began: Unix time before the first event.
        quiet_since: Unix time after which nothing happened any more.
        patience: Seconds after which whatever differs does differ.
    """
    deadline = time.time() + patience
    while True:
        scraped = _all_scraped(prometheus, quiet_since)
        window = time.time() - began + 30
        if scraped or time.time() > deadline:
            comparison = reconcile(prometheus, ledger, window_seconds=window)
            if comparison.equal or time.time() > deadline:
                return comparison
        time.sleep(_POLL_SECONDS)


def _all_scraped(prometheus: Prometheus, since: float) -> bool:
    targets = prometheus.targets()
    return bool(targets) and all(
        target.health == "up" and target.last_scrape > since for target in targets
    )


def _levels(prometheus: Prometheus, ledger: Ledger, comparison: Comparison) -> None:
    """Compare every series: counters start at zero with the demo, so levels are totals."""
    expected = expected_series(ledger)
    metrics = "|".join(
        name
        for metric in c.LISTING_METRICS
        # What else there is of a version, the ledger has of the whole listing.
        if metric is not c.SKETCH_REGISTER
        and (metric is c.RELEASE_INVOCATIONS or metric not in c.RELEASE_METRICS)
        for name in metric.samples
    )
    answered: dict[Series, float] = {}
    for sample in prometheus.query(f'{{__name__=~"{metrics}"}}'):
        labels = frozenset(pair for pair in sample.labels.items() if pair[0] not in _ADDED)
        answered[sample.labels["__name__"], labels] = sample.value
    for series in {*expected, *answered}:
        name, labels = series
        what = expected.get(series)
        if what is None:
            # A series that nothing has happened to yet is there, and 0. Names are told by the
            # publisher's code, and the ledger does not know them where that runs elsewhere.
            what = exactly("other series", 0) if name != c.INFO.name else None
        if what is not None:
            comparison.check(_text(name, labels), what, answered.get(series))


def _text(name: str, labels: Iterable[tuple[str, str]]) -> str:
    return f"{name}{{{','.join(f'{key}={value!r}' for key, value in sorted(labels))}}}"


def _first_events(
    prometheus: Prometheus, ledger: Ledger, window: str, comparison: Comparison
) -> None:
    """Compare what counters *grew* by: a counter that appears with its first event loses it."""
    for metric, expect in _GROWING:
        grown = prometheus.by_listing(
            f"sum by (publisher_id, agent_id) (max_over_time({metric.name}[{window}])"
            f" - min_over_time({metric.name}[{window}]))"
        )
        for key, account in ledger.accounts.items():
            what = expect(account)
            comparison.check(f"growth of {metric.name} of {'/'.join(key)}", what, grown.get(key))


def _tenants(prometheus: Prometheus, ledger: Ledger, window: str, comparison: Comparison) -> None:
    """Compare distinct tenants, which are estimates with a known error."""
    group = "distinct tenants"
    answers = prometheus.by_listing(quantities.unique_tenants(Live(window)))
    errors: list[float] = []
    for (publisher, agent), account in ledger.accounts.items():
        truth = len(account.tenants)
        if not truth:
            continue
        answer = answers.get((publisher, agent), 0.0)
        comparison.tenants[f"{publisher}/{agent}"] = (truth, answer)
        errors.append(answer / truth - 1)
    comparison.compared[group] = len(errors)
    if not errors:
        return
    rmse = math.sqrt(sum(error * error for error in errors) / len(errors))
    worst = max(abs(error) for error in errors)
    usual = sum(1 for error in errors if abs(error) <= TENANTS_USUAL) / len(errors)
    comparison.tenants_rmse, comparison.tenants_worst = rmse, worst
    comparison.tenants_usual = usual
    for what, value, good, bound in (
        ("root-mean-square error", rmse, rmse <= TENANTS_RMSE, f"at most {TENANTS_RMSE:.1%}"),
        ("worst error", worst, worst <= TENANTS_WORST, f"at most {TENANTS_WORST:.0%}"),
        (
            "listings within 5 %",
            usual,
            usual >= TENANTS_USUAL_SHARE,
            f"at least {TENANTS_USUAL_SHARE:.0%}",
        ),
    ):
        if not good:
            comparison.differences.append(Difference(group, what, bound, f"{value:.2%}"))


def _health(prometheus: Prometheus, ledger: Ledger, comparison: Comparison) -> None:
    """Check that nothing was lost, refused or left open on the way."""
    group = "own health"
    for metric in _HEALTHY_AT_ZERO:
        answer = sum(sample.value for sample in prometheus.query(f"sum({metric.name})"))
        comparison.check(metric.name, exactly(group, 0), answer)
    books = ledger.accounts.values()
    for kind, number in (
        ("invocation", sum(book.invocations for book in books)),
        ("tool", sum(book.tools.total() for book in books)),
        ("inference", sum(book.inferences.total() for book in books)),
    ):
        query = f'sum({c.SPANS.name}{{kind="{kind}"}})'
        answer = sum(sample.value for sample in prometheus.query(query))
        comparison.check(query, exactly(group, number), answer)
