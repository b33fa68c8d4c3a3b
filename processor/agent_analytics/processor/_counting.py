"""Counts a run of foreign spans: every invocation, tool call, model call and token once."""

from threading import RLock
from typing import Any, Final

from agent_analytics.instrumentation import mistakes
from agent_analytics.instrumentation import vocabulary as v
from agent_analytics.instrumentation.tracing import SCOPE
from agent_analytics.processor import _dialects as d
from agent_analytics.processor import _health, _nodes, _settling
from agent_analytics.processor import _schema as schema
from agent_analytics.processor._attribution import Attribution
from agent_analytics.processor._calls_inside import CallsInside
from agent_analytics.processor._followed import Followed
from agent_analytics.processor._health import Health
from agent_analytics.processor._invocations import InvocationCounter
from agent_analytics.processor._listings import Listing, Listings
from agent_analytics.processor._order import Order
from agent_analytics.processor._outcomes import outcome_of
from agent_analytics.processor._run import Run
from agent_analytics.processor._run_outcomes import CutShort, failure, steered, step_cancelled
from agent_analytics.processor._sameness import known
from agent_analytics.processor._span_end import SpanEnd
from agent_analytics.processor._tools import ToolCounter
from agent_analytics.processor._tree import started
from agent_analytics.processor._usage import UsageCounter
from agent_analytics.processor.catalogue import UNKNOWN

_KINDS: Final = {d.TOOL: _nodes.TOOL, d.MODEL: _nodes.INFERENCE, d.AGENT: _nodes.AGENT}
_AGENTS: Final = (_nodes.AGENT, _nodes.INVOCATION)
_LOST: Final = {_nodes.TOOL: _health.TOOL, _nodes.INFERENCE: _health.INFERENCE}
_TOKENS: Final = (v.INPUT_TOKENS, v.OUTPUT_TOKENS, v.CACHED_INPUT_TOKENS, v.REASONING_TOKENS)


class RunCounter:
    """Adds the spans of a run to the cells of their listings."""

    def __init__(
        self,
        listings: Listings,
        attribution: Attribution,
        health: Health,
        lock: RLock,
        usage: UsageCounter,
        tools: ToolCounter,
        invocations: InvocationCounter,
    ) -> None:
        self._listings = listings
        self._attribution = attribution
        self._health = health
        self._lock = lock
        self._usage = usage
        self._tools = tools
        self._invocations = invocations

    def listing_of(self, run: Run, said: dict[str, Any], name: str | None) -> Listing | None:
        """Return the listing of a run's outermost agent, or ``None`` if it is nobody's.

        Args:
            run: The run.
            said: What the agent's span says of itself.
            name: The agent's name.
        """
        publisher, agent = run.owner
        if publisher is None:
            return None
        return self._listings.find(publisher, said.get(v.AGENT_ID) or agent or name or UNKNOWN)

    def count(self, run: Run, ready: set[int]) -> int:
        """Count the spans of a run that are ready, by their ``id()``; return how many there are."""
        top: Any = run.top
        parts = _settling.assign_roles(top)
        if _serves_others(run):
            run.owner, run.serves = run.server, True
        counted = run.unit is not None and not run.apart
        units = _settling.units(parts, apart=run.apart)
        firsts = {} if counted else self._units(run, units, ready)
        self._place(run, parts, firsts)
        self._note_whole_costs(parts, ready)
        order = Order(parts)
        cut = CutShort(order)
        for place, _, part in order.downwards():
            agents = units.get(id(part))
            if agents is not None and cut.off(place, min(agents, key=started)):
                run.cut_short.add(id(part))
        inside = CallsInside(order)
        for place, _, part in order.upwards():
            if id(part) in ready and part.ended is not None:
                self._add(run, part, part.ended, firsts.get(id(part)), inside.flags[place])
            inside.leave(place)
        return len(parts)

    # --- whose they are --------------------------------------------------------------------------

    @staticmethod
    def _units(
        run: Run, units: dict[int, list[Followed]], ready: set[int]
    ) -> dict[int, list[Followed]]:
        """Return the invocations of a run: the span of each, by ``id()``, and its agents."""
        anchor = run.anchor
        if (anchor is not None and anchor.within() is not None) or run.within is not None:
            return {}  # all of it is inner work
        found: dict[int, list[Followed]] = {}
        for key, all_of_it in units.items():
            agents = sorted((one for one in all_of_it if one.ended is not None), key=started)
            if agents and (key in ready or any(id(one) in ready for one in agents)):
                found[key] = agents
        return found

    def _place(  # noqa: C901 - one case after the other
        self, run: Run, parts: list[Followed], firsts: dict[int, list[Followed]]
    ) -> None:
        """Give each span its kind, its invocation and its listing."""
        named = self._of_open(run) if run.top is not None and run.top.ended is None else None
        for part in parts:  # parents first
            if part.kind != _nodes.FOLLOWED:
                continue  # counted before
            agents = firsts.get(id(part))
            if agents is not None:
                self._make_unit(run, part, agents)
                continue
            if part.ended is not None:
                part.kind = _KINDS.get(part.role, _nodes.OTHER)
                part.name = part.ended.facts.name
            parent = part.parent
            if isinstance(parent, Followed):
                part.scope, part.listing = parent.within(), parent.listing
            elif run.within is not None:
                part.listing = run.within
            if part.listing is None:
                part.listing = self._of_owner(run)
            if part.listing is None:
                part.listing = named
        unit = None if run.apart else run.unit
        if unit is not None and unit.listing is not None:
            for part in parts:
                if part.scope is None and part.kind != _nodes.INVOCATION:
                    part.scope, part.listing = unit, unit.listing

    def _make_unit(self, run: Run, part: Followed, agents: list[Followed]) -> None:
        main = agents[0]
        ended: Any = main.ended or part.ended
        listing = self.listing_of(run, ended.attributes, ended.facts.name)
        part.listing = listing
        if listing is None or self._counted_below(part, listing):
            part.kind = _KINDS.get(part.role, _nodes.OTHER)
            return
        part.kind = _nodes.INVOCATION
        part.tenant = run.tenant or ended.attributes.get(v.TENANT_ID)
        if run.unit is None:
            run.unit = part

    @staticmethod
    def _counted_below(part: Followed, listing: Listing) -> bool:
        """Tell whether a decorated invocation of the same listing was counted inside."""
        return part.inside is not None and listing in part.inside

    def _of_owner(self, run: Run) -> Listing | None:
        publisher, agent = run.owner
        if publisher is None or agent is None:
            return None
        return self._listings.find(publisher, agent)

    def _of_open(self, run: Run) -> Listing | None:
        """Return the listing that the topmost span of a run names so far, if that is an agent."""
        facts = run.top.so_far() if run.named is None and run.top is not None else None
        if facts is not None and facts.role == d.AGENT:
            run.named = self.listing_of(run, {}, facts.name)
        return run.named

    def _note_whole_costs(self, parts: list[Followed], ready: set[int]) -> None:
        """Note below an agent that what it cost as a whole is known: its calls repeat that.

        They cost what is known better of them; the rest is the agent's.
        """
        whole: dict[int, int] = {}
        for part in parts:  # parents first
            flags = whole.get(id(part.parent), 0)
            part.flags |= flags
            if id(part) in ready and part.ended is not None and part.kind in _AGENTS:
                flags |= self._whole_cost(part.ended)
            if flags:
                whole[id(part)] = flags

    def _whole_cost(self, ended: SpanEnd) -> int:
        if ended.attributes.get(v.COST_USD) is not None and not ended.attributes.get(v.USAGE_OWN):
            return _nodes.USER_COST_ABOVE
        cost = ended.facts.cost
        return _nodes.STATED_ABOVE if cost is not None and self._usage.is_known(cost) else 0

    # --- adding ----------------------------------------------------------------------------------

    def _add(  # noqa: C901 - one case after the other
        self,
        run: Run,
        part: Followed,
        ended: SpanEnd,
        agents: list[Followed] | None,
        inside: int,
    ) -> None:
        kind = part.kind
        if part.role == d.USAGE:
            self._record(part, ended)
            return
        if kind == _nodes.OTHER:
            if part.role != d.HANDOFF and ended.facts.role in (d.TOOL, d.MODEL):
                self._health.repeat()
            return
        listing = part.listing
        scope = part.scope
        if listing is None:
            self._lose(part, inside)
            return
        span: Any = ended
        if scope is not None and scope.flags & _nodes.DUPLICATE and kind == _nodes.INFERENCE:
            self._health.repeat()
        elif kind == _nodes.TOOL:
            if ended.facts.protocol and ended.remote and part.parent is None and not run.serves:
                self._health.repeat()  # the caller has a span of it
                return
            name = ended.facts.name
            ended.attributes[v.TOOL_NAME] = part.name = UNKNOWN if name is None else name
            if not ended.failed and not ended.fine and step_cancelled(part):
                ended.attributes.setdefault(v.OUTCOME, v.CANCELLED)
            self._tools.end(part, ended.attributes, span, part.span_id, ended.fields())
        elif kind == _nodes.INFERENCE:
            self._model_call(part, ended, listing, inside)
        elif kind == _nodes.INVOCATION:
            self._invocation(run, part, ended, agents or [part], listing)
        else:
            self._with_usage(ended, part.listing)
            if ended.facts.conversation is not None:
                ended.attributes[v.CONVERSATION_ID] = ended.facts.conversation
            self._invocations.end_inner(part, ended.attributes, ended.start)

    def _lose(self, part: Followed, inside: int) -> None:
        """Count what is nobody's: a call once, as anybody's is."""
        if part.kind == _nodes.INFERENCE and inside & _nodes.CALL_BELOW:
            self._health.repeat()
        else:
            kind = _LOST.get(part.kind, _health.INVOCATION)
            self._health.lose(kind)
            if kind == _health.INVOCATION and part.ended is not None:
                source = "" if part.source == SCOPE else part.source
                mistakes.no_publisher(part.ended.facts.name, source)

    def _record(self, part: Followed, ended: SpanEnd) -> None:
        """Add what calls used that have no spans."""
        if part.listing is None:
            self._health.lose(_health.INFERENCE)
        elif part.scope is not None and part.scope.flags & _nodes.DUPLICATE:
            self._health.repeat()
        else:
            self._with_usage(ended, part.listing)
            self._usage.of_record(
                part, part.listing, ended.attributes, ended.start, _ids(ended.facts)
            )

    def _model_call(self, part: Followed, ended: SpanEnd, listing: Listing, inside: int) -> None:
        self._with_usage(ended, part.listing)
        part.flags = inside | part.flags & _nodes.ABOVE
        outcome = outcome_of(ended, ended.attributes, failed=ended.failed)
        self._usage.of_inference(
            part,
            listing,
            ended.attributes,
            outcome,
            ended.start,
            _ids(ended.facts),
            fetched=ended.facts.fetched,
        )

    def _invocation(
        self, run: Run, part: Followed, ended: SpanEnd, agents: list[Followed], listing: Listing
    ) -> None:
        main: Any = agents[0].ended or ended
        attributes = {**main.attributes, **ended.attributes}
        failed = failure(part, agents)
        attributes.pop(v.ERROR_TYPE, None)
        if failed is not None:
            attributes[v.ERROR_TYPE] = failed.attributes.get(v.ERROR_TYPE)
        tokens = main.facts.tokens
        source = main if tokens is not None and tokens.is_whole() else ended
        if main.facts.cost is not None:
            attributes.setdefault(v.COST_USD, main.facts.cost)
        own = SpanEnd(
            ended.fields(), source.facts, attributes, ended.instrumentation_scope, remote=False
        )
        own.failed = failed is not None
        self._with_usage(own, listing)
        attributes[v.AGENT_NAME] = main.facts.name
        conversation = main.facts.conversation or ended.facts.conversation
        if conversation is not None:
            attributes[v.CONVERSATION_ID] = conversation
        chunk = main.facts.first_chunk
        if chunk is None:
            chunk = _first_chunk(part, ended.start)
        if chunk is not None:
            attributes[v.TIME_TO_FIRST_CHUNK] = chunk
        if attributes.get(v.OUTCOME) == v.STEERED:
            del attributes[v.OUTCOME]  # the run may have gone on after it
        if failed is None and steered(part, agents):
            attributes[v.OUTCOME] = v.STEERED
        elif failed is None and id(part) in run.cut_short:
            attributes.setdefault(v.OUTCOME, v.CANCELLED)
        with self._lock:
            listing.cells[schema.IN_PROGRESS] += 1  # the counter takes it back
        own_span: Any = own  # it stands in for the span
        self._invocations.end(part, attributes, own_span, part.span_id, own.fields())

    def _with_usage(self, ended: SpanEnd, listing: Listing | None) -> None:
        facts, attributes = ended.facts, ended.attributes
        if facts.follows_convention < 0:
            scope = ended.instrumentation_scope
            self._health.contradict(
                "" if scope is None else scope.name, "" if listing is None else listing.publisher
            )
        if facts.tokens is not None:
            sent, received, cached, reasoning = facts.tokens
            if sent is None:  # as much as its parts, at least
                parts = [known(part) for part in (cached, facts.cache_write)]
                sent = None if parts == [None, None] else sum(part or 0 for part in parts)
            if received is None:
                received = known(reasoning)
            for key, value in zip(_TOKENS, (sent, received, cached, reasoning), strict=True):
                if value is not None:
                    attributes[key] = value
        for key, value in (
            (v.REQUEST_MODEL, facts.model),
            (v.RESPONSE_MODEL, facts.response_model),
            (v.PROVIDER_NAME, facts.provider),
            (v.CACHE_WRITE_INPUT_TOKENS, facts.cache_write),
            (v.CACHE_WRITE_1H_INPUT_TOKENS, facts.cache_write_1h),
        ):
            if value is not None:
                attributes[key] = value
        if facts.cost is not None:
            attributes.setdefault(v.COST_USD, facts.cost)


def _ids(facts: d.Facts) -> tuple[str, ...]:
    """Return what instrumentations have as the id of an answer."""
    return () if facts.response_id is None else (facts.response_id, *facts.other_ids)


def _first_chunk(unit: Followed, began: int | None) -> float | None:
    """Return the seconds until the first chunk of an answer, as its model call tells.

    That is the last call outside tools that was streamed: what a model streams before it are
    calls of tools, which no tenant reads.
    """
    answer: Followed | None = None
    stack = [unit]
    while stack:
        one = stack.pop()
        if one.role == d.TOOL:
            continue
        if (
            one.role == d.MODEL
            and one.ended is not None
            and one.ended.facts.first_chunk is not None
            and (answer is None or answer.start_ns < one.start_ns)
        ):
            answer = one
        stack.extend(one.children)
    if answer is None or answer.ended is None or began is None:
        return None
    seconds = (answer.start_ns - began) / schema.NANO + (answer.ended.facts.first_chunk or 0.0)
    return seconds if seconds >= 0 else None


def _serves_others(run: Run) -> bool:
    """Tell whether a run is a call over a protocol that came from another publisher's process.

    That one tells of its use of a tool; the call is the listing's that serves it, too.
    """
    top = run.top
    if top is None or top.ended is None or not (top.ended.facts.protocol and top.ended.remote):
        return False
    caller = run.owner.publisher if run.caller is None else run.caller
    return run.server.publisher not in (None, caller)


__all__ = ["RunCounter"]
