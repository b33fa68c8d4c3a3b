"""The dashboards as code, over ``grafana-foundation-sdk``; see :mod:`._build` for the list."""

from agent_analytics.insights._dashboards._build import render_dashboards

__all__ = ["render_dashboards"]
