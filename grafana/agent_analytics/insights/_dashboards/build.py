"""Every dashboard by the name of its file."""

from agent_analytics.insights._dashboards.agent import agent_dashboard
from agent_analytics.insights._dashboards.health import health_dashboard
from agent_analytics.insights._dashboards.marketplace import marketplace_dashboard
from agent_analytics.insights._dashboards.oncall import oncall_dashboard
from agent_analytics.insights._dashboards.publisher import publisher_dashboard
from agent_analytics.insights._dashboards.revenue import revenue_dashboard


def render_dashboards() -> dict[str, str]:
    """Return the dashboards as JSON text, by file name."""
    return {
        "agent.json": agent_dashboard(),
        "health.json": health_dashboard(),
        "marketplace.json": marketplace_dashboard(),
        "oncall.json": oncall_dashboard(),
        "publisher.json": publisher_dashboard(),
        "revenue.json": revenue_dashboard(),
    }
