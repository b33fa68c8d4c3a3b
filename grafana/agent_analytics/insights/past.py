"""The past of rules: what they read, Prometheus over blocks, and the command that fills a past."""

from agent_analytics.insights._past.blocks import make_blocks
from agent_analytics.insights._past.command import DESCRIPTION, EPILOG, add_backfill, backfill
from agent_analytics.insights._past.over_blocks import prometheus_over
from agent_analytics.insights._past.servers import (
    LOOPBACK,
    PACKAGES,
    Server,
    ServerError,
    find_command,
    free_port,
)
from agent_analytics.insights._rules.reading import RecordingRule, link, stages

__all__ = [
    "DESCRIPTION",
    "EPILOG",
    "LOOPBACK",
    "PACKAGES",
    "RecordingRule",
    "Server",
    "ServerError",
    "add_backfill",
    "backfill",
    "find_command",
    "free_port",
    "link",
    "make_blocks",
    "prometheus_over",
    "stages",
]
