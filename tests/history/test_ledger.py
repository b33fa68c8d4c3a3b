"""The ground truth of a window, against counting every event one by one."""

import math
from random import Random

import pytest

from agent_analytics.demo._history import Ledger, union


@pytest.fixture
def ledger() -> Ledger:
    """Return 500 invocations over 1,000 seconds, with tools, ratings, installs and refunds."""
    random = Random(7)
    made = Ledger("acme", "finder", ("search", "fetch"))
    for second in range(20):
        made.installs.add(second, second)
    for index in range(500):
        time = 2.0 * index
        outcome = random.choices(range(4), weights=(80, 10, 5, 5))[0]
        columns = made.invocations
        columns.time.append(time)
        columns.tenant.append(random.randrange(index // 50 + 3))
        columns.conversation.append(index // 3)
        columns.host.append(0)
        columns.outcome.append(outcome)
        columns.seconds.append(random.lognormvariate(1.0, 0.8))
        columns.input.append(random.randrange(900))
        columns.output.append(random.randrange(90))
        columns.cached.append(random.randrange(9))
        columns.cost.append(random.randrange(10**9))
        columns.revenue.append(0 if outcome else 50_000_000)
        calls = made.tool_calls
        calls.time.append(time)
        calls.host.append(0)
        calls.tool.append(index % 2)
        calls.failed.append(random.random() < 0.2)
        calls.seconds.append(random.random())
        calls.repeated.append(index % 5 == 0)
        calls.result.append(index if index % 7 else -1)
        if index % 3 == 0:
            made.ratings.add(time, random.randint(1, 5))
        if index % 70 == 0:
            made.refunds.add(time, 50_000_000)
            made.uninstalls.add(time, index // 70)
    return made


@pytest.mark.parametrize("window", [(-1.0, 1000.0), (100.0, 300.0), (0.0, 2.0), (998.0, 2000.0)])
def test_a_window_counts_what_is_after_its_start_up_to_its_end(
    ledger: Ledger, window: tuple[float, float]
) -> None:
    """Every figure equals the one from a plain loop over the events."""
    start, end = window
    columns = ledger.invocations
    inside = [index for index, time in enumerate(columns.time) if start < time <= end]
    truth = ledger.truth(window)
    outcomes = [columns.outcome[index] for index in inside]
    assert truth.invocations == tuple(outcomes.count(outcome) for outcome in range(4))
    assert truth.total == len(inside)
    assert truth.tenants == {columns.tenant[index] for index in inside}
    assert truth.conversations == len({columns.conversation[index] for index in inside})
    assert truth.revenue == sum(columns.revenue[index] for index in inside)
    assert truth.cost == sum(columns.cost[index] for index in inside)
    assert truth.wasted == sum(
        columns.cost[index] for index in inside if columns.outcome[index] in {1, 2}
    )
    assert truth.seconds == tuple(
        sorted(columns.seconds[index] for index in inside if not columns.outcome[index])
    )
    ratings = [
        rating
        for time, rating in zip(ledger.ratings.time, ledger.ratings.value, strict=True)
        if start < time <= end
    ]
    assert list(truth.ratings) == ratings
    calls = ledger.tool_calls
    for index, name in enumerate(ledger.tools):
        bad = [
            calls.failed[call]
            for call, time in enumerate(calls.time)
            if start < time <= end and calls.tool[call] == index
        ]
        mine = [
            call
            for call, time in enumerate(calls.time)
            if start < time <= end and calls.tool[call] == index
        ]
        assert truth.tools[name].repeated == sum(calls.repeated[call] for call in mine)
        assert truth.tools[name].bytes == sum(max(calls.result[call], 0) for call in mine)
        assert truth.tools[name].calls == len(bad)
        assert truth.tools[name].failed == sum(bad)


def test_error_rate_leaves_cancelled_invocations_out(ledger: Ledger) -> None:
    """A cancelled invocation stands on neither side of the error rate."""
    success, error, timeout, cancelled = ledger.truth((-1.0, 1000.0)).invocations
    assert cancelled > 0
    rate = ledger.truth((-1.0, 1000.0)).error_rate
    assert rate == (error + timeout) / (success + error + timeout)


def test_retention_is_of_the_tenants_of_the_window_before(ledger: Ledger) -> None:
    """Tenants of both windows are divided by the tenants of the earlier one."""
    earlier = ledger.tenants((0.0, 200.0))
    later = ledger.tenants((200.0, 400.0))
    expected = len([tenant for tenant in earlier if tenant in later]) / len(earlier)
    assert ledger.retention((200.0, 400.0)) == expected


def test_install_churn_is_of_the_installs_at_the_start(ledger: Ledger) -> None:
    """Uninstalls of the window are divided by what was installed when it began."""
    truth = ledger.truth((100.0, 600.0))
    assert truth.installed == 20 - 1
    assert truth.uninstalls == 4
    assert truth.install_churn == 4 / 19


def test_the_p95_lies_in_its_bucket(ledger: Ledger) -> None:
    """At least 95 % of the responses are below the upper edge, and fewer below the lower."""
    truth = ledger.truth((-1.0, 1000.0))
    low, high = truth.p95_bucket
    count = len(truth.seconds)
    assert sum(seconds <= high for seconds in truth.seconds) >= 0.95 * count
    assert sum(seconds <= low for seconds in truth.seconds) < 0.95 * count


def test_nothing_has_no_mean(ledger: Ledger) -> None:
    """Rates and means of an empty window are not 0."""
    truth = ledger.truth((5000.0, 6000.0))
    assert truth.total == 0
    assert math.isnan(truth.error_rate)
    assert math.isnan(truth.mean_seconds)
    assert math.isnan(truth.mean_rating)
    assert math.isnan(truth.p95_bucket[0])


def test_a_tenant_of_two_listings_is_one(ledger: Ledger) -> None:
    """The union over listings counts a shared tenant once."""
    window = (-1.0, 1000.0)
    assert union([ledger, ledger], window) == ledger.truth(window).tenants
