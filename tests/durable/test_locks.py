"""Locks of a state directory: waited for as long as they go round, and nothing is lost without."""

import fcntl
import os
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.patience import patience

from agent_analytics.processor._durable._files import shared_file
from agent_analytics.processor._durable._files.locks import lock_in_turn, unlock

Start = Callable[..., Any]


@contextmanager
def held(path: Path) -> Generator[None]:
    """Hold a lock, as a process does that was stopped with it."""
    with path.open("r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def test_a_lock_that_goes_round_is_waited_for(tmp_path: Path) -> None:
    """Several that want it at once all get it, although each waits longer than for one holder."""
    path = tmp_path / "lock"
    got: list[int] = []

    def work(number: int) -> None:
        lock = lock_in_turn(path, 0.5)
        assert lock is not None
        time.sleep(0.3)  # what a slow disk takes: all of them take far longer than half a second
        unlock(lock)
        got.append(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(got) == [*range(6)]


def test_a_lock_that_stays_in_the_same_hands_is_given_up(tmp_path: Path) -> None:
    """Who was stopped with it holds nobody up."""
    path = tmp_path / "lock"
    path.touch(0o600)
    with held(path):
        begin = time.monotonic()
        assert lock_in_turn(path, 0.05) is None
        assert time.monotonic() - begin < patience(5)


def test_nobody_writes_ids_without_the_lock(
    worker: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An id that came while somebody had the lock counts once here, and once for all afterwards."""
    monkeypatch.setattr(shared_file, "_LOCK_SECONDS", 0.01)
    monkeypatch.setattr(shared_file, "_IMPATIENT_SECONDS", 0)
    state = tmp_path / "state"
    one, two = worker(state), worker(state)
    one.event("install", "before")
    with held(state / "event-ids"):
        before = (state / "event-ids").read_bytes()
        for _ in range(3):
            one.event("install", "meanwhile")
        two.event("install", "before")
        assert (state / "event-ids").read_bytes() == before
        assert one.value("installs_total") == 2
    one.upkeep()
    two.event("install", "meanwhile")
    two.event("install", "after")
    one.event("install", "after")
    assert one.value("installs_total") == two.value("installs_total") == 3


def test_nobody_writes_shares_without_the_lock(
    worker: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Names that came while somebody had the lock are admitted, and known to all afterwards."""
    monkeypatch.setattr(shared_file, "_LOCK_SECONDS", 0.01)
    monkeypatch.setattr(shared_file, "_IMPATIENT_SECONDS", 0)
    state = tmp_path / "state"
    one, two = worker(state), worker(state)
    one.invoke("first")
    filled = one.value("agent_analytics_exposition_samples")
    with held(state / "shares"):
        before = (state / "shares").read_bytes()
        one.invoke("second")
        two.invoke("third")
        assert (state / "shares").read_bytes() == before
    one.upkeep()
    two.upkeep()
    three = worker(state)
    shown = [each.value("agent_analytics_exposition_samples") for each in (one, two, three)]
    assert shown == [shown[0]] * 3
    assert shown[0] > filled
    assert os.stat(state / "shares").st_size == len(before)  # noqa: PTH116 - of the same file
