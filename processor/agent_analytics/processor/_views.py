"""Finds the spans that are views of one call: several instrumentations may tell of it.

Views that are in each other are one call by their place. Those side by side, or in traces that
were joined, are matched by the ids that models give, else by times, names and tokens; each call
is matched once with each instrumentation, the nearest in time first.
"""

from collections.abc import Callable
from typing import Final

from agent_analytics.processor import _dialects as d
from agent_analytics.processor._followed import Followed
from agent_analytics.processor._tree import (
    NEAR,
    SLACK,
    above,
    end,
    merge_failure,
    same_name,
)

#: Views that one is compared with, the next to start; fewer where a run has thousands of calls,
#: for whoever ends it waits meanwhile.
_MOST_BESIDE: Final = 64
_MANY: Final = 1_000
_BESIDE_OF_MANY: Final = 12

Alike = Callable[[Followed, Followed], bool]


class View:
    """Spans that are in each other and tell of one call.

    Attributes:
        spans: The outermost first.
        sources: The instrumentations that recorded them.
    """

    __slots__ = ("sources", "spans")

    def __init__(self, span: Followed) -> None:
        self.spans = [span]
        self.sources = {span.source}

    def add(self, span: Followed) -> None:
        """Add a span that is in one of these."""
        self.spans.append(span)
        self.sources.add(span.source)

    def detail(self) -> int:
        """Return how many of the numbers of tokens are told."""
        return max(
            sum(count is not None for count in span.told.facts.tokens or ())
            for span in self.spans
            if span.told is not None
        )


def merge_views(parts: list[Followed]) -> None:
    """Leave one view of every call its role: what the others know of it goes there."""
    _merge([part for part in parts if part.role == d.MODEL and part.told is not None], one_call)
    _merge([part for part in parts if part.role == d.TOOL and part.told is not None], _one_tool)


def _merge(calls: list[Followed], alike: Alike) -> None:
    if len({call.source for call in calls}) < 2:  # noqa: PLR2004 - two tell of one
        return
    for group in _groups(_views(calls), alike):
        kept = max(reversed(group), key=View.detail)
        for view in group:
            if view is not kept:
                for span in view.spans:
                    span.role = d.OTHER
        everything = [span for view in group for span in view.spans]
        for span in kept.spans:
            for other in everything:
                if other is not span:
                    _take_over(span, other)


def _views(calls: list[Followed]) -> list[View]:
    """Return the calls, those in each other together; parents come first in ``calls``.

    Two side by side in one are views apart: of one call, or of two that it made.
    """
    of: dict[int, View] = {}
    views: list[View] = []
    for call in calls:
        outer = _round(call)
        view = of.get(id(outer)) if outer is not None else None
        if view is None or not _is_in_all(call, view):
            view = View(call)
            views.append(view)
        else:
            view.add(call)
        of[id(call)] = view
    return views


def _is_in_all(call: Followed, view: View) -> bool:
    around = {id(one) for one in above(call)}
    return all(id(span) in around for span in view.spans)


def _round(call: Followed) -> Followed | None:
    """Return the span round a call's that tells of the same call."""
    for one in above(call):
        if one.role == call.role:
            same = call.role == d.MODEL or (one.source != call.source and same_name(one, call))
            return one if same else None
        if one.role != d.OTHER:
            return None
    return None


def _groups(views: list[View], alike: Alike) -> list[list[View]]:
    """Return the views that belong together, where more than one does."""
    by_start = sorted(range(len(views)), key=lambda number: views[number].spans[0].start_ns)
    most = _MOST_BESIDE if len(views) <= _MANY else _BESIDE_OF_MANY
    pairs = sorted(
        (_apart(views[one], views[other]), max(one, other), min(one, other))
        for place, one in enumerate(by_start)
        for other in by_start[place + 1 : place + 1 + most]
        if views[one].sources.isdisjoint(views[other].sources)
        and _any_alike(views[one], views[other], alike)
    )
    place_of = list(range(len(views)))
    groups = [[number] for number in range(len(views))]
    sources = [set(view.sources) for view in views]
    for _, number, place in pairs:
        one, other = place_of[number], place_of[place]
        if one == other or not sources[one].isdisjoint(sources[other]):
            continue
        for member in groups[one]:
            place_of[member] = other
        groups[other] += groups[one]
        sources[other] |= sources[one]
        groups[one] = []
    return [[views[number] for number in sorted(group)] for group in groups if len(group) > 1]


def _any_alike(one: View, other: View, alike: Alike) -> bool:
    return any(
        alike(span, beside) or alike(beside, span) for span in one.spans for beside in other.spans
    )


def _apart(one: View, other: View) -> int:
    return min(abs(span.start_ns - beside.start_ns) for span in one.spans for beside in other.spans)


def _one_tool(one: Followed, other: Followed) -> bool:
    """Tell whether two spans are views of one tool call."""
    first, second = one.told, other.told
    if first is None or second is None or first.facts.name != second.facts.name:
        return False
    if first.facts.call_id is not None and second.facts.call_id is not None:
        return first.facts.call_id == second.facts.call_id
    return _overlap(one, other)


def one_call(inner: Followed, outer: Followed) -> bool:
    """Tell whether ``inner`` is another instrumentation's view of the model call ``outer``."""
    one, other = inner.told, outer.told
    if one is None or other is None or inner.source == outer.source:
        return False
    if one.facts.response_id is not None and other.facts.response_id is not None:
        return one.facts.response_id == other.facts.response_id
    if inner.parent is outer.parent and _only_ones(inner, outer):
        return True  # a stream: the framework's span ends before the vendor's begins
    inside = outer.start_ns - SLACK <= inner.start_ns and end(inner) <= end(outer) + SLACK
    if one.facts.tokens is None or other.facts.tokens is None:
        return inside
    # Where the tokens are the same, either may see the call a little earlier than the other.
    return (inside or _overlap(inner, outer)) and one.facts.tokens[:2] == other.facts.tokens[:2]


def _overlap(one: Followed, other: Followed) -> bool:
    """Tell whether two spans go on at the same time; a busy process may see one call twice apart.

    Of those that do, the nearest are views of one call.
    """
    return max(one.start_ns, other.start_ns) <= min(end(one), end(other)) + NEAR


def _only_ones(one: Followed, other: Followed) -> bool:
    """Tell whether two spans are the only model calls of their sources in one step."""
    step = one.parent
    if not isinstance(step, Followed) or step.role != d.OTHER:
        return False
    calls = [part for part in step.children if part.told and part.told.facts.role == d.MODEL]
    return len(calls) == 2 and one in calls and other in calls  # noqa: PLR2004 - a pair


def _take_over(kept: Followed, other: Followed) -> None:
    """Add what another view knows of a call."""
    if kept.told is None or other.told is None:
        return
    facts, more = kept.told.facts, other.told.facts
    if facts.tokens is None:
        facts.tokens = more.tokens
    elif more.tokens is not None and facts.tokens[:2] == more.tokens[:2]:
        cached, reasoning = facts.tokens[2:]
        facts.tokens = (
            *facts.tokens[:2],
            more.tokens[2] if cached is None else cached,
            more.tokens[3] if reasoning is None else reasoning,
        )
    facts.model = facts.model or more.model
    facts.response_model = facts.response_model or more.response_model
    facts.provider = facts.provider or more.provider
    if facts.cache_write is None:
        facts.cache_write = more.cache_write
    facts.cost = facts.cost or more.cost
    if facts.role == d.TOOL:
        merge_failure(kept, other)


__all__ = ["merge_views", "one_call"]
