"""How long to wait for an event before it is held that it does not come.

A bound costs nothing where the event comes, so it is long; and on a machine that has other work or
is slow, it is as many times longer. What bounds a wait in a test is `patience()`, never a number.
"""

import os
import time
from collections.abc import Callable
from typing import Final, TypeVar

T = TypeVar("T")

#: What a quiet core of an ordinary machine needs for the work below.
QUIET_SECONDS: Final = 0.02


def _work() -> float:
    begin = time.perf_counter()
    sum(number * number for number in range(300_000))
    return time.perf_counter() - begin


_AT_IMPORT: Final = _work() / QUIET_SECONDS


def slowness() -> float:
    """Return how many times as long as on a quiet machine things take here and now; at least 1."""
    try:
        waiting = os.getloadavg()[0] / (os.cpu_count() or 1)
    except OSError:
        waiting = 1.0
    return max(1.0, waiting, _AT_IMPORT)


def patience(seconds: float = 60.0) -> float:
    """Return how many seconds to wait for what takes far fewer than so many on a quiet machine."""
    return seconds * slowness()


def wait_for(look: Callable[[], T], what: str, *, every: float = 0.02) -> T:
    """Look again and again until what is found is true, and return it; else fail.

    Args:
        look: Returns something false as long as it has not happened.
        what: What is waited for, for the failure.
        every: Seconds between two looks.
    """
    deadline = time.monotonic() + patience()
    while not (found := look()):
        assert time.monotonic() < deadline, f"waited in vain: {what}"
        time.sleep(every)
    return found
