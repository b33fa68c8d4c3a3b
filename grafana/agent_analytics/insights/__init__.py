"""The insight engine: named PromQL, alert rules, dashboards and what routes them.

Everything here is data and text that Prometheus, Alertmanager and Grafana run; the files that are
generated from it are committed under ``generated/``.
"""

from agent_analytics.insights._alerts import Insight, parse_alerts
from agent_analytics.insights._files import GENERATED, write_rules
from agent_analytics.insights._model import Audience, Category, Severity
from agent_analytics.insights.config import alertmanager_config, prometheus_config

__all__ = [
    "GENERATED",
    "Audience",
    "Category",
    "Insight",
    "Severity",
    "alertmanager_config",
    "parse_alerts",
    "prometheus_config",
    "write_rules",
]
