"""Signals and finalizers that end spans on the very thread that is inside the processor."""

import gc
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

Start = Callable[..., Any]


@pytest.mark.parametrize("state", [True, False])
def test_a_signal_handler_that_makes_listings(
    worker: Start,
    tmp_path: Path,
    state: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    """A handler interrupts the making of blocks with blocks of its own: nothing is lost."""
    one = worker(tmp_path / "state")
    if not state:
        one = type(one)(None)
    handled = depth = number = 0
    over = False

    def handle(_number: int, _frame: FrameType | None) -> None:
        nonlocal handled, depth
        if over:  # or a timer would ring for whoever had the signal before
            return
        handled += 1
        depth += 1
        if depth < 3:  # a handler is interrupted, too
            signal.setitimer(signal.ITIMER_REAL, 0.0003)
        one.invoke(f"signal-{handled % 700}", marketplace_tenant_id=f"t-{handled}")
        depth -= 1
        # A timer that goes on by itself leaves a busy machine no time for anything else.
        signal.setitimer(signal.ITIMER_REAL, 0.0005)

    before = signal.signal(signal.SIGALRM, handle)
    signal.setitimer(signal.ITIMER_REAL, 0.0005)
    try:
        while number < 600 or handled <= 20:  # however rarely the machine's timer comes
            number += 1
            one.invoke(f"main-{number % 600}")
    finally:
        over = True
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert one.invocations() == number + handled
    if state:
        after = worker(tmp_path / "state")
        assert after.invocations() == number + handled


class _Ends:
    """Ends a span when it is collected; part of a cycle, so that the collector does it."""

    def __init__(self, end: Callable[[], None]) -> None:
        self.end = end
        self.cycle = self

    def __del__(self) -> None:
        self.end()


def test_finalizers_that_end_spans(worker: Start) -> None:
    """The collector runs inside the processor, and what it ends is counted."""
    one = worker()
    thresholds = gc.get_threshold()
    gc.set_threshold(5)
    try:
        for number in range(500):
            _Ends(lambda n=number: one.invoke(f"gone-{n}"))  # type: ignore[misc]  # default of a lambda
            one.invoke(f"main-{number}")
    finally:
        gc.set_threshold(*thresholds)
    gc.collect()
    assert one.invocations() == 1_000


def test_threads_count_exactly(worker: Start) -> None:
    """Threads that take turns at every few instructions lose nothing, in cells or in blocks."""
    one = worker()
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:

        def count(number: int) -> None:
            for step in range(400):
                one.invoke(f"agent-{step % 40}", marketplace_tenant_id=f"{number}-{step}")

        threads = [threading.Thread(target=count, args=(number,)) for number in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert one.invocations() == 2_400
    assert one.value("revenue_usd_total") == pytest.approx(120)
    assert one.value("invocations_in_progress") == 0
