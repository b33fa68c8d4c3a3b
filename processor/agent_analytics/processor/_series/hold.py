"""Who reads the series, and which newborn series each has seen at 0.

Scrapes over HTTP and calls of ``exposition()`` are one reader: nothing keeps two Prometheuses apart
that ask the same server, and none of them misses the zeros, since a hold lasts ``hold_seconds`` as
well. Each registry of ``prometheus_client`` that the processor stands in is a reader of its own.
The doctor is none: who only looks, ends no hold.

A hold ends when it has lasted, the reader that asks has seen the zeros, and so has each other one
that had read in the last hold before the series were born. Whoever has read since then has seen
zeros, for there was nothing else to see. Nobody is waited for beyond ten holds.
"""

import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final
from weakref import ref

from prometheus_client.registry import CollectorRegistry

#: Scrapes over HTTP, by whichever worker, and ``exposition()``.
HTTP: Final = 0
#: Readers that are kept apart; further registries are one reader with the last.
MOST_READERS: Final = 8
#: How many holds a newborn series waits for a scrape that does not come.
CAP_IN_HOLDS: Final = 10


@dataclass(frozen=True, slots=True)
class Scrape:
    """One reader at one moment; times are in any unit, the same for all.

    Attributes:
        mark: Bit of the reader among those that have seen zeros; 0 for who only looks.
        now: When that is.
        hold: How long a hold lasts at least.
        others: The bit of each other reader, and when it has read last.
    """

    mark: int
    now: float
    hold: float
    others: Sequence[tuple[int, float]] = ()

    def ends_hold(self, born: float, seen: int) -> bool:
        """Tell whether newborn series show their values from now on.

        Args:
            born: When they were born.
            seen: Bits of the readers that have seen their zeros.
        """
        age = self.now - born
        if 0 <= age < self.hold or (self.hold and not self.mark):
            return False
        # A clock that was set back must not hold anything for as long as that.
        if not 0 <= age < self.hold * CAP_IN_HOLDS:
            return True
        return bool(seen & self.mark) and all(
            seen & mark or born - last > self.hold for mark, last in self.others
        )


class Readers:
    """When each reader of one process has read last."""

    def __init__(self, hold: float) -> None:
        self._hold = hold
        self.forget()

    def forget(self) -> None:
        """Begin with nobody, in a forked child."""
        self._last: list[float | None] = [None] * MOST_READERS

    def scrape(
        self, reader: int | None, now: float, elsewhere: Iterable[float | None] = ()
    ) -> Scrape:
        """Return a scrape by a reader, and note it; one thread at a time.

        Args:
            reader: Whose; ``None`` for who only looks.
            now: When.
            elsewhere: When each reader has read last from another process, by its number.
        """
        last = list(self._last)
        for number, at in enumerate(elsewhere):
            own = last[number]
            if at is not None and (own is None or own < at <= now):
                last[number] = at
        others = [
            (1 << number, at)
            for number, at in enumerate(last)
            if at is not None and number != reader
        ]
        if reader is None:
            return Scrape(0, now, self._hold, others)
        self._last[reader] = now
        return Scrape(1 << reader, now, self._hold, others)


class Registries:
    """Numbers of the registries that collect, in the order in which they did so first.

    The first of each worker has the same number: where the app of a web service shows a registry,
    any worker may be asked.
    """

    def __init__(self) -> None:
        self._known: dict[int, Callable[[], object]] = {}

    def number(self, owner: object) -> int:
        """Return the number of who collects."""
        for number, known in list(self._known.items()):
            found = known()
            if found is owner:
                return number
            if found is None:  # that one is gone
                self._known.pop(number, None)
        free = (number for number in range(HTTP + 1, MOST_READERS) if number not in self._known)
        number = next(free, MOST_READERS - 1)
        try:
            self._known.setdefault(number, ref(owner))
        except TypeError:  # an object of a class with slots: it is kept alive
            self._known.setdefault(number, lambda: owner)
        return number


def owner_of(caller: Any, processor: object) -> object:
    """Return who calls ``collect()``: a registry, or a collector that passes the families on.

    ``prometheus_client`` hands nothing over that would name it; whose method calls does.

    Args:
        caller: The frame that calls.
        processor: What is collected; its own methods pass the call on.
    """
    while caller is not None:
        owner: Any = caller.f_locals.get("self")
        if owner is not processor:
            break
        caller = caller.f_back
    else:
        return sys
    # A request for some names only makes a registry of its own, in front of the one that is meant.
    whole = getattr(owner, "_registry", None)
    if isinstance(whole, CollectorRegistry):
        return whole
    return sys if owner is None else owner  # a function, whichever
