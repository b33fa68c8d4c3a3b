"""Finds, starts and stops real servers, Prometheus above all, on free loopback ports."""

import atexit
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Final

LOOPBACK: Final = "127.0.0.1"
#: What to install where a server is not there, by its command.
PACKAGES: Final = {
    "prometheus": "prometheus (Debian, Ubuntu: apt-get install prometheus; macOS: brew install"
    " prometheus; Fedora: dnf install golang-github-prometheus)",
    "prometheus-alertmanager": "Alertmanager (Debian, Ubuntu: apt-get install"
    " prometheus-alertmanager; macOS: brew install alertmanager; Fedora: dnf install"
    " golang-github-prometheus-alertmanager)",
}
#: What a command is packaged with.
_COMES_WITH: Final = {"promtool": "prometheus"}
#: Other names under which a server may be installed.
_ALIASES: Final = {"prometheus-alertmanager": ("prometheus-alertmanager", "alertmanager")}
_READY_SECONDS: Final = 30.0
_STOP_SECONDS: Final = 8.0
_LOG_LINES: Final = 12


class ServerError(RuntimeError):
    """A server is not installed, did not become ready, or died; the message says which and why."""


def free_port() -> int:
    """Return a loopback TCP port that nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
    return port


def find_command(command: str) -> str:
    """Return the full path of a server's command.

    Raises:
        ServerError: It is not on ``PATH``; the message names the package to install.
    """
    for name in _ALIASES.get(command, (command,)):
        found = shutil.which(name)
        if found:
            return found
    package = PACKAGES[_COMES_WITH.get(command, command)]
    msg = f"{command} is not on PATH; install {package}"
    raise ServerError(msg)


class Server:
    """One child process that answers HTTP on a loopback port.

    It is stopped with SIGTERM, then SIGKILL; when this process dies without stopping it, the
    kernel does (where ``setpriv`` exists), and it sits in a session of its own, so that Ctrl-C in
    a terminal reaches it through us and not before us.
    """

    def __init__(self, name: str, arguments: Sequence[str], *, port: int, log: Path) -> None:
        """Start ``arguments`` and remember that it will answer on ``port``."""
        self.name = name
        self.port = port
        self._log = log
        guard = shutil.which("setpriv")
        wrapped = [guard, "--pdeathsig", "KILL", *arguments] if guard else list(arguments)
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                wrapped,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        atexit.register(self.stop)

    @property
    def url(self) -> str:
        """Address of its web interface, without a slash at the end."""
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the process still runs."""
        return self._process.poll() is None

    def last_lines(self) -> str:
        """Return the end of its log."""
        text = self._log.read_text(encoding="utf-8", errors="replace")
        return "\n".join(text.splitlines()[-_LOG_LINES:])

    def check(self) -> None:
        """Raise ServerError, with the end of its log, where it has died."""
        if not self.alive:
            msg = f"{self.name} ended with status {self._process.returncode}:\n{self.last_lines()}"
            raise ServerError(msg)

    def wait_ready(self, seconds: float = _READY_SECONDS) -> None:
        """Wait until it answers on ``/-/ready``.

        Raises:
            ServerError: It died, or was not ready in time.
        """
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.check()
            try:
                with urllib.request.urlopen(f"{self.url}/-/ready", timeout=2):
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
        msg = f"{self.name} was not ready after {seconds:.0f} s:\n{self.last_lines()}"
        raise ServerError(msg)

    def stop(self) -> None:
        """End the process and wait for it; calling again does nothing."""
        atexit.unregister(self.stop)
        if not self.alive:
            return
        self._signal(signal.SIGTERM)
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._signal(signal.SIGKILL)
            self._process.wait(_STOP_SECONDS)

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)
