"""The figures of a publisher, from a real Prometheus over a past whose truth is known."""

from dataclasses import replace

import pytest
from tests.patience import patience

from agent_analytics.insights._prometheus.client import PrometheusClient
from agent_analytics.insights._promql import quantities
from agent_analytics.insights._promql.scopes import Scope
from agent_analytics.insights._promql.windows import Period
from agent_analytics.insights.analytics import (
    ListingFigures,
    PublisherAnalytics,
    PublisherDashboard,
    UnknownPublisher,
)

pytestmark = pytest.mark.servers

#: Steps of five minutes in the last day, and in its part in which the vanished listing lived.
DAY = 288
LIVED = 180


@pytest.fixture(scope="module")
def acme(url: str, end: float) -> PublisherDashboard:
    """Return the dashboard of acme for the last day, from roll-ups."""
    return PublisherAnalytics(url, timeout=patience()).dashboard("acme", 1, at=end)


def of_agent(dashboard: PublisherDashboard, agent: str) -> ListingFigures:
    """Return the row of a listing."""
    return next(row for row in dashboard.listings if row.agent_id == agent)


def test_counts_are_exact_over_a_restart_and_a_vanished_process(
    acme: PublisherDashboard, hostile: str
) -> None:
    """Nothing is lost when one process begins anew and another one vanishes."""
    assert acme.total_invocations == 111 * DAY + 5 * LIVED
    assert of_agent(acme, "finder").outcomes == {
        "success": 90 * DAY, "cancelled": 11 * DAY, "error": 7 * DAY, "timeout": 3 * DAY
    }  # fmt: skip
    assert of_agent(acme, hostile).total_invocations == 5 * LIVED
    assert (acme.installs, acme.uninstalls) == (2 * DAY + LIVED, DAY + LIVED // 2)


def test_registers_are_counted_as_in_a_query(
    acme: PublisherDashboard, url: str, end: float
) -> None:
    """Tenants, their trend and who came back are what Prometheus makes of the same registers."""
    client, day = PrometheusClient(url, timeout=patience()), Period(1)
    for scope, rows in (
        (Scope(("publisher_id",), ('publisher_id="acme"',)), [acme]),
        (Scope(("publisher_id", "agent_id"), ('publisher_id="acme"',)), list(acme.listings)),
    ):
        for name, quantity, places in (
            ("unique_tenants", quantities.unique_tenants, 0),
            ("tenants_trend", quantities.tenants_trend, 6),
            ("retention", quantities.retention, 6),
        ):
            asked = client.query(quantity(day, scope), at=end)
            expected = {
                sample.labels.get("agent_id", ""): pytest.approx(round(sample.value, places))
                for sample in asked
            }
            found = {getattr(row, "agent_id", ""): getattr(row, name) for row in rows}
            assert expected == {key: value for key, value in found.items() if value is not None}
            assert expected


def test_money_is_exact(acme: PublisherDashboard) -> None:
    """Revenue, refunds, fees, cost and margin are those of the day."""
    revenue = 4.5 * DAY + 0.25 * LIVED
    assert acme.total_revenue == pytest.approx(revenue, abs=1e-6)
    assert acme.refunds == pytest.approx(0.5 * DAY, abs=1e-6)
    assert acme.gmv == pytest.approx(revenue - 0.5 * DAY, abs=1e-6)
    assert acme.fees == pytest.approx(revenue / 10, abs=1e-6)
    assert acme.model_cost == pytest.approx(1.25 * DAY, abs=1e-6)
    assert acme.wasted_cost == pytest.approx(0.125 * DAY, abs=1e-6)
    assert acme.margin == pytest.approx(revenue * 0.9 - 1.75 * DAY, abs=1e-6)


def test_no_tokens_are_no_cost(acme: PublisherDashboard, hostile: str) -> None:
    """Where no model was called the cost is $0, and the margin is known; docs/report.md says so."""
    writer = of_agent(acme, hostile)
    assert (writer.model_cost, writer.unpriced_tokens or 0) == (0.0, 0)
    assert writer.margin == pytest.approx(0.25 * LIVED * 0.9, abs=1e-6)
    assert writer.cost_per_success == 0.0


def test_quality(acme: PublisherDashboard) -> None:
    """Error rate, times and ratings are those of the listing that has them."""
    finder = of_agent(acme, "finder")
    assert finder.error_rate == pytest.approx(0.1)
    assert finder.avg_response_time_ms == pytest.approx((81 * 1500 + 9 * 11_000) / 90, abs=0.01)
    assert finder.p95_response_time_ms == pytest.approx(2000 + 18_000 * 4.5 / 9, abs=0.01)
    assert finder.satisfaction_distribution == {
        1: DAY, 2: 0, 3: 2 * DAY, 4: 3 * DAY, 5: 4 * DAY
    }  # fmt: skip
    assert finder.ratings == 10 * DAY
    assert finder.avg_satisfaction == pytest.approx(3.9)
    assert finder.errors == {"ValueError": 7 * DAY}


def test_tools(acme: PublisherDashboard, hostile: str) -> None:
    """Calls, failures and times are told by tool, whatever the tool is called."""
    assert acme.tool_usage_breakdown == {"search": 20 * DAY, hostile: 8 * DAY}
    assert acme.tool_failure_rates == {"search": 0.05, hostile: 0.5}
    assert acme.tool_times_ms == {"search": 250.0, hostile: 250.0}


def test_trends_compare_with_the_day_before(acme: PublisherDashboard) -> None:
    """The listing that did twice as much the day before went down by half."""
    assert of_agent(acme, "finder").invocations_trend == pytest.approx(-0.5)
    assert of_agent(acme, "finder").revenue_trend == pytest.approx(-0.5)


def test_tenants_and_retention_are_estimates_near_the_truth(acme: PublisherDashboard) -> None:
    """Forty tenants of whom all were among the fifty of the day before."""
    finder = of_agent(acme, "finder")
    assert finder.unique_tenants == pytest.approx(40, rel=0.08)
    assert finder.retention == pytest.approx(0.8, abs=0.06)
    assert finder.tenant_churn == pytest.approx(0.2, abs=0.06)
    assert acme.unique_tenants == finder.unique_tenants
    revenue = 4.5 * DAY + 0.25 * LIVED
    assert acme.avg_revenue_per_tenant == pytest.approx(revenue / (acme.unique_tenants or 0))


def test_raw_series_tell_the_same(acme: PublisherDashboard, raw_url: str, end: float) -> None:
    """A Prometheus without recording rules has the same figures, and says where they are from."""
    raw = PublisherAnalytics(raw_url).dashboard("acme", 1, at=end)
    assert raw.freshness.source == "raw"
    assert any("raw series" in sentence for sentence in raw.partial)
    same = replace(raw, freshness=acme.freshness, partial=acme.partial, daily=acme.daily)
    assert same == acme


def test_a_whole_period_is_not_partial(acme: PublisherDashboard) -> None:
    """A day of which and before which there is history needs no word about it."""
    assert acme.partial == ()
    assert acme.freshness.source == "rollups"


def test_without_the_period_before_there_are_no_trends(url: str, end: float) -> None:
    """Three days of four have figures, and neither trend nor retention."""
    dashboard = PublisherAnalytics(url, timeout=patience()).dashboard("acme", 3, at=end)
    assert dashboard.total_invocations == 111 * DAY * 5 + 5 * (LIVED + 2 * DAY)
    assert dashboard.invocations_trend is dashboard.retention is dashboard.tenants_trend is None
    assert [sentence.partition(" ")[0] for sentence in dashboard.partial] == ["Trends"]


def test_history_younger_than_the_period_is_partial(url: str, end: float) -> None:
    """Of thirty days four are known: what is known is told, and since when."""
    dashboard = PublisherAnalytics(url, timeout=patience()).dashboard("acme", 30, at=end)
    assert dashboard.total_invocations
    assert "within the period" in dashboard.partial[0]
    assert dashboard.invocations_trend is None
    assert len(dashboard.daily.ends) == 5


def test_what_is_not_known_is_none(url: str, end: float) -> None:
    """No rating, no gauge, no price: not available, and not 0."""
    loner = PublisherAnalytics(url, timeout=patience()).dashboard("globex", 1, at=end)
    assert loner.avg_satisfaction is None
    assert loner.satisfaction_distribution is None
    assert loner.active_installs is loner.install_churn is None
    assert loner.model_cost is loner.margin is loner.cost_per_success is None
    assert loner.unpriced_tokens == 140 * DAY
    assert loner.conversations is None
    assert loner.total_revenue == 0.0
    assert loner.tool_usage_breakdown == {}


def test_days_add_up_to_the_period(url: str, end: float) -> None:
    """The course of the period is made of the same events as its total."""
    dashboard = PublisherAnalytics(url, timeout=patience()).dashboard("acme", 2, at=end)
    days = [value or 0 for value in dashboard.daily.invocations]
    assert sum(days) == dashboard.total_invocations
    assert days == [227 * DAY, 111 * DAY + 5 * LIVED]
    finder = of_agent(dashboard, "finder")
    assert finder.daily_invocations == (222 * DAY, 111 * DAY)


@pytest.mark.parametrize(
    "publisher", ["nobody", "", 'x"} or vector(1) #', "acme\\", "acme.*", "\ud800", 'a"\n\t\x00b']
)
def test_unknown_publisher(url: str, end: float, publisher: str) -> None:
    """An id that is not there is unknown, and one that tries to break out is just such an id."""
    with pytest.raises(UnknownPublisher, match=r"listing of publisher|no publisher has the id"):
        PublisherAnalytics(url, timeout=patience()).dashboard(publisher, 1, at=end)


def test_other_publishers_do_not_show(acme: PublisherDashboard) -> None:
    """Only the publisher's own listings are told."""
    assert {row.agent_id for row in acme.listings}.isdisjoint({"loner"})
    assert len(acme.listings) == 2


def test_few_tenants_are_withheld(url: str, end: float, hostile: str) -> None:
    """A listing of three tenants tells its counts, and not how they behave; nor does the next."""
    few = PublisherAnalytics(url, min_tenants=5).dashboard("acme", 1, at=end)
    assert of_agent(few, hostile).withheld
    assert of_agent(few, hostile).avg_response_time_ms is None
    assert of_agent(few, hostile).total_invocations == 5 * LIVED
    # The difference between all and this one would tell about the other.
    assert of_agent(few, "finder").avg_satisfaction is None
    assert few.avg_satisfaction is not None
    none = PublisherAnalytics(url, min_tenants=50).dashboard("acme", 1, at=end)
    assert none.withheld
    assert none.avg_satisfaction is None
    assert none.tool_usage_breakdown == {}


def test_period_shorter_than_a_day_is_refused(url: str) -> None:
    """A period has at least a day."""
    with pytest.raises(ValueError, match="at least one day"):
        PublisherAnalytics(url, timeout=patience()).dashboard("acme", 0)
