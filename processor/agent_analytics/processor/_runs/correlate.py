"""The runs of foreign spans that go on, and which of them a run that has ended may belong to.

Some instrumentations begin a new trace for what runs inside another's span. Whether two runs are
one shows in the context that they were started in: tasks and threads inherit it even where an
instrumentation passes no parent on, and no two requests that are served at once share it. Only
where no context says so, because a library works on threads of its own, do times have to do.
"""

from contextvars import ContextVar
from itertools import count, islice
from threading import RLock
from typing import Final

from agent_analytics.processor import _dialects as d
from agent_analytics.processor._count.core import Node
from agent_analytics.processor._runs.foreign_span import ForeignSpan
from agent_analytics.processor._runs.mates import Mates
from agent_analytics.processor._runs.run import ModelCall, Run
from agent_analytics.processor._trees.tree import NEAR
from agent_analytics.processor._trees.tree_index import Spells

#: Two views of one run start so near to each other where its calls show that they are; a library
#: that hands its events to a pool of threads may be that late, in nanoseconds.
_PERHAPS: Final = 5_000_000_000
#: Open runs that are looked at where no context says so, the latest first.
_MOST_HOSTS: Final = 256
#: Spans of an open run that are looked at, the last to start first.
_MOST_PARTS: Final = 256


class OpenRuns:
    """Runs by number, from their first span until their topmost has ended."""

    def __init__(self, lock: RLock) -> None:
        self._lock = lock
        self._numbers = count(1)
        self._runs: dict[int, Run] = {}
        #: Number of the run that the running code was last seen in. One for each processor: several
        #: on one provider number their runs apart.
        self._current: ContextVar[int] = ContextVar("agent_analytics_run", default=0)

    def begin(self, anchor: Node | None, *, running: bool) -> Run:
        """Return a new run.

        Args:
            anchor: Node of the span that it was started in, if that is none of the run's.
            running: Whether it starts now, and not: is met when it has ended.
        """
        around = self._runs.get(self._current.get())
        run = Run(anchor, next(self._numbers), around)
        with self._lock:
            self._runs[run.number] = run
            if around is not None:
                around.inside[run.number] = run
        if running:
            self._current.set(run.number)
        return run

    @staticmethod
    def place(run: Run, mates: Mates) -> None:
        """Put a new run to those of its owner."""
        run.mates = mates
        mates.going_on[run.number] = run

    def enter(self, run: Run) -> None:
        """Note that the running code is in a run."""
        if self._current.get() != run.number:
            self._current.set(run.number)

    def leave(self, run: Run) -> None:
        """Take a run out whose topmost span has ended; the caller holds the lock."""
        self._runs.pop(run.number, None)
        run.mates.going_on.pop(run.number, None)
        if self._current.get() == run.number:
            self._current.set(0 if run.around is None else run.around.number)

    @staticmethod
    def forget(run: Run) -> None:
        """Part a run that is counted from the one round it; the caller holds the lock."""
        if run.around is not None:
            run.around.inside.pop(run.number, None)
            run.around = None

    @staticmethod
    def merge(guest: Run, host: Run) -> None:
        """Let what was started in the context of one run belong to another; under the lock."""
        host.inside.pop(guest.number, None)
        for inner in guest.inside.values():
            inner.around = host
        host.inside.update(guest.inside)
        guest.inside = {}

    def clear(self) -> None:
        """Forget every run."""
        self._runs.clear()
        self._current.set(0)

    def hosts(self, run: Run) -> tuple[list[Run], bool]:
        """Return the open runs that a run which has ended may turn out to belong to.

        The second value is whether nothing but their calls shows which of them it is.
        """
        top = run.top
        if top is None:
            return [], False
        agents = _has_agents(run)
        # Tools that are started in nothing belong to the agent that was at work meanwhile.
        tools = (
            not agents
            and run.anchor is None
            and any(
                part.ended is not None and part.ended.facts.role == d.TOOL for part in run.parts
            )
        )
        near = [*run.inside.values(), *(() if run.around is None else (run.around,))]
        hosts = [one for one in near if one.is_open]
        if hosts or any(id(run) in one.hosts for one in near):
            held = [
                host
                for host in hosts
                if host.mates is run.mates
                and (
                    _may_hold(host, run, top, agents=agents)
                    or (tools and host.top is not None and host.top.source == top.source)
                )
            ]
            return held, False
        if not run.calls:
            return [], True
        shown = [
            host
            for host in _last(run.mates.going_on, _MOST_HOSTS)
            if _may_show(host, run, top, agents=agents, within=_PERHAPS)
            and (not agents or framework_of(host.top) == framework_of(top))
        ]
        return shown, True


def began(run: Run) -> int:
    """Return when a run began, in nanoseconds since 1970."""
    return run.top.start_ns if run.top is not None else 0


def framework_of(top: ForeignSpan | None) -> str:
    """Return what an instrumentation is for: several for one framework end with its name."""
    last = top.source.rpartition(".")[2] if top is not None else ""
    name = last.lower().replace("-", "").replace("_", "").removesuffix("v2")
    return d.FRAMEWORKS.get(name, name)


def _may_show(host: Run, run: Run, top: ForeignSpan, *, agents: bool, within: int = NEAR) -> bool:
    """Tell whether an open run may be what another instrumentation shows of one that has ended.

    That holds what calls of models it has; an agent is shown by both from the same moment on.
    """
    other = host.top
    if other is None or host.home is not run.home or other.source == top.source:
        return False
    if host.owner != run.owner:
        return False
    if agents:
        return abs(other.start_ns - top.start_ns) <= within
    return other.start_ns <= top.start_ns + NEAR


def _may_hold(host: Run, run: Run, top: ForeignSpan, *, agents: bool) -> bool:
    """Tell whether a run may belong into an open one that it has its context in common with."""
    if _may_show(host, run, top, agents=agents):
        return True
    other = host.top
    return (
        agents
        and other is not None
        and host.home is run.home
        and host.owner == run.owner
        and other.start_ns <= top.start_ns + NEAR
        and any(
            part.ended is None and abs(top.start_ns - part.start_ns) <= NEAR
            for part in islice(reversed(host.parts), _MOST_PARTS)
            if part is not other
        )
    )


class Calls:
    """The model calls of a run, asked whether those of another are the same.

    Args:
        run: A run that has ended.
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self._spells: dict[tuple[int, int], Spells] | None = None

    def fit(self, guest: Run) -> bool:
        """Return whether another may be a view of this one, or of a call in it, by both's calls."""
        if not guest.by_calls:
            return True
        calls = self._run.calls
        if _has_agents(guest):
            return len(guest.calls) == len(calls) and all(
                _one_call(*pair) for pair in zip(guest.calls, calls, strict=True)
            )
        if self._spells is None:
            found: dict[tuple[int, int], list[tuple[int, int]]] = {}
            for call in calls:
                found.setdefault(call.used, []).append((call.start, call.end))
            self._spells = {tokens: Spells(spells) for tokens, spells in found.items()}
        return all(self._has(call) for call in guest.calls)

    def _has(self, call: ModelCall) -> bool:
        spells = (self._spells or {}).get(call.used)
        # One that is near begins before the other is over, by so much, and ends after it began.
        return spells is not None and spells.hold(call.end + NEAR, call.start - NEAR)


def _last(runs: dict[int, Run], most: int) -> list[Run]:
    """Return some runs, the latest first; others begin and end meanwhile."""
    while True:
        try:
            return list(islice(reversed(runs.values()), most))
        except RuntimeError:  # one was added between two steps
            continue


def _one_call(one: ModelCall, other: ModelCall) -> bool:
    apart = max(one.start, other.start) - min(one.end, other.end)
    return one.used == other.used and apart <= NEAR


def _has_agents(run: Run) -> bool:
    return any(
        part.ended is not None and part.ended.facts.role in (d.AGENT, d.WORKFLOW)
        for part in run.parts
    )
