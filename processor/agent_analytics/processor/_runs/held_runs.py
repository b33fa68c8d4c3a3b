"""Runs that wait for one undecided span, and with them what has waited for spans below it.

There may be as many undecided spans above each other as there are runs, so what has waited for one
is handed on to the one above as a whole, and not run by run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Self

from agent_analytics.processor._runs.joined import Joined

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent_analytics.processor._runs.run import Run

#: Runs that are held before those that were counted meanwhile are let go.
_MOST_RUNS: Final = 1_000
#: Where none of them were, as many more as this part of them: what one more costs is bounded.
_PART: Final = 10


class Held(Joined):
    """Runs that wait for one undecided span, in the order in which each came to wait.

    Attributes:
        span_id: The span's id.
        parts: The runs, and those of spans below, each of them as a whole; some wait here no more.
        stirred: Runs that may no longer be whole and at rest, by number.
        into: Those of the span above, which these were handed on to.
    """

    __slots__ = ("_most", "_number", "parts", "span_id", "stirred")

    def __init__(self, span_id: int) -> None:
        self.span_id = span_id
        self.parts: list[Run | Held] = []
        self._number = 0
        self._most = _MOST_RUNS
        self.stirred: dict[int, Run] = {}
        self.into = None

    def add(self, run: Run) -> None:
        """Take in a run that begins to wait, unless it is here."""
        if run.held is not None:
            if run.held.last() is self:
                return
            run.held = None
        self.parts.append(run)
        run.held = self
        if run.linked or run.unfinished():
            self.stirred[run.number] = run
        self._grow(1)

    def _grow(self, number: int) -> None:
        self._number += number
        if self._number < self._most:
            return
        kept: list[Run] = []
        for run in self.runs():
            if run.settled():
                run.above, run.held = self.span_id, None
            else:
                run.held = self
                kept.append(run)
        self.parts = [*kept]
        self._number = len(kept)
        self.stirred = {key: one for key, one in self.stirred.items() if one.held is self}
        self._most = max(_MOST_RUNS, len(kept) + len(kept) // _PART)

    def runs(self) -> list[Run]:
        """Return the runs that wait here."""
        found: list[Run] = []
        left: list[tuple[Held, Iterator[Run | Held]]] = [(self, iter(self.parts))]
        while left:
            held, rest = left[-1]
            for one in rest:
                if isinstance(one, Held):
                    left.append((one, iter(one.parts)))
                    break
                if one.held is held:
                    found.append(one)
            else:
                left.pop()
        return found

    def hand_on(self, above: Self) -> None:
        """Let what waits here wait for the span above, but for what is no longer at rest."""
        above.parts.append(self)
        self.into = above
        for run in self.stirred.values():
            at_rest = id(run) in run.mates.waiting and not run.linked and not run.unfinished()
            if run.held is not None and run.held.last() is above and not at_rest:
                run.above, run.held = above.span_id, None
        self.stirred = {}
        above._most = max(above._most, self._most)
        above._grow(self._number)

    def let_go(self, above: int) -> list[Run]:
        """Return the runs that waited here; from now on each is one of its own.

        Args:
            above: Id of the span above.
        """
        gone = self.runs()
        for run in gone:
            run.above, run.held = above, None
        return gone


def above(run: Run) -> int:
    """Return the id of the span that a run waits for, or was started in; else 0."""
    return run.above if run.held is None else run.held.last().span_id


def stir(run: Run) -> None:
    """Note that a run which waits may not be whole and at rest when the undecided span ends."""
    if run.held is not None:
        run.held.last().stirred[run.number] = run
