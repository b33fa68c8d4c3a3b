"""The dashboards as code, over ``grafana-foundation-sdk``; see :mod:`.build` for the list."""

from agent_analytics.insights._dashboards.build import render_dashboards

__all__ = ["render_dashboards"]
