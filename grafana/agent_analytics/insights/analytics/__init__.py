"""What publishers and the operator ask, as typed answers from Prometheus."""

from agent_analytics.insights._client import AnalyticsError, PrometheusUnreachable, QueryFailed
from agent_analytics.insights.analytics._marketplace import MarketplaceAnalytics
from agent_analytics.insights.analytics._model import (
    Daily,
    Figures,
    Freshness,
    ListingFigures,
    MarketplaceDashboard,
    NoData,
    PublisherDashboard,
    Ranked,
    UnknownPublisher,
)
from agent_analytics.insights.analytics._publisher import PublisherAnalytics

__all__ = [
    "AnalyticsError",
    "Daily",
    "Figures",
    "Freshness",
    "ListingFigures",
    "MarketplaceAnalytics",
    "MarketplaceDashboard",
    "NoData",
    "PrometheusUnreachable",
    "PublisherAnalytics",
    "PublisherDashboard",
    "QueryFailed",
    "Ranked",
    "UnknownPublisher",
]
