"""One target for all workers of a state directory: one of them serves, another takes over.

Who serves has a lease in the state directory, and renews it every second. When that worker dies,
or is stopped, or hangs, one of those that wait takes the lease and serves on the same port:
Prometheus sees the same ``instance``. A worker that wakes without the lease stops serving. Where
the state directory has no room for a lease, who can bind the port serves.
"""

import errno
import logging
import os
import threading
import time
import weakref
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final, cast

from agent_analytics.exporters._http.listening import Sharing, answers
from agent_analytics.exporters._http.server import MetricsServer
from agent_analytics.exporters._workers.lease import Lease, Sign
from agent_analytics.exporters._workers.shared_port import listening, only_these
from agent_analytics.processor.machine import boot

_logger = logging.getLogger("agent_analytics")

_FILE: Final = "target"
#: How often a worker that does not serve looks whether it should.
_LOOK_SECONDS: Final = 0.25
#: How often the worker that serves says that it lives.
_BEAT_SECONDS: Final = 1.0
#: Looks at which nothing has changed before the holder is asked itself. Looks are counted and not
#: seconds: a worker that was stopped as well has not looked.
_SILENT_LOOKS: Final = 24
#: What the holder may take to say anything at all. It and the looks are well below 15 s.
_ANSWER_SECONDS: Final = 2.0
#: A holder whose directory was removed notices at its next beat, and makes way.
_WAY_SECONDS: Final = 3.0

#: Starts a server: the first on its port, or beside one that does not answer.
Serve = Callable[[Sharing], MetricsServer]


class SharedTarget:
    """Serves the metrics of a state directory from one of its workers.

    Args:
        state_dir: The directory.
        address: Host and port that this worker was set to serve on.
        serve: Starts the server.

    Raises:
        OSError: Nobody of this state directory serves, and yet the port is in use.
    """

    def __init__(self, state_dir: Path, address: tuple[str, int], serve: Serve) -> None:
        self._lease = Lease(state_dir / _FILE)
        self._address = address
        self._serve = serve
        self._over = threading.Event()
        self._warned: set[str] = set()
        self._seen: Sign | None = None
        self._silent = 0
        self.server: MetricsServer | None = None
        _live.add(self)
        if address[1] == 0:
            self._warn(
                "metrics_port=0 takes another port at each start: with a state directory, a new "
                "instance would double every lifetime total in Prometheus; name a port"
            )
        self._look(first=True)
        self._thread: threading.Thread | None = threading.Thread(
            target=self._run, name="agent-analytics-target", daemon=True
        )
        self._thread.start()

    def _warn(self, message: str) -> None:
        if message not in self._warned:
            self._warned.add(message)
            _logger.warning("agent-analytics: %s", message)

    # --- taking ----------------------------------------------------------------------------------

    def _look(self, *, first: bool = False) -> None:
        """Serve, if nobody else of the directory does.

        Raises:
            OSError: The port is in use, and the lease was free.
        """
        silent = False
        try:
            taken = self._lease.take()
            if not taken:
                sign = self._lease.sign()
                silent = self._is_silent(sign)
                taken = silent and self._lease.take_from(sign)
        except OSError as error:
            self._warn(
                f"{_FILE} in the state directory cannot be used ({error.strerror or error}): "
                "whoever can bind the port serves the metrics"
            )
            self._without_lease(silent=silent or self._is_silent(None))
            return
        if not taken:
            self._compare()
            return
        try:
            self._begin(silent=silent, wait=first and self._lease.fresh)
        except BaseException:
            self._lease.give_up()
            raise

    def _is_silent(self, sign: Sign | None) -> bool:
        """Return whether the holder has neither renewed its lease for a while, nor answers now."""
        if sign != self._seen:
            self._seen, self._silent = sign, 0
            return False
        self._silent += 1
        if self._silent < _SILENT_LOOKS:
            return False
        self._silent = 0
        holder = self._lease.holder()
        host, port = str(holder.get("host", self._address[0])), holder.get("port")
        if type(port) is not int:
            port = self._address[1]
        if answers(host, port, _ANSWER_SECONDS):
            return False
        self._warn(
            f"the worker that served the metrics, process {holder.get('pid', 'unknown')}, does "
            f"not answer; process {os.getpid()} takes over"
        )
        return True

    def _begin(self, *, silent: bool, wait: bool = False) -> None:
        """Start the server.

        Args:
            silent: Whether it is known that whoever has the port does not answer.
            wait: Whether somebody may serve who does not know yet that it should not.
        """
        deadline = time.monotonic() + (_WAY_SECONDS if wait else 0)
        while True:
            try:
                self._started(self._serve(Sharing.LATER))
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise
                if self._is_ours(self._address[1], silent=silent) and (
                    silent or not answers(*self._address, _ANSWER_SECONDS)
                ):
                    self._started(self._serve(Sharing.BESIDE))
                    return
                if time.monotonic() >= deadline:
                    raise
            else:
                return
            time.sleep(_LOOK_SECONDS)

    def _started(self, server: MetricsServer) -> None:
        still = {each.inode for each in listening(server.port) or ()}
        sockets = {*server.sockets, *(self._sockets() & still)}
        self.server = server
        self._lease.write(
            {
                "host": self._address[0],
                "port": server.port,
                "pid": os.getpid(),
                "boot": boot(),
                "sockets": sorted(sockets),
            }
        )

    def _sockets(self) -> frozenset[int]:
        """Return the numbers of the sockets that workers of the directory have served on."""
        holder = self._lease.holder()
        found = holder.get("sockets")
        if not isinstance(found, list) or holder.get("boot") != boot():
            return frozenset()
        return frozenset(each for each in cast("list[object]", found) if type(each) is int)

    def _is_ours(self, port: int, *, silent: bool) -> bool:
        """Return whether who has a port is a worker of the directory, and nobody else's as well."""
        only = only_these(port, self._sockets())
        # Where the system does not say who listens, it is believed of who has the lease.
        return silent and self._lease.holder().get("port") == port if only is None else only

    def _without_lease(self, *, silent: bool) -> None:
        try:
            self._begin(silent=silent)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise

    def _compare(self) -> None:
        """Say so, if the worker that serves does so elsewhere: that would be a second target."""
        holder = self._lease.holder()
        host, port = holder.get("host"), holder.get("port")
        if not isinstance(host, str) or not isinstance(port, int):
            return
        if (host, port) != self._address and self._address[1] != 0:
            self._warn(
                f"a second target: this worker was told to serve metrics on "
                f"{self._address[0]}:{self._address[1]}, and another one of the same state "
                f"directory serves them on {host}:{port}. Two targets would double every number, "
                "so this one waits; give all workers of a state directory one port"
            )

    # --- from then on ----------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._over.wait(_LOOK_SECONDS if self.server is None else _BEAT_SECONDS):
            try:
                if self.server is None:
                    self._look()
                else:
                    self._keep(self.server)
            except OSError as error:
                self._warn(f"cannot take over the metrics: {error}")

    def _keep(self, server: MetricsServer) -> None:
        """Renew the lease; stop serving without it, for another worker does."""
        if self._lease.held and not self._lease.beat():
            self._lease.give_up()
            # The directory may have been removed, and nobody else serves.
            if self._lease.take():
                self._started(server)
                return
            self.server = None
            server.close()
            self._warn("another worker has taken over the metrics; this one waits")
        elif not self._lease.held:
            # The file could not be used, and perhaps can be by now: whoever comes next looks there.
            with suppress(OSError):
                if self._lease.take():
                    self._started(server)
        elif server.unsettled():
            # One that was stopped has gone: the kernel has numbered the others anew.
            server.close()
            self._started(self._serve(Sharing.BESIDE))

    def close(self) -> None:
        """Stop serving, or waiting to."""
        self._over.set()
        if self._thread is not None:
            self._thread.join()
        if self.server is not None:
            self.server.close()
        self._lease.give_up()

    def abandon(self) -> None:
        """Leave the lease to the parent, in a forked child."""
        self._over.set()
        self._thread = None
        self._lease.give_up(unlock=False)


_live: Final[weakref.WeakSet[SharedTarget]] = weakref.WeakSet()


def _abandon_in_child() -> None:
    for target in list(_live):
        target.abandon()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_abandon_in_child)
