"""Says that a child counts in memory that nobody can read: another process serves the metrics."""

import logging
import os
import weakref
from typing import Final

from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor

from agent_analytics.exporters._provider.provider import Attachment

_logger = logging.getLogger("agent_analytics")


_FORKED: Final = "was forked from the one that serves the metrics"
_REMEDY: Final = (
    "set state_dir or AGENT_ANALYTICS_STATE_DIR, and the sum of all processes is served"
)


class FirstSpan(SpanProcessor):
    """Speaks when the child has recorded something, for many children never do.

    Args:
        how: How this process came to be.
    """

    def __init__(self, how: str) -> None:
        self._how: Final = how
        self._said = False

    def on_end(self, span: ReadableSpan) -> None:
        """Say it once."""
        del span
        if self._said:
            return
        self._said = True
        _logger.error(
            "agent-analytics: process %d %s. Nobody can read what this process counts: %s",
            os.getpid(),
            self._how,
            _REMEDY,
        )


_watched: Final[weakref.WeakSet[Attachment]] = weakref.WeakSet()


def watch(attachment: Attachment) -> None:
    """Speak in children of this process that record spans at an attachment's provider."""
    _watched.add(attachment)


def unwatch(attachment: Attachment) -> None:
    """Do so no longer."""
    _watched.discard(attachment)


def _in_child() -> None:
    for attachment in list(_watched):
        if attachment.processors is not None:
            attachment.processors.add_alone(FirstSpan(_FORKED))
    _watched.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)
