"""How agent-analytics itself is doing: errors kept from the host, unrecorded invocations."""

import logging
import os
import sys
import threading
from pathlib import Path
from typing import Final

logger: Final = logging.getLogger("agent_analytics")

#: A finaliser may come here while this very thread holds the lock, so it is re-entrant.
_lock = threading.RLock()
_noted: Final[set[str]] = set()
_counts: Final = {"errors": 0, "unrecorded": 0}
_warned: Final[set[str]] = set()

_UNRECORDED: Final = (
    "agent-analytics: the OpenTelemetry SDK does not record spans of agents, so they are missing "
    "from every metric. Most likely a sampler drops them: call "
    "agent_analytics.exporters.configure(), or wrap the sampler in "
    "agent_analytics.processor.RecordAllSampler, which keeps sampling away from metrics."
)


def internal_errors() -> int:
    """Return how many errors of agent-analytics itself were kept from the host so far."""
    return _counts["errors"]


def unrecorded_invocations() -> int:
    """Return how many invocations a decorator saw that the SDK did not record, so far."""
    return _counts["unrecorded"]


def note_internal_error(where: str) -> None:
    """Count the exception being handled and log it, the first time that it comes from ``where``.

    Only the exception's type and its place in the code are logged: its text may hold content.
    """
    with _lock:
        _counts["errors"] += 1
        if where in _noted:
            return
        _noted.add(where)
    exception = sys.exception()
    traceback = exception.__traceback__ if exception is not None else None
    place = "unknown place"
    while traceback is not None:
        code = traceback.tb_frame.f_code
        place = f"{Path(code.co_filename).name}:{traceback.tb_lineno} in {code.co_name}"
        traceback = traceback.tb_next
    logger.warning(
        "agent-analytics: internal error in %s, the call goes on without it (%s at %s); "
        "logged once, counted every time",
        where,
        type(exception).__name__,
        place,
    )


def note_unrecorded(*, invocation: bool) -> None:
    """Say once, loudly, that the SDK drops spans; count it when the span is an ``invocation``."""
    with _lock:
        if invocation:
            _counts["unrecorded"] += 1
        if "unrecorded" in _warned:
            return
        _warned.add("unrecorded")
    logger.warning(_UNRECORDED)


def _after_fork() -> None:
    """Give the child a lock that nobody holds, and counts of its own."""
    global _lock  # noqa: PLW0603 - the parent's lock may be held by a thread the child lacks
    _lock = threading.RLock()
    _counts.update(errors=0, unrecorded=0)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
