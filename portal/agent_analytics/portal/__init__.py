"""The portal: the committed dashboards in a browser, with no Grafana to install.

``make_portal_app`` makes an ASGI app that is served alone (``agent-analytics portal``) or mounted.
The page names a dashboard, a panel and a target; the app puts variables into the committed
expression and asks Prometheus. No other expression reaches Prometheus.
"""

from agent_analytics.portal._app import make_portal_app
from agent_analytics.portal._built import LEFT_OUT, page_is_built
from agent_analytics.portal._serving import serve, served

__all__ = ["LEFT_OUT", "make_portal_app", "page_is_built", "serve", "served"]
