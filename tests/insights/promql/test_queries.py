"""Named PromQL answered by a real Prometheus over a day whose truth is known."""

from typing import Protocol

import pytest

from agent_analytics.insights._promql import queries
from agent_analytics.insights._promql.queries import Scope
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


@pytest.mark.parametrize(
    ("expr", "truth"),
    [
        pytest.param(queries.invocations("1d", FINDER), 142 * DAY, id="invocations"),
        pytest.param(queries.invocation_rate("1d", FINDER), 142 / 300, id="invocation rate"),
        pytest.param(queries.judged_invocations("1d", FINDER), 113 * DAY, id="judged"),
        pytest.param(queries.error_rate("1d", FINDER), 16 / 113, id="error rate"),
        pytest.param(queries.error_rate("1d", ACME), 17 / 325, id="error rate of a publisher"),
        pytest.param(queries.responses("1d", FINDER), 97 * DAY, id="responses"),
        pytest.param(queries.slow_share("1d", FINDER), 14 / 97, id="slow share"),
        pytest.param(queries.mean_response_time("1d", FINDER), 2.5, id="mean response time"),
        pytest.param(queries.ratings("1d", FINDER), 10 * DAY, id="ratings"),
        pytest.param(queries.mean_rating("1d", FINDER), 3.1, id="mean rating"),
        pytest.param(queries.revenue("1d", FINDER), 4.85 * DAY, id="revenue"),
        pytest.param(queries.refunds("1d", FINDER), 4.85 * DAY / 8, id="refunds"),
        pytest.param(queries.model_cost("1d", FINDER), 4.85 * DAY / 4, id="model cost"),
        pytest.param(queries.wasted_cost("1d", FINDER), 4.85 * DAY / 16, id="wasted cost"),
        pytest.param(queries.input_tokens("1d", FINDER), 700 * 142 * DAY, id="input tokens"),
        pytest.param(queries.output_tokens("1d", FINDER), 90 * 142 * DAY, id="output tokens"),
        pytest.param(queries.installs("1d", FINDER), 3 * DAY, id="installs"),
        pytest.param(queries.uninstalls("1d", FINDER), 2 * DAY, id="uninstalls"),
        pytest.param(queries.active_installs(ACME), 38, id="active installs"),
        pytest.param(queries.in_progress(ACME), 8, id="in progress"),
        pytest.param(queries.tool_calls("1d", FINDER), 97 * DAY, id="tool calls"),
        pytest.param(queries.judged_tool_calls("1d", FINDER), 97 * DAY, id="judged tool calls"),
        pytest.param(queries.tool_failure_rate("1d", FINDER), 9 / 97, id="tool failure rate"),
        pytest.param(queries.mean_tool_time("1d", FINDER), 0.75, id="mean tool time"),
        pytest.param(queries.data_age(), 7, id="age of the data"),
    ],
)
def test_quantity(seeded_prometheus: Prometheus, expr: str, truth: float) -> None:
    """Each quantity is what the counters of the day say."""
    ((_, value),) = seeded_prometheus.query(expr)
    assert value == pytest.approx(truth, rel=1e-9)


def test_quantile_lies_in_its_bucket(seeded_prometheus: Prometheus) -> None:
    """The p95 of responses of which 14 % are slow lies beyond 10 s, errors left out."""
    ((_, slow),) = seeded_prometheus.query(queries.response_time_quantile(0.95, "1d", FINDER))
    ((_, quick),) = seeded_prometheus.query(queries.response_time_quantile(0.5, "1d", FINDER))
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
    ((_, value),) = seeded_prometheus.query(queries.unique_tenants("1d", scope))
    assert value == pytest.approx(truth, rel=0.09)


def test_one_answer_a_listing(seeded_prometheus: Prometheus) -> None:
    """Without a scope, each listing has its own answer under its publisher's name."""
    answer = seeded_prometheus.query(queries.installs("1d"))
    found = {(labels["publisher_id"], labels["agent_id"]) for labels, _ in answer}
    assert found == {("acme", "finder"), ("acme", "writer"), ("globex", "finder")}


def test_no_data_is_no_answer(seeded_prometheus: Prometheus) -> None:
    """A listing that does not exist has no figures, rather than zeros."""
    nobody = Scope((), ('publisher_id="nobody"',))
    for expr in (
        queries.invocations("1d", nobody),
        queries.unique_tenants("1d", nobody),
        queries.revenue_per_tenant("1d", nobody),
    ):
        assert seeded_prometheus.query(expr) == []


def test_edge_must_exist() -> None:
    """An edge that the histogram does not have is refused, and one that it has is a float."""
    assert queries.edge(catalogue.INVOCATION_DURATION, 10) == 'le="10.0"'
    with pytest.raises(ValueError, match=r"no edge at 11"):
        queries.edge(catalogue.INVOCATION_DURATION, 11.0)
