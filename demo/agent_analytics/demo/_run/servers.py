"""Starts and stops Prometheus and Alertmanager for the demo, on free loopback ports."""

import tempfile
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from agent_analytics.insights.past import (
    LOOPBACK,
    PACKAGES,
    Server,
    ServerError,
    find_command,
    free_port,
)

__all__ = ["LOOPBACK", "PACKAGES", "Server", "ServerError", "Servers", "find_command", "free_port"]

_ATTEMPTS: Final = 3


class Servers:
    """Prometheus and Alertmanager with their temporary files, as one context manager."""

    def __init__(self) -> None:
        """Find both commands and make the temporary directory.

        Raises:
            ServerError: One of the commands is not on ``PATH``.
        """
        self._commands = {name: find_command(name) for name in PACKAGES}
        self._home = tempfile.TemporaryDirectory(prefix="agent-analytics-demo-")
        self.directory = Path(self._home.name)
        self.prometheus_port = free_port()
        self.alertmanager_port = free_port()
        self.running: list[Server] = []

    def __enter__(self) -> Self:
        """Return itself; nothing runs yet."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop whatever runs and remove the temporary files."""
        for server in reversed(self.running):
            server.stop()
        self._home.cleanup()

    def start_alertmanager(self, config: Path) -> Server:
        """Start Alertmanager alone (no cluster) and wait until it is ready."""
        self.alertmanager_port, server = self._start(
            "prometheus-alertmanager",
            self.alertmanager_port,
            [
                f"--config.file={config}",
                f"--storage.path={self.directory / 'alertmanager'}",
                "--cluster.listen-address=",
            ],
        )
        return server

    def start_prometheus(self, config: Path) -> Server:
        """Start Prometheus and wait until it is ready."""
        self.prometheus_port, server = self._start(
            "prometheus",
            self.prometheus_port,
            [
                f"--config.file={config}",
                f"--storage.tsdb.path={self.directory / 'prometheus'}",
            ],
        )
        return server

    def check(self) -> None:
        """Raise ServerError where one of the servers has died."""
        for server in self.running:
            server.check()

    def _start(self, command: str, port: int, flags: list[str]) -> tuple[int, Server]:
        for attempt in range(1, _ATTEMPTS + 1):
            server = Server(
                command,
                [self._commands[command], *flags, f"--web.listen-address={LOOPBACK}:{port}"],
                port=port,
                log=self.directory / f"{command}.log",
            )
            try:
                server.wait_ready()
            except BaseException:
                server.stop()
                # Between our look for a free port and its start, somebody else may take it.
                if attempt == _ATTEMPTS or "address already in use" not in server.last_lines():
                    raise
                port = free_port()
            else:
                self.running.append(server)
                return port, server
        raise AssertionError  # every turn of the loop returns, raises or tries again
