"""Foreign spans below one topmost one, until they are counted.

A run is ``OPEN`` until its topmost span ends, ``WAITING`` while something else may belong to it or
it to something else, and ``COUNTED`` from then on. Its methods are the only ones that change the
state; ``RunEnds`` decides when.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Final, NamedTuple, Self

from agent_analytics.processor import _dialects as d
from agent_analytics.processor._runs.joined import Joined
from agent_analytics.processor._spans.attribution import Owner
from agent_analytics.processor._spans.values import MAX_TOKENS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agent_analytics.processor._count.core import Listing, Node
    from agent_analytics.processor._runs.foreign_span import ForeignSpan
    from agent_analytics.processor._runs.held_runs import Held
    from agent_analytics.processor._runs.mates import Mates

#: Spans of one run that are kept; beyond it they are counted with what is known by then.
MOST_PARTS: Final = 10_000


def _plain(count: object) -> int:
    """Return a number of tokens, or -1 for what is none."""
    return count if type(count) is int and 0 <= count <= MAX_TOKENS else -1


class State(Enum):
    """How far a run is."""

    OPEN = "its topmost span goes on"
    WAITING = "its topmost span has ended, and it is not counted yet"
    COUNTED = "it was counted, or is part of another: what ends in it now is counted by itself"


class Reason(Enum):
    """What a run that has ended waits for; of several the first."""

    NOTHING = "it is counted next"
    HOSTS = "runs that go on may turn out to be round it"
    LINKS = "it goes on in other traces, joined by links"
    PARTS = "spans in it have not ended"
    SPAN_ABOVE = "the span that it was started in may still say what it is"


class ModelCall(NamedTuple):
    """A model call, as another view of its run may know it.

    Attributes:
        sent: Its input, in tokens; -1 where that is not known.
        received: Its output, alike.
        start: When it began, in nanoseconds since 1970.
        end: When it ended, alike.
    """

    sent: int
    received: int
    start: int
    end: int

    @property
    def used(self) -> tuple[int, int]:
        """Input and output."""
        return self.sent, self.received


class Run(Joined):
    """Foreign spans below one topmost one.

    Attributes:
        top: The topmost span.
        anchor: Node of the span that it was started in, if that is none of the run's; a decorated
            invocation, most of the time.
        within: Listing of the decorated invocation that the context names, where that is no
            longer among the open spans.
        owner: Publisher and listing by baggage, else by the resource; each may be ``None``.
        server: Publisher and listing by the resource alone, where the caller is in another process.
        caller: Publisher that the process which made it says it is, which credits nobody.
        serves: Whether it is a call that another publisher's process made.
        tenant: By baggage.
        counting: Listing whose gauge of invocations in progress counts this run.
        named: Listing that its topmost span named when it started.
        apart: Whether its agents are invocations of their own, since its topmost span stays open.
        hosts: Runs that are still open and may turn out to be round this one, by ``id()``.
        guests: Runs that wait for this one, alike.
        into: The run that this one was taken into, and now belongs to.
        mates: The runs of the same owner.
        size: Spans of it that were counted and are still needed, and others, when last counted.
        linked: Whether it goes on in other traces, joined by links.
        state: How far it is.
        reason: What it waits for, while it does.
        read: All of its spans, where they have their roles from taking others in.
        parts: Spans that were not counted yet.
        unit: The first invocation found in the run.
        number: Its own.
        around: The run in whose context it was started, if that went on.
        inside: Runs that were started in its context and not counted yet, by number.
        calls: Tokens, start and end of the model calls that its own instrumentation records, in
            order, once it has ended.
        by_calls: Whether these have to show which of its hosts it belongs to.
        above: Id of the span that it was started in, if that may still be an agent; else 0.
        held: Where it waits with others for that span.
        waiting_since: When it began to wait for its hosts, on the processor's clock.
        most_parts: More spans than these are counted with what is known by then.
    """

    __slots__ = (
        "_ended",
        "above",
        "anchor",
        "apart",
        "around",
        "by_calls",
        "caller",
        "calls",
        "counting",
        "guests",
        "held",
        "hosts",
        "inside",
        "linked",
        "mates",
        "most_parts",
        "named",
        "number",
        "owner",
        "parts",
        "read",
        "reason",
        "server",
        "serves",
        "size",
        "state",
        "tenant",
        "top",
        "unit",
        "waiting_since",
        "within",
    )

    mates: Mates

    def __init__(self, anchor: Node | None, number: int, around: Run | None) -> None:
        self.anchor = anchor
        self.number = number
        self.around = around
        self.inside: dict[int, Run] = {}
        self.top: ForeignSpan | None = None
        self.within: Listing | None = None
        self.owner = Owner()
        self.server = Owner()
        self.caller: object = None
        self.serves = False
        self.tenant: object = None
        self.counting: Listing | None = None
        self.named: Listing | None = None
        self.apart = False
        self.state = State.OPEN
        self.reason = Reason.NOTHING
        self.parts: list[ForeignSpan] = []
        self.read: list[ForeignSpan] = []
        self.unit: ForeignSpan | None = None
        self.hosts: dict[int, Run] = {}
        self.guests: dict[int, Run] = {}
        self.into = None
        self.size = 0
        self._ended = 0
        self.linked = False
        self.above = 0
        self.held: Held | None = None
        self.calls: tuple[ModelCall, ...] = ()
        self.by_calls = False
        self.waiting_since = 0.0
        self.most_parts = MOST_PARTS

    # --- its states ------------------------------------------------------------------------------

    @property
    def is_open(self) -> bool:
        """Whether its topmost span goes on."""
        return self.state is State.OPEN

    @property
    def is_waiting(self) -> bool:
        """Whether its topmost span has ended, and it was not counted."""
        return self.state is State.WAITING

    def end(self) -> None:
        """Its topmost span has ended: ``OPEN`` to ``WAITING``, for nothing so far."""
        self.state, self.reason = State.WAITING, Reason.NOTHING

    def wait(self, reason: Reason) -> None:
        """It waits for something, or for something else; once more where spans are late."""
        self.state, self.reason = State.WAITING, reason

    def count(self) -> None:
        """It is counted with what is known, whatever it has waited for: to ``COUNTED``."""
        self.state, self.reason = State.COUNTED, Reason.NOTHING

    def become_part_of(self, host: Self) -> None:
        """It is counted with another, whose spans its own are by now: to ``COUNTED``."""
        self.into = host
        self.count()

    # --- its spans -------------------------------------------------------------------------------

    def note_calls(self) -> None:
        """Remember the tokens of its model calls, by which another view of it is known."""
        source = self.top.source if self.top is not None else ""
        found = (
            ModelCall(
                _plain(part.ended.facts.tokens.sent),
                _plain(part.ended.facts.tokens.received),
                part.start_ns,
                part.ended.end or 0,
            )
            for part in self.parts
            if part.ended is not None
            and part.ended.facts.role == d.MODEL
            and part.ended.facts.tokens is not None
            and part.source == source
        )
        self.calls = tuple(sorted(found))

    def settled(self) -> bool:
        """Tell whether all of it was counted."""
        return self.top is not None and self.top.settled

    def unfinished(self) -> bool:
        """Tell whether anything in it has not ended."""
        parts = self.parts
        place = self._ended
        while place < len(parts) and (parts[place].ended is not None or parts[place].settled):
            place += 1
        self._ended = place
        return place < len(parts)

    def has_more(self) -> bool:
        """Return whether anything in it has ended and was not counted."""
        return any(part.ended is not None and not part.settled for part in self.parts)

    def recount(self) -> None:
        """Note that ``parts`` are others now; what has ended is at other places."""
        self._ended = 0

    def wait_for(self, hosts: Iterable[Run]) -> None:
        """Wait for runs to end that may turn out to be round this one."""
        self.hosts = {id(host): host for host in hosts}
        for host in self.hosts.values():
            host.guests[id(self)] = self

    @property
    def home(self) -> Node | None:
        """The decorated invocation that the run is in."""
        return self.anchor.within() if self.anchor is not None else None
