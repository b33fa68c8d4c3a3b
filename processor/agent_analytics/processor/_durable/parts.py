"""Blocks with the same schema and labels, of several workers: shown as one."""

from array import array
from collections.abc import Sequence
from typing import Final

from agent_analytics.processor._durable._files import format as form
from agent_analytics.processor._durable._files.mapped import Stored
from agent_analytics.processor._series.cells import Cells
from agent_analytics.processor._series.hold import HTTP, Scrape
from agent_analytics.processor._series.rows import beyond
from agent_analytics.processor._series.schema import RELEASE, RELEASE_USED, Schema

Labels = tuple[str, ...]
#: Slot number of blocks that found no room on the disk and live in this process.
NO_SLOT: Final = -1
#: Slot number of a worker that has found no slot yet, for itself.
IN_MEMORY: Final = -2


class Part:
    """One worker's block of what is shown as one.

    Attributes:
        slot: Number of the worker's slot.
        born_ns: When it was made.
        state: The cells of its life.
        cells: Its own.
    """

    __slots__ = ("born_ns", "cells", "slot", "state")

    def __init__(self, slot: int, born_ns: int, state: Cells, cells: Cells) -> None:
        self.slot = slot
        self.born_ns = born_ns
        self.state = state
        self.cells = cells

    @classmethod
    def of(cls, slot: int, stored: Stored) -> "Part":
        """Return the part that a file's block is."""
        return cls(slot, stored.entry.born_ns, stored.state, stored.cells)

    @classmethod
    def in_memory(cls, size: int, born_ns: int) -> "Part":
        """Return a part of zeros that no file holds."""
        state = array("q", bytes(8 * form.STATE_CELLS))
        return cls(NO_SLOT, born_ns, state, array("q", bytes(8 * size)))


class Merged:
    """The blocks of every worker that have the same schema and labels.

    Attributes:
        labels: Their labels.
        parts: The blocks.
        live: Whether they are known to be shown.
    """

    __slots__ = ("labels", "live", "parts")

    def __init__(self, labels: Labels) -> None:
        self.labels = labels
        self.parts: list[Part] = []
        self.live = False

    def add(self, part: Part) -> None:
        """Add a worker's block; where the others are shown, it is."""
        self.parts.append(part)
        if self.live:
            part.state[form.LIVE] = 1

    def shown(self, scrape: Scrape) -> bool:
        """Tell whether the values are shown, and note who saw zeros if not.

        What is noted stands in every worker's block: another worker may serve the next scrape,
        and this one may be gone by then.
        """
        if self.live:
            return True
        states = [part.state for part in self.parts]
        live = any(state[form.LIVE] for state in states)
        seen = 0
        if not live:
            for state in states:
                seen |= _seen_by(state[form.SEEN])
            live = scrape.ends_hold(min(part.born_ns for part in self.parts), seen)
        for state in states:
            if live:
                state[form.LIVE] = 1
            elif scrape.mark:
                at = (state[form.SEEN] or int(scrape.now)) & ~form.READERS_MASK
                state[form.SEEN] = at | seen | scrape.mark
        self.live = live
        return live

    def copies(self, living: set[int], gauges: Sequence[int]) -> list[list[int]]:
        """Return the cells of each worker; the gauges of dead workers are 0."""
        copies: list[list[int]] = []
        for part in self.parts:
            cells = part.cells.tolist()
            if gauges and part.slot not in living:
                for gauge in gauges:
                    cells[gauge] = 0
            copies.append(cells)
        return copies


#: A block that is shown, and what its cells mean.
Member = tuple[Schema, Merged]


def shown_of(members: list[Member], releases: int) -> list[Member]:
    """Return the blocks of a listing that are shown: of its versions those used last.

    Args:
        members: The blocks.
        releases: How many versions are shown beside ``_other``.
    """
    if len(members) <= releases:
        return members
    used = {
        merged.labels[-1]: max(part.cells[RELEASE_USED] for part in merged.parts)
        for schema, merged in members
        if schema is RELEASE
    }
    left = beyond(used, releases)
    if not left:
        return members
    return [
        (schema, merged)
        for schema, merged in members
        if schema is not RELEASE or merged.labels[-1] not in left
    ]


def _seen_by(cell: int) -> int:
    """Return the bits of the readers that have seen a newborn block."""
    return (cell & form.READERS_MASK or 1 << HTTP) if cell else 0
