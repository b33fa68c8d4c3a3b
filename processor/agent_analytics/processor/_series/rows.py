"""What a scrape sees: rows of cells for series in blocks, samples for everything else."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from agent_analytics.processor import catalogue
from agent_analytics.processor._caps.admission import Filled
from agent_analytics.processor._caps.sizes import EXEMPLAR_BYTES, VERSION_BYTES, cut, escaped
from agent_analytics.processor._series import health
from agent_analytics.processor._series.schema import Schema
from agent_analytics.processor._series.store import Exemplar
from agent_analytics.processor.catalogue import OTHER, Metric

Part = Literal["metrics", "sketches"]

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


#: Characters of names and versions that have room whatever they are: none takes more than 4 bytes.
_SHORT: Final = VERSION_BYTES // 4


def bounded(
    blocks: list[tuple[Schema, list[Row]]],
    samples: list[tuple[Metric, list[Sample]]],
    full: Filled,
    releases: float,
) -> Snapshot:
    """Return the metrics within their limits: exemplars have what room is left.

    Args:
        blocks: For each schema its rows.
        samples: What is not stored in blocks, but for how full the exposition is.
        full: How full it is.
        releases: Part that is taken of what releases may come to.
    """
    room = full.whole.bytes - full.used.bytes
    part: tuple[Metric, list[Sample]] = (catalogue.RELEASES_FILLED, [((), round(releases, 4))])
    return Snapshot(_with_room(blocks, room), [*samples, *_filled(full), part])


def _filled(figures: Filled) -> Iterator[tuple[Metric, list[Sample]]]:
    """Yield the metrics of how full the exposition is."""
    used, whole, fullest = figures
    yield catalogue.EXPOSITION_SAMPLES, [((), used.samples)]
    yield catalogue.EXPOSITION_BYTES, [((), used.bytes)]
    yield (
        catalogue.EXPOSITION_FILLED,
        [
            (("samples",), round(used.samples / whole.samples, 4)),
            (("bytes",), round(used.bytes / whole.bytes, 4)),
        ],
    )
    yield catalogue.FULLEST_PUBLISHER, [((), round(fullest, 4))]


def _with_room(blocks: list[tuple[Schema, list[Row]]], room: int) -> list[tuple[Schema, list[Row]]]:
    """Return rows with their exemplars, as far as there is room for them.

    Args:
        blocks: For each schema its rows.
        room: Bytes.
    """
    most = max(room, 0) // EXEMPLAR_BYTES
    if (
        sum(kind.size * len(rows) for kind, rows in blocks) <= most
        or sum(len(row[2]) for _, rows in blocks for row in rows if row[2]) <= most
    ):
        return blocks
    left: list[tuple[Schema, list[Row]]] = []
    for kind, rows in blocks:
        kept: list[Row] = []
        for labels, cells, exemplars in rows:
            most -= len(exemplars or ())
            kept.append((labels, cells, exemplars if most >= 0 else None))
        left.append((kind, kept))
    return left


def infos(ids: tuple[str, ...], versions: Sequence[tuple[str, ...]]) -> list[Sample]:
    """Return the names and versions of a listing, as many of the newest as have room.

    Args:
        ids: Publisher and listing.
        versions: Names and versions, oldest first. The newest is shown in any case, its name cut
            where it must be.
    """
    if sum([len(name) + len(version) for name, version in versions]) <= _SHORT:
        return [((*ids, *version), 1) for version in versions]
    room = VERSION_BYTES
    shown: list[Sample] = []
    for name, version in reversed(versions):
        size = escaped((name, version))
        if size > room:
            if shown:
                break
            version = cut(version, VERSION_BYTES // 4)  # noqa: PLW2901 - what is left of it
            name = cut(name, VERSION_BYTES - escaped((version,)))  # noqa: PLW2901 - alike
        room -= size
        shown.append(((*ids, name, version), 1))
    return shown[::-1]


def beyond(used: Mapping[str, int], most: int) -> Collection[str]:
    """Return the versions of a listing that are not shown: those used longest ago.

    Args:
        used: When each version was last used.
        most: How many are shown beside ``_other``.
    """
    if len(used) <= most:
        return ()
    names = sorted((name for name in used if name != OTHER), key=lambda name: (used[name], name))
    return names[: max(len(names) - most, 0)]


def held_cells(schema: Schema, cells: list[int]) -> list[int]:
    """Return zeros in place of ``cells``, but for series that are never held."""
    zeros = [0] * len(cells)
    for series in schema.series:
        if not series.held:
            zeros[series.offset] = cells[series.offset]
    return zeros


_OWN = (
    (catalogue.SPANS, 0, health.SPAN_KINDS),
    (catalogue.UNATTRIBUTED_SPANS, health.UNATTRIBUTED, health.UNATTRIBUTED_KINDS),
    (catalogue.REFUSED_SERIES, health.REFUSED_SERIES, health.SERIES_CAUSES),
    (catalogue.REFUSED_VALUES, health.REFUSED_VALUES, health.VALUE_CAUSES),
)
_OWN_SINGLE = (
    (catalogue.GIVEN_UP_SPANS, health.GIVEN_UP),
    (catalogue.OPEN_SPANS, health.OPEN_SPANS),
    (catalogue.DUPLICATE_EVENTS, health.DUPLICATE_EVENTS),
    (catalogue.UNRECORDED_INVOCATIONS, health.UNRECORDED),
    (catalogue.INTERNAL_ERRORS, health.INTERNAL_ERRORS),
)


def own(
    cells: Sequence[int], further: Sequence[int], scopes: Mapping[str, int]
) -> Iterator[tuple[Metric, list[Sample]]]:
    """Yield the metrics of agent-analytics about itself from the cells of ``Health``."""
    yield catalogue.ACCOUNTING, [((str(catalogue.ACCOUNTING_REVISION),), 1)]
    later: dict[str, list[Sample]] = {}
    for (name, value), count in zip(health.FURTHER, further, strict=True):
        later.setdefault(name, []).append(((value,), count))
    for metric, first, values in _OWN:
        samples: list[Sample] = [
            ((value,), cells[first + index]) for index, value in enumerate(values)
        ]
        yield metric, samples + later.pop(metric.name, [])
    for name, samples in later.items():
        yield catalogue.CATALOGUE[name], samples
    if scopes:
        yield (
            catalogue.CONTRADICTED_INPUT,
            [((scope,), count) for scope, count in sorted(scopes.items())],
        )
    for metric, cell in _OWN_SINGLE:
        yield metric, [((), cells[cell])]
    last = cells[health.LAST_SPAN]
    if last:  # before the first span there is no such time, and 0 is not it
        yield catalogue.LAST_SPAN, [((), last / 10**9)]
