"""The lock knows who has it: a compiled core takes it where somebody does, and not else."""

# ruff: noqa: SLF001 - what is tested is inside
# pyright: reportPrivateUsage=false

import threading
from pathlib import Path
from typing import Any, Final

import pytest
from opentelemetry.context import Context
from opentelemetry.trace import set_span_in_context
from tests.processor.rig import Rig, invoke, tool

from agent_analytics.instrumentation import vocabulary as v
from agent_analytics.processor import AgentMetricsProcessor
from agent_analytics.processor._compiled import WHY_PURE
from agent_analytics.processor._count.core import Lock

AGENT: Final = invoke()[v.AGENT_ID]
#: A tool in the words of the decorators: counted when its span ends.
TOOL: Final = tool() | {v.OUTCOME: v.SUCCESS}
compiled = pytest.mark.skipif(WHY_PURE is not None, reason="the core in Python always takes it")


class Asked:
    """A lock that tells when a thread asks for it.

    Attributes:
        by: Who has asked, in order.
        asked: Set when anybody but the thread that made it asks.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._maker = threading.get_ident()
        self.by: list[int] = []
        self.asked = threading.Event()

    def acquire(self) -> bool:
        """Tell, and wait."""
        self.by.append(threading.get_ident())
        if self.by[-1] != self._maker:
            self.asked.set()
        return self._lock.acquire()

    def release(self) -> None:
        """Let go."""
        self._lock.release()

    def _is_owned(self) -> bool:
        return bool(self._lock._is_owned())  # type: ignore[attr-defined]

    def __enter__(self) -> bool:
        """Tell, and wait."""
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        """Let go."""
        self.release()


@pytest.fixture
def lock(monkeypatch: pytest.MonkeyPatch) -> Asked:
    """Return the lock that is in the processors of a test."""
    made = Asked()
    monkeypatch.setattr("agent_analytics.processor._wiring.RLock", lambda: made)
    return made


def test_how_often_it_is_held() -> None:
    """A hold within a hold is one more; another thread has none of them."""
    lock = Lock(threading.RLock(), always=False)
    seen: list[Any] = []
    assert (lock.held, lock._is_owned()) == (0, False)
    with lock, lock:
        other = threading.Thread(target=lambda: seen.extend((lock.held, lock._is_owned())))
        other.start()
        other.join()
        assert (lock.held, lock._is_owned()) == (2, True)
    assert seen == [2, False]
    assert (lock.held, lock._is_owned()) == (0, False)


def test_an_exception_lets_go_of_it() -> None:
    """Whatever is raised under the lock, nobody has it then."""
    lock = Lock(threading.RLock(), always=False)
    with pytest.raises(OverflowError), lock:
        raise OverflowError
    assert (lock.held, lock._is_owned()) == (0, False)


@pytest.mark.parametrize("always", [False, True])
def test_a_fork_lets_go_of_it(always: bool) -> None:  # noqa: FBT001 - a parameter of a test
    """What a thread held that a forked child does not have is free there."""
    lock = Lock(threading.RLock(), always=always)
    at_rest = lock.held
    gone = threading.Thread(target=lock.__enter__)
    gone.start()
    gone.join()
    assert lock.held == at_rest + 1
    lock._at_fork_reinit()  # as ``_fork`` does in the child
    assert lock.held == at_rest == int(always)
    with lock:
        assert lock.held == at_rest + 1


@compiled
def test_where_cells_may_change_their_place_it_is_always_taken(tmp_path: Path) -> None:
    """With a state directory, no span is added without the lock."""
    assert AgentMetricsProcessor(0)._parts.lock.held == 0  # type: ignore[attr-defined]
    assert AgentMetricsProcessor(0, tmp_path)._parts.lock.held == 1  # type: ignore[attr-defined]


@compiled
def test_where_nobody_has_it_nobody_asks_for_it(lock: Asked) -> None:
    """Spans like those before them are added without the lock, where they are in memory alone."""
    counted = Rig()
    for _ in range(2):
        lock.by.clear()
        with counted.span(invoke()):
            counted.run(TOOL)
    assert lock.by == []
    assert counted.value("tool_calls_total") == 2


@pytest.mark.parametrize("what", ["start", "tool", "invocation"])
def test_who_counts_waits_for_who_has_it(lock: Asked, what: str) -> None:
    """What a thread counts while another one has the lock is counted once that lets go."""
    rig = Rig()
    with rig.span(invoke()):
        rig.run(TOOL)  # whoever makes its cells takes the lock, too
    outer = rig.tracer().start_span("span", Context(), attributes=dict(invoke()))
    inside = rig.tracer().start_span("span", set_span_in_context(outer), attributes=TOOL)
    if what == "invocation":
        inside.end()
    parts = rig.processor._parts
    listing = parts.listings.find("acme", AGENT)
    assert listing is not None

    def cells() -> list[list[int]]:
        return [block.cells.tolist() for block in listing.blocks()]

    def count() -> None:
        try:
            if what == "start":
                rig.tracer().start_span("span", Context(), attributes=dict(invoke()))
            else:
                (inside if what == "tool" else outer).end()
        finally:
            lock.asked.set()  # it has not, where it did not wait

    thread = threading.Thread(target=count)
    before = cells()
    with parts.lock:
        thread.start()
        lock.asked.wait()
        assert thread.ident in lock.by
        assert cells()[: len(before)] == before
    thread.join()
    assert cells() != before
