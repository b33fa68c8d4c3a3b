"""Who gives something up where all together have too much: the owner who has most.

A cap that many owners share would let one of them push the others out. Nothing is kept for this
while there is room; beyond the cap what there is, is sorted by owner once in a while, so that what
one more costs does not grow with the cap.
"""

from collections import deque
from collections.abc import Callable, Hashable
from heapq import heapify, heapreplace
from typing import Final, Generic, TypeVar

T = TypeVar("T")

#: After as many evictions, as a part of the cap, all is sorted anew.
_PART: Final = 8


class Fair(Generic[T]):
    """Finds what to give up of things by key, the oldest of whoever has most.

    Args:
        most: How many there may be.
        owner_of: Returns whose a thing is.
    """

    def __init__(self, most: int, owner_of: Callable[[T], Hashable]) -> None:
        self.most = most
        self._owner_of = owner_of
        #: Keys of each owner, the oldest first, those who have most first.
        self._piles: list[tuple[int, int, deque[int]]] = []
        self._left = 0

    def oldest(self, things: dict[int, T]) -> int | None:
        """Return the key of what is given up next; ``None`` if there is nothing."""
        if self._left > 0:
            key = self._next(things)
            if key is not None:
                return key
        self._sort(things)
        return self._next(things)

    def _next(self, things: dict[int, T]) -> int | None:
        while self._piles and self._piles[0][0]:
            negative, number, keys = self._piles[0]
            gone = 0
            while keys and keys[0] not in things:  # it has ended meanwhile
                keys.popleft()
                gone += 1
            if gone:
                heapreplace(self._piles, (negative + gone, number, keys))
                continue
            heapreplace(self._piles, (negative + 1, number, keys))
            self._left -= 1
            return keys.popleft()
        return None

    def forget(self) -> None:
        """Forget what was sorted."""
        self._piles, self._left = [], 0

    def _sort(self, things: dict[int, T]) -> None:
        piles: dict[Hashable, deque[int]] = {}
        for key, thing in things.copy().items():  # others come and go meanwhile
            owner = self._owner_of(thing)
            pile = piles.get(owner)
            if pile is None:
                pile = piles[owner] = deque()
            pile.append(key)
        self._piles = [(-len(keys), number, keys) for number, keys in enumerate(piles.values())]
        heapify(self._piles)
        self._left = max(1, self.most // _PART)
