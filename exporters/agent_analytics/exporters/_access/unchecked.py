"""Which credentials came that are not checked yet, and how often each came back.

Who guesses has to send ever other passwords; who is right comes with the same one again. How often
a credential came back is thus what sets the two apart, and costs who guesses as many requests for
each guess. What comes back within four seconds counts once: repeating at once gains nothing, and
repeating as slowly as a scraper does takes who guesses as long as the scraper.

The memory is bounded, a part of it for each number of times, so that no flood of credentials that
came once, or twice, takes the room of others. What came lately keeps its place: a scraper comes
every few seconds, and has to be known then, however many others came in between.
"""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

#: Seconds between two comings that count; the shortest usual interval of scrapes is 5.
APART_SECONDS: Final = 4.0
#: Coming back more often counts as this often.
MOST_RETURNS: Final = 7
#: Credentials that came once; those that came n times have an n-th of the room.
_ROOM: Final = 16_384
#: Who came within so many seconds is not forgotten for others.
_KEPT_SECONDS: Final = 20.0


@dataclass(frozen=True, slots=True)
class Came:
    """How a credential came.

    Attributes:
        returns: How often it came back.
        first: When it came first.
        last: When it last came in a way that counts.
    """

    returns: int
    first: float
    last: float


class Unchecked:
    """Remembers by keyed hashes; not safe to call from several threads at once."""

    def __init__(self) -> None:
        #: By how often they came back; who came longest ago first.
        self._levels: list[OrderedDict[bytes, Came]] = [
            OrderedDict() for _ in range(MOST_RETURNS + 1)
        ]

    def __len__(self) -> int:
        return sum(map(len, self._levels))

    def note(self, digest: bytes, now: float) -> Came:
        """Note that a credential came, and return how it came so far."""
        level = self._level(digest)
        if level is None:
            came = Came(0, now, now)
            self._put(digest, came)
            return came
        before = level[digest]
        if now - before.last < APART_SECONDS:
            return before
        came = Came(min(before.returns + 1, MOST_RETURNS), before.first, now)
        del level[digest]
        if not self._put(digest, came):
            level[digest] = Came(before.returns, before.first, now)
        return came

    def forget(self, digest: bytes) -> None:
        """Forget a credential: it is checked."""
        level = self._level(digest)
        if level is not None:
            del level[digest]

    def _level(self, digest: bytes) -> OrderedDict[bytes, Came] | None:
        return next((level for level in self._levels if digest in level), None)

    def _put(self, digest: bytes, came: Came) -> bool:
        """Remember a credential; return whether there is room."""
        level = self._levels[came.returns]
        if len(level) >= _ROOM // (came.returns + 1):
            oldest = next(iter(level))
            if came.last - level[oldest].last < _KEPT_SECONDS:
                return False
            del level[oldest]
        level[digest] = came
        return True
