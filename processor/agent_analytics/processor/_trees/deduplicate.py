"""Finds the spans that are views of one call: several instrumentations may record it.

Views that are in each other are one call by their place, as long as there is only one in each.
Those side by side, or in traces that were joined, are matched by the ids that models give, else
by what they used and when; each call is matched once with each instrumentation, the surest and
then the nearest in time first. One span of each call is counted, with what all of them say.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Final

from agent_analytics.processor import _dialects as d
from agent_analytics.processor._count.response_ids import is_sure
from agent_analytics.processor._runs.foreign_span import ForeignSpan
from agent_analytics.processor._spans import marks
from agent_analytics.processor._trees.merged import merge_into
from agent_analytics.processor._trees.sameness import (
    DIFFERENT,
    SAME_ID,
    SAME_TIME,
    near,
    one_call,
    one_tool,
    used,
)
from agent_analytics.processor._trees.tree import end, is_steered, merge_failure, same_name
from agent_analytics.processor._trees.tree_index import Order

#: Views that one is compared with, the next to start; fewer where a run has thousands of calls,
#: for whoever ends it waits meanwhile.
_MOST_BESIDE: Final = 64
_MANY: Final = 1_000
_BESIDE_OF_MANY: Final = 12

#: Numbers of tokens that are kept of one call: views of one differ by little.
_MOST_USED: Final = 8
#: Spans of one view that are compared with those of others: as many of the outermost and of the
#: innermost. Views of one call are few.
_MOST_SHOWN: Final = 4

Alike = Callable[..., int]


class View:
    """Spans that are in each other and record one call.

    Attributes:
        spans: The outermost first.
        sources: The instrumentations that recorded them.
        inner: Views inside the innermost, where there is more than one: of one call, or of
            several that it made.
    """

    __slots__ = ("_tries", "inner", "sources", "spans")

    def __init__(self, span: ForeignSpan) -> None:
        self.spans = [span]
        self.sources = {span.source}
        self.inner: list[View] = []
        self._tries: bool | None = None

    def add(self, span: ForeignSpan) -> None:
        """Add the only span inside the innermost."""
        self.spans.append(span)
        self.sources.add(span.source)

    def holds_tries(self) -> bool:
        """Tell whether calls follow each other inside: tries, each of which is a call.

        A router asks another provider after the first has failed, whoever records each of them.
        """
        if self._tries is None:
            first = [one.spans[0] for one in self.inner]
            self._tries = len(first) > 1 and (
                max(one.start_ns for one in first) > min(end(one) for one in first)
            )
        return self._tries

    def shown(self) -> list[ForeignSpan]:
        """Return the spans that are compared with those of others."""
        spans = self.spans
        return (
            spans if len(spans) <= 2 * _MOST_SHOWN else spans[:_MOST_SHOWN] + spans[-_MOST_SHOWN:]
        )

    def detail(self) -> int:
        """Return how many of the numbers of tokens are known."""
        return max(
            sum(count is not None for count in span.ended.facts.tokens or ())
            for span in self.spans
            if span.ended is not None
        )


def merge_views(order: Order) -> None:
    """Leave one span of every call its role: what the others know of it goes there."""
    for role, merge in ((d.MODEL, _merge_calls), (d.TOOL, _merge_tools)):
        calls = [part for part in order.parts if part.role == role and part.ended is not None]
        if len(calls) > 1:
            merge(calls, order)


def _merge_calls(calls: list[ForeignSpan], order: Order) -> None:
    views = _views(calls, order)
    if len({call.source for call in calls}) > 1 or _repeats(calls):
        groups = _with_outer(views, _groups(views, one_call))
    elif len(views) < len(calls):
        groups = _with_outer(views, [[number] for number in range(len(views))])
    else:
        return
    for group in groups:
        _leave_one([views[number] for number in group])


def _repeats(calls: list[ForeignSpan]) -> bool:
    """Tell whether an answer is there twice."""
    ids = [call.ended.facts.response_id for call in calls if call.ended is not None]
    known = [one for one in ids if one is not None]
    return len(set(known)) < len(known)


def _leave_one(group: list[View]) -> None:
    """Leave one span of a call its role, with what all of them say."""
    spans = [span for view in group for span in view.spans]
    if len(spans) == 1:
        return
    if any(span.kind == marks.INFERENCE for span in spans):
        # Counted before the run had ended: what is round that adds what it lacked.
        for view in group:
            if not any(span.kind == marks.INFERENCE for span in view.spans):
                _drop(view.spans)
        return
    kept = max(reversed(group), key=View.detail).spans[-1]
    merge_into(kept, spans)
    _drop(span for span in spans if span is not kept)


def _merge_tools(calls: list[ForeignSpan], order: Order) -> None:
    if len({call.source for call in calls}) < 2:  # noqa: PLR2004 - two record one
        return
    views = _views(calls, order)
    for group in _groups(views, one_tool):
        if len(group) == 1:
            _share_steering(views[group[0]].spans)
            continue
        everything = [span for number in group for span in views[number].spans]
        for number in group[:-1]:
            _drop(views[number].spans)
        deciding = _deciding(everything)
        for span in views[group[-1]].spans:
            for other in deciding:
                if other is not span:
                    merge_failure(span, other)


def _deciding(spans: list[ForeignSpan]) -> list[ForeignSpan]:
    """Return the spans that say how their call ended, as far as one may learn from them."""
    failed = [span for span in spans if span.ended is not None and span.ended.failed]
    steered = [span for span in spans if is_steered(span)]
    first = {id(span) for span in (*failed[:2], *steered[:2])}  # one may be who asks
    return [span for span in spans if id(span) in first]


def _share_steering(spans: list[ForeignSpan]) -> None:
    """Let each view of a call know that an exception steered it, where one says what it was."""
    steered = next(filter(is_steered, spans), None)
    if steered is not None:
        for span in spans:
            merge_failure(span, steered)


def _drop(spans: Iterable[ForeignSpan]) -> None:
    for span in spans:
        span.role = d.OTHER


# --- what is in each other -----------------------------------------------------------------------


def _views(calls: list[ForeignSpan], order: Order) -> list[View]:
    """Return the calls, those in each other together; parents come first in ``calls``."""
    around = {
        id(part): one
        for part, one in zip(order.parts, order.round_about(), strict=True)
        if one is not None
    }
    outer = {id(call): _round(call, around.get(id(call))) for call in calls}
    inside = Counter(id(one) for one in outer.values() if one is not None)
    of: dict[int, View] = {}
    views: list[View] = []
    for call in calls:
        one = outer[id(call)]
        view = of.get(id(one))
        if view is not None and inside[id(one)] == 1:
            view.add(call)
        else:
            holder, view = view, View(call)
            views.append(view)
            if holder is not None:
                holder.inner.append(view)
        of[id(call)] = view
    return views


def _round(call: ForeignSpan, one: ForeignSpan | None) -> ForeignSpan | None:
    """Return the span round a call's that records the same call, if the nearest does."""
    if one is None or one.role != call.role:
        return None
    same = call.role == d.MODEL or (one.source != call.source and same_name(one, call))
    return one if same else None


def _with_outer(views: list[View], groups: list[list[int]]) -> list[list[int]]:
    """Return the groups, each with the views round it that hold no other call."""
    number_of = {id(view): number for number, view in enumerate(views)}
    group_of = {number: group for group in groups for number in group}
    for number in range(len(views) - 1, -1, -1):  # the innermost first
        held = [group_of[number_of[id(inner)]] for inner in views[number].inner]
        own = group_of[number]
        if held and len(own) == 1 and all(group is held[0] for group in held):
            held[0].append(number)
            group_of[number] = held[0]
            own.clear()
    return [sorted(group) for group in groups if group]


# --- what is beside each other -------------------------------------------------------------------


class _Group:
    """Views of one call, as far as they were found."""

    __slots__ = ("ids", "numbers", "sources", "used")

    def __init__(self, number: int, view: View) -> None:
        self.numbers = [number]
        self.sources = set(view.sources)
        ended = [span.ended for span in view.spans if span.ended is not None]
        self.ids = {one.facts.response_id for one in ended if one.facts.response_id is not None}
        self.used = {both for span in view.shown() if (both := used(span)) != (None, None)}

    def admits(self, other: "_Group", sure: int) -> bool:
        """Tell whether nothing speaks against the views of another being of the same call."""
        if not self.sources.isdisjoint(other.sources):
            return False
        if self.ids and other.ids and self.ids.isdisjoint(other.ids):
            return False
        return sure == SAME_ID or self.nearly_used(other)

    def nearly_used(self, other: "_Group") -> bool:
        """Tell whether another used as many tokens, as far as both say."""
        if not self.used or not other.used:
            return True
        return any(near(one, beside) for one in self.used for beside in other.used)

    def take(self, other: "_Group") -> None:
        """Add the views of another."""
        self.numbers += other.numbers
        self.sources |= other.sources
        self.ids |= other.ids
        if len(self.used) < _MOST_USED:
            self.used |= other.used


def _join(one: "_Group", other: "_Group", group_of: list["_Group"]) -> None:
    """Let the views of two groups be of one call: the fewer go to the more."""
    if len(one.numbers) < len(other.numbers):
        one, other = other, one
    one.take(other)
    for number in other.numbers:
        group_of[number] = one


def _groups(views: list[View], alike: Alike) -> list[list[int]]:
    """Return the numbers of the views that belong together."""
    by_start = sorted(range(len(views)), key=lambda number: views[number].spans[0].start_ns)
    most = _MOST_BESIDE if len(views) <= _MANY else _BESIDE_OF_MANY
    lonely = _lonely(views)
    pairs: list[tuple[int, int, int, int]] = []
    for place, number in enumerate(by_start):
        one = views[number]
        for beside in by_start[place + 1 : place + 1 + most]:
            other = views[beside]
            if one.sources.isdisjoint(other.sources):
                sure = _sure(one, other, alike, lonely)
                if sure == SAME_TIME and (one.holds_tries() or other.holds_tries()):
                    continue
                if sure < DIFFERENT:
                    first, second = sorted((number, beside))
                    pairs.append((sure, _apart(one, other), second, first))
    pairs.sort()
    group_of = [_Group(number, view) for number, view in enumerate(views)]
    _join_by_id(group_of)
    for sure, _, second, first in pairs:
        one_group, other_group = group_of[first], group_of[second]
        if one_group is not other_group and one_group.admits(other_group, sure):
            _join(one_group, other_group, group_of)
    return [sorted(group.numbers) for group in {id(one): one for one in group_of}.values()]


def _join_by_id(group_of: list[_Group]) -> None:
    """Join what gives the same answer, whoever recorded it: it was fetched again, or polled."""
    first: dict[str, int] = {}
    for number in range(len(group_of)):
        for answer in tuple(group_of[number].ids):
            one_group = group_of[first.setdefault(answer, number)]
            other_group = group_of[number]
            if one_group is other_group or not (
                is_sure(answer) or one_group.nearly_used(other_group)
            ):
                continue
            _join(one_group, other_group, group_of)


def _sure(one: View, other: View, alike: Alike, lonely: set[int]) -> int:
    return min(
        alike(
            span,
            beside,
            lonely=span.parent is beside.parent and id(span.parent) in lonely,
        )
        for span in one.shown()
        for beside in other.shown()
    )


def _lonely(views: list[View]) -> set[int]:
    """Return the steps in which each instrumentation recorded one call, by their ``id()``."""
    sources: dict[int, list[str]] = {}
    for view in views:
        for span in view.spans:
            step = span.parent
            if isinstance(step, ForeignSpan) and step.role == d.OTHER:
                sources.setdefault(id(step), []).append(span.source)
    return {step for step, names in sources.items() if len(set(names)) == len(names) > 1}


def _apart(one: View, other: View) -> int:
    return min(
        abs(span.start_ns - beside.start_ns) for span in one.shown() for beside in other.shown()
    )


__all__ = ["merge_views"]
