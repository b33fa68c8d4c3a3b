"""Blocks of another version are read by metric: whatever it has changed, what both have goes on."""

import json
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.effort import examples

from agent_analytics.processor._durable import layouts
from agent_analytics.processor._durable._files import names as _names
from agent_analytics.processor._series import schema as _schema
from agent_analytics.processor._series.schema import Schema, Series
from agent_analytics.processor.catalogue import Metric

EDGES = st.lists(st.integers(1, 20), min_size=1, max_size=8, unique=True).map(sorted)
NAMES = st.lists(st.sampled_from("abcdefgh"), unique=True, min_size=1)


def schema(names: Sequence[str], edges: Sequence[int], gap: int) -> Schema:
    """Return a kind with counters of these names, and a histogram with its count, after a gap."""
    counters = [
        Series(Metric(name, "counter", ""), (), "cell", gap + place)
        for place, name in enumerate(names)
    ]
    first = gap + len(names)
    timed = Metric("timed", "histogram", "", buckets=tuple(map(float, edges)))
    size = len(edges) + 1
    both = (
        Series(Metric("calls", "counter", ""), (), "count", first, size),
        Series(timed, (), "histogram", first, size, 1000),
    )
    return Schema("kind", first + size + 1, (*both, *counters))


def figures(kind: Schema, cells: Sequence[int]) -> dict[tuple[str, float], int]:
    """Return what each series shows, buckets cumulative and by edge."""
    found: dict[tuple[str, float], int] = {}
    for one in kind.series:
        own = cells[one.offset : one.offset + one.size]
        if one.form == "histogram":
            edges = (*one.metric.buckets, float("inf"))
            for edge, count in zip(edges, accumulate(own), strict=True):
                found[one.metric.name, edge] = count
            found[one.metric.name, -1] = cells[one.offset + one.size]
        else:
            found[one.metric.name, 0] = sum(own)
    return found


@pytest.mark.hypothesis
@settings(max_examples=examples(100))
@given(data=st.data(), old_edges=EDGES, new_edges=EDGES, old=NAMES, new=NAMES)
def test_what_both_versions_have_goes_on(
    data: st.DataObject, old_edges: list[int], new_edges: list[int], old: list[str], new: list[str]
) -> None:
    """Counters, counts, sums and buckets of common edges are exact; no bucket is below another."""
    theirs = schema(old, old_edges, data.draw(st.integers(0, 3)))
    ours = schema(new, new_edges, data.draw(st.integers(0, 3)))
    cells = data.draw(st.lists(st.integers(0, 99), min_size=theirs.size, max_size=theirs.size))
    reading = layouts.Reading(ours, tuple(layouts._pairs(theirs, ours)))  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # the rule
    before, after = figures(theirs, cells), figures(ours, reading.read(cells))
    for key in before.keys() & after.keys():
        assert after[key] == before[key], key
    assert after["timed", float("inf")] == before["calls", 0] == after["calls", 0]


@pytest.mark.parametrize("kind", _schema.KINDS, ids=lambda kind: kind.name)
def test_a_description_says_all(kind: _schema.BlockKind) -> None:
    """What is written down of a kind has its fingerprint, and is read cell by cell."""
    text = layouts.description(kind.schema)
    read = layouts.parsed(kind.name, text)
    assert read is not None
    assert _names.fingerprint(read) == _names.FINGERPRINTS[kind.name]
    assert read.gauges == kind.schema.gauges
    assert len(text) < 8_000  # labels of a record have room for twice as much


#: What is done to a description so that it is none.
SPOILT: list[Callable[[Any], str]] = [
    lambda _: "",
    lambda _: "[]",
    lambda _: "[1,2]",
    lambda rows: json.dumps([rows[0], [*rows[1][:-1], rows[1][-1][:-1]]]),
    lambda rows: json.dumps([rows[0], [[*rows[1][0][:6], -1, *rows[1][0][7:]]]]),
    lambda rows: json.dumps([1, rows[1]]),
    lambda rows: json.dumps([rows[0], [[*rows[1][0][:7], "x", 1]]]),
    lambda rows: json.dumps([rows[0], [[*rows[1][0][:3], None, *rows[1][0][4:]]]]),
]


@pytest.mark.parametrize("spoil", SPOILT)
def test_no_description(spoil: Callable[[Any], str]) -> None:
    """What is no description, or of cells that are not there, is none."""
    rows = json.loads(layouts.description(_schema.TOOL))
    assert layouts.parsed("tool", spoil(rows)) is None


def test_no_metric_is_in_two_kinds() -> None:
    """Each metric has one kind of block, or what another version has of it would count twice."""
    places = [(one.metric.name, kind.name) for kind in _schema.KINDS for one in kind.schema.series]
    kinds = dict(places)
    assert all(kinds[metric] == kind for metric, kind in places)


def test_the_first_kinds_are_known() -> None:
    """The first release described nothing, so what its kinds mean is kept here."""
    now = {(kind.name, _names.FINGERPRINTS[kind.name]) for kind in _schema.KINDS}
    assert layouts.first_layouts().keys() <= now
