"""Errors of the start, with what to set: which setting chooses otherwise, and who says more."""

import errno
import socket
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

from agent_analytics.exporters._http.listening import NotServedError

#: Where more is said of a wrong set-up, for the end of a sentence.
DOCTOR: Final = "`agent-analytics doctor` checks every setting and says what to set"

_PORT: Final = "metrics_port or AGENT_ANALYTICS_METRICS_PORT takes another port, 0 any free one"
_HOST: Final = "metrics_host or AGENT_ANALYTICS_METRICS_HOST takes another name or address"
_WORKERS: Final = (
    "Several workers of one service need a state directory: set state_dir or "
    "AGENT_ANALYTICS_STATE_DIR, and one of them serves the sum of all"
)


@contextmanager
def explained() -> Generator[None]:
    """Let errors of a set-up name who says more; a note of the exception, shown below it."""
    try:
        yield
    except (ValueError, OSError, ImportError) as error:
        error.add_note(DOCTOR)
        raise


def not_served(error: NotServedError, *, shared: bool) -> OSError:
    """Return an error of listening with the setting that chooses otherwise.

    Args:
        error: What was raised.
        shared: Whether the port is that of all workers of a state directory.
    """
    text = error.strerror or str(error)
    if error.errno == errno.EADDRINUSE:
        whose = " by none of the workers of this state directory" if shared else ""
        text = f"{text}{whose}. {_PORT}"
        if not shared:
            text = f"{text}. {_WORKERS}"
    elif error.errno in {errno.EACCES, errno.EPERM}:
        text = f"{text}. {_PORT}; those below 1024 are the system's"
    elif isinstance(error.__cause__, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
        text = f"{text}. {_HOST}"
    return OSError(error.errno, text)
