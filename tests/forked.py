"""Programs of the tests that start by a fork of a process that has imported the package before.

An interpreter that imports the package, the SDK and the price list works for a second before it
comes to the program, and hundreds of tests start one. So each test worker keeps a process that has
imported them and has done nothing else (``tests/forkserver.py``), and a program begins as a fork of
it: a process of its own, a child of the test's as any other, which ends as an interpreter does.

What a program could see of the difference starts in an interpreter of its own nevertheless:
options of the interpreter, and variables that libraries read when they are imported. A test of what
an import does itself, or of how the interpreter was started, uses ``subprocess``.
"""

import atexit
import ctypes
import json
import os
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[1]
#: Variables that OpenTelemetry or the client of Prometheus may read when it is imported.
_OF_LIBRARIES: Final = ("OTEL_", "PROMETHEUS_")
#: The same, and those that are read when an interpreter starts.
_READ_AT_START: Final = (*_OF_LIBRARIES, "LANG", "LC_", "LD_", "PYTHON", "TZ")
#: What a start by a fork knows how to pass on.
_KNOWN: Final = frozenset({"cwd", "env", "stderr", "stdin", "stdout"})
#: The one option of an interpreter that a program may be started with.
_STRICT: Final = ("-W", "error")
#: The longest request; a longer one is no datagram of a Unix socket's.
_LONGEST: Final = 100_000
#: Option of ``prctl``: who is orphaned below this process becomes its child.
_SUBREAPER: Final = 36


class _Server:
    """The process that forks, one for each test worker."""

    _one: "_Server | None" = None

    def __init__(self) -> None:
        said = [name for name in os.environ if name.startswith(_OF_LIBRARIES)]
        self.environment = _at_start(os.environ)
        for name in said:
            self.environment.pop(name)
        self._connection, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.forkserver", str(theirs.fileno())],
            cwd=ROOT,
            env={name: text for name, text in os.environ.items() if name not in said},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pass_fds=[theirs.fileno()],
        )
        theirs.close()
        self._prctl = ctypes.CDLL(None).prctl
        atexit.register(self._end)

    @classmethod
    def get(cls) -> "_Server":
        """Return the server of this process."""
        if cls._one is None:
            cls._one = cls()
        return cls._one

    def fork(self, request: bytes, files: Sequence[int]) -> int:
        """Start a program, and return its number."""
        self._prctl(_SUBREAPER, 1, 0, 0, 0)
        try:
            socket.send_fds(self._connection, [request], files)
            answer = self._connection.recv(20)
        finally:
            self._prctl(_SUBREAPER, 0, 0, 0, 0)
        assert answer, "the process that forks has ended"
        return int(answer)

    def _end(self) -> None:
        self._connection.close()
        self._process.communicate()


class _Forked(subprocess.Popen[str]):
    """A program as ``subprocess`` has it, but for how it starts."""

    def _execute_child(self, args: Sequence[str], *more: Any) -> None:  # noqa: ANN401 - as theirs
        _, _, _, _, cwd, env, _, _, _, *pipes = more[:15]
        to_read, _, _, to_write, _, to_complain = pipes
        request = json.dumps([list(args), str(cwd or Path.cwd()), dict(env or os.environ)]).encode()
        given = (to_read, to_write, to_complain)
        files = [own if own != -1 else usual for usual, own in enumerate(given)]
        self.pid = _Server.get().fork(request, files)
        private: Any = self  # what is left to do is private to Popen
        private._child_created = True  # noqa: SLF001 - see above
        private._close_pipe_fds(*pipes)  # noqa: SLF001 - see above


def _at_start(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if name.startswith(_READ_AT_START)}


def _by_a_fork(command: Sequence[str], more: Mapping[str, Any]) -> bool:
    """Tell whether a program cannot see that an interpreter has not started for it."""
    if sys.platform != "linux" or command[0] != sys.executable or not more.keys() <= _KNOWN:
        return False
    option, argument = command[1:3] if len(command) > 2 else (command[1], "")
    known = option in {"-c", "-m"} or option.endswith(".py") or (option, argument) == _STRICT
    if not known:
        return False
    environment = more.get("env") or os.environ
    long = sum(map(len, command)) + sum(map(len, environment)) > _LONGEST
    return not long and _at_start(environment) == _Server.get().environment


def start(command: Sequence[str], **more: Any) -> subprocess.Popen[str]:  # noqa: ANN401 - as theirs
    """Start a program of Python's; as ``subprocess.Popen`` with ``text=True``."""
    kind = _Forked if _by_a_fork(command, more) else subprocess.Popen[str]
    return kind(command, text=True, **more)


def run(
    command: Sequence[str],
    *,
    check: bool,
    capture_output: bool = False,
    timeout: float | None = None,
    **more: Any,  # noqa: ANN401 - as theirs
) -> subprocess.CompletedProcess[str]:
    """Run a program of Python's to its end; as ``subprocess.run`` with ``text=True``."""
    if capture_output:
        more |= {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with start(command, **more) as process:
        try:
            said, complained = process.communicate(timeout=timeout)
        except BaseException:
            process.kill()
            raise
    done = subprocess.CompletedProcess(command, process.returncode, said, complained)
    if check:
        done.check_returncode()
    return done
