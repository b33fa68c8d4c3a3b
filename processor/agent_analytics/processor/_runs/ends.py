"""The end of a run of foreign spans: what it waits for, what it takes in, when it is counted."""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from threading import RLock
from typing import Final

from agent_analytics.processor._caps.eviction import Fair
from agent_analytics.processor._count.core import Node
from agent_analytics.processor._count.count_run import RunCounter
from agent_analytics.processor._count.invocations import InvocationCounter
from agent_analytics.processor._count.observe import observe
from agent_analytics.processor._runs.adopting import Adopting, graft
from agent_analytics.processor._runs.correlate import Calls, OpenRuns, began
from agent_analytics.processor._runs.foreign_span import ForeignSpan
from agent_analytics.processor._runs.held_runs import stir
from agent_analytics.processor._runs.mates import AllMates, Mates
from agent_analytics.processor._runs.run import MOST_PARTS, Reason, Run, State
from agent_analytics.processor._spans import marks
from agent_analytics.processor._spans.undecided import UndecidedSpans
from agent_analytics.processor._trees.placing import Placing
from agent_analytics.processor._trees.tree import below, cut, prune

#: Spans of runs that have ended are remembered, for those that are started in them later.
_REMEMBERED: Final = 5_000
_LONGEST: Final = 256
#: Runs that wait for others to end, and how long, in seconds; the first beyond it is counted.
MOST_WAITING: Final = 1_000
MOST_SECONDS: Final = 60.0
#: Of a run with too many spans, the last ones that are not counted yet.
_KEPT_BACK: Final = 100
#: Spans of a run that was counted: in a larger one, those that end later wait for each other.
_MANY: Final = 64
#: Spans that one scrape counts for owners who are not at it themselves.
MOST_A_SCRAPE: Final = 10_000


def publisher_of(node: Node) -> object:
    """Return whose a span is, or an empty name for nobody's."""
    if node.listing is not None:
        return node.listing.publisher
    return node.run.mates.publisher if isinstance(node, ForeignSpan) else ""


class RunEnds:
    """Counts runs that have ended, each once nothing that belongs to it goes on.

    What is done to a run is done in ``Mates.work`` of its owner, but for what says otherwise.

    Attributes:
        pending: Spans that have ended and were not counted, by id.
        ended: What spans that were counted belong to, by their ids.
        mates: The owners.
    """

    def __init__(
        self,
        placing: Placing,
        counter: RunCounter,
        gauge: InvocationCounter,
        lock: RLock,
        open_runs: OpenRuns,
        undecided: UndecidedSpans,
        clock: Callable[[], float],
    ) -> None:
        self.pending: dict[int, ForeignSpan] = {}
        self.ended: dict[int, Node] = {}
        self.mates = AllMates(lock)
        self._placing = placing
        self._counter = counter
        self._gauge = gauge
        self._lock = lock
        self._open_runs = open_runs
        self._undecided = undecided
        self._clock = clock
        self._waiting: dict[int, Run] = {}
        self._most_ended = Fair(_REMEMBERED, publisher_of)
        self._most_waiting = Fair[Run](MOST_WAITING, lambda run: id(run.mates))

    def forget(self) -> None:
        """Forget every run, in a forked child: they are the parent's."""
        for known in (self.pending, self.ended, self._waiting):
            known.clear()
        self.mates = AllMates(self._lock)
        self._most_ended.forget()
        self._most_waiting.forget()

    def waits(self, run: Run) -> bool:
        """Return whether a run that has ended waits for something."""
        return run.is_waiting

    def take(self, node: ForeignSpan) -> None:
        """Take in a span that has ended; count its run if nothing more belongs to that."""
        run = node.run
        if run.mates.waiting:
            for late in self._overdue(run.mates):
                self._undecided.give_up(late)
                self.settle(late)
        if run.state is not State.COUNTED:
            self.pending[node.span_id] = node
        if node is run.top:
            self.finish(run)
        elif run.is_open:
            return
        elif run.is_waiting:
            run.read = []
            self.count_or_wait(run)
        elif run.size > _MANY and run.unfinished():
            self.count_or_wait(run)  # each by itself would read all of it again
        else:
            self._count(run)

    def finish(self, run: Run) -> None:
        """End a run whose topmost span has ended."""
        with self._lock:
            if not run.is_open:
                return
            run.end()
            if run.counting is not None:
                self._gauge.leave(run.counting)
            self._open_runs.leave(run)
        run.note_calls()
        hosts, run.by_calls = self._open_runs.hosts(run)
        run.wait_for(hosts)
        self._absorb_waiting(run)
        self.count_or_wait(run)

    def count_or_wait(self, run: Run) -> None:
        """Count a run that has ended, unless something that belongs to it has not."""
        reason = self._reason(run)
        if reason is Reason.NOTHING:
            self.settle(run)
            return
        if reason is Reason.SPAN_ABOVE:
            self._undecided.hold(run)
        with self._lock:
            run.wait(reason)
            if id(run) not in self._waiting:
                run.waiting_since = self._clock()
                self._waiting[id(run)] = run.mates.waiting[id(run)] = run
                self.mates.note(run.mates)
        while (gone := self._too_many()) is not None:  # at the cost of whose they are who have most
            if gone.mates is run.mates:
                self.settle(gone)
            else:
                gone.mates.leave(partial(self.settle, gone))
                self.mates.note(gone.mates)

    def _reason(self, run: Run) -> Reason:
        """Return what a run that has ended has to wait for."""
        if run.hosts:
            return Reason.HOSTS
        if run.linked:
            return Reason.LINKS
        if run.unfinished():
            return Reason.PARTS
        return Reason.SPAN_ABOVE if self._undecided.is_above(run) else Reason.NOTHING

    def _too_many(self) -> Run | None:
        """Take one of the runs that wait out, where too many do; its owner is to count it."""
        with self._lock:
            if len(self._waiting) <= MOST_WAITING:
                return None
            key = self._most_waiting.oldest(self._waiting)
            gone = self._waiting.pop(key, None) if key is not None else None
            if gone is not None:
                gone.count()
            return gone

    def _absorb_waiting(self, run: Run) -> None:
        """Take the runs that waited for this one into it, or let them wait on."""
        with self._lock:
            guests = [
                guest
                for guest in run.guests.values()
                if id(run) in guest.hosts and guest.is_waiting
            ]
            run.guests = {}
        guests.sort(key=began)  # what is round others first
        alone: list[Run] = []
        adopting = Adopting(run) if guests else None
        calls = Calls(run)
        for guest in guests:
            if adopting is not None and calls.fit(guest) and adopting.adopt(guest):
                self.merge(guest, run)
                continue
            guest.hosts.pop(id(run), None)
            if not guest.hosts:
                alone.append(guest)
        for guest in alone:
            self.count_or_wait(guest)

    def merge(self, guest: Run, host: Run) -> None:
        """Make the spans of one run, which are in the tree of another by now, that one's."""
        top = guest.top
        with self._lock:
            self._waiting.pop(id(guest), None)
            guest.mates.waiting.pop(id(guest), None)
            stir(guest)
            self._open_runs.merge(guest, host)
            guest.become_part_of(host)
            host.size += guest.size
            fewer, more = sorted((guest.parts, host.parts), key=len)
            more += fewer
            host.parts, guest.parts = more, []
            host.recount()
            if top is not None and top.flags & marks.USAGE:
                top.mark_above(top.flags & marks.USAGE)

    def join_late(self, node: ForeignSpan, runs: list[Run]) -> None:
        """Put runs that waited for a span below it, which has turned out to be one to follow."""
        for run in runs:
            if run.is_waiting and run.top is not None and run.mates is node.run.mates:
                graft(run.top, node)
                self.merge(run, node.run)

    def _overdue(self, mates: Mates) -> Iterator[Run]:
        """Yield what has waited too long; nobody may ever scrape this very process."""
        horizon = self._clock() - MOST_SECONDS
        while (run := next(iter(mates.waiting.values()), None)) is not None:
            if run.waiting_since >= horizon:
                return
            yield run

    def settle_waiting(self) -> None:
        """Count the runs that have ended, but for those that may be part of one that goes on.

        It does no more than a scrape may take; the owner does the rest, or the next scrape.
        """
        left = [MOST_A_SCRAPE]
        for mates in self.mates.busy():
            if left[0] <= 0:
                return
            mates.try_work(partial(self._settle_some, mates, left))
            self.mates.forget_idle(mates)

    def _settle_some(self, mates: Mates, left: list[int]) -> None:
        horizon = self._clock() - MOST_SECONDS
        for run in list(mates.waiting.values()):
            late = run.waiting_since < horizon
            if late:
                self._undecided.give_up(run)
            going_on = bool(run.hosts) or (run.linked and run.unfinished())
            if not going_on and self._undecided.is_above(run):
                self._undecided.hold(run)
                going_on = True
            if late or not going_on:
                left[0] -= max(run.size, len(run.parts))
                self.settle(run)
            if left[0] <= 0:
                return

    def settle_all(self) -> None:
        """Count all that waits; needs no ``work`` round it."""
        for mates in self.mates.busy():
            mates.work(partial(self._settle_every, mates))

    def _settle_every(self, mates: Mates) -> None:
        for run in list(mates.waiting.values()):
            self.settle(run)

    def settle(self, run: Run) -> None:
        """Count a run that has ended, whatever it waits for."""
        with self._lock:
            run.count()
            self._waiting.pop(id(run), None)
            run.mates.waiting.pop(id(run), None)
            stir(run)
            for host in run.hosts.values():
                host.guests.pop(id(run), None)
            run.hosts = {}
            self._open_runs.forget(run)
        run.read = []
        self._count(run)
        top = run.top
        if top is None or run.into is not None:
            return
        keeper = run.unit or run.anchor
        if keeper is not None and type(keeper.tenant) is str and len(keeper.tenant) > _LONGEST:
            keeper = None  # ids of any length must not fill the memory
        kept: list[tuple[int, Node]] = []
        for part in (top, *below(top)):
            self.pending.pop(part.span_id, None)
            unit = part.within() if run.apart else keeper
            if unit is not None:
                kept.append((part.span_id, unit))
        self._remember(kept[-_REMEMBERED:])  # the ones before would be given up at once

    def _remember(self, kept: list[tuple[int, Node]]) -> None:
        for first in range(0, len(kept), _MANY):  # so that nobody waits for all of a long run
            with self._lock:
                self.ended.update(islice(kept, first, first + _MANY))
                while len(self.ended) > self._most_ended.most:
                    gone = self._most_ended.oldest(self.ended)
                    if gone is None:
                        break
                    del self.ended[gone]

    def count_some(self, run: Run) -> None:
        """Count what has ended of a run with too many spans, but for the last."""
        parts = list(run.parts)
        self._count(run, {id(part) for part in parts[: cut(parts, _KEPT_BACK)]})
        self.prune(run)

    def count_apart(self, run: Run, ready: set[int]) -> None:
        """Count what is complete in a run that is still open; its agents are no longer one run."""
        if ready:
            run.apart = True
            self._count(run, ready)
            self.prune(run)

    def prune(self, run: Run) -> None:
        """Let go of what was counted and has nothing open below it."""
        gone = prune(run.top)
        for span_id in gone:
            self.pending.pop(span_id, None)
        run.size = max(0, run.size - len(gone))
        run.most_parts = max(MOST_PARTS, 2 * len(run.parts), run.size // 2)

    def _count(self, run: Run, among: set[int] | None = None) -> None:
        """Count what has ended of a run.

        Args:
            run: The run.
            among: Spans, by ``id()``, of which alone that is done; ``None`` for all.
        """
        if run.into is not None:
            return
        number = len(run.parts)  # others join meanwhile, behind these
        parts = run.parts[:number]
        ready = {
            id(part)
            for part in parts
            if part.ended is not None and not part.settled and (among is None or id(part) in among)
        }
        for part in parts:
            if id(part) in ready:
                part.settled = True
        with self._lock:
            run.parts[:number] = [part for part in parts if not part.settled]
            run.recount()
        if ready:
            placed = self._placing.place(run, ready)
            run.size = len(placed.order.parts)
            for one in placed.upwards():
                seen = observe(one)
                if seen is not None:
                    self._counter.add(one.node, seen)
