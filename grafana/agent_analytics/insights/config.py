"""Configurations of Prometheus and Alertmanager, and what stands in them."""

from agent_analytics.insights._prometheus.configuration import (
    SCRAPE_INTERVAL,
    SKETCHES_PATH,
    alertmanager_config,
    prometheus_config,
)
from agent_analytics.insights._prometheus.mail_options import add_mail_server, mail_server
from agent_analytics.insights._prometheus.receivers import (
    Email,
    MailServer,
    PagerDuty,
    Receiver,
    Slack,
    Webhook,
)
from agent_analytics.insights._prometheus.scraping import (
    PORT_NAME,
    Access,
    Discovery,
    from_dns,
    from_files,
    from_kubernetes,
    from_url,
    static,
)
from agent_analytics.insights._promql.scopes import JOB, SKETCH_JOB

__all__ = [
    "JOB",
    "PORT_NAME",
    "SCRAPE_INTERVAL",
    "SKETCHES_PATH",
    "SKETCH_JOB",
    "Access",
    "Discovery",
    "Email",
    "MailServer",
    "PagerDuty",
    "Receiver",
    "Slack",
    "Webhook",
    "add_mail_server",
    "alertmanager_config",
    "from_dns",
    "from_files",
    "from_kubernetes",
    "from_url",
    "mail_server",
    "prometheus_config",
    "static",
]
