"""The listings of one process: their blocks of cells, their sketches, and the caps on both.

The hot path asks for a listing by publisher and agent, and for one of its blocks by a label
value; both are one dict lookup. Whatever is new is made here, outside the lock, and put in place
under it.
"""

from collections.abc import Callable, Iterable
from threading import RLock

from agent_analytics.instrumentation.exact import exact, exact_text
from agent_analytics.processor import _schema as schema
from agent_analytics.processor._health import SERIES_CAUSES, Health
from agent_analytics.processor._limits import Limits
from agent_analytics.processor._schema import Schema
from agent_analytics.processor._shares import LISTING, PUBLISHER, Admission, named
from agent_analytics.processor._sizes import CAUSES
from agent_analytics.processor._store import Block, Cells, SeriesStore, SketchCells
from agent_analytics.processor.catalogue import (
    OTHER,
    SKETCH_CONVERSATIONS,
    SKETCH_TENANTS,
)


class Listing:
    """One publisher's agent: everything that its spans add to.

    Attributes:
        publisher: ``publisher_id``.
        agent: ``agent_id``.
        block: Series of the listing itself; ``cells`` are its cells.
        tools: Blocks by tool; ``errors`` and ``evaluations`` alike.
        models: Blocks with calls by model; ``usage``, ``cached`` and ``reasoning`` hold the tokens.
        tenants: Sketch of who used it; ``conversations`` alike.
        versions: Names and versions seen, oldest first.
        latest: The last name and version, to tell at a glance that nothing changed.
    """

    __slots__ = (
        "agent",
        "block",
        "cached",
        "cells",
        "conversations",
        "errors",
        "evaluations",
        "first_chunk",
        "latest",
        "models",
        "publisher",
        "rating",
        "reasoning",
        "tenants",
        "tools",
        "usage",
        "versions",
    )

    def __init__(
        self,
        publisher: str,
        agent: str,
        block: Block,
        tenants: SketchCells,
        conversations: SketchCells,
    ) -> None:
        self.publisher = publisher
        self.agent = agent
        self.block = block
        self.cells: Cells = block.cells
        self.tools: dict[str, Block] = {}
        self.models: dict[str, Block] = {}
        self.usage: dict[str, Block] = {}
        self.cached: dict[str, Block] = {}
        self.reasoning: dict[str, Block] = {}
        self.errors: dict[str, Block] = {}
        self.evaluations: dict[str, Block] = {}
        self.first_chunk: Block | None = None
        self.rating: Block | None = None
        self.tenants = tenants
        self.conversations = conversations
        self.versions: dict[tuple[str, str], None] = {}
        self.latest: tuple[object, object] = (None, None)

    def blocks(self) -> list[Block]:
        """Return every block, the listing's own first."""
        blocks = [self.block]
        if self.first_chunk is not None:
            blocks.append(self.first_chunk)
        if self.rating is not None:
            blocks.append(self.rating)
        for group in (
            self.errors,
            self.models,
            self.usage,
            self.cached,
            self.reasoning,
            self.tools,
            self.evaluations,
        ):
            blocks.extend(list(group.values()))
        return blocks


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
        self._health = health
        self._lock = lock
        self._clock = clock
        self.known: dict[tuple[object, object], Listing] = {}
        self._of_publisher: dict[str, int] = {}

    # --- listings --------------------------------------------------------------------------------

    def find(self, publisher: object, agent: object) -> Listing | None:
        """Return the listing, made if it is new; ``None`` where there is no valid publisher."""
        if type(publisher) is not str or type(agent) is not str:
            return self._new(publisher, agent)
        return self.known.get((publisher, agent)) or self._new(publisher, agent)

    def _new(self, publisher: object, agent: object) -> Listing | None:
        publisher_id = self._label(publisher)
        if publisher_id is None:
            return None
        agent_id = self._label(agent)
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
        with self._lock:
            placed = self.known.setdefault(labels, listing)
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
            groups = {
                schema.TOOL.name: listing.tools,
                schema.MODEL.name: listing.models,
                schema.USAGE.name: listing.usage,
                schema.CACHED.name: listing.cached,
                schema.REASONING.name: listing.reasoning,
                schema.ERROR_TYPE.name: listing.errors,
                schema.EVALUATION.name: listing.evaluations,
            }
            if block.schema.name in groups:
                groups[block.schema.name][rest[0]] = block
            elif block.schema is schema.FIRST_CHUNK:
                listing.first_chunk = block
            elif block.schema is schema.RATING:
                listing.rating = block
        for _, (publisher, agent, name, version) in versions:
            restored = self.known.get((publisher, agent))
            if restored is not None:
                restored.versions[name, version] = None
                while len(restored.versions) > self._limits.versions_per_listing:
                    del restored.versions[next(iter(restored.versions))]

    def reset(self) -> None:
        """Forget every listing, in a forked child."""
        self.known.clear()
        self._of_publisher.clear()
        self._shares.reset()

    # --- blocks of a listing ---------------------------------------------------------------------

    def tool(self, listing: Listing, name: object) -> Block:
        """Return the block of a tool of ``listing``."""
        return self._block(
            listing, listing.tools, schema.TOOL, name, self._limits.tools_per_listing
        )

    def model(self, listing: Listing, name: object) -> Block:
        """Return the block of a model of ``listing``."""
        return self._block(
            listing, listing.models, schema.MODEL, name, self._limits.models_per_listing
        )

    def usage(self, listing: Listing, name: object) -> Block:
        """Return the block of the tokens of a model of ``listing``."""
        return self._block(
            listing, listing.usage, schema.USAGE, name, self._limits.models_per_listing
        )

    def cached(self, listing: Listing, name: object) -> Block:
        """Return the block of the cached tokens of a model of ``listing``."""
        return self._block(
            listing, listing.cached, schema.CACHED, name, self._limits.models_per_listing
        )

    def reasoning(self, listing: Listing, name: object) -> Block:
        """Return the block of the reasoning tokens of a model of ``listing``."""
        return self._block(
            listing, listing.reasoning, schema.REASONING, name, self._limits.models_per_listing
        )

    def error(self, listing: Listing, name: object) -> Block:
        """Return the block of an error type of ``listing``."""
        return self._block(
            listing,
            listing.errors,
            schema.ERROR_TYPE,
            name,
            self._limits.error_types_per_listing,
        )

    def evaluation(self, listing: Listing, name: object) -> Block:
        """Return the block of an evaluation of ``listing``."""
        return self._block(
            listing,
            listing.evaluations,
            schema.EVALUATION,
            name,
            self._limits.evaluations_per_listing,
        )

    def first_chunk(self, listing: Listing) -> Block:
        """Return the block of the time to first chunk."""
        block = listing.first_chunk
        if block is None:
            made = self._open(listing, schema.FIRST_CHUNK)
            with self._lock:
                block = listing.first_chunk = listing.first_chunk or made
        return block

    def rating(self, listing: Listing) -> Block:
        """Return the block of ratings."""
        block = listing.rating
        if block is None:
            made = self._open(listing, schema.RATING)
            with self._lock:
                block = listing.rating = listing.rating or made
        return block

    def version(self, listing: Listing, name: object, version: object) -> None:
        """Remember a name and version of ``listing``; the oldest beyond the cap leaves."""
        listing.latest = (exact(name), exact(version))  # others compare theirs with these
        label = self._label(name) if name is not None else ""
        number = self._label(version) if version is not None else ""
        if label is None or number is None:
            return
        with self._lock:
            versions = listing.versions
            versions.pop((label, number), None)
            versions[label, number] = None
            if len(versions) > self._limits.versions_per_listing:
                del versions[next(iter(versions))]
        self._store.note_version((listing.publisher, listing.agent, label, number))

    def _open(self, listing: Listing, kind: Schema, *labels: str) -> Block:
        ids = (listing.publisher, listing.agent, *labels)
        # What is born before a scrape has seen the listing is released together with it.
        own = listing.block
        born = self._clock() if own.seen or own.born is None else own.born
        return self._store.open_block(kind, ids, born)

    def _block(
        self, listing: Listing, group: dict[str, Block], kind: Schema, value: object, cap: int
    ) -> Block:
        label = self._label(value)
        if label is None:
            label = OTHER
        block = group.get(label)
        if block is not None:
            return block
        if label != OTHER and (
            len(group) >= cap
            or not self._shares.admit(CAUSES[kind.name], (listing.publisher, listing.agent, label))
        ):
            if kind.name in SERIES_CAUSES:  # what goes with a model is refused with it
                self._health.refuse_series(kind.name)
            return self._block(listing, group, kind, OTHER, cap)
        made = self._open(listing, kind, label)
        with self._lock:
            return group.setdefault(label, made)

    def _label(self, value: object) -> str | None:
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
