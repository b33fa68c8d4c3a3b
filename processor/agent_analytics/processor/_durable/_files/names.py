"""Kinds of blocks in a file: those with series, and those that the store keeps for itself."""

from functools import cache
from typing import Final
from zlib import crc32

from agent_analytics.processor._series import schema as _schema
from agent_analytics.processor._series.health import NAMES as HEALTH_NAMES
from agent_analytics.processor._series.schema import Schema
from agent_analytics.processor.catalogue import (
    SKETCH_CONVERSATIONS,
    SKETCH_REGISTERS,
    SKETCH_TENANTS,
)

#: Kinds with series, by their name.
SERIES: Final = {schema.name: schema for schema in _schema.SCHEMAS}
HEALTH: Final = "health"
#: One cell for each cause of the metrics about health that came later, labelled with both.
FURTHER_HEALTH: Final = "further_health"
VERSION: Final = "version"
#: What the cells of a kind mean: its name, its fingerprint and a description (``layouts``).
LAYOUT: Final = "layout"
EXEMPLARS: Final = "exemplars."
#: Values of a listing that left the exposition for being idle, to be shown first on its return.
OLD: Final = "old."
SKETCHES: Final = (SKETCH_TENANTS, SKETCH_CONVERSATIONS)
EVENT_IDS: Final = "event_ids"
#: What was admitted to an exposition, of all workers.
SHARES: Final = "shares"

#: Blocks whose cells add up, whatever has become of the first part of the sum.
ADDED: Final = frozenset({*SERIES, HEALTH, FURTHER_HEALTH})

#: Cells of an exemplar: trace id (two), span id, value, time, and the four before xored.
EXEMPLAR_CELLS: Final = 6


@cache
def fingerprint(schema: Schema) -> int:
    """Return a number that is another one when the cells of a schema mean something else."""
    series = [
        (
            each.metric.name,
            each.labels,
            each.form,
            each.offset,
            each.size,
            each.scale,
            each.metric.buckets,
        )
        for each in schema.series
    ]
    return crc32(repr((schema.size, series)).encode())


def _fingerprints() -> dict[str, int]:
    known: dict[str, int] = {}
    for name, schema in SERIES.items():
        for prefix in ("", EXEMPLARS, OLD):
            known[prefix + name] = fingerprint(schema)
    known[HEALTH] = crc32(repr(HEALTH_NAMES).encode())
    known[FURTHER_HEALTH] = 1
    known[VERSION] = 1
    known[LAYOUT] = 1
    known[EVENT_IDS] = 1
    known[SHARES] = 1
    for name in SKETCHES:
        known[name] = SKETCH_REGISTERS
    return known


#: What this version writes and reads, by name.
FINGERPRINTS: Final = _fingerprints()
