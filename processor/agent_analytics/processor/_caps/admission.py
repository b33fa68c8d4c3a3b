"""Who may have how many series: one exposition has its limits, and each publisher a share of it.

Whatever is named is admitted once, when its series are born, and stays: a series that was exposed
must neither vanish nor fall. So nobody ever gives back, and a share cannot be halved when a second
publisher comes. Room is kept for those who come later instead. A publisher may have

    share x (whole - 4/3 x what all others have), or 1/25 of what the others leave,

whichever is more. Alone, with a share of a half, that is half of the whole; whoever comes then may
have a sixth; and when the large ones have three quarters, the rest is there for small ones. As the
others only grow, what was refused once is refused for good, and need not be looked at again.

What is refused goes under ``_other`` of its listing; a listing under ``_other`` of its publisher.
Room for these is reserved with the listing, so that no figure is ever lost.

Releases are counted apart: room for all versions of a listing that are shown at once is reserved
with its first, by the same rule, in a whole of their own. So no version takes the room of a tool,
and what a version leaves is there for the next.
"""

from collections.abc import Iterable
from hashlib import blake2b
from threading import RLock
from typing import Final, NamedTuple, Protocol

from agent_analytics.processor._caps import sizes
from agent_analytics.processor._caps.limits import Limits
from agent_analytics.processor._caps.sizes import NOTHING, Size
from agent_analytics.processor._series import schema
from agent_analytics.processor.catalogue import ACTIVE_INSTALLS, OTHER

#: A label and the ids it is below: what is admitted, and what is charged for it.
PUBLISHER: Final = "publisher"
LISTING: Final = "listing"
#: A listing that is known for its installs alone: whoever knows them names it.
INSTALLS: Final = "active_installs"
#: The versions of a listing, all that are shown at once.
RELEASES: Final = schema.RELEASES.cause
#: Others have three quarters when nothing is left but what is kept for small ones.
_OTHERS_WEIGH: Final = 4 / 3
#: Part of what others leave that a publisher may have in any case.
_SMALL: Final = 1 / 25

Labels = tuple[str, ...]


class Filled(NamedTuple):
    """How full an exposition is.

    Attributes:
        used: What is reserved in it.
        whole: What it may take.
        fullest: Part of its share that the publisher has who has most of it, 0 to 1.
    """

    used: Size
    whole: Size
    fullest: float


class Admission(Protocol):
    """Admits what is named, or does not."""

    @property
    def whole(self) -> Size:
        """What one exposition may take."""
        ...

    def admit(self, cause: str, labels: Labels) -> bool:
        """Return whether something named may have series of its own; once it may, it always may."""
        ...

    def record(self, cause: str, labels: Labels) -> None:
        """Take account of something that has its series already, whatever the limits are."""
        ...

    def filled(self) -> Filled:
        """Return how full the exposition is, but for releases."""
        ...

    def releases_filled(self) -> float:
        """Return which part is taken of what releases may come to."""
        ...

    def reset(self) -> None:
        """Forget what this process has admitted, in a forked child."""
        ...


def digest(cause: str, labels: Labels) -> int:
    """Return a number that stands for something named; never 0."""
    text = "\0".join((cause, *labels)).encode()
    return int.from_bytes(blake2b(text, digest_size=8).digest(), "little", signed=True) or 1


class Books:
    """Sizes that are reserved, by publisher; the rule that no publisher's may exceed its share.

    Attributes:
        whole: What one exposition may take.
        used: What is reserved.
        of: What is reserved for each publisher.
    """

    def __init__(self, limits: Limits) -> None:
        self.whole = Size(limits.max_samples, limits.max_exposition_bytes)
        self._versions = limits.versions_per_listing
        self._begin(sizes.OWN + self._kit(OTHER, OTHER), limits)

    def _begin(self, base: Size, limits: Limits) -> None:
        self._share = limits.publisher_share
        self._free = tuple(w - b for w, b in zip(self.whole, base, strict=True))
        self._base = base
        self.clear()

    def clear(self) -> None:
        """Begin with nothing reserved but what every exposition has."""
        self.used = self._base
        self.of: dict[object, Size] = {}

    def _kit(self, publisher: str, agent: str) -> Size:
        return sizes.of_listing(publisher, agent, self._versions)

    def cost(self, cause: str, labels: Labels) -> Size:
        """Return what something named takes."""
        if cause == PUBLISHER:
            # Its ``_other``, where its further listings go; that of ``_other`` is always there.
            return NOTHING if labels[0] == OTHER else self._kit(labels[0], OTHER)
        if cause == LISTING:
            return NOTHING if labels[1] == OTHER else self._kit(*labels)
        if cause == INSTALLS:
            return sizes.sample(ACTIVE_INSTALLS, labels)
        return sizes.of_name(cause, labels)

    def fits(self, publisher: object, cost: Size) -> bool:
        """Return whether a publisher may have as much more."""
        own = self.of.get(publisher, NOTHING)
        return cost == NOTHING or all(
            own[place] + cost[place] <= self._most(place, own[place]) for place in range(len(cost))
        )

    def _most(self, place: int, own: int) -> float:
        """Return what a publisher may have, in samples or in bytes."""
        whole = self._free[place]
        others = self.used[place] - self._base[place] - own
        return max(self._share * (whole - _OTHERS_WEIGH * others), _SMALL * (whole - others))

    def add(self, publisher: object, cost: Size) -> None:
        """Reserve room for a publisher."""
        self.of[publisher] = self.of.get(publisher, NOTHING) + cost
        self.used += cost

    def filled(self) -> Filled:
        """Return how full the exposition is."""
        fullest = 0.0
        for own in list(self.of.values()):
            for place, count in enumerate(own):
                most = self._most(place, count)
                fullest = max(fullest, count / most if most > 0 else float(count > 0))
        return Filled(self.used, self.whole, min(fullest, 1.0))

    def part(self) -> float:
        """Return which part of the whole is reserved, of samples or of bytes."""
        return max(used / most for used, most in zip(self.used, self.whole, strict=True))


class ReleaseBooks(Books):
    """The same of releases, beside all others."""

    def __init__(self, limits: Limits) -> None:
        self.whole = sizes.of_all_releases(limits.max_samples, limits.max_exposition_bytes)
        self._releases = limits.releases_per_listing
        self._begin(NOTHING, limits)

    def cost(self, cause: str, labels: Labels) -> Size:
        """Return what all versions of a listing take that are shown at once."""
        del cause
        return sizes.of_releases(labels, self._releases)


class Shares:
    """Admits in the memory of one process."""

    def __init__(self, limits: Limits) -> None:
        self._books = Books(limits)
        self._releases = ReleaseBooks(limits)
        self.whole = self._books.whole
        self._admitted: set[int] = set()
        # Re-entrant: a signal handler may come here while this very thread is here.
        self._lock = RLock()

    def admit(self, cause: str, labels: Labels) -> bool:
        """Return whether something named may have series of its own; once it may, it always may."""
        key = digest(cause, labels)
        if key in self._admitted:
            return True
        books = self._of(cause)
        cost = books.cost(cause, labels)
        with self._lock:
            if key in self._admitted:
                return True
            if not books.fits(labels[0], cost):
                return False
            self._admitted.add(key)
            books.add(labels[0], cost)
            return True

    def record(self, cause: str, labels: Labels) -> None:
        """Take account of something that has its series already, whatever the limits are."""
        key = digest(cause, labels)
        with self._lock:
            if key not in self._admitted:
                self._admitted.add(key)
                books = self._of(cause)
                books.add(labels[0], books.cost(cause, labels))

    def _of(self, cause: str) -> Books:
        return self._releases if cause == RELEASES else self._books

    def filled(self) -> Filled:
        """Return how full the exposition is, but for releases."""
        with self._lock:
            return self._books.filled()

    def releases_filled(self) -> float:
        """Return which part is taken of what releases may come to."""
        with self._lock:
            return self._releases.part()

    def reset(self) -> None:
        """Forget everything, in a forked child."""
        self._lock = RLock()
        self._admitted.clear()
        self._books.clear()
        self._releases.clear()


def named(kind: str, labels: Labels) -> Iterable[tuple[str, Labels]]:
    """Yield what was admitted so that a block could be: its publisher and listing, or its name.

    Every block with a name has the block of its listing beside it.

    Args:
        kind: The block's schema.
        labels: Its labels.
    """
    if kind == schema.LISTING.name:
        yield PUBLISHER, labels[:1]
        if labels[1] != OTHER:
            yield LISTING, labels
    elif kind == schema.RELEASE.name:
        yield RELEASES, labels[:2]
    elif kind in sizes.CAUSES and labels[-1] != OTHER:
        yield sizes.CAUSES[kind], labels
