"""What is said at the start: two lines at most in a tree of processes, and warnings.

The lines tell what is counted, and where it is read, from when on, and what is not set. A process
that a counted one has started says neither again, and repeats no warning about settings that it has
inherited.
"""

import logging
import os
from typing import Final

from agent_analytics.exporters._http.server import MetricsServer
from agent_analytics.exporters._instrument import libraries
from agent_analytics.exporters._leaving.otlp import wrong_endpoint
from agent_analytics.exporters._settings.identity import publisher_named
from agent_analytics.exporters._settings.settings import Settings
from agent_analytics.exporters._settings.variables import misspelt
from agent_analytics.exporters._workers.process_tree import Root
from agent_analytics.processor import AgentMetricsProcessor

_logger = logging.getLogger("agent_analytics")

_PREFIX: Final = "agent-analytics: "


def announce(
    settings: Settings,
    processor: AgentMetricsProcessor,
    server: MetricsServer | None,
    port: int | None,
    root: Root | None,
) -> None:
    """Say what is counted and where, once in a tree of processes, and what should be set.

    Args:
        settings: What was asked for.
        processor: What counts.
        server: The server of this process, if it has one.
        port: The port of the server that shows what this process counts, if there is one.
        root: The process above that has said it already.
    """
    if root is None:
        _logger.info("%s%s", _PREFIX, _what(settings))
    if server is not None and (root is None or root.port != server.port):
        _logger.info("%smetrics on %s/metrics%s", _PREFIX, server.url, _notes(settings))
    elif port is not None and root is None:
        _logger.info("%smetrics on port %d by another worker%s", _PREFIX, port, _notes(settings))
    if root is None:
        _warn(settings, processor)


def _what(settings: Settings) -> str:
    words = [settings.instruments.words() if settings.instruments is not None else ""]
    if settings.sdk_disabled:
        words.append("nothing is recorded, as OTEL_SDK_DISABLED says")
    words.append(settings.priced)
    return "; ".join(each for each in words if each) or "decorated agents are counted"


def _notes(settings: Settings) -> str:
    """Return what a reader of the metrics should know: when they begin, and what is missing."""
    notes: list[str] = []
    if settings.hold_seconds:
        notes.append(f"newborn series show 0 for {settings.hold_seconds:g} s (hold_seconds)")
    missing = [] if settings.tenant_key is not None else ["tenant key"]
    if not publisher_named():
        missing.append("publisher (agents name their own)")
    if missing:
        notes.append(f"not set: {', '.join(missing)}")
    return "".join(f"; {note}" for note in notes)


def _warn(settings: Settings, processor: AgentMetricsProcessor) -> None:
    if not processor.has_tenant_key:
        _logger.warning(
            "%stenants are hashed with a key that everybody knows%s: set tenant_key or "
            "AGENT_ANALYTICS_TENANT_KEY to a secret of the marketplace; `agent-analytics key` "
            "prints one",
            _PREFIX,
            ", so /metrics/sketches is served on loopback alone"
            if settings.sketches_token is None
            else "",
        )
    for name, meant in misspelt(os.environ):
        _logger.warning(
            "%s%s is set and nothing reads it: %s",
            _PREFIX,
            name,
            f"set {meant}" if meant else "docs/configuration.md lists the settings",
        )
    if settings.otlp is not None and settings.otlp.url is None:
        wrong = wrong_endpoint(settings.otlp.protocol)
        if wrong:
            _logger.warning("%s%s", _PREFIX, wrong)
    instruments = settings.instruments
    if instruments is None or instruments.records or settings.sdk_disabled:
        return
    there = libraries.installed()
    missing = instruments.missing(there)
    if missing:
        _logger.warning(
            "%snothing records the calls of %s: install %s",
            _PREFIX,
            " and ".join(each.name for each in missing),
            " and ".join(each.package for each in missing),
        )
