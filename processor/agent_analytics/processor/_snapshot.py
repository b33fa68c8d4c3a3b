"""The series at one moment, for whoever renders them, and the hold of newborn series.

A snapshot copies cells under the lock, at most a few hundred at a time so that no span waits for
a whole exposition, and a listing's cells together so that its series agree with each other.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from threading import RLock
from typing import Final, Literal

from agent_analytics.instrumentation import health as instrumentation_health
from agent_analytics.processor import catalogue
from agent_analytics.processor._health import Health
from agent_analytics.processor._listings import Listings
from agent_analytics.processor._schema import SCHEMAS, Schema
from agent_analytics.processor._sketch import EPOCH_SECONDS
from agent_analytics.processor._store import Block, Exemplar
from agent_analytics.processor.catalogue import Metric

Part = Literal["metrics", "sketches"]
#: Most cells copied in one hold of the lock; a single block is never split.
MAX_CELLS: Final = 500
#: How many holds a newborn series waits for a scrape that does not come.
_CAP_IN_HOLDS: Final = 10

#: Labels, cells (zeros while the block is held, but for what is never held), exemplars by cell.
Row = tuple[tuple[str, ...], list[int], dict[int, Exemplar] | None]
#: Label values and value of a gauge or counter that has no block.
Sample = tuple[tuple[str, ...], float]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What one scrape sees.

    Attributes:
        blocks: For each schema, in order of exposition, its blocks.
        samples: For each metric that is kept outside blocks, its samples.
    """

    blocks: list[tuple[Schema, list[Row]]]
    samples: list[tuple[Metric, list[Sample]]]


class Snapshots:
    """Takes snapshots, and lets newborn series go when they have been seen at 0."""

    def __init__(
        self,
        listings: Listings,
        health: Health,
        lock: RLock,
        hold_seconds: float,
        clock: Callable[[], float],
        wall_clock: Callable[[], float],
    ) -> None:
        self._listings = listings
        self._health = health
        self._lock = lock
        self._hold = hold_seconds
        self._cap = hold_seconds * _CAP_IN_HOLDS
        self._clock = clock
        self._wall_clock = wall_clock

    def take(self, part: str, *, open_spans: int) -> Snapshot:
        """Return the series of ``part`` as they stand."""
        if part == "metrics":
            return Snapshot(self._blocks(), [*self._infos(), *self._own(open_spans)])
        if part != "sketches":
            msg = f"part: expected 'metrics' or 'sketches', got {part!r}"
            raise ValueError(msg)
        return Snapshot([], self._sketches())

    # --- blocks ----------------------------------------------------------------------------------

    def _blocks(self) -> list[tuple[Schema, list[Row]]]:
        rows: dict[str, list[Row]] = {kind.name: [] for kind in SCHEMAS}
        now = self._clock()
        for batch in self._batches():
            with self._lock:
                copies = [(block, block.cells.tolist(), self._shown(block, now)) for block in batch]
            for block, cells, shown in copies:
                exemplars = block.exemplars if shown else None
                row = cells if shown else _held(block.schema, cells)
                rows[block.schema.name].append(
                    (block.labels, row, dict(exemplars) if exemplars else None)
                )
        return [(kind, rows[kind.name]) for kind in SCHEMAS]

    def _batches(self) -> Iterator[list[Block]]:
        """Yield blocks in groups of at most ``MAX_CELLS`` cells, a listing's in one if they fit."""
        batch: list[Block] = []
        size = 0
        for listing in list(self._listings.known.values()):
            blocks = listing.blocks()
            cells = sum(block.schema.size for block in blocks)
            if batch and size + cells > MAX_CELLS:
                yield batch
                batch, size = [], 0
            if cells <= MAX_CELLS:
                batch.extend(blocks)
                size += cells
                continue
            for block in blocks:
                if size + block.schema.size > MAX_CELLS:
                    yield batch
                    batch, size = [], 0
                batch.append(block)
                size += block.schema.size
        if batch:
            yield batch

    def _shown(self, block: Block, now: float) -> bool:
        """Tell whether a block's values may be shown, and note that a scrape saw it at 0 if not."""
        if block.live:
            return True
        age = now - (block.born or 0.0)
        if age >= self._hold and (block.seen or age >= self._cap):
            block.live = True
        block.seen = True
        return block.live

    # --- everything else -------------------------------------------------------------------------

    def _infos(self) -> Iterator[tuple[Metric, list[Sample]]]:
        yield (
            catalogue.INFO,
            [
                ((listing.publisher, listing.agent, *version), 1)
                for listing in list(self._listings.known.values())
                for version in list(listing.versions)
            ],
        )

    def _own(self, open_spans: int) -> Iterator[tuple[Metric, list[Sample]]]:
        health = self._health
        with self._lock:
            counted = (
                (catalogue.SPANS, dict(health.spans)),
                (catalogue.UNATTRIBUTED_SPANS, dict(health.unattributed)),
                (catalogue.REFUSED_SERIES, dict(health.refused_series)),
                (catalogue.REFUSED_VALUES, dict(health.refused_values)),
            )
        for metric, values in counted:
            yield metric, [((label,), value) for label, value in values.items()]
        for metric, value in (
            (catalogue.GIVEN_UP_SPANS, health.given_up),
            (catalogue.OPEN_SPANS, open_spans),
            (catalogue.DUPLICATE_EVENTS, health.duplicate_events),
            (
                catalogue.UNRECORDED_INVOCATIONS,
                instrumentation_health.unrecorded_invocations(),
            ),
            (catalogue.INTERNAL_ERRORS, instrumentation_health.internal_errors()),
        ):
            yield metric, [((), value)]
        if health.last_span_ns:  # before the first span there is no such time, and 0 is not it
            yield catalogue.LAST_SPAN, [((), health.last_span_ns / 10**9)]

    def _sketches(self) -> list[tuple[Metric, list[Sample]]]:
        epoch = int(self._wall_clock() // EPOCH_SECONDS)
        samples: list[Sample] = []
        for listing in list(self._listings.known.values()):
            for kind, sketch in (
                (catalogue.SKETCH_TENANTS, listing.tenants),
                (catalogue.SKETCH_CONVERSATIONS, listing.conversations),
            ):
                with self._lock:
                    registers = sketch.registers(epoch)
                samples.extend(
                    ((listing.publisher, listing.agent, kind, str(register)), value)
                    for register, value in registers.items()
                )
        return [(catalogue.SKETCH_REGISTER, samples)]


def _held(schema: Schema, cells: list[int]) -> list[int]:
    """Return zeros in place of ``cells``, but for series that are never held."""
    zeros = [0] * len(cells)
    for series in schema.series:
        if not series.held:
            zeros[series.offset] = cells[series.offset]
    return zeros
