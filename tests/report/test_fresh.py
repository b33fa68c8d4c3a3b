"""A fresh installation: a plain Prometheus that has scraped a processor for seconds."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from tests.patience import patience, wait_for
from tests.report.counted import counted

from agent_analytics.exporters import start_http_server
from agent_analytics.insights import MarketplaceAnalytics, PublisherAnalytics
from agent_analytics.insights.analytics import NoData

pytestmark = [pytest.mark.servers, pytest.mark.slow]

_CONFIG = """
scrape_configs:
  - job_name: agent-analytics
    scrape_interval: 1s
    static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
  - job_name: agent-analytics-sketches
    scrape_interval: 1s
    metrics_path: /metrics/sketches
    static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
"""


def test_seconds_after_the_first_scrape_and_over_a_restart(
    start: Callable[..., AbstractContextManager[str]], tmp_path: Path
) -> None:
    """Counters that were running at the first scrape count, and a restart loses nothing.

    Each counter is lower after the restart: one that were not would show nobody that it began anew.
    """
    server = start_http_server(counted(7, failed=2, first_tenant=0), port=0)
    port = server.port
    with start(tmp_path / "data", _CONFIG.format(port=port)) as url:
        analytics = PublisherAnalytics(url, timeout=patience())

        def seen(invocations: int, tenants: int) -> bool:
            try:
                dashboard = analytics.dashboard("acme")
            except NoData:
                return False
            told = (dashboard.total_invocations, dashboard.unique_tenants)
            return told == (invocations, tenants)

        wait_for(lambda: seen(7, 7), "Prometheus scrapes", every=0.2)
        server.close()
        server = start_http_server(counted(4, failed=1, first_tenant=5), port=port)
        try:
            wait_for(lambda: seen(11, 9), "Prometheus scrapes", every=0.2)
            dashboard = analytics.dashboard("acme")
            market = MarketplaceAnalytics(url, timeout=patience()).dashboard()
        finally:
            server.close()
    assert dashboard.total_revenue == pytest.approx(0.55)
    assert dashboard.error_rate == pytest.approx(3 / 11, abs=1e-6)
    assert dashboard.active_installs is None
    assert dashboard.invocations_trend is None
    assert dashboard.avg_satisfaction is None
    assert dashboard.freshness.source == "raw"
    assert dashboard.partial[0].startswith("History begins ")
    assert (market.total_invocations, market.active_publishers) == (11, 1)


def test_an_empty_prometheus_has_no_data(
    start: Callable[..., AbstractContextManager[str]], tmp_path: Path
) -> None:
    """Where nothing was ever scraped, that is said."""
    with start(tmp_path / "data") as url:
        with pytest.raises(NoData, match="no metrics of agents"):
            PublisherAnalytics(url, timeout=patience()).dashboard("acme")
        with pytest.raises(NoData):
            MarketplaceAnalytics(url, timeout=patience()).dashboard()
