"""Named PromQL answered by a real Prometheus over a day whose truth is known."""

from typing import Protocol

import pytest

from agent_analytics.insights._promql import now, quantities, scopes
from agent_analytics.insights._promql.scopes import Scope
from agent_analytics.insights._promql.windows import Live
from agent_analytics.processor import catalogue

FINDER = Scope((), ('publisher_id="acme"', 'agent_id="finder"'))
ACME = Scope((), ('publisher_id="acme"',))
#: Steps of the seeded data in a day; see ``seed.py`` for what grows by how much in each.
DAY = 288


class Prometheus(Protocol):
    """The part of the fixture that is used here."""

    def query(self, expr: str) -> list[tuple[dict[str, str], float]]:
        """Return labels and values."""
        ...


TODAY = Live("1d")


@pytest.mark.parametrize(
    ("expr", "truth"),
    [
        pytest.param(quantities.invocations(TODAY, FINDER), 142 * DAY, id="invocations"),
        pytest.param(quantities.invocation_rate(TODAY, FINDER), 142 / 300, id="invocation rate"),
        pytest.param(quantities.judged_invocations(TODAY, FINDER), 113 * DAY, id="judged"),
        pytest.param(quantities.error_rate(TODAY, FINDER), 16 / 113, id="error rate"),
        pytest.param(quantities.error_rate(TODAY, ACME), 17 / 325, id="error rate of a publisher"),
        pytest.param(quantities.responses(TODAY, FINDER), 97 * DAY, id="responses"),
        pytest.param(quantities.slow_share(TODAY, FINDER), 14 / 97, id="slow share"),
        pytest.param(quantities.mean_response_time(TODAY, FINDER), 2.5, id="mean response time"),
        pytest.param(quantities.ratings(TODAY, FINDER), 10 * DAY, id="ratings"),
        pytest.param(quantities.mean_rating(TODAY, FINDER), 3.1, id="mean rating"),
        pytest.param(quantities.revenue(TODAY, FINDER), 4.85 * DAY, id="revenue"),
        pytest.param(quantities.refunds(TODAY, FINDER), 4.85 * DAY / 8, id="refunds"),
        pytest.param(quantities.model_cost(TODAY, FINDER), 4.85 * DAY / 4, id="model cost"),
        pytest.param(quantities.wasted_cost(TODAY, FINDER), 4.85 * DAY / 16, id="wasted cost"),
        pytest.param(quantities.input_tokens(TODAY, FINDER), 700 * 142 * DAY, id="input tokens"),
        pytest.param(quantities.output_tokens(TODAY, FINDER), 90 * 142 * DAY, id="output tokens"),
        pytest.param(quantities.installs(TODAY, FINDER), 3 * DAY, id="installs"),
        pytest.param(quantities.uninstalls(TODAY, FINDER), 2 * DAY, id="uninstalls"),
        pytest.param(quantities.active_installs(TODAY, ACME), 38, id="active installs"),
        pytest.param(now.in_progress(ACME), 8, id="in progress"),
        pytest.param(quantities.tool_calls(TODAY, FINDER), 97 * DAY, id="tool calls"),
        pytest.param(quantities.judged_tool_calls(TODAY, FINDER), 97 * DAY, id="judged tool calls"),
        pytest.param(quantities.tool_failure_rate(TODAY, FINDER), 9 / 97, id="tool failure rate"),
        pytest.param(quantities.mean_tool_time(TODAY, FINDER), 0.75, id="mean tool time"),
        pytest.param(now.data_age(), 7, id="age of the data"),
    ],
)
def test_quantity(seeded_prometheus: Prometheus, expr: str, truth: float) -> None:
    """Each quantity is what the counters of the day say."""
    ((_, value),) = seeded_prometheus.query(expr)
    assert value == pytest.approx(truth, rel=1e-9)


def test_quantile_lies_in_its_bucket(seeded_prometheus: Prometheus) -> None:
    """The p95 of responses of which 14 % are slow lies beyond 10 s, errors left out."""
    ((_, slow),) = seeded_prometheus.query(quantities.response_time_quantile(0.95, TODAY, FINDER))
    ((_, quick),) = seeded_prometheus.query(quantities.response_time_quantile(0.5, TODAY, FINDER))
    assert slow == 10.0
    # 41 of 97 within 5 s and 83 within 10: the 48.5th, had errors counted another one.
    assert quick == pytest.approx(5 + 5 * (48.5 - 41) / (83 - 41))


@pytest.mark.parametrize(
    ("scope", "truth"),
    [
        pytest.param(FINDER, 1000, id="a listing"),
        pytest.param(ACME, 1500, id="a union of listings that share 400"),
        pytest.param(Scope((), ('publisher_id="globex"',)), 12, id="a dozen"),
        pytest.param(Scope(()), 1512, id="the marketplace"),
    ],
)
def test_unique_tenants(seeded_prometheus: Prometheus, scope: Scope, truth: int) -> None:
    """Distinct tenants of one listing or several are within the sketch's error."""
    ((_, value),) = seeded_prometheus.query(quantities.unique_tenants(TODAY, scope))
    assert value == pytest.approx(truth, rel=0.09)


def test_one_answer_a_listing(seeded_prometheus: Prometheus) -> None:
    """Without a scope, each listing has its own answer under its publisher's name."""
    answer = seeded_prometheus.query(quantities.installs(TODAY))
    found = {(labels["publisher_id"], labels["agent_id"]) for labels, _ in answer}
    assert found == {("acme", "finder"), ("acme", "writer"), ("globex", "finder")}


def test_no_data_is_no_answer(seeded_prometheus: Prometheus) -> None:
    """A listing that does not exist has no figures, rather than zeros."""
    nobody = Scope((), ('publisher_id="nobody"',))
    for expr in (
        quantities.invocations(TODAY, nobody),
        quantities.unique_tenants(TODAY, nobody),
        quantities.revenue_per_tenant(TODAY, nobody),
    ):
        assert seeded_prometheus.query(expr) == []


def test_edge_must_exist() -> None:
    """An edge that the histogram does not have is refused, and one that it has is a float."""
    assert scopes.edge(catalogue.INVOCATION_DURATION, 10) == 'le="10.0"'
    with pytest.raises(ValueError, match=r"no edge at 11"):
        scopes.edge(catalogue.INVOCATION_DURATION, 11.0)
