"""The options of commands that say which Prometheus is asked."""

from agent_analytics.insights._prometheus.asking import AUTHORIZATION, URL, add_asked, headers_of

__all__ = ["AUTHORIZATION", "URL", "add_asked", "headers_of"]
