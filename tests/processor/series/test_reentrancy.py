"""A thread that comes back while it is counting: finalizers, collections and signals."""

import gc
import signal
import threading
import weakref
from collections.abc import Callable

import pytest
from opentelemetry.context import Context
from tests.processor.rig import (
    PENDING,
    InterruptingStore,
    Rig,
    chat,
    invoke,
    needs_core_in_python,
    tool,
)

MakeRig = Callable[..., Rig]


def within_seconds(seconds: float, run: Callable[[], None]) -> None:
    """Fail if ``run`` does not return in time."""
    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    assert not thread.is_alive(), "deadlock"


@needs_core_in_python
def test_a_span_that_ends_while_the_lock_is_held(
    make_rig: MakeRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A finalizer that ends spans in the middle of counting one does not deadlock."""
    monkeypatch.setattr("agent_analytics.processor._wiring.MemoryStore", InterruptingStore)
    rig = make_rig()
    ran: list[int] = []

    def inner() -> None:
        ran.append(1)
        with rig.span(invoke("zeta", "b")):
            rig.run(tool())

    def run() -> None:
        for _ in range(20):
            PENDING.append(inner)
            with rig.span(invoke()):
                rig.run(chat(1))

    within_seconds(20, run)
    assert len(ran) == 20
    assert rig.value("invocations_total", publisher_id="acme") == 20
    assert rig.value("invocations_total", publisher_id="zeta") == 20
    assert rig.value("tool_calls_total") == 20


class Cycle:
    """Garbage that only the collector finds, and that ends an invocation when it does.

    The span is never current: CPython 3.11 may crash where a finalizer sets a context variable
    while another is being set, whoever does.
    """

    def __init__(self, rig: Rig) -> None:
        self.itself = self
        self._finalizer = weakref.finalize(self, self._finish, rig)

    @staticmethod
    def _finish(rig: Rig) -> None:
        rig.tracer("truth").start_span(
            "span", Context(), attributes=dict(invoke("zeta", "b"))
        ).end()


def test_the_garbage_collector_may_end_spans(rig: Rig) -> None:
    """Collections in the middle of spans and scrapes neither deadlock nor lose anything."""
    before = gc.get_threshold()

    def run() -> None:
        gc.set_threshold(1)
        try:
            for _ in range(30):
                Cycle(rig)
                with rig.span(invoke()):
                    rig.run(tool())
                rig.processor.snapshot()
        finally:
            gc.set_threshold(*before)

    within_seconds(60, run)
    gc.collect()
    assert rig.value("invocations_total", publisher_id="acme") == 30
    assert rig.value("invocations_total", publisher_id="zeta") == 30


def test_a_signal_handler_may_end_spans(rig: Rig) -> None:
    """Spans of a handler that interrupts the counting of others all count."""
    handled: list[int] = []

    def handle(_number: int, _frame: object) -> None:
        handled.append(1)
        rig.run(invoke("zeta", "b"))

    before = signal.signal(signal.SIGALRM, handle)
    try:
        for number in range(400):
            if not number % 4:  # one at a time: where the machine is slow they must not nest
                signal.setitimer(signal.ITIMER_REAL, 0.000_05 + number * 0.000_002)
            with rig.span(invoke()):
                rig.run(tool())
            rig.processor.snapshot()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert len(handled) > 3
    assert rig.value("invocations_total", publisher_id="acme") == 400
    assert rig.value("invocations_total", publisher_id="zeta") == len(handled)
