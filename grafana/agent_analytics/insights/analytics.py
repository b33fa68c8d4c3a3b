"""What publishers and the operator ask, as typed answers from Prometheus."""

from agent_analytics.insights._prometheus.client import (
    AnalyticsError,
    PrometheusUnreachable,
    QueryFailed,
)
from agent_analytics.insights._report.answers.marketplace import MarketplaceAnalytics
from agent_analytics.insights._report.answers.model import (
    Daily,
    Figures,
    Freshness,
    ListingFigures,
    MarketplaceDashboard,
    Month,
    NoData,
    PublisherDashboard,
    Ranked,
    UnknownPublisher,
    Week,
)
from agent_analytics.insights._report.answers.publisher import PublisherAnalytics
from agent_analytics.insights._report.known.bounds import Beyond, crossed
from agent_analytics.insights._report.known.evaluation import Evaluation, Insights
from agent_analytics.insights._report.known.observed import Observed
from agent_analytics.insights._rules.contributors import Contributor
from agent_analytics.insights._rules.ended import Ended

__all__ = [
    "AnalyticsError",
    "Beyond",
    "Contributor",
    "Daily",
    "Ended",
    "Evaluation",
    "Figures",
    "Freshness",
    "Insights",
    "ListingFigures",
    "MarketplaceAnalytics",
    "MarketplaceDashboard",
    "Month",
    "NoData",
    "Observed",
    "PrometheusUnreachable",
    "PublisherAnalytics",
    "PublisherDashboard",
    "QueryFailed",
    "Ranked",
    "UnknownPublisher",
    "Week",
    "crossed",
]
