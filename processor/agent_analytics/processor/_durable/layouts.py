"""What the cells of stored blocks mean, and how those of another version are read.

A block is read by metric: each series that this version has, too, goes on with what another
version has counted, wherever its cells are and whatever stands beside them. Nothing is copied. The
cells of another version stay where they are, and what is counted from now on is added in blocks of
this version's own. So a restore that is killed has done nothing, and a rollback finds all there.

What the kinds of the first release mean is in ``first_layouts.json``. Every other kind is
described in the file that it is in.
"""

import json
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from importlib.resources import files
from typing import Any, Final, NamedTuple

from agent_analytics.processor._durable._files.format import Entry
from agent_analytics.processor._durable._files.mapped import Stored
from agent_analytics.processor._durable._files.names import (
    FINGERPRINTS,
    LAYOUT,
    OLD,
    SERIES,
    fingerprint,
)
from agent_analytics.processor._series.cells import Cells
from agent_analytics.processor._series.schema import Schema, Series
from agent_analytics.processor.catalogue import Metric

#: Read when this module is imported: asking for it takes a lock of the import system's, which a
#: thread of the parent may hold when a child is forked.
_FIRST: Final = (
    files("agent_analytics.processor._durable").joinpath("first_layouts.json").read_text("utf-8")
)
#: A cell of a block as it was written, and the cell of this version's that it is added to.
Pairs = tuple[tuple[int, int], ...]


class Reading(NamedTuple):
    """How a block of another version is read as one of this version.

    Attributes:
        schema: This version's.
        pairs: Which cell goes where; a cell that is not named means nothing to this version.
    """

    schema: Schema
    pairs: Pairs

    def read(self, cells: Sequence[int]) -> list[int]:
        """Return the cells of this version."""
        found = [0] * self.schema.size
        for old, new in self.pairs:
            found[new] += cells[old]
        return found


class ReadCells:
    """Cells of another version, as those of this one; nobody writes to them."""

    __slots__ = ("_cells", "_reading")

    def __init__(self, cells: Cells, reading: Reading) -> None:
        self._cells = cells
        self._reading = reading

    def __getitem__(self, index: int, /) -> int:
        """Return the cell at ``index``."""
        return sum(self._cells[old] for old, new in self._reading.pairs if new == index)

    def __setitem__(self, index: int, value: int, /) -> None:
        """Refuse to write."""
        msg = f"cell {index} is another version's; {value} is not written there"
        raise TypeError(msg)

    def tolist(self) -> list[int]:
        """Return a copy of every cell."""
        return self._reading.read(self._cells.tolist())


# --- what is written down ------------------------------------------------------------------------


def description(schema: Schema) -> str:
    """Return in one line what the cells of a kind of block mean."""
    series = [
        [
            one.metric.name,
            one.metric.kind,
            list(one.metric.labels),
            list(one.metric.buckets),
            list(one.labels),
            one.form,
            one.offset,
            one.size,
            one.scale,
        ]
        for one in schema.series
    ]
    return json.dumps([schema.size, series], separators=(",", ":"))


def parsed(name: str, text: str) -> Schema | None:
    """Return the schema that ``description`` has put into one line, ``None`` where it is none."""
    try:
        size, rows = json.loads(text)
        schema = Schema(name, size, tuple(_series(*row) for row in rows))
        whole = all(one.offset >= 0 and _end(one) <= size for one in schema.series)
    except (ValueError, TypeError):
        return None
    return schema if whole else None


def _series(
    name: str,
    kind: Any,
    names: list[str],
    buckets: list[float],
    labels: list[str],
    form: Any,
    offset: int,
    size: int,
    scale: int,
) -> Series:
    metric = Metric(name, kind, "", tuple(names), "", tuple(buckets))
    return Series(metric, tuple(labels), form, offset, size, scale)


def _end(series: Series) -> int:
    return series.offset + series.size + (series.form == "histogram")


@cache
def first_layouts() -> dict[tuple[str, int], Schema]:
    """Return the kinds of blocks of the first release, which no file describes."""
    found = [parsed(name, json.dumps(rows)) for name, rows in json.loads(_FIRST).items()]
    return {(one.name, fingerprint(one)): one for one in found if one is not None}


def labels_of_description(name: str) -> tuple[str, ...] | None:
    """Return what is written down beside the first block of a kind: what its cells mean.

    ``None`` where every release knows that.
    """
    name = name.removeprefix(OLD)
    if name not in SERIES or (name, FINGERPRINTS[name]) in first_layouts():
        return None
    return name, str(FINGERPRINTS[name]), description(SERIES[name])


# --- what is read --------------------------------------------------------------------------------


class Layouts:
    """The layouts that are known: those of the first release, and what files describe."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, int], tuple[Schema, tuple[Reading, ...]]] = {}
        #: How many descriptions were found.
        self.learnt = 0

    def go_on(self, blocks: Iterable[Stored]) -> None:
        """Take over a slot that another version wrote to: what was in progress is not any more."""
        strange = [one for one in blocks if not self.is_ours(one.entry)]
        for stored in strange:
            known = self.find(stored.entry.schema, stored.entry)
            for gauge in known[0].gauges if known is not None else ():
                stored.cells[gauge] = 0

    def is_ours(self, entry: Entry) -> bool:
        """Tell whether this version writes such blocks itself; learn what it says of others."""
        if FINGERPRINTS.get(entry.schema) != entry.fingerprint:
            return False
        if entry.schema == LAYOUT:
            self._learn(entry.labels)
        return True

    def find(self, name: str, entry: Entry) -> tuple[Schema, tuple[Reading, ...]] | None:
        """Return what a block of another version means, and how it is read.

        Args:
            name: Of its kind.
            entry: What the file says of it.

        Returns:
            ``None`` where nothing is known of it.
        """
        key = (name, entry.fingerprint)
        known = self._known.get(key)
        if known is None and key in first_layouts():
            schema = first_layouts()[key]
            known = self._known[key] = (schema, _readings(schema))
        return known if known is not None and known[0].size == entry.size else None

    def _learn(self, labels: tuple[str, ...]) -> None:
        """Take account of a description: the name of a kind, its fingerprint and the text."""
        if len(labels) != 3 or not labels[1].isdecimal():  # noqa: PLR2004 - these three
            return
        name, number, text = labels
        key = (name, int(number))
        schema = None if key in self._known else parsed(name, text)
        if schema is not None and fingerprint(schema) == key[1]:
            self._known[key] = (schema, _readings(schema))
            self.learnt += 1


def _readings(old: Schema) -> tuple[Reading, ...]:
    """Return how a block is read as one of each of this version's kinds that has its series."""
    found = [Reading(schema, tuple(_pairs(old, schema))) for schema in SERIES.values()]
    return tuple(reading for reading in found if reading.pairs)


def _pairs(old: Schema, new: Schema) -> Iterator[tuple[int, int]]:
    theirs = {_key(one): one for one in old.series}
    filled: set[int] = set()
    # A count is the sum of a histogram's cells, mostly: these come first, and bring it along.
    for ours in sorted(new.series, key=lambda one: one.form != "histogram"):
        found = theirs.get(_key(ours))
        if found is None or ours.offset in filled:
            continue
        filled.update(range(ours.offset, _end(ours)))
        yield from _cells(found, ours)


def _key(series: Series) -> tuple[object, ...]:
    """Return what is the same where two series are one."""
    metric = series.metric
    histogram = series.form == "histogram"
    return metric.name, metric.labels, series.labels, histogram, series.scale


def _cells(old: Series, new: Series) -> Iterator[tuple[int, int]]:
    if new.form != "histogram":
        yield from ((old.offset + cell, new.offset) for cell in range(old.size))
        return
    # A bucket goes where all that is in it belongs. Cumulative counts are exact at the edges that
    # both versions have; below a new edge nothing is known of what was counted before.
    edges = new.metric.buckets
    for cell, edge in enumerate(old.metric.buckets):
        yield old.offset + cell, new.offset + bisect_left(edges, edge)
    yield old.offset + old.size - 1, new.offset + new.size - 1
    yield old.offset + old.size, new.offset + new.size
