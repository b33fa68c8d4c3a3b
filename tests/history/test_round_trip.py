"""A short past through promtool and a real Prometheus, against its ground truth."""

import pytest

from agent_analytics.demo._history import judge, measure_accuracy, read_alerts
from agent_analytics.demo._history._rules import read_rules
from agent_analytics.insights import queries

pytestmark = [pytest.mark.servers, pytest.mark.slow]


def test_every_quantity_of_a_day_and_a_week_is_near_the_truth(served) -> None:
    """Counts, money, means and rates are exact; distinct tenants and retention near enough."""
    lines = measure_accuracy(served.history, served.prometheus, (1, 7))
    assert {line.days for line in lines} == {1, 7}
    assert [line for line in lines if not line.good] == []
    exact = {"invocations", "revenue", "installs", "tool calls", "publisher's revenue"}
    assert max(line.worst for line in lines if line.quantity in exact) < 1e-9
