"""Every dashboard by the name of its file."""

from agent_analytics.insights._dashboards._agent import agent_dashboard
from agent_analytics.insights._dashboards._health import health_dashboard
from agent_analytics.insights._dashboards._marketplace import marketplace_dashboard
from agent_analytics.insights._dashboards._oncall import oncall_dashboard
from agent_analytics.insights._dashboards._publisher import publisher_dashboard
from agent_analytics.insights._dashboards._revenue import revenue_dashboard


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
