"""Invocations that start while the file of their worker is put back, or left for another one."""

import shutil
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.durable.conftest import Worker

from agent_analytics.instrumentation import vocabulary as v

AGENT = {v.OPERATION_NAME: v.INVOKE_AGENT, v.PUBLISHER_ID: "acme", v.AGENT_ID: "finder"}
MOVES = 20


@pytest.fixture
def often() -> Iterator[None]:
    """Let threads take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


class Counting:
    """A worker, and a thread that counts with it until it is stopped."""

    def __init__(self, state: Path) -> None:
        self.worker = Worker(state)
        self.worker.invoke()
        self.worker.still()
        self.counted = 1
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._count)
        self._thread.start()

    def _count(self) -> None:
        while not self._over.is_set():
            self.worker.tracer.start_span("invoke", attributes=AGENT).end()
            self.counted += 1

    def stop(self) -> None:
        """Stop counting."""
        self._over.set()
        self._thread.join()
        self.worker.still()


@pytest.fixture
def counting(tmp_path: Path) -> Iterator[Counting]:
    """Return a worker that counts meanwhile; its directory is ``state``."""
    one = Counting(tmp_path / "state")
    yield one
    one.stop()


@pytest.mark.usefixtures("often")
def test_starts_while_the_directory_is_removed(counting: Counting, tmp_path: Path) -> None:
    """All that start and end meanwhile are counted, and none is left in progress, nor one too few.

    What is in the file is copied while the interpreter is free for others: a cell that is added to
    without the lock then would be added to in the old memory alone.
    """
    for _ in range(MOVES):
        shutil.rmtree(tmp_path / "state", ignore_errors=True)  # new files come meanwhile
        counting.worker.upkeep()
    counting.stop()
    assert counting.worker.value("invocations_total") == counting.counted
    assert counting.worker.value("invocations_in_progress") == 0


@pytest.mark.usefixtures("often")
def test_starts_while_a_file_is_put_back(counting: Counting) -> None:
    """So it is where a thread that holds no lock meets the fault, and puts memory in its place."""
    store: Any = counting.worker.processor
    for _ in range(MOVES):
        store._store._slot.file.rescue_all()  # noqa: SLF001 - what the handler of the signal calls
        counting.worker.upkeep()
    counting.stop()
    assert counting.worker.value("invocations_total") == counting.counted
    assert counting.worker.value("invocations_in_progress") == 0
