"""A worker that serves the metrics and is stopped, or hangs: another one serves, and one only."""

import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlencode

import pytest
from tests.cli.prometheus import ask, job, running
from tests.durable.test_target import installs
from tests.patience import patience, wait_for
from tests.ports import free_port

from agent_analytics.exporters import configure
from agent_analytics.exporters._http.listening import Sharing, listen
from agent_analytics.exporters._workers import target

#: Seconds until another worker takes over, by its own clock: see the module ``_target``.
PROMISED = 15
#: A worker whose patience is a tenth of the real one, and that hangs on demand.
SERVE = """
import logging, os, sys, time
logging.basicConfig(level=logging.INFO)
from agent_analytics.exporters import configure
from agent_analytics.exporters._workers import target as _target
from agent_analytics.instrumentation import record_install
if sys.argv[3] == "quick":
    _target._SILENT_LOOKS, _target._ANSWER_SECONDS, _target._BEAT_SECONDS = 6, 0.5, 0.2
    _target._LOOK_SECONDS = 0.05
runtime = configure("shop", int(sys.argv[1]), state_dir=sys.argv[2], hold_seconds=0)
record_install(publisher_id="acme", agent_id="finder", tenant_id="t")
print("ready", flush=True)
for line in sys.stdin:
    if line == "hang\\n":
        sys.setswitchinterval(1e9)  # whoever has the interpreter keeps it
        print("hangs", flush=True)
        while True:
            pass
    record_install(publisher_id="acme", agent_id="finder", tenant_id="t")
    print("counted", flush=True)
"""


class Worker:
    """A worker in a process of its own."""

    def __init__(self, port: int, state: Path, pace: str = "quick") -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", SERVE, str(port), str(state), pace],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._ready = False

    def ready(self) -> "Worker":
        """Wait until the worker has counted one."""
        if not self._ready:
            self._ready = True
            self.heard("ready")
        return self

    def heard(self, word: str) -> None:
        """Wait for a word."""
        assert self.process.stdout is not None
        said = self.process.stdout.readline().strip()
        if said != word:
            self.process.kill()
            pytest.fail(f"{said!r}: {self.process.communicate()[1]}")

    def say(self, word: str) -> None:
        """Let the worker do something."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{word}\n")
        self.process.stdin.flush()

    def count(self) -> None:
        """Count one more, and wait until it has been."""
        self.ready().say("count")
        self.heard("counted")

    def stop(self) -> None:
        """Stop the process between two of its instructions."""
        self.process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self.process.pid, os.WSTOPPED | os.WNOWAIT)

    def wake(self) -> None:
        """Let it go on."""
        self.process.send_signal(signal.SIGCONT)

    def ended(self) -> str:
        """Kill the process, and return what it has said."""
        self.process.kill()
        return self.process.communicate()[1]


Start = Callable[..., list[Worker]]


@pytest.fixture
def start() -> Generator[Start]:
    """Return what starts a worker, which is killed after the test."""
    with ExitStack() as started:

        def begin(port: int, state: Path, number: int = 1, pace: str = "quick") -> list[Worker]:
            workers: list[Worker] = []
            for _ in range(number):
                worker = Worker(port, state, pace)
                started.callback(worker.process.communicate)
                started.callback(worker.process.kill)
                workers.append(worker)
                if len(workers) == 1:
                    worker.ready()  # it serves; the others start at the same time
            return [worker.ready() for worker in workers]

        yield begin


def serving(state: Path) -> int:
    """Return the process that has the lease, by its own word."""
    try:
        return int(json.loads((state / "target").read_text())["pid"])
    except (OSError, ValueError):
        return 0


def listening(port: int) -> int:
    """Return how many sockets listen on a port of loopback."""
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(line[1] == f"0100007F:{port:04X}" and line[3] == "0A" for line in lines)


def answered(port: int, times: int = 6) -> set[float | None]:
    """Return what many scrapes, one after the other, show."""
    return {installs(port) for _ in range(times)}


def test_another_worker_takes_over_and_the_stopped_one_gives_up(
    start: Start, tmp_path: Path
) -> None:
    """Every scrape reaches the heir, whose sum goes on; who wakes closes its socket and waits."""
    port = free_port()
    one, two, three = start(port, tmp_path, 3)
    assert serving(tmp_path) == one.process.pid
    one.stop()
    wait_for(lambda: serving(tmp_path) not in {0, one.process.pid}, "a second worker to serve")
    heir, other = (two, three) if serving(tmp_path) == two.process.pid else (three, two)
    assert answered(port) == {3}
    heir.count()
    other.count()
    assert answered(port) == {5}
    one.wake()
    wait_for(lambda: listening(port) == 1, "the one that wakes to close its socket")
    assert answered(port) == {5}
    assert serving(tmp_path) == heir.process.pid
    one.count()
    assert answered(port) == {6}
    assert "another worker has taken over" in one.ended()
    assert f"process {one.process.pid}, does not answer" in heir.ended()


@pytest.mark.slow
@pytest.mark.parametrize("first", ["wakes", "is killed"])
def test_two_that_are_stopped_one_after_the_other(start: Start, tmp_path: Path, first: str) -> None:
    """Whoever of them wakes or dies first, every scrape reaches the third."""
    port = free_port()
    workers = {worker.process.pid: worker for worker in start(port, tmp_path, 3)}
    stopped: list[Worker] = []
    for _ in range(2):
        owner = workers[serving(tmp_path)]
        owner.stop()
        stopped.append(owner)
        wait_for(
            lambda pid=owner.process.pid: serving(tmp_path) not in {0, pid},  # type: ignore[misc]  # bound
            "another worker to serve",
        )
        assert answered(port) == {3}
    assert listening(port) == 3
    if first == "wakes":
        stopped[0].wake()
    else:
        stopped[0].process.kill()
    wait_for(lambda: listening(port) == 2, "its socket to be closed")
    time.sleep(0.5)  # one beat of the third, which sees that the kernel has numbered anew
    assert answered(port) == {3}


def test_a_worker_that_hangs(start: Start, tmp_path: Path) -> None:
    """A thread that never lets go of the interpreter is as good as stopped."""
    port = free_port()
    one, two = start(port, tmp_path, 2)
    one.say("hang")
    one.heard("hangs")
    wait_for(lambda: serving(tmp_path) == two.process.pid, "the other worker to serve")
    assert answered(port) == {2}


def test_a_worker_that_starts_when_the_one_that_serves_is_stopped(
    start: Start, tmp_path: Path
) -> None:
    """It waits as the others do, and then serves."""
    port = free_port()
    (one,) = start(port, tmp_path)
    one.stop()
    (two,) = start(port, tmp_path)
    wait_for(lambda: serving(tmp_path) == two.process.pid, "the newcomer to serve")
    assert answered(port) == {2}


def test_a_lock_of_somebody_who_does_not_serve(start: Start, tmp_path: Path) -> None:
    """Whoever holds the lock of the lease and answers on no port holds nobody up."""
    port = free_port()
    with (tmp_path / "target").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        (one,) = start(port, tmp_path)
        wait_for(lambda: serving(tmp_path) == one.process.pid, "the worker to serve")
        assert answered(port, 3) == {1}


@pytest.mark.slow
def test_another_service_that_does_not_answer_keeps_its_port(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A service of the same user that is stopped is not displaced from another directory."""
    monkeypatch.setattr(target, "_WAY_SECONDS", 0)
    port = free_port()
    (listener,) = listen("127.0.0.1", port, Sharing.LATER)  # as its server does
    with listener, pytest.raises(OSError, match="in use"):
        configure("shop", metrics_port=port, state_dir=str(tmp_path / "state"))


def test_the_directory_is_removed_while_in_use(start: Start, tmp_path: Path) -> None:
    """The worker that serves goes on; one that starts then waits for it, and is counted."""
    port, state = free_port(), tmp_path / "state"
    one, two = start(port, state, 2)
    assert answered(port, 3) == {2}
    shutil.rmtree(state)
    (three,) = start(port, state)
    wait_for(lambda: installs(port) == 3, "the newcomer to be counted")
    one.count()
    two.count()
    three.count()
    assert wait_for(lambda: installs(port) == 6, "all of them to be counted")
    assert listening(port) == 1


@pytest.mark.slow
def test_as_fast_as_promised(start: Start, tmp_path: Path) -> None:
    """With nothing made quicker, the heir answers within the time that is promised."""
    port = free_port()
    one, _ = start(port, tmp_path, 2, "real")
    one.stop()
    begin = time.monotonic()
    with socket.socket() as probe:  # a scrape is under way when that happens
        probe.connect(("127.0.0.1", port))
    assert wait_for(lambda: serving(tmp_path) not in {0, one.process.pid}, "an heir")
    assert installs(port) == 2
    assert time.monotonic() - begin < patience(PROMISED)


@pytest.mark.servers
@pytest.mark.parametrize(
    "pace",
    [pytest.param("quick", marks=pytest.mark.slow), pytest.param("real", marks=pytest.mark.prove)],
)
def test_what_prometheus_sees(start: Start, tmp_path: Path, pace: str) -> None:
    """One target, no reset, and every event counted, while the worker that serves is stopped twice.

    With nothing made quicker, too.
    """
    port, state = free_port(), tmp_path / "state"
    one, two = start(port, state, 2, pace)
    counted = "marketplace_agent_installs_total"

    with running(tmp_path, [job("agent-analytics", f"127.0.0.1:{port}")]) as prometheus:

        def value(query: str) -> float:
            found = ask(prometheus, f"/api/v1/query?{urlencode({'query': query})}")
            return float(found["result"][0]["value"][1]) if found and found["result"] else -1.0

        total = 0.0
        for _ in range(2):
            by_pid = {worker.process.pid: worker for worker in (one, two)}
            owner = by_pid[wait_for(lambda: serving(state), "a worker to serve")]
            heir = two if owner is one else one
            owner.stop()
            wait_for(lambda pid=heir.process.pid: serving(state) == pid, "an heir")  # type: ignore[misc]  # bound
            heir.count()
            owner.wake()
            owner.count()
            total = float(installs(port, wait=True) or 0)
            wait_for(lambda total=total: value(f"sum({counted})") == total, "a scrape")  # type: ignore[misc]  # bound
        assert total == 6
        assert value(f"max(resets({counted}[10m]))") == 0
        assert value(f"count(count by (instance) (last_over_time({counted}[10m])))") == 1
        assert value("count(up)") == 1
        assert value("up") == 1
