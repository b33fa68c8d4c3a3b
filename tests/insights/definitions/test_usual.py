"""What publishers are told about unusual hours and error budgets, on both sides of boundaries."""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Protocol

import pytest

Check = Callable[..., None]
WHO = "finder of acme"
#: Five weeks of hours; their rules are evaluated once a week, on what each hour recorded.
HOURS = 5 * 168
WEEKLY = {"interval": "1h", "every": "168h", "at": f"{HOURS}h"}
UP = {"up": f"1x{HOURS}"}
COUNTS = "marketplace_agent_invocations_total:hour"
BUCKETS = "marketplace_agent_invocation_duration_seconds_bucket:hour"
LISTING = 'publisher_id="acme", agent_id="finder"'


class Listing(Protocol):
    """The part of the fixture that is used here."""

    def __call__(self, name: str, *phases: tuple[int, float], **labels: str) -> dict[str, str]:
        """Return a counter that grows by so much a step, for so many steps each."""
        ...

    def values(self, name: str, values: str, **labels: str) -> dict[str, str]:
        """Return a series with values of its own."""
        ...

    def invocations(
        self, *phases: tuple[int, float], failing: Sequence[tuple[int, float]] = ()
    ) -> dict[str, str]:
        """Return invocations that succeed, and those that fail."""
        ...


def hourly(name: str, *phases: tuple[int, float], **labels: str) -> dict[str, str]:
    """Return what was recorded of each hour: so much, for so many hours each."""
    values = ["_"]
    for hours, value in phases:
        values += ["_" if math.isnan(value) else repr(round(value, 6))] * hours
    text = "".join(f', {key}="{value}"' for key, value in labels.items())
    return {f"{name}{{{LISTING}{text}}}": " ".join(values)}


def counts(
    good: Sequence[tuple[int, float]], failing: Sequence[tuple[int, float]]
) -> dict[str, str]:
    """Return what was recorded of the invocations of each hour."""
    return {
        **hourly(COUNTS, *good, outcome="success"),
        **hourly(COUNTS, *failing, outcome="error"),
    }


def test_error_anomaly(check_insight: Check) -> None:
    """Errors two points above the median of the same hours of other weeks are told."""

    def errors(usual: float, now: float, *, hours: int = 24, calls: float = 1000) -> dict[str, str]:
        failing = [(HOURS - hours, usual * calls), (hours, now * calls)]
        good = [(count, calls - failed) for count, failed in failing]
        return counts(good, failing)

    def odd(shares: Sequence[float], now: float) -> dict[str, str]:
        phases = [(168, 1000 * share) for share in shares] + [(167, 0.0), (1, 1000 * now)]
        good = [(count, 1000 - failed) for count, failed in phases]
        return counts(good, phases)

    check_insight(
        "error-anomaly",
        [
            ("as ever", errors(0.01, 0.01), {}),
            ("two points more", errors(0.01, 0.03), {}),
            ("more than two points", errors(0.01, 0.031), {("1h",): 0.021}),
            ("not twice as many", errors(0.04, 0.08), {}),
            ("more than twice", errors(0.04, 0.081), {("1h",): 0.041}),
            ("a quiet hour", errors(0.01, 0.15, hours=1, calls=29), {}),
            ("six quiet hours", errors(0.01, 0.2, hours=6, calls=29), {("6h",): 0.19}),
            ("a quiet day", errors(0, 0.2, calls=4), {("24h",): 0.2}),
            ("too quiet", errors(0, 0.5, calls=1.2), {}),
            ("chance", errors(0.01, 0.045, hours=1, calls=100), {}),
            # So many are there by chance in one of 300 looks; standard errors say one of 30,000.
            ("chance where none failed", errors(0, 5 / 144, hours=6, calls=24), {}),
            ("no chance", errors(0, 7 / 144, hours=6, calls=24), {("6h",): 0.049}),
            ("no data", UP, {}),
        ],
        **WEEKLY,
        given=[COUNTS],
        texts={
            "more than two points": (
                (
                    f"3.1% of the invocations of {WHO} failed in the last hour;"
                    " in the same hour of the"
                    " four weeks before it was 1%."
                ),
                "",
            )
        },
    )
    # One odd week of four moves neither the median nor the deviation; weeks that differ do.
    check_insight(
        "error-anomaly",
        [
            ("one odd week", odd([0.3, 0.01, 0.01, 0.01], 0.06), {("1h",): 0.05}),
            ("weeks that differ", odd([0.02, 0.08, 0.02, 0.08], 0.12), {}),
        ],
        **WEEKLY,
        given=[COUNTS],
    )


def test_too_young_to_compare(check_insight: Check) -> None:
    """A listing of less than three weeks has no usual errors."""
    young, old = 3 * 168, 4 * 168
    check_insight(
        "error-anomaly",
        [
            (
                name,
                counts(
                    [(HOURS - hours, math.nan), (hours, 900)],
                    [(HOURS - hours, math.nan), (hours - 1, 1), (1, 500)],
                ),
                raised,
            )
            for name, hours, raised in (
                ("two weeks before", young, {}),
                ("three weeks before", old, {("1h",): 0.356}),
            )
        ],
        **WEEKLY,
        given=[COUNTS],
    )


@pytest.mark.slow
def test_hours_from_levels(check_insight: Check, listing: Listing) -> None:
    """Each hour's growth is read from the levels, over restarts, and reaches the comparison."""
    level = 0
    good: list[int] = []
    for hour in range(HOURS + 1):
        level = 0 if hour == HOURS - 30 else level + 1000
        good.append(level)
    series = {
        **listing.values("invocations_total", " ".join(map(str, good)), outcome="success"),
        **listing("invocations_total", (HOURS - 1, 10), (1, 110), outcome="error"),
    }
    check_insight(
        "error-anomaly", [("an hour", series, {("1h",): 0.089})], interval="1h", at=f"{HOURS}h"
    )


def test_latency_regression(check_insight: Check) -> None:
    """A p95 half above the median of other weeks, and half a second, is told."""

    def times(usual: float, now: float, *, calls: float = 1000) -> dict[str, str]:
        edges = (0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 7.5, 10.0)

        def share(p95: float, edge: float) -> float:
            """Share of the responses below an edge, where 95 % are below ``p95``."""
            low, high = next(pair for pair in pairwise((0.0, *edges)) if p95 <= pair[1])
            inside = (p95 - low) / (high - low)
            below = 0.5 if inside == 1 else (0.95 - inside) / (1 - inside)
            if edge <= low:
                return below * edge / low
            return 0.95 if edge == p95 else 1.0

        found: dict[str, str] = {}
        for edge in (*edges, math.inf):
            phases = (HOURS - 24, calls * share(usual, edge)), (24, calls * share(now, edge))
            found |= hourly(BUCKETS, *phases, le="+Inf" if edge == math.inf else str(edge))
        return found

    check_insight(
        "latency-regression",
        [
            ("as ever", times(2, 2), {}),
            ("half as much again", times(2, 3), {}),
            ("more than that", times(2, 3.2), {("1h",): 0.6}),
            ("quick all the same", times(0.5, 0.95), {}),
            ("no longer quick", times(0.5, 1.1), {("1h",): 1.2}),
            ("a quiet hour", times(2, 3.2, calls=20), {("6h",): 0.6}),
            ("a quiet day", times(2, 3.2, calls=5), {("24h",): 0.6}),
            ("too quiet", times(2, 3.2, calls=4), {}),
            ("no data", UP, {}),
        ],
        **WEEKLY,
        given=[BUCKETS],
        texts={
            "more than that": (
                (
                    f"The p95 response time of {WHO} was 3.2 s in the last hour, 60% more than the"
                    " 2.0 s of the same hour in the four weeks before."
                ),
                "",
            )
        },
    )


BUDGET = "marketplace_agent_invocations_total:growth_"


def burnt(calls: float = 1000, **shares: float) -> dict[str, str]:
    """Return the growth in the windows of a budget, of which shares have failed."""
    found: dict[str, str] = {}
    for window in ("5m", "30m", "1h", "6h", "3d"):
        share = shares.get(f"w{window}", 0.0)
        for outcome, part in (("success", 1 - share), ("timeout", share)):
            found[f'{BUDGET}{window}{{{LISTING}, outcome="{outcome}"}}'] = repr(calls * part)
    for window in ("30d", "7d", "1d"):
        share = shares.get(f"w{window}", 0.0)
        for outcome, part in (("success", 1 - share), ("timeout", share)):
            found[f'{BUDGET}{window}{{{LISTING}, outcome="{outcome}"}}'] = repr(1000 * part)
    return found


OWN = f'marketplace_insight_threshold{{{LISTING}, insight="error-budget"}}'
WINDOWS = [f"{BUDGET}{window}" for window in ("5m", "30m", "1h", "6h", "3d", "30d", "7d", "1d")]


def test_error_budget(check_insight: Check) -> None:
    """A budget that burns 14.4, 6 or 1 times too fast over both windows is told, once."""
    check_insight(
        "error-budget",
        [
            ("well", burnt(), {}),
            ("14.4 times", burnt(w1h=0.72, w5m=0.9), {}),
            ("faster", burnt(w1h=0.721, w5m=0.9), {("fast",): 0.721}),
            ("over by now", burnt(w1h=0.9, w5m=0.72), {}),
            ("6 times", burnt(w6h=0.3, w30m=0.9), {}),
            ("slower", burnt(w6h=0.301, w30m=0.9), {("slow",): 0.301}),
            ("slower, and over by now", burnt(w6h=0.9, w30m=0.3), {}),
            ("once", burnt(w3d=0.05, w6h=0.2), {}),
            ("steady", burnt(w3d=0.051, w6h=0.2), {("steady",): 0.051}),
            ("steady, and over by now", burnt(w3d=0.2, w6h=0.05), {}),
            ("all of them", burnt(w1h=1, w5m=1, w6h=1, w30m=1, w3d=1), {("fast",): 1}),
            ("few", burnt(19, w1h=1, w5m=1), {}),
            ("enough", burnt(20, w1h=1, w5m=1), {("fast",): 1}),
            ("few in six hours", burnt(39, w6h=1, w30m=1), {}),
            ("enough in six hours", burnt(40, w6h=1, w30m=1), {("slow",): 1}),
            ("few in three days", burnt(59, w3d=0.2, w6h=0.2), {}),
            ("enough in three days", burnt(60, w3d=0.2, w6h=0.2), {("steady",): 0.2}),
            ("a budget of its own", {**burnt(w1h=0.8, w5m=0.9), OWN: "0.06"}, {}),
            (
                "a budget of its own, burnt",
                {**burnt(w1h=0.3, w5m=0.3), OWN: "0.02"},
                {("fast",): 0.3},
            ),
            ("told of its error rate", burnt(w1h=0.9, w5m=0.9, w1d=0.06), {}),
            ("no data", {"up": "1"}, {}),
        ],
        at="0m",
        given=WINDOWS,
        texts={
            "faster": (
                (
                    f"72.1% of the invocations of {WHO} failed in the last 1h,"
                    " and 90% of them in the"
                    " last 5m: 14.4 times or more what an error budget of 5% allows."
                ),
                "",
            )
        },
    )


def test_budget_windows_from_levels(check_insight: Check, listing: Listing) -> None:
    """The windows of a budget are read from levels of every five minutes."""
    failing = [(100, 0), (11, 75), (1, 90)]
    good = [(100, 1000), (11, 25), (1, 10)]
    check_insight(
        "error-budget",
        [("an hour", listing.invocations(*good, failing=failing), {("fast",): 0.763})],
        interval="5m",
        at="560m",
        given=WINDOWS[5:],
    )
