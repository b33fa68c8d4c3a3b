"""Where the cells live: the interface of a series store, and the one in memory.

A store hands out blocks and says nothing of what their cells mean. Whoever writes to a block
holds the processor's lock; a store need not lock for that.
"""

from array import array
from typing import Protocol

from agent_analytics.processor._schema import Schema
from agent_analytics.processor._sketch import Sketch


class Cells(Protocol):
    """Signed 64-bit integers at fixed places: an ``array('q')``, a ``memoryview`` cast to it."""

    def __getitem__(self, index: int, /) -> int:
        """Return the cell at ``index``."""
        ...

    def __setitem__(self, index: int, value: int, /) -> None:
        """Set the cell at ``index``; ``OverflowError`` beyond 64 bits."""
        ...

    def tolist(self) -> list[int]:
        """Return a copy of every cell."""
        ...


#: A point that a bucket was hit by: trace id, span id, nanoseconds measured, time in nanoseconds.
Exemplar = tuple[int, int, int, int]


class Block:
    """The cells of one listing, or of one of its tools, models, error types and so on.

    Attributes:
        schema: What the cells mean.
        labels: ``publisher_id``, ``agent_id`` and, for all but a listing, one more value.
        cells: The numbers.
        exemplars: Last exemplar of each bucket, by the index of its cell.
        born: When the block was made, on the processor's clock; ``None`` for one with a history
            (restored from disk), which is never held at 0.
        seen: Bits of the readers that have seen the block at 0 (``_readers``).
        live: Whether the cells are shown; until then the block shows zeros.
    """

    __slots__ = ("born", "cells", "exemplars", "labels", "live", "schema", "seen")

    def __init__(
        self, schema: Schema, labels: tuple[str, ...], cells: Cells, born: float | None
    ) -> None:
        self.schema = schema
        self.labels = labels
        self.cells = cells
        self.exemplars: dict[int, Exemplar] | None = None
        self.born = born
        self.seen = 0
        self.live = born is None

    def note(self, cell: int, exemplar: Exemplar) -> None:
        """Remember what has hit a bucket last; the caller holds the lock."""
        if self.exemplars is None:
            self.exemplars = {}
        self.exemplars[cell] = exemplar


class SketchCells(Protocol):
    """The registers of one listing and kind."""

    @property
    def current(self) -> dict[int, float]:
        """Smallest hash by register in the current epoch; writers hold the lock."""
        ...

    def registers(self, epoch: int) -> dict[int, float]:
        """Return what is exposed in ``epoch``; called under the lock."""
        ...


class SeriesStore(Protocol):
    """Keeps the cells of blocks."""

    def open_block(self, schema: Schema, labels: tuple[str, ...], now: float) -> Block:
        """Return the block of ``schema`` and ``labels``: the stored one, or one of zeros."""
        ...

    def sketch(self, kind: str, publisher: str, agent: str) -> SketchCells:
        """Return the sketch of a listing and kind: the stored one, or an empty one."""
        ...

    def note_version(self, labels: tuple[str, str, str, str]) -> None:
        """Keep that a listing (publisher, agent) was seen with a name and version just now."""
        ...


class MemoryStore:
    """Cells in memory: they live and die with the process."""

    def open_block(self, schema: Schema, labels: tuple[str, ...], now: float) -> Block:
        """Return a new block of zeros, born now."""
        return Block(schema, labels, array("q", bytes(8 * schema.size)), now)

    def sketch(self, kind: str, publisher: str, agent: str) -> Sketch:
        """Return an empty sketch."""
        del kind, publisher, agent
        return Sketch()

    def note_version(self, labels: tuple[str, str, str, str]) -> None:
        """Keep nothing: a listing knows its own."""
