"""Where the cells live: the interface of a series store, and the one in memory.

A store hands out blocks and says nothing of what their cells mean. Whoever writes to a block
holds the processor's lock; a store need not lock for that.
"""

from array import array
from typing import Protocol

from agent_analytics.processor._count.core import Block
from agent_analytics.processor._series.cells import Cells, Exemplar, SketchCells
from agent_analytics.processor._series.schema import Schema
from agent_analytics.processor._series.sketch import Sketch


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


__all__ = ["Block", "Cells", "Exemplar", "MemoryStore", "SeriesStore", "SketchCells"]
