"""Snapshots over all slots of a state directory."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from operator import add
from threading import RLock
from typing import Final

from agent_analytics.processor import catalogue
from agent_analytics.processor._caps.admission import Admission, named
from agent_analytics.processor._caps.limits import Limits
from agent_analytics.processor._caps.sketch_room import room_for_sketches, shown
from agent_analytics.processor._durable._files import format as form
from agent_analytics.processor._durable._files import names
from agent_analytics.processor._durable.exemplars import read_exemplar
from agent_analytics.processor._durable.parts import Member, Merged, Part, shown_of
from agent_analytics.processor._durable.registers import CHAIN, EPOCH, merge
from agent_analytics.processor._durable.store import DurableStore
from agent_analytics.processor._series import health as _health
from agent_analytics.processor._series.expiry import Expiry, Ids, Presence, Values
from agent_analytics.processor._series.health import Health
from agent_analytics.processor._series.hold import HTTP, Readers, Scrape
from agent_analytics.processor._series.installs import ActiveInstalls
from agent_analytics.processor._series.rows import (
    Row,
    Sample,
    Snapshot,
    bounded,
    held_cells,
    infos,
    own,
)
from agent_analytics.processor._series.schema import LISTING, SCHEMAS, Schema
from agent_analytics.processor._series.sketch import MOST_BACK
from agent_analytics.processor._series.snapshot import MAX_CELLS
from agent_analytics.processor._series.store import Exemplar
from agent_analytics.processor.catalogue import Metric

_NS: Final = 1_000_000_000
#: More bytes than a slot has.
_ALL: Final = 1 << 62


class DurableSnapshots:
    """Takes snapshots of what all workers have counted, living and dead."""

    def __init__(
        self,
        store: DurableStore,
        shares: Admission,
        health: Health,
        lock: RLock,
        hold_seconds: float,
        limits: Limits,
        expire_seconds: float | None,
        installs: ActiveInstalls,
        wall_clock: Callable[[], float],
    ) -> None:
        self._store = store
        self._shares = shares
        self._health = health
        self._lock = lock
        self._readers = Readers(int(hold_seconds * _NS))
        self._versions = limits.versions_per_listing
        self._releases = limits.releases_per_listing
        self._expiry = Expiry(expire_seconds, hold_seconds, _StoredMemory(store), wall_clock)
        self._installs = installs
        self._wall_clock = wall_clock
        self._hidden: set[Ids] = set()
        #: One scrape at a time; never taken while holding the processor's lock.
        self.mutex = RLock()

    def take(
        self, part: str, *, open_spans: int, reader: int | None = HTTP, beside: bool = False
    ) -> Snapshot:
        """Return the series of ``part`` as they stand.

        Args:
            part: ``metrics`` or ``sketches``.
            open_spans: How many spans this worker follows.
            reader: Who reads; ``None`` for who only looks, and ends no hold.
            beside: Whether sketches are shown in one exposition with the metrics.
        """
        if part not in {"metrics", "sketches"}:
            msg = f"part: expected 'metrics' or 'sketches', got {part!r}"
            raise ValueError(msg)
        with self.mutex:
            self._store.look_after(_ALL)
            self._store.begin_epoch()
            self._health.mirror(open_spans)
            self._store.view.refresh()
            owed = self._store.view.owed()
            if owed:
                self._store.take_on(owed)
                self._store.view.refresh()
            if part == "sketches":
                return Snapshot([], self._sketches(reader, beside=beside))
            # Those of a worker of an earlier version, too: the exposition has them.
            for kind, labels in self._store.view.fresh():
                for cause, ids in named(kind, labels):
                    self._shares.record(cause, ids)
            scrape = self._scrape(reader)
            blocks = self._blocks(scrape)
            if not self._store.view.sound():  # somebody has cut a file off meanwhile
                self._store.view.refresh()
                blocks = self._blocks(scrape)
            self._store.view.keep()
            self._store.view.flush()
            installs = list(self._installs.samples(blocks))
            health = list(own(self._health_cells(), self._further_health(), self._scopes()))
            full = self._shares.filled()
            failing: list[Sample] = [((), self._failing())]
            health = [*health, (catalogue.STATE_FAILING, failing)]
            releases = self._shares.releases_filled()
            return bounded(blocks, [self._infos(), *installs, *health], full, releases)

    def after_fork(self) -> None:
        """Let go of a lock that a thread of the parent may have held."""
        self.mutex = RLock()
        self._hidden = set()
        self._readers.forget()

    def _scrape(self, reader: int | None) -> Scrape:
        view, now_ns = self._store.view, int(self._wall_clock() * _NS)
        scrape = self._readers.scrape(reader, now_ns, view.reads())
        if reader is not None:
            view.note_read(reader, now_ns)
        return scrape

    # --- blocks ----------------------------------------------------------------------------------

    def _blocks(self, scrape: Scrape) -> list[tuple[Schema, list[Row]]]:
        rows: dict[str, list[Row]] = {schema.name: [] for schema in SCHEMAS}
        self._hidden.clear()
        for batch in self._batches():
            with self._lock:
                copies = [(ids, [self._copied(each) for each in members]) for ids, members in batch]
            for ids, members in copies:
                for schema, row in self._rows(ids, members, scrape):
                    rows[schema.name].append(row)
        return [(schema, rows[schema.name]) for schema in SCHEMAS]

    def _batches(self) -> Iterator[list[tuple[Ids, list[Member]]]]:
        """Yield listings in groups of at most ``MAX_CELLS`` cells, but never a part of one."""
        batch: list[tuple[Ids, list[Member]]] = []
        size = 0
        for ids, members in self._store.view.listings.items():
            members = shown_of(members, self._releases)  # noqa: PLW2901 - those of them that are shown
            cells = sum(schema.size * len(merged.parts) for schema, merged in members)
            if batch and size + cells > MAX_CELLS:
                yield batch
                batch, size = [], 0
            batch.append((ids, members))
            size += cells
        if batch:
            yield batch

    def _copied(self, member: Member) -> tuple[Schema, Merged, list[list[int]]]:
        schema, merged = member
        return schema, merged, merged.copies(self._store.view.living, schema.gauges)

    def _rows(
        self,
        ids: Ids,
        members: Sequence[tuple[Schema, Merged, list[list[int]]]],
        scrape: Scrape,
    ) -> Iterator[tuple[Schema, Row]]:
        summed = [(schema, merged, total(copies)) for schema, merged, copies in members]
        kept: dict[tuple[str, tuple[str, ...]], list[int]] = {}
        if self._expiry.on:
            presence, kept = self._expiry.judge(
                ids,
                [(schema, merged.labels, cells) for schema, merged, cells in summed],
                note=scrape.mark != 0,
            )
            if presence is Presence.HIDDEN:
                self._hidden.add(ids)
                return
        for schema, merged, cells in summed:
            old = kept.get((schema.name, merged.labels))
            if old is not None:
                yield schema, (merged.labels, old, None)
            elif merged.shown(scrape):
                yield schema, (merged.labels, cells, self._exemplars(schema, merged.labels))
            else:
                yield schema, (merged.labels, held_cells(schema, cells), None)

    def _exemplars(self, schema: Schema, labels: Ids) -> dict[int, Exemplar] | None:
        """Return the latest exemplar of each bucket, of any worker."""
        merged = self._store.view.groups[names.EXEMPLARS + schema.name].get(labels)
        if merged is None:
            return None
        found: dict[int, Exemplar] = {}
        for part in merged.parts:
            cells = part.cells.tolist()
            for cell in range(schema.size):
                if not cells[cell * names.EXEMPLAR_CELLS + 4]:
                    continue
                exemplar = read_exemplar(cells, cell)
                if exemplar is not None and (cell not in found or found[cell][3] < exemplar[3]):
                    found[cell] = exemplar
        return found or None

    # --- everything else -------------------------------------------------------------------------

    def _infos(self) -> tuple[Metric, list[Sample]]:
        latest: defaultdict[Ids, list[tuple[int, Ids]]] = defaultdict(list)
        for labels, merged in self._store.view.groups[names.VERSION].items():
            latest[labels[:2]].append((max(part.cells[0] for part in merged.parts), labels))
        return (
            catalogue.INFO,
            [
                sample
                for ids, versions in latest.items()
                if ids not in self._hidden
                for sample in infos(
                    ids, [labels[2:] for _, labels in sorted(versions)[-self._versions :]]
                )
            ],
        )

    def _health_cells(self) -> list[int]:
        view = self._store.view
        copies: list[list[int]] = []
        for merged in view.groups[names.HEALTH].values():
            copies += merged.copies(view.living, (_health.OPEN_SPANS,))
        if not self._health.stored:
            copies.append(self._health.cells.tolist())
        cells = total(copies)
        cells[_health.LAST_SPAN] = max(copy[_health.LAST_SPAN] for copy in copies)
        return cells

    def _further_health(self) -> list[int]:
        known = self._store.view.groups[names.FURTHER_HEALTH]
        counted = [
            sum(part.cells[0] for part in known[labels].parts) if labels in known else 0
            for labels in _health.FURTHER
        ]
        if not self._health.stored:
            for index, cell in enumerate(self._health.further):
                counted[index] += cell[0]
        return counted

    def _scopes(self) -> dict[str, int]:
        known = self._store.view.groups[names.FURTHER_HEALTH]
        counted = Counter(
            {
                value: sum(part.cells[0] for part in merged.parts)
                for (metric, value), merged in known.items()
                if metric == _health.CONTRADICTED
            }
        )
        if not self._health.stored:
            counted.update({scope: cell[0] for scope, cell in self._health.scopes.items()})
        return dict(counted)

    def _failing(self) -> int:
        """Return how many of the workers that live the directory fails."""
        view, own = self._store.view, int(bool(self._store.directory.troubles))
        self._store.note_failing()
        found = view.groups[names.FURTHER_HEALTH].get(_health.FAILING)
        if found is None:  # this worker has counted nothing yet
            return own
        return sum(copy[0] for copy in found.copies(view.living, (0,))) or own

    def _sketches(self, reader: int | None, *, beside: bool) -> list[tuple[Metric, list[Sample]]]:
        everything = {
            (publisher, agent, kind): dict(sorted(found.items()))
            for kind in names.SKETCHES
            for (publisher, agent), found in self._registers(kind).items()
        }
        if reader is not None:
            self._store.note_scraped()
        room = room_for_sketches(self._shares, beside=beside)
        return [(catalogue.SKETCH_REGISTER, shown(everything, room))]

    def _registers(self, kind: str) -> dict[Ids, dict[int, float]]:
        """Return the registers of a kind by listing, of all workers."""
        view = self._store.view
        # Whatever no scrape has seen yet is shown, however old it is.
        oldest = min(self._store.epoch - 1, view.scraped())
        newest = self._store.epoch + MOST_BACK
        registers: defaultdict[Ids, dict[int, float]] = defaultdict(dict)
        group = view.groups[kind]
        for labels, first in group.items():
            publisher, agent, side, link = labels
            if link != "0":
                continue
            for part in first.parts:
                if part.state[EPOCH] < oldest or view.key_of(part.slot) != view.key:
                    continue
                if part.state[EPOCH] > newest and not self._from_future(part):
                    continue
                merged = registers[publisher, agent]
                merge(part.cells.tolist(), merged)
                for more in range(1, len(CHAIN)):
                    rest = group.get((publisher, agent, side, str(more)))
                    for each in rest.parts if rest is not None else ():
                        if each.slot == part.slot:
                            merge(each.cells.tolist(), merged)
        return registers

    def _from_future(self, part: Part) -> bool:
        """Return whether registers of an epoch that has not come are shown.

        A worker that lives sets its own right. Nobody else would: what a scrape had shown then is
        dropped, and else shown and let go of.
        """
        view = self._store.view
        if part.slot in view.living:
            return True
        self._store.directory.say(
            "epochs of sketches from the future are dropped: the clock was ahead when a worker "
            "that is gone wrote them"
        )
        shown = view.scraped_of(part.slot) < part.state[EPOCH]
        part.state[EPOCH] = self._store.epoch if shown else 0
        return shown


def total(copies: Sequence[list[int]]) -> list[int]:
    """Return the sum of the cells of several workers."""
    if len(copies) == 1:
        return copies[0]
    cells = copies[0]
    for more in copies[1:]:
        cells = list(map(add, cells, more))
    return cells


class _StoredMemory:
    """Remembers in the state directory how idle listings are: another worker may scrape next."""

    def __init__(self, store: DurableStore) -> None:
        self._store = store

    def _parts(self, ids: Ids) -> list[Part]:
        merged = self._store.view.groups[LISTING.name].get(ids)
        return merged.parts if merged is not None else []

    def _old(self, ids: Ids) -> Iterator[tuple[str, Ids, Part]]:
        for name, merged in self._store.view.old.get(ids, ()):
            for part in merged.parts:
                if part.state[form.LIVE]:
                    yield name.removeprefix(names.OLD), merged.labels, part

    def changed(self, ids: Ids) -> tuple[int, int]:
        """Return when a listing was seen to change, 0 for never, and the sum of its cells then."""
        states = [part.state for part in self._parts(ids)]
        return max(((state[form.CHANGED], state[form.TOTAL]) for state in states), default=(0, 0))

    def note(self, ids: Ids, now_ns: int, total: int) -> None:
        """Remember when a listing was seen to change, and the sum of its cells."""
        for part in self._parts(ids):
            part.state[form.CHANGED] = now_ns
            part.state[form.TOTAL] = total

    def keep(self, ids: Ids, values: Sequence[Values]) -> None:
        """Remember what a listing leaves with."""
        for schema, labels, cells in values:
            part = self._store.open_part(names.OLD + schema.name, labels, schema.size)
            for index, cell in enumerate(cells):
                part.cells[index] = cell
            part.state[form.SEEN] = 0
            part.state[form.LIVE] = 1
        self._store.view.refresh()
        del ids

    def kept(self, ids: Ids) -> dict[tuple[str, tuple[str, ...]], list[int]] | None:
        """Return what a listing left with, by schema and labels; ``None`` if it did not leave."""
        kept = {(name, labels): part.cells.tolist() for name, labels, part in self._old(ids)}
        return kept or None

    def returned(self, ids: Ids, now_ns: int) -> int:
        """Return since when a listing is back, which is now if nothing else is known."""
        parts = [part for _, _, part in self._old(ids)]
        since = max((part.state[form.SEEN] for part in parts), default=0) or now_ns
        for part in parts:
            part.state[form.SEEN] = since
        return since

    def forget(self, ids: Ids) -> None:
        """Forget what a listing left with."""
        for _, _, part in list(self._old(ids)):
            part.state[form.LIVE] = 0

    def reset(self) -> None:
        """Forget nothing: what is remembered stands in the state directory."""
