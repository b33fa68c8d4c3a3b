"""A short past through promtool and a real Prometheus, against its ground truth."""

from array import array
from pathlib import Path
from typing import Protocol

import pytest

from agent_analytics.demo._history import (
    AlertRule,
    History,
    Score,
    Verdict,
    judge,
    measure_accuracy,
    read_alerts,
)
from agent_analytics.demo._history._simulation.rules import OFFSET, read_rules
from agent_analytics.demo._run.prometheus import Prometheus, Sample
from agent_analytics.insights._promql import quantities
from agent_analytics.insights._promql.scopes import LISTING, Scope
from agent_analytics.insights._promql.windows import Live, Period
from agent_analytics.processor import catalogue

pytestmark = [pytest.mark.servers, pytest.mark.slow]


class Served(Protocol):
    """A history, who answers for it, and the rules that it was made with."""

    @property
    def history(self) -> History:
        """The simulated past."""
        ...

    @property
    def prometheus(self) -> Prometheus:
        """Serves it."""
        ...

    @property
    def rules(self) -> Path:
        """Directory of its rule files."""
        ...


def by_labels(samples: list[Sample]) -> dict[frozenset[tuple[str, str]], float]:
    """Return values by labels, the name left out."""
    return {
        frozenset(item for item in sample.labels.items() if item[0] != "__name__"): sample.value
        for sample in samples
    }


def test_every_quantity_of_a_day_and_a_week_is_near_the_truth(served: Served) -> None:
    """Counts, money, means and rates are exact; distinct tenants and retention near enough."""
    lines = measure_accuracy(served.history, served.prometheus, (1, 7))
    assert {line.days for line in lines} == {0, 1, 7}
    estimates = [line for line in lines if "tenants" in line.quantity]
    assert [line for line in lines if not line.good and line not in estimates] == []
    # Too few listings for the shares of the target: errors of a sketch are drawn by chance.
    assert max(line.rms for line in estimates) < 0.05
    assert max(line.worst for line in estimates) < 0.1
    exact = {"invocations", "revenue", "installs", "tool calls", "publisher's revenue"}
    found = [line for line in lines if line.quantity in exact]
    assert len(found) >= 9
    assert max(line.worst for line in found) < 1e-9
    assert all(line.answers for line in found)


def test_a_publisher_of_one_listing_has_its_tenants(served: Served) -> None:
    """Unions recorded for publishers hold no tenant of an hour before the window."""
    ask, end = served.prometheus.query, served.history.clock.end
    one = Scope(("publisher_id",), ('publisher_id=~"kestrel|harbor"',))
    publishers = ask(quantities.unique_tenants(Period(7), one), at=end)
    listings = ask(quantities.unique_tenants(Period(7), one.over(*LISTING.by)), at=end)
    assert len(publishers) == 2
    assert {sample.listing[0]: sample.value for sample in publishers} == {
        sample.listing[0]: pytest.approx(sample.value, rel=1e-9) for sample in listings
    }


def test_a_wrong_truth_is_noticed(served: Served) -> None:
    """The comparison fails where the ledger and the store differ by four invocations."""
    history = served.history
    columns = history.ledgers["quill", "grammar"].invocations
    kept = columns.time[:]
    # Four invocations of today are told to have been later.
    columns.time[-4:] = array("d", [history.clock.last + 60.0] * 4)
    try:
        lines = measure_accuracy(history, served.prometheus, (1,))
    finally:
        columns.time[:] = kept
    wrong = {line.quantity: line.where for line in lines if not line.good}
    assert wrong["invocations"] == ("quill", "grammar")


def test_raw_series_tell_the_same_as_the_ledger(served: Served) -> None:
    """An increase over a day, which extrapolates, is within a scrape of the truth."""
    history = served.history
    answers = served.prometheus.query(quantities.invocations(Live("1d")), at=history.clock.end)
    start, end = history.window(1)
    assert len(answers) == len(history.ledgers)
    for sample in answers:
        ledger = history.ledgers[sample.listing]
        # The day's first scrape of the thin past is an hour after its beginning.
        most = ledger.truth((start - 3600, end)).total
        least = ledger.truth((start + 3600, end)).total
        assert 0.97 * least <= sample.value <= 1.03 * most


def test_levels_are_what_their_rules_would_have_recorded(served: Served) -> None:
    """What is written beside the scrapes equals what Prometheus answers to the rule."""
    clock = served.history.clock
    copied = [rule for rule in read_rules(served.rules) if rule.copies and rule.past]
    assert len(copied) > 20
    found = 0
    for rule in copied[::5]:
        for days in (0.0, 0.1, 3.0):
            at = clock.ago(days) + OFFSET
            asked = by_labels(served.prometheus.query(rule.query, at=at))
            recorded = by_labels(served.prometheus.query(rule.name, at=at))
            assert asked == recorded
            found += len(recorded)
    assert found > 300


def test_a_restart_is_there_under_the_same_name_and_under_a_new_one(served: Served) -> None:
    """Counters fall on one host, and another comes back as a new instance."""
    clock = served.history.clock
    ask = served.prometheus.query
    of_fares = f'{catalogue.INVOCATIONS.name}{{agent_id="fare-search",outcome="success"}}'
    assert [sample.value for sample in ask(f"resets({of_fares}[2d])", at=clock.end)] == [1.0]
    of_invoices = f'{catalogue.INVOCATIONS.name}{{agent_id="invoice-reader",outcome="success"}}'
    names = {
        days: {sample.labels["instance"] for sample in ask(of_invoices, at=clock.ago(days) + 1)}
        for days in (8.0, 0.0)
    }
    assert names == {8.0: {"apps-1:9464"}, 0.0: {"apps-1b:9464"}}


def test_planted_insights_are_raised_and_no_others(served: Served) -> None:
    """Of what ten days can tell, every planted insight is found, and nothing without a reason."""
    alerts = [
        alert
        for alert in read_alerts(served.prometheus.url)
        if alert.insight
        in {
            "error-rate",
            "tool-failures",
            "satisfaction",
            "telemetry-absent",
            "version-regression-errors",
            "large-tool-results",
            "tool-repeats",
        }
    ]
    verdict = judge(served.history, served.prometheus, alerts)
    assert verdict.missed == frozenset()
    assert verdict.false == frozenset()
    assert {insight for _, _, insight in verdict.planted} == {alert.insight for alert in alerts}


def test_precision_and_recall_count_what_is_false_and_missed() -> None:
    """One of two raised had no reason, and one of two planted was not raised."""
    verdict = Verdict(
        0.0,
        planted=frozenset({("a", "b", "error-rate"), ("a", "c", "error-rate")}),
        allowed=frozenset(),
        raised=frozenset({("a", "b", "error-rate"), ("a", "d", "response-time")}),
    )
    score = Score([verdict])
    assert score.precision == 0.5
    assert score.recall == 0.5
    assert AlertRule("X", "up", {}).insight == "X"
