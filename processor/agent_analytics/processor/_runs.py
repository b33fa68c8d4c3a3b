"""Follows the runs of foreign spans, and counts each when its topmost span has ended."""

from collections.abc import Callable
from threading import RLock
from typing import Final

from opentelemetry.context import Context, get_current
from opentelemetry.sdk.trace import ReadableSpan

from agent_analytics.instrumentation import vocabulary as v
from agent_analytics.instrumentation.health import note_internal_error
from agent_analytics.processor import _dialects as d
from agent_analytics.processor import _nodes
from agent_analytics.processor import _schema as schema
from agent_analytics.processor._adopting import adopt, graft
from agent_analytics.processor._attribution import NO_CONTEXT, Attribution
from agent_analytics.processor._counting import RunCounter
from agent_analytics.processor._followed import MOST_PARTS, Followed, Run, Told, family_of
from agent_analytics.processor._limits import Limits
from agent_analytics.processor._never_ended import Left, complete, left_open, open_since
from agent_analytics.processor._nodes import Node
from agent_analytics.processor._open_runs import OpenRuns, began, fits
from agent_analytics.processor._reading import Attributes, Rest
from agent_analytics.processor._settling import assign_roles
from agent_analytics.processor._silent import Silent, SilentSpans
from agent_analytics.processor._tree import below, cut, prune

#: Spans of runs that have ended are remembered, for those that are started in them later.
_REMEMBERED: Final = 5_000
_LONGEST: Final = 256
#: Runs that wait for others to end, and how long, in seconds; the first beyond it is counted.
_MOST_WAITING: Final = 1_000
_MOST_SECONDS: Final = 60.0
#: Of a run with too many spans, the last ones that are not counted yet.
_SPARED: Final = 100
_RUNS: Final = (d.AGENT, d.WORKFLOW)


class Runs:
    """Keeps foreign spans together until they can be counted."""

    def __init__(
        self,
        attribution: Attribution,
        counter: RunCounter,
        lock: RLock,
        nodes: dict[int, Node],
        read_rest: Callable[[ReadableSpan], Rest],
        clock: Callable[[], float],
        limits: Limits,
    ) -> None:
        self.silent = SilentSpans(limits.open_spans)
        self._most_open_seconds = limits.open_run_seconds
        self._attribution = attribution
        self._counter = counter
        self._lock = lock
        self._nodes = nodes
        self._read_rest = read_rest
        self._clock = clock
        #: One thread at a time joins and counts runs; spans may start and end meanwhile.
        self._settling = RLock()
        self._ended: dict[int, Node] = {}
        self._open_runs = OpenRuns(lock)
        self._waiting: dict[int, Run] = {}
        self._pending: dict[int, Followed] = {}
        self._left = Left(_REMEMBERED)

    def begin(
        self,
        attributes: Attributes,
        span: ReadableSpan,
        span_id: int,
        parent: Node | None,
        context: Context | None,
        *,
        running: bool = True,
    ) -> Followed:
        """Return the node of a foreign span that starts.

        Args:
            attributes: What it carries so far.
            span: The span.
            span_id: Its id.
            parent: Node of the span that it was started in, if that is followed.
            context: What it was started in; ``None`` for what is current.
            running: Whether it starts now, and not: is met when it has ended.
        """
        reused = self._nodes.get(span_id)
        if isinstance(reused, Followed) and reused.span_id == span_id:
            self.give_up(reused)
        below = parent
        if isinstance(below, Followed):
            parent = self.living(below, span, attributes)
        joined = parent if isinstance(parent, Followed) and not parent.settled else None
        if joined is None and parent is below:
            parent, joined = self._left_off(parent, span)
        if parent is not None and running and self._of_another(parent, joined, attributes, context):
            parent = joined = None  # called from inside, and an invocation of its own
        if joined is not None:
            return self._join(joined, span_id, span, attributes, running=running)
        run = self._open_runs.begin(parent, running=running)
        if parent is None and span.parent is not None:
            run.above = span.parent.span_id
        node = run.top = Followed(span_id, span, attributes, parent, run)
        run.parts.append(node)
        if parent is None or parent.listing is None:
            self._surroundings(run, span, context)
        self._show_in_progress(run, attributes, span)
        return node

    def _of_another(
        self,
        parent: Node,
        joined: Followed | None,
        attributes: Attributes,
        context: Context | None,
    ) -> bool:
        """Tell whether baggage says that an agent is another publisher's than what it is in."""
        return _says_agent(attributes) and self._called_by_another(joined or parent, context)

    def _called_by_another(self, around: Node, context: Context | None) -> bool:
        """Tell whether baggage names another publisher than that of the span round a new one."""
        publisher = self._attribution.publisher(context)
        if publisher is None:
            return False
        if isinstance(around, Followed) and around.run.anchor is None and not around.settled:
            return publisher != around.run.owner[0]
        return around.listing is not None and publisher != around.listing.publisher

    def _left_off(
        self, parent: Node | None, span: ReadableSpan
    ) -> tuple[Node | None, Followed | None]:
        """Return what a span was started in, and the span that it goes on from.

        Its parent may have ended; what belongs to it may be linked and no parent at all.
        """
        found: Node | None
        if parent is None and span.parent is not None and not span.parent.is_remote:
            above = span.parent.span_id
            found = self._pending.get(above) or self._ended.get(above)
            if isinstance(found, Followed) and not found.settled:
                return found, found
            return found, None
        if span.links and (parent is None or parent.listing is not None):
            linked = self._linked(span)
            if linked is not None and not linked.settled:
                linked.run.linked = True
                return linked, linked
            if linked is not None:
                return linked.run.unit, None
        return parent, None

    def _linked(self, span: ReadableSpan) -> Followed | None:
        """Return the span of the same framework that one in a trace of its own links to."""
        family = family_of(span)
        for link in span.links:
            found = self._pending.get(link.context.span_id) or self._nodes.get(link.context.span_id)
            if isinstance(found, Followed) and found.family == family:
                return None if self._called_by_another(found, None) else found
        return None

    def _join(
        self,
        above: Followed,
        span_id: int,
        span: ReadableSpan,
        attributes: Attributes,
        *,
        running: bool,
    ) -> Followed:
        """Return the node of a span of a run that goes on."""
        run = above.run
        node = Followed(span_id, span, attributes, above, run)
        with self._lock:
            above.children.append(node)
            run.parts.append(node)
        if len(run.parts) > run.most_parts:
            with self._settling:
                self._count(run, _SPARED)
                for gone in prune(run.top):
                    self._pending.pop(gone, None)
                run.most_parts = max(MOST_PARTS, 2 * len(run.parts))
        if running:
            self._open_runs.enter(run)
        return node

    def end(self, node: Followed, attributes: Attributes, span: ReadableSpan) -> None:
        """Take in what an ended span tells; count its run if it was the topmost."""
        node.let_go()
        if node.settled:
            return
        rest = self._read_rest(span)
        try:
            node.told = node.tell(attributes, span, rest)
        except Exception:  # noqa: BLE001 - whatever it holds, what it ends must end
            note_internal_error("a foreign span")
            node.told = Told(d.Facts(), {}, rest, span.instrumentation_scope, remote=False)
        with self._settling:
            self._settle_overdue()
            run = node.run
            if not run.done or id(run) in self._waiting:
                self._pending[node.span_id] = node
            if node is run.top:
                self._finish(run)
            elif not run.done:
                return
            elif id(run) in self._waiting:
                self._try(run)
            else:
                self._count(run)

    def late(
        self,
        attributes: Attributes,
        span: ReadableSpan,
        span_id: int,
        node: Node | None,
        silent: Silent | None,
    ) -> None:
        """Count a span that was not followed when it started, with what was started in it.

        Args:
            attributes: Those it ended with.
            span: The span.
            span_id: Its id.
            node: What was kept of it, inside a decorated invocation.
            silent: What was kept of it outside.
        """
        if span_id in self._left:
            return
        parent = node.parent if node is not None else None
        if parent is None and span.parent is not None:
            parent = self._nodes.get(span.parent.span_id)
        context = NO_CONTEXT if silent is None else silent.context
        late = self.begin(attributes, span, span_id, parent, context, running=False)
        if node is not None:
            late.flags = node.flags & ~_nodes.PASSED
        if silent is not None:
            late.inside = silent.inside
            with self._settling:
                for run in (silent.runs or {}).values():
                    if id(run) in self._waiting and run.top is not None:
                        graft(run.top, late)
                        self._merge(run, late.run)
        self.end(late, attributes, span)

    def ended_silently(self, silent: Silent) -> None:
        """Let what has waited for a span that told nothing wait for the one above it."""
        with self._settling:
            for run in (silent.runs or {}).values():
                run.above = silent.parent_id
                if id(run) in self._waiting:
                    self._try(run)

    def give_up(self, node: Node) -> None:
        """Stop waiting for a span: what has ended below it is counted."""
        if type(node) is not Followed:
            return
        span = node.span
        if node is node.run.top and not node.run.done:
            with self._settling:
                node.told = left_open(node, span, None if span is None else self._read_rest(span))
                if node.told is None:
                    node.run.apart = True
                else:
                    self._left.add(node.span_id)
                node.let_go()
                self._finish(node.run)
                self._settle(node.run)
            return
        node.let_go()
        if node.told is None:
            node.settled = True

    def after_fork(self) -> None:
        """Forget every run, in a forked child: they are the parent's."""
        for known in (self._ended, self._waiting, self._pending):
            known.clear()
        self._left = Left(_REMEMBERED)
        self._settling = RLock()
        self._open_runs.clear()
        self.silent.spans.clear()

    def settle_failed(self) -> None:
        """Count the runs whose topmost span was given an error and is still open.

        Some instrumentations never end the span of an agent that failed. Should it end after
        all, it has been counted.
        """
        for node in list(self._nodes.values()):
            if node.kind != _nodes.FOLLOWED or not isinstance(node, Followed):
                continue
            span = node.span
            if span is None or node.run.top is not node or node.run.done:
                continue
            if self._read_rest(span)[2] and _read(span, span.attributes or {}).role in _RUNS:
                self._bury(node, span)

    def settle_open(self) -> None:
        """Count what has ended of the runs whose topmost span has been open for too long."""
        horizon = self._clock() - self._most_open_seconds
        tops = open_since(list(self._nodes.values()), horizon)
        if not tops or not self._settling.acquire(blocking=False):
            return
        try:
            for node in tops:
                if not node.run.done:
                    self._count_apart(node.run, horizon)
        finally:
            self._settling.release()

    def _count_apart(self, run: Run, horizon: float) -> None:
        """Count what is complete in a run that is still open; its agents are no longer one run."""
        ready = complete(run, horizon)
        if ready:
            run.apart = True
            self._count(run, only=ready)
            for gone in prune(run.top):
                self._pending.pop(gone, None)

    def living(self, parent: Followed, span: ReadableSpan, attributes: Attributes) -> Node | None:
        """Return what an agent is started in, past agents that failed and never ended.

        An instrumentation that forgets to end the span of an agent that failed leaves it current:
        whatever runs next on that thread looks as if it were inside.

        Args:
            parent: Node of the span that it was started in.
            span: The span that starts.
            attributes: What it carries so far.
        """
        below: Node | None = parent
        while isinstance(below, Followed):
            dead = below.span
            if not below.buried:
                if dead is None or not self._read_rest(dead)[2] or not d.is_known(below.source):
                    return below
                if _read(dead, dead.attributes or {}).role != d.AGENT:
                    return below
            if below is parent and _read(span, attributes).role != d.AGENT:
                return parent
            if dead is not None:
                self._bury(below, dead)
            below = below.parent
        if below is not None and not any(below is one for one in list(self._nodes.values())):
            return None  # an invocation that has ended
        return below

    def _bury(self, node: Followed, span: ReadableSpan) -> None:
        """Take a span that failed and was not ended for ended; count its run if it is the top."""
        rest = self._read_rest(span)
        told = node.tell(span.attributes or {}, span, rest)
        last = max((event.timestamp for event in span.events), default=None)
        told.rest = (*told.rest[:4], told.rest[4] or last or told.rest[3])
        node.told = told
        node.let_go()
        node.buried = True
        if node.run.top is node and not node.run.done:
            with self._settling:
                self._finish(node.run)
                if not node.run.hosts:
                    self._settle(node.run)

    # --- a run's surroundings --------------------------------------------------------------------

    def _surroundings(self, run: Run, span: ReadableSpan, context: Context | None) -> None:
        context = get_current() if context is None else context
        run.within = self._attribution.of_invocation(context)
        run.owner = self._attribution.owner(span, context)
        if span.parent is not None and span.parent.is_remote:
            run.server = self._attribution.owner(span, NO_CONTEXT)
            run.caller = self._attribution.caller(context)
        run.tenant = self._attribution.tenant(context)

    def _show_in_progress(self, run: Run, attributes: Attributes, span: ReadableSpan) -> None:
        if run.anchor is not None or run.within is not None or run.owner[0] is None:
            return
        if not attributes or v.EVENT in attributes:
            return
        facts = _read(span, attributes)
        if facts.role != d.AGENT or not facts.named or facts.graph != d.NO_GRAPH:
            return
        told = {key: attributes[key] for key in (v.AGENT_ID,) if key in attributes}
        run.counting = self._counter.listing_of(run, told, facts.name)
        run.named = run.counting
        if run.counting is not None:
            with self._lock:
                run.counting.cells[schema.IN_PROGRESS] += 1

    # --- the end of a run ------------------------------------------------------------------------

    def _finish(self, run: Run) -> None:
        with self._lock:
            if run.done:
                return
            run.done = True
            run.note_calls()
            if run.counting is not None:
                run.counting.cells[schema.IN_PROGRESS] -= 1
            self._open_runs.leave(run)
            run.hosts = {id(host): host for host in self._open_runs.hosts(run)}
        self._take_in(run)
        self._try(run)

    def _try(self, run: Run) -> None:
        """Count a run that has ended, unless something that belongs to it has not."""
        if not (run.hosts or run.linked or run.unfinished() or self.silent.hold(run)):
            self._settle(run)
            return
        with self._lock:
            if id(run) not in self._waiting:
                run.waiting_since = self._clock()
                self._waiting[id(run)] = run
            too_many = len(self._waiting) > _MOST_WAITING
        if too_many:  # at the cost of whose they are
            own = (one for one in self._waiting.values() if one.owner == run.owner)
            self._settle(next(own, run))

    def _take_in(self, run: Run) -> None:
        """Take the runs that waited for this one into it, or let them wait on."""
        with self._lock:
            guests = [guest for guest in self._waiting.values() if id(run) in guest.hosts]
        guests.sort(key=began)  # what is round others first
        alone: list[Run] = []
        parts = assign_roles(run.top) if guests and run.top is not None else []
        for guest in guests:
            if parts and fits(guest, run) and adopt(parts, guest):
                self._merge(guest, run)
                continue
            guest.hosts.pop(id(run), None)
            if not guest.hosts:
                alone.append(guest)
        for guest in alone:
            self._try(guest)

    def settle_all(self) -> None:
        """Count all that has ended, before the process goes; what is open goes on."""
        with self._settling:
            self.settle_failed()
            for run in list(self._waiting.values()):
                self._settle(run)
            for node in list(self._nodes.values()):
                if isinstance(node, Followed) and node.run.top is node and not node.run.done:
                    self._count_apart(node.run, float("inf"))

    def _merge(self, guest: Run, host: Run) -> None:
        """Make the spans of one run, which are in the tree of another by now, that one's."""
        with self._lock:
            self._waiting.pop(id(guest), None)
            self._open_runs.merge(guest, host)
            for part in guest.parts:
                part.run = host
            host.parts.extend(guest.parts)
            guest.parts = []

    def _settle_overdue(self) -> None:
        """Count what has waited too long; nobody may ever scrape this very process."""
        horizon = self._clock() - _MOST_SECONDS
        while (run := next(iter(self._waiting.values()), None)) is not None:
            if run.waiting_since >= horizon:
                return
            self.silent.forget(run.above)
            self._settle(run)

    def settle_waiting(self) -> None:
        """Count the runs that have ended, but for those that may be part of one that goes on."""
        if not self._settling.acquire(blocking=False):
            return  # another thread is at it, and a scrape waits for nobody
        try:
            horizon = self._clock() - _MOST_SECONDS
            for run in list(self._waiting.values()):
                late = run.waiting_since < horizon
                if late:
                    self.silent.forget(run.above)
                going_on = run.hosts or (run.linked and run.unfinished()) or self.silent.hold(run)
                if late or not going_on:
                    self._settle(run)
        finally:
            self._settling.release()

    def _settle(self, run: Run) -> None:
        with self._lock:
            self._waiting.pop(id(run), None)
            run.hosts = {}
            self._open_runs.forget(run)
        self._count(run)
        top = run.top
        if top is None:
            return
        keeper = run.unit or run.anchor
        if keeper is not None and type(keeper.tenant) is str and len(keeper.tenant) > _LONGEST:
            keeper = None  # ids of any length must not fill the memory
        with self._lock:
            for part in (top, *below(top)):
                self._pending.pop(part.span_id, None)
                kept = part.within() if run.apart else keeper
                if kept is not None:
                    self._ended[part.span_id] = kept
            while len(self._ended) > _REMEMBERED:
                del self._ended[next(iter(self._ended))]

    def _count(self, run: Run, spare: int = 0, only: set[int] | None = None) -> None:
        """Count what has ended of a run, but for the last spans to start: more may tell of them.

        Args:
            run: The run.
            spare: How many of the last spans may not be all.
            only: Spans, by ``id()``, that are counted; ``None`` for all.
        """
        with self._lock:
            ready = {
                id(part)
                for part in run.parts[: cut(run.parts, spare)]
                if part.told is not None and not part.settled and (only is None or id(part) in only)
            }
            for part in run.parts:
                if id(part) in ready:
                    part.settled = True
            run.parts = [part for part in run.parts if not part.settled]
        if ready:
            self._counter.count(run, ready)


def _says_agent(attributes: Attributes) -> bool:
    kind = attributes.get("openinference.span.kind")
    return attributes.get(v.OPERATION_NAME) == v.INVOKE_AGENT or kind == "AGENT"


def _read(span: ReadableSpan, attributes: Attributes) -> d.Facts:
    scope = span.instrumentation_scope
    return d.read(span.name, attributes, scope.name if scope is not None else "")
