"""Who listens on the port already is displaced only where it is a stopped worker of our own."""

import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Generator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
from tests.durable.test_stopped import Start, Worker, answered, listening, serving, start
from tests.patience import patience, wait_for
from tests.ports import free_port

from agent_analytics.exporters import configure
from agent_analytics.exporters._workers import target
from agent_analytics.exporters._workers.shared_port import only_these
from agent_analytics.processor.machine import boot

__all__ = ["start"]

#: Another program, of the same user, that shares its port and is stopped.
STRANGER = """
import os, signal, socket, sys
listener = socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET)
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
listener.bind((sys.argv[1], int(sys.argv[2])))
listener.listen()
print("listens", flush=True)
os.kill(os.getpid(), signal.SIGSTOP)
"""


@pytest.fixture
def strangers() -> Generator[ExitStack]:
    """Return what strangers are put into, who are killed after the test."""
    with ExitStack() as started:
        yield started


def stranger(strangers: ExitStack, port: int, host: str = "127.0.0.1") -> int:
    """Start a stranger that listens and is stopped, and return its process."""
    process = subprocess.Popen(
        [sys.executable, "-c", STRANGER, host, str(port)], stdout=subprocess.PIPE, text=True
    )
    strangers.callback(process.communicate)
    strangers.callback(process.kill)
    os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WNOWAIT)
    return process.pid


def refused(port: int, state: Path) -> str:
    """Start a worker that cannot serve, and return what it says."""
    worker = Worker(port, state)
    assert worker.process.stdin is not None
    worker.process.stdin.close()  # one that serves ends then, too
    worker.process.stdin = None
    said = worker.process.communicate(timeout=patience())[1]
    assert "in use" in said
    return said


def heard(worker: Worker, words: str) -> None:
    """Wait until a worker has logged something."""
    stream = worker.process.stderr
    assert stream is not None
    os.set_blocking(stream.fileno(), False)
    found = bytearray()

    def look() -> bool:
        with suppress(BlockingIOError):
            found.extend(os.read(stream.fileno(), 65536))
        return words.encode() in found

    wait_for(look, f"{words!r} to be logged")


def served_once(start: Start, port: int, state: Path) -> dict[str, Any]:
    """Let a worker serve and die, and return what it leaves in the lease."""
    (one,) = start(port, state)
    one.process.kill()
    one.process.wait()
    document: dict[str, Any] = json.loads((state / "target").read_text())
    return document


def test_a_stopped_service_with_another_directory(start: Start, tmp_path: Path) -> None:
    """A service that has served before does not take the port of another one that is stopped."""
    port = free_port()
    served_once(start, port, tmp_path / "ours")
    (other,) = start(port, tmp_path / "theirs")
    other.stop()
    refused(port, tmp_path / "ours")
    assert listening(port) == 1
    other.wake()
    assert answered(port) == {1}


def test_a_lease_that_says_nothing(
    strangers: ExitStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What an earlier version left, a broken disk or an earlier boot makes nobody one of ours."""
    monkeypatch.setattr(target, "_ANSWER_SECONDS", 0.1)
    port = free_port()
    stranger(strangers, port)
    own = {"port": port, "pid": os.getpid(), "sockets": [_inode(port)]}
    for left in (
        "{",
        "[]",
        "{}",
        '{"port": 1, "sockets": "all"}',
        f'{{"boot": {boot()}, "sockets": [true, null, -1, 1e400, {{}}]}}',
        f'{{"boot": {boot()}, "sockets": []}}',
        json.dumps(own),
        json.dumps(own | {"boot": boot() + 1}),
    ):
        (tmp_path / "target").write_text(left)
        with pytest.raises(OSError, match="in use"):
            configure("shop", metrics_port=port, state_dir=str(tmp_path))
    assert listening(port) == 1
    (tmp_path / "target").write_text(json.dumps(own | {"boot": boot()}))
    configure("shop", metrics_port=port, state_dir=str(tmp_path)).shutdown()


def test_a_stranger_while_somebody_silent_has_the_lease(
    start: Start, strangers: ExitStack, tmp_path: Path
) -> None:
    """A holder of the lease that does not answer is displaced, a stranger on the port is not."""
    port = free_port()
    pid = stranger(strangers, port)
    with (tmp_path / "target").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        (one,) = start(port, tmp_path)
        heard(one, "cannot take over")
    assert listening(port) == 1
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: serving(tmp_path) == one.process.pid, "the worker to serve")
    assert answered(port) == {1}


def _inode(port: int) -> int:
    """Return the number of what listens on a port of loopback."""
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return next(int(line[9]) for line in lines if line[1] == f"0100007F:{port:04X}")


def test_a_stranger_beside_a_stopped_worker(
    start: Start, strangers: ExitStack, tmp_path: Path
) -> None:
    """Where a stranger shares the port with a worker of ours, nobody comes beside both."""
    port = free_port()
    one, two = start(port, tmp_path, 2)
    stranger(strangers, port)
    one.stop()
    assert two.process.stderr is not None
    heard = ""
    while "cannot take over" not in heard:
        line = two.process.stderr.readline()
        assert line, heard
        heard += line
    assert listening(port) == 2


def test_the_heir_of_a_stopped_worker_dies(start: Start, tmp_path: Path) -> None:
    """Whoever comes next knows that the stopped one is of this directory, and serves beside it."""
    port = free_port()
    one, two = start(port, tmp_path, 2)
    one.stop()
    wait_for(lambda: serving(tmp_path) == two.process.pid, "the heir to serve")
    two.process.kill()
    two.process.wait()
    (three,) = start(port, tmp_path)
    assert serving(tmp_path) == three.process.pid
    assert answered(port) == {3}
    one.wake()
    wait_for(lambda: listening(port) == 1, "the one that wakes to close its socket")
    assert answered(port) == {3}


def test_which_addresses_are_in_the_way() -> None:
    """Only who listens on the same address, or on every one, has the port of ours."""
    port = free_port()
    with ExitStack() as opened:
        ours = opened.enter_context(_listener("127.0.0.1", port))
        known = {os.fstat(ours.fileno()).st_ino}
        assert only_these(port, known)
        assert not only_these(port, set())
        assert not only_these(free_port(), known)
        opened.enter_context(_listener("127.0.0.2", port))
        assert only_these(port, known)
        mapped = opened.enter_context(_listener("::ffff:127.0.0.1", port))
        assert not only_these(port, known)
        assert only_these(port, known | {os.fstat(mapped.fileno()).st_ino})
        opened.enter_context(_listener("::", port))
        assert not only_these(port, known | {os.fstat(mapped.fileno()).st_ino})


def _listener(host: str, port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    if host == "::":
        listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    listener.bind((host, port))
    listener.listen()
    return listener
