"""The files as a machine that lost power might leave them."""

import logging
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import RLock

import pytest

from agent_analytics.processor import _schema
from agent_analytics.processor._durable import DurableStore

POINTS = 200
STEP = 7
PAGE = 4096
WRITER = Path(__file__).with_name("writer.py")

Values = dict[tuple[str, ...], list[int]]


@contextmanager
def stopped(process: "subprocess.Popen[str]") -> Iterator[None]:
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


def load(path: Path) -> tuple[Values, DurableStore]:
    """Return what a new worker finds, taking over the slot."""
    store = DurableStore(path, "shop", b"key", RLock(), time.time)
    store.open_block(_schema.RATING, ("acme", "new"), 0.0).cells[0] += 1
    assert store.slot == 0
    found = {
        block.labels: block.cells.tolist()
        for block in store.restored()
        if block.schema is _schema.TOOL
    }
    return found, store


@pytest.mark.slow
def test_files_of_any_moment_load(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Cut, rolled back or neither: a counter has a value that it had, or its damage is said."""
    dice = random.Random(5)
    live = tmp_path / "live"
    with subprocess.Popen(
        [sys.executable, str(WRITER), str(live), "5"], stdout=subprocess.PIPE, text=True
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
                header_is_old = False
                if earlier and point % 3:
                    old = dice.choice(earlier)
                    pages = min(len(old), len(data)) // PAGE
                    used = max(i for i in range(pages) if any(data[i * PAGE : (i + 1) * PAGE]))
                    for page in dice.sample(range(used + 1), dice.randint(1, max(1, used // 2))):
                        data[page * PAGE : (page + 1) * PAGE] = old[page * PAGE : (page + 1) * PAGE]
                        header_is_old |= page == 0
                        rolled_back += 1
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
                assert missing == 0 or told or header_is_old
                lost += missing
                said += told
                # Counting goes on, and what is added now is found by the next.
                store.open_block(_schema.TOOL, ("acme", "finder", "after"), 0.0).cells[0] += STEP
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
