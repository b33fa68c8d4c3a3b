"""The figures of the operator, from a real Prometheus over a past whose truth is known."""

import pytest
from tests.patience import patience

from agent_analytics.insights.analytics import MarketplaceAnalytics, MarketplaceDashboard

pytestmark = pytest.mark.servers

DAY = 288
LIVED = 180


@pytest.fixture(scope="module")
def market(url: str, end: float) -> MarketplaceDashboard:
    """Return the dashboard of the last day."""
    return MarketplaceAnalytics(url, timeout=patience()).dashboard(1, at=end)


def test_totals(market: MarketplaceDashboard) -> None:
    """The marketplace is the sum of its listings."""
    assert market.total_invocations == (111 + 15) * DAY + 5 * LIVED
    assert market.gmv == pytest.approx(4 * DAY + 0.25 * LIVED, abs=1e-6)
    assert market.fees == pytest.approx(0.45 * DAY + 0.025 * LIVED, abs=1e-6)
    assert (market.active_publishers, market.active_listings, market.known_listings) == (2, 3, 3)
    assert market.unique_tenants == pytest.approx(41, rel=0.08)
    assert market.retention == pytest.approx(41 / 51, abs=0.06)


def test_trends(market: MarketplaceDashboard) -> None:
    """GMV is compared with the day before, refunds included."""
    before = 8 * DAY + 0.25 * DAY
    assert market.gmv_trend == pytest.approx((4 * DAY + 0.25 * LIVED) / before - 1, abs=1e-6)


def test_rankings_begin_with_whoever_earns_most(market: MarketplaceDashboard, hostile: str) -> None:
    """Publishers and listings are ranked by revenue."""
    assert [row.publisher_id for row in market.publishers] == ["acme", "globex"]
    assert [row.agent_id for row in market.listings] == ["finder", hostile, "loner"]
    acme, globex = market.publishers
    assert acme.invocations == 111 * DAY + 5 * LIVED
    assert globex.error_rate == pytest.approx(2 / 15, abs=1e-6)
    assert globex.avg_satisfaction is None


def test_raw_series_tell_the_same(market: MarketplaceDashboard, raw_url: str, end: float) -> None:
    """A Prometheus without recording rules has the same rankings."""
    raw = MarketplaceAnalytics(raw_url).dashboard(1, at=end)
    assert raw.freshness.source == "raw"
    assert raw.publishers == market.publishers
    assert raw.listings == market.listings
    assert raw.gmv_trend == market.gmv_trend
