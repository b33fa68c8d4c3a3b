"""Metrics and spans on their way out: exposition, servers and apps, OTLP, and ``configure()``."""

from agent_analytics.exporters._configure import Runtime, configure
from agent_analytics.exporters._exporters import Exporter
from agent_analytics.exporters._http.apps import make_asgi_app, make_wsgi_app
from agent_analytics.exporters._http.exposition import exposition
from agent_analytics.exporters._http.server import MetricsServer, start_http_server
from agent_analytics.exporters._instrument.switches import Instrumentation

__all__ = [
    "Exporter",
    "Instrumentation",
    "MetricsServer",
    "Runtime",
    "configure",
    "exposition",
    "make_asgi_app",
    "make_wsgi_app",
    "start_http_server",
]
