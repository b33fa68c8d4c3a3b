"""The files as a machine that lost power might leave them."""

import logging
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from threading import RLock
from typing import Any

import pytest
from tests import forked

from agent_analytics.processor._durable import DurableStore
from agent_analytics.processor._series import schema

POINTS = 200
STEP = 7
PAGE = 4096
WRITER = Path(__file__).with_name("writer.py")

Values = dict[tuple[str, ...], list[int]]


@contextmanager
def stopped(process: "subprocess.Popen[str]") -> Generator[None]:
    """Stop a process between two of its instructions."""
    process.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WNOWAIT)
    try:
        yield
    finally:
        process.send_signal(signal.SIGCONT)


def laid_out(path: Path, slot: bytes | bytearray) -> Path:
    """Return a state directory with one slot."""
    path.mkdir()
    (path / "slot-0000").write_bytes(slot)
    return path


def roll_back(data: bytearray, old: bytes, dice: random.Random) -> list[int]:
    """Set some of the pages in use to what they were earlier, and return their numbers."""
    count = min(len(old), len(data)) // PAGE
    used = max(i for i in range(count) if any(data[i * PAGE : (i + 1) * PAGE]))
    pages = dice.sample(range(used + 1), dice.randint(1, max(1, used // 2)))
    for page in pages:
        data[page * PAGE : (page + 1) * PAGE] = old[page * PAGE : (page + 1) * PAGE]
    return pages


def load(path: Path) -> tuple[Values, DurableStore]:
    """Return what a new worker finds, taking over the slot."""
    store = DurableStore(path, "shop", b"key", RLock(), time.time)
    store.open_block(schema.RATING, ("acme", "new"), 0.0).cells[0] += 1
    private: Any = store
    assert private._slot.number == 0  # noqa: SLF001 - no other name for it
    found = {
        block.labels: block.cells.tolist()
        for block in store.restored()
        if block.schema is schema.TOOL
    }
    return found, store


@pytest.mark.slow
def test_files_of_any_moment_load(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Cut, rolled back or neither: a counter has a value that it had, or its damage is said."""
    dice = random.Random(5)
    live = tmp_path / "live"
    with forked.start(
        [sys.executable, str(WRITER), str(live), "5"], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        earlier: list[bytes] = []
        said = lost = rolled_back = 0
        try:
            for point in range(POINTS):
                time.sleep(dice.random() * 0.02)
                with stopped(process):
                    whole = (live / "slot-0000").read_bytes()
                copy = laid_out(tmp_path / "whole", whole)
                truth, _ = load(copy)
                shutil.rmtree(copy)
                assert all(0 <= one[0] - one[1] <= STEP for one in truth.values())

                data = bytearray(whole)
                pages: list[int] = []
                if earlier and point % 3:
                    pages = roll_back(data, dice.choice(earlier), dice)
                    rolled_back += len(pages)
                if point % 2:
                    del data[dice.randrange(PAGE, len(data)) :]
                copy = laid_out(tmp_path / "damaged", data)
                earlier.append(whole)

                caplog.clear()
                with caplog.at_level(logging.ERROR, "agent_analytics"):
                    found, store = load(copy)
                told = "begin" in caplog.text
                for labels, cells in found.items():
                    assert 0 <= cells[0] - cells[1] <= STEP, "of two moments"
                    assert cells[0] % STEP == 0
                    assert cells[0] <= truth[labels][0]
                missing = len(truth) - len(found)
                assert missing == 0 or told or 0 in pages
                lost += missing
                said += told
                # Counting goes on, and what is added now is found by the next.
                store.open_block(schema.TOOL, ("acme", "finder", "after"), 0.0).cells[0] += STEP
                del store
                again, _ = load(copy)
                assert again.pop(("acme", "finder", "after"))[0] == STEP
                assert again == found
                shutil.rmtree(copy)
        finally:
            process.kill()
    assert rolled_back > POINTS
    assert lost > 0
    assert said > 0
