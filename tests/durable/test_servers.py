"""Real servers with several workers under load, killed and restarted."""

import http.client
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tests.patience import patience, wait_for
from tests.ports import free_port

HERE = Path(__file__).parent
WORKERS = 4
KILLS = 50
CLIENTS = 6
Start = Callable[..., Any]

pytestmark = [pytest.mark.slow, pytest.mark.servers]


def ask(port: int, path: str, timeout: float | None = None) -> tuple[int, str]:
    """Return status and body."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout or patience())
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


@contextmanager
def server(arguments: list[str], port: int, state: Path | None, **more: str) -> Generator[int]:
    """Run a server in a process group of its own until it is not needed any more."""
    environment = {**os.environ, **more}
    if state is not None:
        environment["AGENT_ANALYTICS_STATE_DIR"] = str(state)
    with subprocess.Popen(
        [sys.executable, "-m", *arguments],
        cwd=HERE,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        try:
            wait_for_server(port)
            yield process.pid
        finally:
            process.terminate()
            try:
                process.wait(patience())
            except subprocess.TimeoutExpired:
                process.kill()


def wait_for_server(port: int) -> None:
    """Wait until a server answers."""

    def answers() -> bool:
        try:
            ask(port, "/call")
        except OSError:
            return False
        return True

    wait_for(answers, "the server answers", every=0.05)


def gunicorn(port: int, *more: str) -> list[str]:
    """Return the arguments of a gunicorn with four workers."""
    bind = f"127.0.0.1:{port}"
    return ["gunicorn", "shop:app", "-w", str(WORKERS), "-b", bind, "--no-control-socket", *more]


@dataclass
class Load:
    """Clients that call until they are told to stop.

    Attributes:
        answered: Calls that were answered.
        unknown: Calls whose worker was gone before it answered.
        pids: Processes that answered.
    """

    port: int
    answered: int = 1  # the one of wait_for_server
    unknown: int = 0
    pids: set[int] = field(default_factory=set[int])
    over: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def run(self) -> None:
        """Call one after the other."""
        while not self.over.is_set():
            try:
                status, body = ask(self.port, "/call")
            except (OSError, http.client.HTTPException):
                with self.lock:
                    self.unknown += 1
                time.sleep(0.01)
                continue
            assert status == 200
            with self.lock:
                self.answered += 1
                self.pids.add(int(body))


def total(port: int) -> float:
    """Return how many invocations a worker's exposition shows, or -1 if it did not answer."""
    try:
        status, text = ask(port, "/metrics")
    except (OSError, http.client.HTTPException):
        return -1.0
    assert status == 200
    return sum(
        float(line.rpartition(" ")[2])
        for line in text.splitlines()
        if line.startswith("marketplace_agent_invocations_total{")
    )


def slots(state: Path) -> int:
    """Return how many slots there are."""
    return len(list(state.glob("slot-*")))


def children(pid: int) -> list[int]:
    """Return the processes that a process has started."""
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_gunicorn_workers_killed_fifty_times(worker: Start, tmp_path: Path) -> None:
    """No answered call is missing, no counter goes down, and no file is left over."""
    state, port, dice = tmp_path / "state", free_port(), random.Random(1)
    with server(gunicorn(port, "--preload"), port, state) as master:
        load = Load(port)
        clients = [threading.Thread(target=load.run) for _ in range(CLIENTS)]
        for client in clients:
            client.start()
        scrapes: list[float] = []
        kills = 0
        while kills < KILLS:
            time.sleep(dice.uniform(0.05, 0.3))
            scrapes.append(total(port))
            living = children(master)
            if len(living) < WORKERS:
                continue
            os.kill(dice.choice(living), signal.SIGKILL)
            kills += 1
        known = load.answered
        wait_for(lambda: load.answered > known, "a call is answered after the last kill")
        load.over.set()
        for client in clients:
            client.join()
        # A worker that was killed may still hold the port's next connection.
        scrapes.append(wait_for(lambda: max(total(port), 0.0), "a scrape is answered"))
    seen = [scrape for scrape in scrapes if scrape >= 0]
    assert len(seen) > KILLS / 2
    assert seen == sorted(seen), "a counter went down"
    assert load.answered <= seen[-1] <= load.answered + load.unknown
    assert len(load.pids) > WORKERS
    assert slots(state) <= WORKERS
    shown = worker(state)
    assert load.answered <= shown.invocations() <= load.answered + load.unknown
    assert shown.value("invocations_in_progress") == 0


@pytest.mark.parametrize("preload", [True, False])
def test_every_gunicorn_worker_shows_all(preload: bool, tmp_path: Path) -> None:  # noqa: FBT001 - a parameter of the test
    """With and without preloading, calls that came to four workers are in any one's answer."""
    state, port = tmp_path / "state", free_port()
    with server(gunicorn(port, *(["--preload"] if preload else [])), port, state):
        pids = {ask(port, "/call")[1] for _ in range(150)}
        assert len(pids) > 1
        assert {total(port) for _ in range(12)} == {151.0}
    assert 1 < slots(state) <= WORKERS


def test_uvicorn_workers_show_all(tmp_path: Path) -> None:
    """Workers that were spawned and not forked share the directory, too."""
    state, port = tmp_path / "state", free_port()
    arguments = ["uvicorn", "shop:asgi", "--workers", "2", "--port", str(port), "--log-level"]
    with server([*arguments, "error"], port, state):
        for _ in range(60):
            ask(port, "/call")
        assert {total(port) for _ in range(8)} == {61.0}
    assert 1 <= slots(state) <= 2
