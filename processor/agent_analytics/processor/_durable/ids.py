"""Event ids that every worker has seen: each counts once, whichever worker it came to.

One file for all workers holds a ring of hashes for each publisher; a lock on it makes looking up
and adding one step. Only events that carry an id come here. What cannot be added now is remembered
by this worker alone, and added when it can be.
"""

from hashlib import blake2b
from typing import Final

from agent_analytics.processor._durable._files import names
from agent_analytics.processor._durable._files.directory import StateDirectory
from agent_analytics.processor._durable._files.identity import EVENT_IDS
from agent_analytics.processor._durable._files.shared_file import SharedFile
from agent_analytics.processor._series.cells import Cells

#: Ids in each block of a ring, which grows until the ring holds as many as it may; further ones
#: are as large as the last.
_CHAIN: Final = (15, 112, 384)
_HEAD: Final = 0


class _Ring:
    """The ids of one publisher as this process knows them."""

    __slots__ = ("apart", "chain", "hashes", "known", "spans", "taken")

    def __init__(self) -> None:
        self.chain: list[Cells] = []
        #: Hash by place in the ring, and the hashes there are.
        self.hashes: dict[int, int] = {}
        self.known: set[int] = set()
        #: The span that brought an id to this process.
        self.spans: dict[int, int] = {}
        #: Ids of the ring, counted from the first ever, that ``known`` has taken account of.
        self.taken = 0
        #: Ids that only this process knows of, the oldest first.
        self.apart: dict[int, None] = {}

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
        self._directory = directory
        self._cap = cap
        self._shared = SharedFile(
            directory,
            EVENT_IDS,
            names.EVENT_IDS,
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
        with self._shared.held() as held:
            ring = self._rings.get(publisher)
            if ring is None:
                ring = self._rings[publisher] = _Ring()
            self._read(publisher, ring)
            if digest in ring.known or digest in ring.apart:
                # A span that was given up comes here twice.
                return ring.spans.get(digest) != span_id
            ring.spans[digest] = span_id
            ring.apart[digest] = None
            if held:
                self._add_all(publisher, ring)
            if ring.apart:
                self._directory.owing[EVENT_IDS] = self._settle
            if len(ring.apart) > self._cap:
                oldest = next(iter(ring.apart))
                del ring.apart[oldest]
                ring.spans.pop(oldest, None)
            return False

    def _settle(self) -> None:
        """Write down what only this worker remembers."""
        with self._shared.held() as held:
            for publisher, ring in list(self._rings.items()):
                if held and ring.apart:
                    self._read(publisher, ring)
                    self._add_all(publisher, ring)
            if not any(ring.apart for ring in self._rings.values()):
                self._directory.owing.pop(EVENT_IDS, None)

    def _add_all(self, publisher: str, ring: _Ring) -> None:
        for digest in list(ring.apart):
            if digest not in ring.known:
                head = ring.taken
                cells, index = self._cell(publisher, ring, head % self._cap)
                if cells is None:
                    return
                span_id = ring.spans.get(digest)
                cells[index] = digest
                ring.put(head % self._cap, digest)
                if span_id is not None:
                    ring.spans[digest] = span_id
                ring.taken = head + 1
                ring.chain[0][_HEAD] = head + 1
            ring.apart.pop(digest, None)

    def _read(self, publisher: str, ring: _Ring) -> None:
        """Take account of what other workers have added."""
        if not ring.chain and not self._link(publisher, ring, 0):
            return
        head = ring.chain[0][_HEAD]
        for position in range(max(ring.taken, head - self._cap), head):
            place = position % self._cap
            cells, index = self._cell(publisher, ring, place, make=False)
            if cells is not None and cells[index]:
                ring.put(place, cells[index])
        ring.taken = max(ring.taken, head)

    def _cell(
        self, publisher: str, ring: _Ring, place: int, *, make: bool = True
    ) -> tuple[Cells | None, int]:
        """Return the cell of a place in a ring, making room for it, as far as there is any."""
        link = 0
        while place >= (size := _size(link)):
            place -= size
            link += 1
        while len(ring.chain) <= link:
            if not self._link(publisher, ring, len(ring.chain)):
                more = len(ring.chain)
                size = _size(more) + (1 if more == 0 else 0)
                made = self._shared.make((publisher, str(more)), size) if make else None
                if made is None:
                    return None, 0
                ring.chain.append(made)
        return ring.chain[link], place + (1 if link == 0 else 0)

    def _link(self, publisher: str, ring: _Ring, link: int) -> bool:
        cells = self._shared.cells((publisher, str(link)))
        if cells is None:
            return False
        ring.chain.append(cells)
        return True


def _size(link: int) -> int:
    return _CHAIN[min(link, len(_CHAIN) - 1)]
