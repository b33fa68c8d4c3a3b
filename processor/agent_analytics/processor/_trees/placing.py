"""Places the spans of a run: what each is, whose it is, and which of them are invocations."""

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from agent_analytics.instrumentation import vocabulary as v
from agent_analytics.processor import _dialects as d
from agent_analytics.processor._count.core import Listing
from agent_analytics.processor._runs.foreign_span import ForeignSpan
from agent_analytics.processor._runs.run import Run
from agent_analytics.processor._runs.span_end import SpanEnd
from agent_analytics.processor._series.listings import Listings
from agent_analytics.processor._spans import marks
from agent_analytics.processor._trees import roles
from agent_analytics.processor._trees.calls_inside import CallsInside
from agent_analytics.processor._trees.run_outcomes import CutShort
from agent_analytics.processor._trees.tree import started
from agent_analytics.processor._trees.tree_index import Order
from agent_analytics.processor.catalogue import UNKNOWN

_KINDS: Final = {d.TOOL: marks.TOOL, d.MODEL: marks.INFERENCE, d.AGENT: marks.AGENT}
_AGENTS: Final = (marks.AGENT, marks.INVOCATION)


class Part(NamedTuple):
    """One span of a run that is counted.

    Attributes:
        node: The span's.
        ended: What it has said.
        inside: Flags of what was recorded inside (``CallsInside``).
        agents: The outermost agents of the invocation that it stands for, if it does.
    """

    node: ForeignSpan
    ended: SpanEnd
    inside: int
    agents: list[ForeignSpan]


class Placed(NamedTuple):
    """The spans of a run, each with its role, its kind, its invocation and its listing.

    Attributes:
        order: All of them.
        ready: Those that are counted now, by ``id()``.
        agents: The agents of each invocation, by the ``id()`` of the span that stands for it.
    """

    order: Order
    ready: set[int]
    agents: dict[int, list[ForeignSpan]]

    def upwards(self) -> Iterator[Part]:
        """Yield the spans that are counted now, what is below first."""
        inside = CallsInside(self.order)
        for place, _, part in self.order.upwards():
            if id(part) in self.ready and part.ended is not None:
                agents = self.agents.get(id(part)) or [part]
                yield Part(part, part.ended, inside.flags[place], agents)
            inside.leave(place)


class Placing:
    """Finds out whose the spans of a run are."""

    def __init__(self, listings: Listings) -> None:
        self._listings = listings

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

    def place(self, run: Run, ready: set[int]) -> Placed:
        """Place the spans of a run.

        Args:
            run: The run.
            ready: The spans, by ``id()``, that are to be counted.
        """
        top: Any = run.top
        order = roles.assign_roles(top)
        parts = order.parts
        if _serves_others(run):
            run.owner, run.serves = run.server, True
        counted = run.unit is not None and not run.apart
        units = roles.units(order, apart=run.apart)
        firsts = {} if counted else self._units(run, units, ready)
        self._place(run, parts, firsts)
        _note_whole_costs(parts, ready)
        if units:
            _cut_short(order, units)
        return Placed(order, ready, firsts)

    @staticmethod
    def _units(
        run: Run, units: dict[int, list[ForeignSpan]], ready: set[int]
    ) -> dict[int, list[ForeignSpan]]:
        """Return the invocations of a run: the span of each, by ``id()``, and its agents."""
        anchor = run.anchor
        if (anchor is not None and anchor.within() is not None) or run.within is not None:
            return {}  # all of it is inner work
        found: dict[int, list[ForeignSpan]] = {}
        for key, all_of_it in units.items():
            agents = sorted((one for one in all_of_it if one.ended is not None), key=started)
            if agents and (key in ready or any(id(one) in ready for one in agents)):
                found[key] = agents
        return found

    def _place(  # noqa: C901 - one case after the other
        self, run: Run, parts: list[ForeignSpan], firsts: dict[int, list[ForeignSpan]]
    ) -> None:
        """Give each span its kind, its invocation and its listing."""
        named = self._of_open(run) if run.top is not None and run.top.ended is None else None
        for part in parts:  # parents first
            if part.kind != marks.FOREIGN_SPAN:
                continue  # counted before
            agents = firsts.get(id(part))
            if agents is not None:
                self._make_unit(run, part, agents)
                continue
            if part.ended is not None:
                part.kind = _KINDS.get(part.role, marks.OTHER)
                part.name = part.ended.facts.name
            parent = part.parent
            if isinstance(parent, ForeignSpan):
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
                if part.scope is None and part.kind != marks.INVOCATION:
                    part.scope, part.listing = unit, unit.listing

    def _make_unit(self, run: Run, part: ForeignSpan, agents: list[ForeignSpan]) -> None:
        ended: Any = agents[0].ended or part.ended
        listing = self.listing_of(run, ended.attributes, ended.facts.name)
        part.listing = listing
        if listing is None or _counted_below(part, listing):
            part.kind = _KINDS.get(part.role, marks.OTHER)
            return
        part.kind = marks.INVOCATION
        part.tenant = run.tenant or ended.attributes.get(v.TENANT_ID)
        if run.unit is None:
            run.unit = part

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


def _cut_short(order: Order, units: dict[int, list[ForeignSpan]]) -> None:
    """Find which runs were left in the middle of a call.

    Args:
        order: The spans, with their roles.
        units: The agents of each run, by the ``id()`` of the span that stands for it.
    """
    cut = CutShort(order)
    for place, _, part in order.downwards():
        agents = units.get(id(part))
        if agents is not None:
            main = min(agents, key=started)
            outlived = cut.outlived(main)
            for one in outlived:
                if not one.failed:
                    one.attributes.setdefault(v.OUTCOME, v.CANCELLED)
            part.cut_short = part.cut_short or bool(outlived) or cut.off(place, main)


def _counted_below(part: ForeignSpan, listing: Listing) -> bool:
    """Return whether a decorated invocation of the same listing was counted inside."""
    return part.inside is not None and listing in part.inside


def _note_whole_costs(parts: list[ForeignSpan], ready: set[int]) -> None:
    """Note below an agent that what it cost as a whole is known: its calls repeat that.

    They cost what is known better of them; the rest is the agent's.
    """
    whole: dict[int, int] = {}
    for part in parts:  # parents first
        flags = whole.get(id(part.parent), 0)
        part.flags |= flags
        if id(part) in ready and part.ended is not None and part.kind in _AGENTS:
            flags |= _whole_cost(part.ended)
        if flags:
            whole[id(part)] = flags


def _whole_cost(ended: SpanEnd) -> int:
    if ended.attributes.get(v.COST_USD) is not None and not ended.attributes.get(v.USAGE_OWN):
        return marks.USER_COST_ABOVE
    cost = ended.facts.cost
    return marks.STATED_ABOVE if cost is not None and cost.is_known() else 0


def _serves_others(run: Run) -> bool:
    """Return whether a run is a call over a protocol that came from another publisher's process.

    That one records its use of a tool; the call is the listing's that serves it, too.
    """
    top = run.top
    if top is None or top.ended is None or not (top.ended.facts.protocol and top.ended.remote):
        return False
    caller = run.owner.publisher if run.caller is None else run.caller
    return run.server.publisher not in (None, caller)
