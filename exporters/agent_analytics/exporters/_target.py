"""One target for all workers of a state directory: one of them serves, another takes over.

Who serves holds a lock in the state directory. The kernel lets it go when that worker dies, and
one of those that wait for it binds the same port: Prometheus sees the same ``instance``.
"""

import fcntl
import json
import logging
import os
import threading
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Final

from agent_analytics.exporters._server import MetricsServer

_logger = logging.getLogger("agent_analytics")

_FILE: Final = "target"
#: How often a worker that does not serve looks whether it should.
_LOOK_SECONDS: Final = 0.25


class SharedTarget:
    """Serves the metrics of a state directory from one of its workers.

    Args:
        state_dir: The directory.
        address: Host and port that this worker was told to serve on.
        serve: Starts the server.

    Raises:
        OSError: Nobody of this state directory serves, and yet the port is in use.
    """

    def __init__(
        self, state_dir: Path, address: tuple[str, int], serve: Callable[[], MetricsServer]
    ) -> None:
        self._path = state_dir / _FILE
        self._address = address
        self._serve = serve
        self._descriptor = -1
        self._over = threading.Event()
        self._warned: set[str] = set()
        self.server: MetricsServer | None = None
        self._thread: threading.Thread | None = None
        _live.add(self)
        if address[1] == 0:
            self._warn(
                "metrics_port=0 takes another port at each start: with a state directory, a new "
                "instance would double every lifetime total in Prometheus; name a port"
            )
        if not self._try():
            self._thread = threading.Thread(
                target=self._wait, name="agent-analytics-target", daemon=True
            )
            self._thread.start()

    def _warn(self, message: str) -> None:
        if message not in self._warned:
            self._warned.add(message)
            _logger.warning("agent-analytics: %s", message)

    def _try(self) -> bool:
        """Serve, if nobody else of the directory does."""
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._compare(os.pread(descriptor, 4096, 0))
            os.close(descriptor)
            return False
        try:
            self.server = self._serve()
        except BaseException:
            fcntl.flock(descriptor, fcntl.LOCK_UN)
            os.close(descriptor)
            raise
        host, _ = self._address
        text = json.dumps({"host": host, "port": self.server.port, "pid": os.getpid()})
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, text.encode(), 0)
        self._descriptor = descriptor
        return True

    def _compare(self, content: bytes) -> None:
        """Say so, if the worker that serves does so elsewhere: that would be a second target."""
        try:
            serving = json.loads(content)
            host, port = str(serving["host"]), int(serving["port"])
        except (ValueError, TypeError, KeyError):
            return
        if (host, port) != self._address and self._address[1] != 0:
            self._warn(
                f"a second target: this worker was told to serve metrics on "
                f"{self._address[0]}:{self._address[1]}, and another one of the same state "
                f"directory serves them on {host}:{port}. Two targets would double every number, "
                "so this one waits; give all workers of a state directory one port"
            )

    def _wait(self) -> None:
        while not self._over.wait(_LOOK_SECONDS):
            try:
                if self._try():
                    return
            except OSError as error:
                self._warn(f"cannot take over the metrics: {error}")

    def close(self) -> None:
        """Stop serving, or waiting to."""
        self._over.set()
        if self._thread is not None:
            self._thread.join()
        if self.server is not None:
            self.server.close()
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            fcntl.flock(descriptor, fcntl.LOCK_UN)
            os.close(descriptor)

    def abandon(self) -> None:
        """Leave the lock to the parent, in a forked child."""
        self._over.set()
        self._thread = None
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)


_live: Final[weakref.WeakSet[SharedTarget]] = weakref.WeakSet()


def _abandon_in_child() -> None:
    for target in list(_live):
        target.abandon()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_abandon_in_child)
