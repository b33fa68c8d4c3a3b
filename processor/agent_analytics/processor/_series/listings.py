"""The listings of one process: their blocks of cells, their sketches, and the caps on both.

The hot path asks for a listing by publisher and agent, and for one of its blocks by a label
value; both are one dict lookup. Whatever is new is made here, outside the lock, and put in place
under it.
"""

from collections.abc import Callable, Iterable
from threading import RLock

from agent_analytics.instrumentation.exact import exact, exact_text
from agent_analytics.processor._caps.admission import LISTING, PUBLISHER, Admission, named
from agent_analytics.processor._caps.limits import Limits
from agent_analytics.processor._count.core import NAMELESS, Block, Listing
from agent_analytics.processor._series import schema
from agent_analytics.processor._series.health import Health
from agent_analytics.processor._series.schema import BlockKind
from agent_analytics.processor._series.store import SeriesStore
from agent_analytics.processor.catalogue import (
    OTHER,
    SKETCH_CONVERSATIONS,
    SKETCH_TENANTS,
)


class Listings:
    """Finds or makes listings and their blocks, within limits."""

    def __init__(
        self,
        store: SeriesStore,
        limits: Limits,
        health: Health,
        lock: RLock,
        clock: Callable[[], float],
        shares: Admission,
    ) -> None:
        self._store = store
        self._shares = shares
        self._limits = limits
        self._caps = [getattr(limits, kind.cap) if kind.cap else 1 for kind in schema.KINDS]
        self._health = health
        self._lock = lock
        self._clock = clock
        self.known: dict[tuple[object, object], Listing] = {}
        #: The same by publisher and then by agent, for the hot path: no pair of names is made.
        self.of: dict[object, dict[object, Listing]] = {}
        self._of_publisher: dict[str, int] = {}

    # --- listings --------------------------------------------------------------------------------

    def find(self, publisher: object, agent: object) -> Listing | None:
        """Return the listing, made if it is new; ``None`` where there is no valid publisher."""
        if type(publisher) is not str or type(agent) is not str:
            return self._new(publisher, agent)
        return self.known.get((publisher, agent)) or self._new(publisher, agent)

    def _new(self, publisher: object, agent: object) -> Listing | None:
        publisher_id = self.label(publisher)
        if publisher_id is None:
            return None
        agent_id = self.label(agent)
        if agent_id is None:
            agent_id = OTHER
        if publisher_id not in self._of_publisher and (
            len(self._of_publisher) >= self._limits.publishers
            or not self._shares.admit(PUBLISHER, (publisher_id,))
        ):
            self._health.refuse_series(PUBLISHER)
            publisher_id = OTHER
        if (
            agent_id != OTHER
            and (publisher_id, agent_id) not in self.known
            and (
                self._of_publisher.get(publisher_id, 0) >= self._limits.listings_per_publisher
                or not self._shares.admit(LISTING, (publisher_id, agent_id))
            )
        ):
            self._health.refuse_series(LISTING)
            agent_id = OTHER
        found = self.known.get((publisher_id, agent_id))
        return found or self._place(publisher_id, agent_id)

    def _place(self, publisher_id: str, agent_id: str) -> Listing:
        """Make a listing, or return the one that another thread has made meanwhile."""
        labels = (publisher_id, agent_id)
        listing = Listing(
            *labels,
            self._store.open_block(schema.LISTING, labels, self._clock()),
            self._store.sketch(SKETCH_TENANTS, *labels),
            self._store.sketch(SKETCH_CONVERSATIONS, *labels),
        )
        for kind in schema.KINDS:
            if kind.with_listing:
                self.block(listing, kind)
        with self._lock:
            placed = self.known.setdefault(labels, listing)
            self.of.setdefault(publisher_id, {})[agent_id] = placed
            if placed is listing:
                own = 0 if agent_id == OTHER else 1
                self._of_publisher[publisher_id] = self._of_publisher.get(publisher_id, 0) + own
        return placed

    def restore(
        self, blocks: Iterable[Block], versions: Iterable[tuple[int, tuple[str, ...]]]
    ) -> None:
        """Take over what a store has kept of an earlier process, whatever the limits are now."""
        for block in blocks:
            publisher, agent, *rest = block.labels
            for cause, labels in named(block.schema.name, block.labels):
                self._shares.record(cause, labels)
            listing = self.known.get((publisher, agent)) or self._place(publisher, agent)
            group = listing.groups[schema.KIND_OF[block.schema.name].place]
            group[rest[0] if rest else NAMELESS] = block
        for _, (publisher, agent, name, version) in versions:
            restored = self.known.get((publisher, agent))
            if restored is not None:
                restored.versions[name, version] = None
                while len(restored.versions) > self._limits.versions_per_listing:
                    del restored.versions[next(iter(restored.versions))]

    def reset(self) -> None:
        """Forget every listing, in a forked child."""
        self.known.clear()
        self.of.clear()
        self._of_publisher.clear()
        self._shares.reset()

    # --- blocks of a listing ---------------------------------------------------------------------

    def block(self, listing: Listing, kind: BlockKind, name: object = NAMELESS) -> Block:
        """Return a block of ``listing``: the one of its kind, or the one with this name."""
        group = listing.groups[kind.place]
        if not kind.cap:
            found = group.get(NAMELESS)
            return found or self.opened(listing, kind)
        label = self.label(name)
        if label is None:
            label = OTHER
        found = group.get(label)
        if found is not None:
            return found
        if label != OTHER and (
            len(group) >= self._caps[kind.place]
            or not self._shares.admit(kind.cause, (listing.publisher, listing.agent, label))
        ):
            if kind.cause == kind.name:  # what goes with a model is refused with it
                self._health.refuse_series(kind.cause)
            return self.block(listing, kind, OTHER)
        return self.opened(listing, kind, label)

    def version(self, listing: Listing, name: object, version: object) -> None:
        """Remember a name and version of ``listing``; the oldest beyond the cap leaves."""
        listing.latest = (exact(name), exact(version))  # others compare theirs with these
        label = self.label(name) if name is not None else ""
        number = self.label(version) if version is not None else ""
        if label is None or number is None:
            return
        with self._lock:
            versions = listing.versions
            versions.pop((label, number), None)
            versions[label, number] = None
            if len(versions) > self._limits.versions_per_listing:
                del versions[next(iter(versions))]
        self._store.note_version((listing.publisher, listing.agent, label, number))

    def opened(self, listing: Listing, kind: BlockKind, *name: str) -> Block:
        """Return a block of ``listing``, made if it is new; the caller has seen to the limits."""
        ids = (listing.publisher, listing.agent, *name)
        # What is born before a scrape has seen the listing is released together with it.
        own = listing.block
        born = self._clock() if own.seen or own.born is None else own.born
        made = self._store.open_block(kind.schema, ids, born)
        with self._lock:
            return listing.groups[kind.place].setdefault(name[0] if name else NAMELESS, made)

    def label(self, value: object) -> str | None:
        """Return ``value`` if it may become a label, else ``None``, and count the refusal."""
        value = exact_text(value)
        if (
            value is not None
            and 0 < len(value) <= self._limits.label_length
            and "\0" not in value  # readers of the exposition in C would end there
        ):
            try:
                value.encode()
            except UnicodeEncodeError:  # a lone surrogate cannot be exposed
                pass
            else:
                return value
        self._health.refuse_value("label")
        return None
