"""The runs of one owner, which one thread at a time joins and counts.

Runs of different publishers are never one, so each publisher has a lock and a share of every cap
of its own: however long somebody's run is, nobody else's thread counts it or waits for it.
"""

import threading
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakValueDictionary

from agent_analytics.instrumentation.health import note_internal_error

if TYPE_CHECKING:
    from agent_analytics.processor._runs.run import Run

Task = Callable[[], None]
_NOBODY: Final = ""
#: What a thread does of what others have left to do, where it has not come for that alone.
_MOST_TASKS: Final = 1_000


class _Here(threading.local):
    """How deep the running thread is in somebody's runs."""

    depth = 0


class Mates:
    """The runs of one owner.

    Attributes:
        publisher: Whose they are; empty for nobody's.
        waiting: Runs that have ended and wait for others, by ``id()``.
        going_on: Runs whose topmost span is open, by number.
    """

    __slots__ = (
        "__weakref__",
        "_here",
        "_lock",
        "_shared",
        "_tasks",
        "going_on",
        "publisher",
        "waiting",
    )

    def __init__(self, publisher: str, here: _Here, shared: Any) -> None:
        self.publisher = publisher
        self._here = here
        self._lock = threading.Lock()
        self._shared = shared
        self._tasks: deque[Task] = deque()
        self.waiting: dict[int, Run] = {}
        self.going_on: dict[int, Run] = {}

    @property
    def idle(self) -> bool:
        """Whether nothing waits, and nothing is left to do."""
        return not self.waiting and not self._tasks

    def leave(self, task: Task) -> None:
        """Leave something to be done by whoever is at these runs next."""
        self._tasks.append(task)

    def work(self, task: Task) -> None:
        """Do something with these runs when no other thread does; done on return.

        A signal handler or a finalizer may come while this very thread is at somebody's runs, or
        holds the lock of the cells. It waits for nobody then: who is at these runs does it next.
        """
        self._tasks.append(task)
        nested = self._here.depth > 0 or self._shared._is_owned()  # noqa: SLF001 - no other way
        while self._tasks:
            self._here.depth += 1
            try:
                if not self._lock.acquire(blocking=not nested):
                    return
                self._drain(len(self._tasks) + 1)
            finally:
                self._here.depth -= 1

    def try_work(self, task: Task) -> None:
        """Do something with these runs, unless another thread is at them."""
        first: list[Task] = [task]
        self._here.depth += 1
        try:
            left = _MOST_TASKS
            while (first or self._tasks) and left > 0:
                if not self._lock.acquire(blocking=False):
                    return
                self._tasks.extend(first)
                first = []
                left = self._drain(left)
        finally:
            self._here.depth -= 1

    def _drain(self, most: int) -> int:
        """Do what is left to do, and let go of the lock; return how much more could be done."""
        try:
            while self._tasks and most > 0:
                most -= 1
                try:
                    self._tasks.popleft()()
                except Exception:  # noqa: BLE001 - whatever one run holds, the others count
                    note_internal_error("a run of foreign spans")
        finally:
            self._lock.release()
        return most


class AllMates:
    """Finds the runs of an owner.

    Args:
        shared: The lock of the cells.
    """

    def __init__(self, shared: Any) -> None:
        self._shared = shared
        self._here = _Here()
        #: For as long as something of an owner's is going on, or is remembered below.
        self._known: WeakValueDictionary[str, Mates] = WeakValueDictionary()
        #: Owners whose runs wait, or of whom something is left to be done.
        self._busy: dict[int, Mates] = {}

    def of(self, publisher: object) -> Mates:
        """Return the runs of a publisher; what is no text is nobody."""
        name = publisher if type(publisher) is str else _NOBODY
        found = self._known.get(name)
        if found is None:
            made = Mates(name, self._here, self._shared)
            with self._shared:
                found = self._known.setdefault(name, made)
        return found

    def note(self, mates: Mates) -> None:
        """Remember that something of an owner's waits."""
        self._busy[id(mates)] = mates

    def busy(self) -> list[Mates]:
        """Return the owners of whom something waits, the one that was looked at last at the end."""
        return list(self._busy.values())

    def forget_idle(self, mates: Mates) -> None:
        """Forget an owner of whom nothing waits, else look at the others first next time."""
        with self._shared:
            found = self._busy.pop(id(mates), None)
            if found is not None and not found.idle:
                self._busy[id(mates)] = found
