"""Keeps several processes that count in memory from answering on one port.

Each would answer with its own counts, a scrape would reach now this one and now that, and
Prometheus would see counters that reset all the time.
"""

import errno
import fcntl
import logging
import os
import socket
import struct
import sys
import tempfile
import threading
from pathlib import Path
from typing import Final

from agent_analytics.exporters._workers.socket_names import users_of
from agent_analytics.processor.private_files import open_private

_logger = logging.getLogger("agent_analytics")

REFUSAL: Final = (
    "several processes answer on this port, and each counts in memory: the numbers would jump "
    "between theirs. Set state_dir or AGENT_ANALYTICS_STATE_DIR, and any of them shows the sum.\n"
)

#: Of the process at the other end: its number, user and group.
_CREDENTIALS: Final = struct.Struct("3i")

_lock = threading.Lock()
_claims: dict[str, int] = {}
_warned: set[str] = set()


def alone(port: object, *, several: bool = False) -> bool:
    """Tell whether this process may answer on ``port`` by itself; said once if not.

    Args:
        port: What the web server listens on.
        several: Whether the web server says that it runs several processes.
    """
    name = f"{port}"
    with _lock:
        found = not several and (name in _claims or _claim(name))
        if not found and name not in _warned:
            _warned.add(name)
            _logger.error("agent-analytics: metrics on port %s are refused: %s", port, REFUSAL)
        return found


def _claim(name: str) -> bool:
    safe = "".join(letter if letter.isalnum() else "-" for letter in name)
    known = f"agent-analytics-{os.getuid()}-port-{safe}"
    try:
        # Asking for the folder fails, too, where there is none that can be written to.
        descriptor = open_private(Path(tempfile.gettempdir()) / f"{known}.lock")
    except OSError:
        return _claim_without_files(name, known)
    if os.fstat(descriptor).st_uid != os.geteuid():  # a stranger's, who may hold a lock on it
        os.close(descriptor)
        return _claim_without_files(name, known)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return False
    _claims[name] = descriptor
    return True


def _claim_without_files(name: str, known: str) -> bool:
    """Claim a port on a machine that lets nothing be written, where that is possible.

    Linux has names of sockets that are in no file system; one process may have each.
    """
    if not sys.platform.startswith("linux"):
        return True  # nowhere to ask: nothing speaks against it
    claim = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        claim.bind(f"\0{known}")
        claim.listen(1)
    except OSError as error:
        claim.close()
        return error.errno != errno.EADDRINUSE or not _is_ours(known)
    _claims[name] = claim.detach()
    return True


def _is_ours(known: str) -> bool:
    """Return whether it can be shown that this user has taken a name: anybody can take one."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asked:
        asked.settimeout(0)
        try:
            asked.connect(f"\0{known}")
        except OSError:  # it does not listen, or not to any more
            return os.geteuid() in users_of(f"\0{known}".encode())
        holder = asked.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    _, user, _ = _CREDENTIALS.unpack(holder)
    return int(user) == os.geteuid()


def _after_fork() -> None:
    global _lock  # noqa: PLW0603 - a thread that the child lacks may hold the parent's
    _lock = threading.Lock()
    for descriptor in _claims.values():
        os.close(descriptor)
    _claims.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
