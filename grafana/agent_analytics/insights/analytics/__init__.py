"""What publishers and the operator ask, as typed answers from Prometheus."""

from agent_analytics.insights._client import AnalyticsError, PrometheusUnreachable, QueryFailed
from agent_analytics.insights.analytics._bounds import Beyond, crossed
from agent_analytics.insights.analytics._evaluation import Evaluation, Insights
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
from agent_analytics.insights.analytics._observed import Observed
from agent_analytics.insights.analytics._publisher import PublisherAnalytics

__all__ = [
    "AnalyticsError",
    "Beyond",
    "Daily",
    "Evaluation",
    "Figures",
    "Freshness",
    "Insights",
    "ListingFigures",
    "MarketplaceAnalytics",
    "MarketplaceDashboard",
    "NoData",
    "Observed",
    "PrometheusUnreachable",
    "PublisherAnalytics",
    "PublisherDashboard",
    "QueryFailed",
    "Ranked",
    "UnknownPublisher",
    "crossed",
]
