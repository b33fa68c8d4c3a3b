"""Follows the runs of foreign spans, and counts each when its topmost span has ended."""

from collections.abc import Callable
from functools import partial
from threading import RLock
from typing import Final

from opentelemetry.context import Context, get_current
from opentelemetry.sdk.trace import ReadableSpan

from agent_analytics.instrumentation import vocabulary as v
from agent_analytics.instrumentation.health import note_internal_error
from agent_analytics.processor import _dialects as d
from agent_analytics.processor._caps.eviction import Fair
from agent_analytics.processor._caps.limits import Limits
from agent_analytics.processor._count.core import Listing, Node
from agent_analytics.processor._count.count_run import RunCounter
from agent_analytics.processor._count.invocations import InvocationCounter
from agent_analytics.processor._runs.correlate import OpenRuns
from agent_analytics.processor._runs.ends import RunEnds
from agent_analytics.processor._runs.foreign_span import ForeignSpan, family_of
from agent_analytics.processor._runs.held_runs import stir
from agent_analytics.processor._runs.never_ended import complete, left_open, open_since
from agent_analytics.processor._runs.run import Run
from agent_analytics.processor._runs.span_end import SpanEnd
from agent_analytics.processor._spans import marks as _nodes
from agent_analytics.processor._spans.attribution import NO_CONTEXT, Attribution
from agent_analytics.processor._spans.sdk_access import Attributes, EndFields, as_it_stands
from agent_analytics.processor._spans.undecided import Undecided, UndecidedSpans
from agent_analytics.processor._trees.placing import Placing
from agent_analytics.processor._trees.tree import role_of_open

#: Agents that were given up are remembered: should they end after all, they were counted.
_MOST_LEFT: Final = 5_000
_RUNS: Final = (d.AGENT, d.WORKFLOW)


class Runs:
    """Keeps foreign spans together until they can be counted."""

    def __init__(
        self,
        attribution: Attribution,
        placing: Placing,
        counter: RunCounter,
        gauge: InvocationCounter,
        lock: RLock,
        nodes: dict[int, Node],
        read_end: Callable[[ReadableSpan], EndFields],
        clock: Callable[[], float],
        limits: Limits,
    ) -> None:
        self.undecided = UndecidedSpans(limits.open_spans)
        self._most_open_seconds = limits.open_run_seconds
        self._attribution = attribution
        self._placing = placing
        self._gauge = gauge
        self._lock = lock
        self._nodes = nodes
        self._read_end = read_end
        self._clock = clock
        self._open_runs = OpenRuns(lock)
        self._ends = RunEnds(placing, counter, gauge, lock, self._open_runs, self.undecided, clock)
        self._left: dict[int, str] = {}
        self._most_left = Fair[str](_MOST_LEFT, str)

    def begin(
        self,
        attributes: Attributes,
        span: ReadableSpan,
        span_id: int,
        parent: Node | None,
        context: Context | None,
        *,
        running: bool = True,
    ) -> ForeignSpan:
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
        if isinstance(reused, ForeignSpan) and reused.span_id == span_id:
            self.give_up(reused)
        below = parent
        if isinstance(below, ForeignSpan):
            parent = self.live_parent(below, span, attributes)
        joined = parent if isinstance(parent, ForeignSpan) and not parent.settled else None
        if joined is None and parent is below:
            parent, joined = self._left_off(parent, span)
        if parent is not None and running and self._of_another(parent, joined, attributes, context):
            parent = joined = None  # called from inside, and an invocation of its own
        if joined is not None:
            return self._join(joined, span_id, span, attributes, running=running)
        run = self._open_runs.begin(parent, running=running)
        if parent is None and span.parent is not None:
            run.above = span.parent.span_id
        node = run.top = ForeignSpan(span_id, span, attributes, parent, run)
        run.parts.append(node)
        if parent is None or parent.listing is None:
            self._surroundings(run, span, context)
        self._open_runs.place(run, self._ends.mates.of(_publisher(run, parent)))
        self._show_in_progress(run, attributes, span)
        return node

    def _of_another(
        self,
        parent: Node,
        joined: ForeignSpan | None,
        attributes: Attributes,
        context: Context | None,
    ) -> bool:
        """Tell whether baggage says that an agent is another publisher's than what it is in."""
        return d.starts_agent(attributes) and self._called_by_another(joined or parent, context)

    def _called_by_another(self, around: Node, context: Context | None) -> bool:
        """Tell whether baggage names another publisher than that of the span round a new one."""
        publisher = self._attribution.publisher(context)
        if publisher is None:
            return False
        if isinstance(around, ForeignSpan) and around.run.anchor is None and not around.settled:
            return publisher != around.run.owner.publisher
        return around.listing is not None and publisher != around.listing.publisher

    def _left_off(
        self, parent: Node | None, span: ReadableSpan
    ) -> tuple[Node | None, ForeignSpan | None]:
        """Return what a span was started in, and the span that it goes on from.

        Its parent may have ended; what belongs to it may be linked and no parent at all.
        """
        found: Node | None
        if parent is None and span.parent is not None and not span.parent.is_remote:
            above = span.parent.span_id
            found = self._ends.pending.get(above) or self._ends.ended.get(above)
            if isinstance(found, ForeignSpan) and not found.settled:
                return found, found
            return found, None
        if span.links and (parent is None or parent.listing is not None):
            linked = self._linked(span)
            if linked is not None and not linked.settled:
                linked.run.linked = True
                stir(linked.run)
                return linked, linked
            if linked is not None:
                return linked.run.unit, None
        return parent, None

    def _linked(self, span: ReadableSpan) -> ForeignSpan | None:
        """Return the span of the same framework that one in a trace of its own links to."""
        family = family_of(span)
        for link in span.links:
            found = self._ends.pending.get(link.context.span_id) or self._nodes.get(
                link.context.span_id
            )
            if isinstance(found, ForeignSpan) and found.family == family:
                return None if self._called_by_another(found, None) else found
        return None

    def _join(
        self,
        above: ForeignSpan,
        span_id: int,
        span: ReadableSpan,
        attributes: Attributes,
        *,
        running: bool,
    ) -> ForeignSpan:
        """Return the node of a span of a run that goes on."""
        node = ForeignSpan(span_id, span, attributes, above, above.run)
        with self._lock:
            run = node.run
            above.children.append(node)
            run.parts.append(node)
        if run.held is not None:
            stir(run)
        if len(run.parts) > run.most_parts:
            run.mates.work(partial(self._ends.count_some, run))
        if running:
            self._open_runs.enter(run)
        return node

    def end(self, node: ForeignSpan, attributes: Attributes, span: ReadableSpan) -> None:
        """Take in what an ended span says; count its run if it was the topmost."""
        node.let_go()
        if node.settled:
            return
        fields = self._read_end(span)
        try:
            node.ended = node.read_end(attributes, span, fields)
        except Exception:  # noqa: BLE001 - whatever it holds, what it ends must end
            note_internal_error("a foreign span")
            node.ended = SpanEnd(fields, d.Facts(), {}, node.source, remote=False)
        node.run.mates.work(partial(self._ends.take, node))

    def late(
        self,
        attributes: Attributes,
        span: ReadableSpan,
        span_id: int,
        node: Node | None,
        undecided: Undecided | None,
    ) -> None:
        """Count a span that was not followed when it started, with what was started in it.

        Args:
            attributes: Those it ended with.
            span: The span.
            span_id: Its id.
            node: What was kept of it, inside a decorated invocation.
            undecided: What was kept of it outside.
        """
        if span_id in self._left:
            return
        parent = node.parent if node is not None else None
        if parent is None and span.parent is not None:
            parent = self._nodes.get(span.parent.span_id)
        context = NO_CONTEXT if undecided is None else undecided.context
        late = self.begin(attributes, span, span_id, parent, context, running=False)
        if node is not None:
            late.flags = node.flags & ~_nodes.PASSED
        if undecided is not None:
            late.inside = undecided.inside
            runs = [] if undecided.held is None else undecided.held.runs()
            late.run.mates.work(partial(self._ends.join_late, late, runs))
        self.end(late, attributes, span)

    def note_inside(self, parent: Node | None, parent_id: int, listing: Listing | None) -> None:
        """Remember in what is round a decorated invocation that it ran inside.

        Args:
            parent: Node of the span that it was started in, if that is followed.
            parent_id: Id of that span.
            listing: The invocation's.
        """
        if listing is None:
            return
        if isinstance(parent, ForeignSpan):
            parent.note_inside(listing)
        elif parent is None:
            self.undecided.note_inside(parent_id, listing)

    def ended_undecided(self, undecided: Undecided) -> None:
        """Let what has waited for a span that said nothing wait for the one above it."""
        for run in self.undecided.hand_on(undecided):
            if self._ends.waits(run):
                run.mates.work(partial(self._ends.count_or_wait, run))

    def give_up(self, node: Node) -> None:
        """Stop waiting for a span: what has ended below it is counted."""
        self.on_give_up(node, later=False)

    def on_give_up(self, node: Node, later: bool) -> None:  # noqa: FBT001 - called by position
        """Stop waiting for a span, and count what has ended below it now or later.

        Args:
            node: The span's.
            later: Whether the owner's thread, or the next scrape, does it.
        """
        if type(node) is not ForeignSpan:
            return
        run = node.run
        if node is not run.top or not run.is_open:
            node.let_go()
            if node.ended is None:
                node.settled = True
            return
        if role_of_open(node) == d.AGENT:  # should it end after all, it was counted
            self._left[node.span_id] = run.mates.publisher
            if len(self._left) > _MOST_LEFT:
                with self._lock:
                    self._left.pop(self._most_left.oldest(self._left) or 0, None)
        if later:
            run.mates.leave(partial(self._leave, node, node.span))
            self._ends.mates.note(run.mates)
        else:
            run.mates.work(partial(self._leave, node, node.span))

    def _leave(self, node: ForeignSpan, span: ReadableSpan | None) -> None:
        """Count the run whose topmost span is given up."""
        node.ended = left_open(node, span, None if span is None else self._read_end(span))
        if node.ended is None:
            node.run.apart = True
        node.let_go()
        self._ends.finish(node.run)
        self._ends.settle(node.run)

    def after_fork(self) -> None:
        """Forget every run, in a forked child: they are the parent's."""
        self._ends.forget()
        self._left.clear()
        self._most_left.forget()
        self._open_runs.clear()
        self.undecided.spans.clear()

    def settle_failed(self) -> None:
        """Count the runs whose topmost span was given an error and is still open.

        Some instrumentations never end the span of an agent that failed. Should it end after
        all, it has been counted.
        """
        for node in list(self._nodes.values()):
            if node.kind != _nodes.FOREIGN_SPAN or not isinstance(node, ForeignSpan):
                continue
            span = node.span
            if span is None or node.run.top is not node or not node.run.is_open:
                continue
            facts = node.so_far() if self._has_failed(span) else None
            if facts is not None and facts.role in _RUNS:
                self._treat_as_ended(node, span)

    def settle_open(self) -> None:
        """Count what has ended of the runs whose topmost span has been open for too long."""
        horizon = self._clock() - self._most_open_seconds
        for node in open_since(list(self._nodes.values()), horizon):
            run = node.run
            if run.is_open and run.has_more():
                run.mates.try_work(partial(self._count_apart, run, horizon))

    def _count_apart(self, run: Run, horizon: float) -> None:
        if run.is_open:
            self._ends.count_apart(run, complete(run, horizon))

    def live_parent(
        self, parent: ForeignSpan, span: ReadableSpan, attributes: Attributes
    ) -> Node | None:
        """Return what an agent is started in; take agents that are left behind for ended.

        Args:
            parent: Node of the span that it was started in.
            span: The span that starts.
            attributes: What it carries so far.
        """
        around = parent.span
        if not parent.taken_as_ended and (around is None or not self._has_failed(around)):
            return parent
        found, left = self._nearest_live_parent(parent, span, attributes)
        for node, failed in left:
            self._treat_as_ended(node, failed)
        return found

    def _nearest_live_parent(
        self, parent: ForeignSpan, span: ReadableSpan, attributes: Attributes
    ) -> tuple[Node | None, list[tuple[ForeignSpan, ReadableSpan]]]:
        """Return what an agent is started in, and agents below that which failed and never ended.

        An instrumentation that forgets to end the span of an agent that failed leaves it current:
        whatever runs next on that thread looks as if it were inside.
        """
        left: list[tuple[ForeignSpan, ReadableSpan]] = []
        below: Node | None = parent
        while isinstance(below, ForeignSpan):
            failed = below.span
            if not below.taken_as_ended:
                if failed is None or not self._has_failed(failed) or not d.is_known(below.source):
                    return below, left
                facts = below.so_far()
                if facts is None or facts.role != d.AGENT:
                    return below, left
            if below is parent and _read(span, attributes).role != d.AGENT:
                return parent, left
            if failed is not None:
                left.append((below, failed))
            below = below.parent
        if below is not None and not any(below is one for one in list(self._nodes.values())):
            return None, left  # an invocation that has ended
        return below, left

    def _has_failed(self, span: ReadableSpan) -> bool:
        """Tell whether the status of a span, be it open still, is that of a failure."""
        _, _, failed, _, _ = self._read_end(span)
        return failed

    def _treat_as_ended(self, node: ForeignSpan, span: ReadableSpan) -> None:
        """Take a span that failed and was not ended for ended; count its run if it is the top."""
        _, attributes = as_it_stands(span)
        ended = node.read_end(attributes, span, self._read_end(span))
        last = max((event.timestamp for event in span.events), default=None)
        ended.end = ended.end or last or ended.start
        node.ended = ended
        node.let_go()
        node.taken_as_ended = True
        if node.run.top is node and node.run.is_open:
            node.run.mates.work(partial(self._end_run_of_failed, node.run))

    def _end_run_of_failed(self, run: Run) -> None:
        self._ends.finish(run)
        if not run.hosts:
            self._ends.settle(run)

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
        if run.anchor is not None or run.within is not None or run.owner.publisher is None:
            return
        if not attributes or v.EVENT in attributes:
            return
        facts = _read(span, attributes)
        if facts.role != d.AGENT or not facts.named or facts.graph != d.NO_GRAPH:
            return
        said = {key: attributes[key] for key in (v.AGENT_ID,) if key in attributes}
        run.counting = self._placing.listing_of(run, said, facts.name)
        run.named = run.counting
        if run.counting is not None:
            self._gauge.begin(run.counting)

    # --- the end of a run ------------------------------------------------------------------------

    def settle_waiting(self) -> None:
        """Count the runs that have ended, but for those that may be part of one that goes on."""
        self._ends.settle_waiting()

    def settle_all(self) -> None:
        """Count all that has ended, before the process goes; what is open goes on."""
        self.settle_failed()
        self._ends.settle_all()
        for node in list(self._nodes.values()):
            if isinstance(node, ForeignSpan) and node.run.top is node and node.run.is_open:
                node.run.mates.work(partial(self._count_apart, node.run, float("inf")))


def _publisher(run: Run, parent: Node | None) -> object:
    """Return whose a run is, as far as that may be known before it has ended."""
    if parent is not None and parent.listing is not None:
        return parent.listing.publisher
    return run.owner.publisher if run.within is None else run.within.publisher


def _read(span: ReadableSpan, attributes: Attributes) -> d.Facts:
    scope = span.instrumentation_scope
    return d.read(span.name, attributes, scope.name if scope is not None else "")
