"""Event ids that every worker has seen: each counts once, whichever worker it came to.

One file for all workers holds a ring of hashes for each publisher; a lock on it makes looking up
and adding one step. Only events that carry an id come here.
"""

from hashlib import blake2b
from typing import Final

from agent_analytics.processor._durable import _names
from agent_analytics.processor._durable._directory import StateDirectory
from agent_analytics.processor._durable._identity import EVENT_IDS
from agent_analytics.processor._durable._shared import SharedFile
from agent_analytics.processor._store import Cells

#: Ids in each block of a ring, which grows until the ring holds as many as it may; further ones
#: are as large as the last.
_CHAIN: Final = (15, 112, 384)
_HEAD: Final = 0


class _Ring:
    """The ids of one publisher as this process knows them."""

    __slots__ = ("chain", "hashes", "known", "spans", "taken")

    def __init__(self) -> None:
        self.chain: list[Cells] = []
        #: Hash by place in the ring, and the hashes there are.
        self.hashes: dict[int, int] = {}
        self.known: set[int] = set()
        #: The span that brought an id to this process.
        self.spans: dict[int, int] = {}
        #: Ids of the ring, counted from the first ever, that ``known`` has taken account of.
        self.taken = 0

    def put(self, place: int, digest: int) -> None:
        old = self.hashes.get(place)
        if old is not None:
            self.known.discard(old)
            self.spans.pop(old, None)
        self.hashes[place] = digest
        self.known.add(digest)


class SharedIds:
    """The ids seen lately, by publisher.

    Args:
        directory: Where the file is.
        cap: Ids of one publisher that are remembered.
    """

    def __init__(self, directory: StateDirectory, cap: int) -> None:
        self._cap = cap
        self._shared = SharedFile(
            directory,
            EVENT_IDS,
            _names.EVENT_IDS,
            "ids of events are remembered by each worker for itself",
        )
        self._rings: dict[str, _Ring] = {}

    def after_fork(self) -> None:
        """Begin anew in a forked child, with a lock of its own."""
        self._shared.after_fork()
        self._rings = {}

    def seen(self, publisher: str, event_id: str, span_id: int) -> bool:
        """Tell whether an id was seen on another span, by any worker, and remember it."""
        digest = int.from_bytes(
            blake2b(event_id.encode("utf-8", "surrogatepass"), digest_size=8).digest(),
            "little",
            signed=True,
        )
        digest = digest or 1
        with self._shared.held():
            ring = self._rings.get(publisher)
            if ring is None:
                ring = self._rings[publisher] = _Ring()
            self._read(publisher, ring)
            if digest in ring.known:
                # A span that was given up comes here twice.
                return ring.spans.get(digest) != span_id
            head = ring.taken
            cells, index = self._cell(publisher, ring, head % self._cap)
            cells[index] = digest
            ring.put(head % self._cap, digest)
            ring.spans[digest] = span_id
            ring.taken = head + 1
            ring.chain[0][_HEAD] = head + 1
            return False

    def _read(self, publisher: str, ring: _Ring) -> None:
        """Take account of what other workers have added."""
        if not ring.chain and not self._link(publisher, ring, 0):
            return
        head = ring.chain[0][_HEAD]
        for position in range(max(ring.taken, head - self._cap), head):
            place = position % self._cap
            cells, index = self._cell(publisher, ring, place)
            if cells[index]:
                ring.put(place, cells[index])
        ring.taken = max(ring.taken, head)

    def _cell(self, publisher: str, ring: _Ring, place: int) -> tuple[Cells, int]:
        """Return the cell of a place in a ring, making room for it."""
        link = 0
        while place >= (size := _size(link)):
            place -= size
            link += 1
        while len(ring.chain) <= link:
            if not self._link(publisher, ring, len(ring.chain)):
                more = len(ring.chain)
                size = _size(more) + (1 if more == 0 else 0)
                ring.chain.append(self._shared.make((publisher, str(more)), size))
        return ring.chain[link], place + (1 if link == 0 else 0)

    def _link(self, publisher: str, ring: _Ring, link: int) -> bool:
        cells = self._shared.cells((publisher, str(link)))
        if cells is None:
            return False
        ring.chain.append(cells)
        return True


def _size(link: int) -> int:
    return _CHAIN[min(link, len(_CHAIN) - 1)]
