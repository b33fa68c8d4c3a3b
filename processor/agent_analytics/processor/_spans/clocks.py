"""Clocks that a user hands in: whatever they return, counting goes on."""

import time
from collections.abc import Callable
from math import isfinite

from agent_analytics.instrumentation.health import note_internal_error


def steady(clock: Callable[[], float]) -> Callable[[], float]:
    """Return a clock that shows its last time again where the given one fails or has no number."""
    if clock is time.monotonic or clock is time.time:
        return clock  # asked for every span, and so directly
    last: float = 0.0

    def read() -> float:
        nonlocal last
        try:
            now = clock()
            if type(now) is not float:
                now = float(now)
            if isfinite(now):
                last = now
        except Exception:  # noqa: BLE001 - telemetry never raises into the host
            note_internal_error("clock")
        return last

    return read
