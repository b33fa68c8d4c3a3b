"""The spans of a run by their place, so that what is asked of each is known for all in one walk.

Parents come first, and what is below a span follows it without a gap: a run of any depth is read
in time that grows with its spans, not with their depths.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Final

from agent_analytics.processor import _dialects as d
from agent_analytics.processor._runs.foreign_span import ForeignSpan
from agent_analytics.processor._trees.tree import above

#: Spans round the topmost one of a run that are looked at.
_MOST_OUTSIDE: Final = 256
#: Of the topmost span, which has none above.
NONE: Final = -1


class Order:
    """Spans, parents first, and the place of each.

    Attributes:
        parts: The spans.
        up: Place of the span that each was started in.
        last: First place behind what is below each.
    """

    __slots__ = ("last", "parts", "up")

    def __init__(self, parts: list[ForeignSpan]) -> None:
        self.parts = parts
        at = {id(part): place for place, part in enumerate(parts)}
        self.up = [at.get(id(part.parent), NONE) for part in parts]
        self.last = [place + 1 for place in range(len(parts))]
        for place in range(len(parts) - 1, 0, -1):
            up = self.up[place]
            if up != NONE:
                self.last[up] = max(self.last[up], self.last[place])

    def outside(self) -> list[ForeignSpan]:
        """Return the spans round the topmost, the nearest first: they were counted before."""
        return list(islice(above(self.parts[0]), _MOST_OUTSIDE))

    def is_in_agent(self) -> bool:
        """Return whether an agent is round the topmost span."""
        return any(one.role == d.AGENT for one in self.outside())

    def in_agents(self) -> list[bool]:
        """Return of each span whether an agent is round it."""
        found = [self.is_in_agent()]
        for _, up, _ in islice(self.downwards(), 1, None):
            found.append(up != NONE and (found[up] or self.parts[up].role == d.AGENT))
        return found

    def any_below(self, holds: Callable[[ForeignSpan], bool]) -> list[bool]:
        """Return of each span whether something holds for any span below it."""
        found = [False] * len(self.parts)
        for place in range(len(self.parts) - 1, 0, -1):
            up = self.up[place]
            if up != NONE and (found[place] or holds(self.parts[place])):
                found[up] = True
        return found

    def downwards(self) -> Iterator[tuple[int, int, ForeignSpan]]:
        """Yield the place of each span, that of the one above, and the span; parents first."""
        return zip(range(len(self.parts)), self.up, self.parts, strict=True)

    def upwards(self) -> Iterator[tuple[int, int, ForeignSpan]]:
        """Yield the same, what is below first."""
        places = range(len(self.parts) - 1, -1, -1)
        return zip(places, reversed(self.up), reversed(self.parts), strict=True)

    def has_below(self, place: int, among: list[int]) -> bool:
        """Return whether one of some places, in order, is below a span."""
        after = bisect_right(among, place)
        return after < len(among) and among[after] < self.last[place]

    def round_about(self) -> list[ForeignSpan | None]:
        """Return of each span the nearest above that has a role."""
        found: list[ForeignSpan | None] = []
        for _, up, _ in self.downwards():
            if up == NONE:
                found.append(next((one for one in self.outside() if one.role != d.OTHER), None))
                continue
            one = self.parts[up]
            found.append(one if one.role != d.OTHER else found[up])
        return found


class Spells:
    """Spells of time, asked whether one of them holds another whole.

    Args:
        spells: Start and end of each, in nanoseconds since 1970.
    """

    __slots__ = ("_ends", "_starts")

    def __init__(self, spells: Iterable[tuple[int, int]]) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []
        latest = 0
        for start, end in sorted(spells):
            latest = max(latest, end)
            self._starts.append(start)
            self._ends.append(latest)

    def hold(self, start: int, end: int) -> bool:
        """Return whether one began no later than ``start`` and ended no earlier than ``end``."""
        before = bisect_right(self._starts, start)
        return before > 0 and self._ends[before - 1] >= end


def key_of(name: object) -> object:
    """Return what may be a key for a name: a convention's attribute may hold anything."""
    return name if name is None or isinstance(name, str) else (type(name), repr(name))
