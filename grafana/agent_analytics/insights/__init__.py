"""The insight engine: named PromQL, alert rules, dashboards, what routes them, and the report.

Most of it is data and text that Prometheus, Alertmanager and Grafana run; the files that are
generated from it are committed under ``generated/``. ``PublisherAnalytics`` and
``MarketplaceAnalytics`` ask Prometheus and give typed answers.
"""

from agent_analytics.insights._definitions.spec.model import Audience, Category, Severity
from agent_analytics.insights._files import GENERATED, grafana_files, write_files, write_rules
from agent_analytics.insights._prometheus.configuration import (
    alertmanager_config,
    prometheus_config,
)
from agent_analytics.insights._rules.alerts import Insight, parse_alerts
from agent_analytics.insights.analytics import MarketplaceAnalytics, PublisherAnalytics

__all__ = [
    "GENERATED",
    "Audience",
    "Category",
    "Insight",
    "MarketplaceAnalytics",
    "PublisherAnalytics",
    "Severity",
    "alertmanager_config",
    "grafana_files",
    "parse_alerts",
    "prometheus_config",
    "write_files",
    "write_rules",
]
