"""Lines that compiled code writes are, byte for byte, those that Python formats."""

import importlib.util
import math
from collections.abc import Callable, Iterable
from pathlib import Path
from types import ModuleType
from typing import cast

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.effort import examples

from agent_analytics.exporters._http import exposition, lines
from agent_analytics.processor import Row, Series, _compiled
from agent_analytics.processor._compiled.modules import text_of
from agent_analytics.processor._series.schema import SCHEMAS

NANO = 10**9


def _as_written() -> ModuleType:
    """Return the module of its text, whatever is compiled."""
    text = text_of(lines.__name__, Path(_compiled.__file__).parents[3])
    spec = importlib.util.spec_from_file_location("lines_as_written", text)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


#: The module in use, which may be compiled, and the one as it is written.
BOTH = [lines, _as_written()]
METRICS: list[tuple[Series, ...]] = [
    tuple(one for one in schema.series if one.metric is metric)
    for schema in SCHEMAS
    for metric in dict.fromkeys(one.metric for one in schema.series)
]
#: Amounts at the edges of what is written digit by digit, and beyond; a sum of several workers'
#: cells may have more than 64 bits.
CELLS = st.one_of(
    st.sampled_from([0, 0, 0, 1, 9, 10, 99, 100, 99_999, 100_000, 100_001, NANO - 1, NANO]),
    st.sampled_from([10**15 - 1, 10**15, 2**53 + 1, 2**63 - 1, 2**63, -1, -(2**63)]),
    st.integers(0, 10**16),
    st.integers(1, 10**6).map(lambda number: number * 10**5),
)
VALUES = st.text(st.characters(codec="utf-8"), max_size=4) | st.sampled_from(['"', "\\", "\n", "%"])
IDS = st.integers(0, 2**64 - 1)
EXEMPLARS = st.tuples(st.integers(0, 2**128 - 1), IDS, CELLS, st.integers(0, 2**63 - 1))


Drawn = tuple[tuple[Series, ...], list[Row]]


@st.composite
def rows(draw: st.DrawFn) -> Drawn:
    """Draw a metric and rows of cells that have it."""
    series = draw(st.sampled_from(METRICS))
    schema = next(schema for schema in SCHEMAS if series[0] in schema.series)
    names = len(series[0].metric.labels) - len(series[0].labels)
    some: list[Row] = []
    for _ in range(draw(st.integers(1, 3))):
        numbers = draw(st.lists(CELLS, min_size=1, max_size=6))
        cells = [numbers[cell * 7 % len(numbers)] for cell in range(schema.size)]
        places = st.integers(0, schema.size - 1)
        exemplars = draw(st.none() | st.dictionaries(places, EXEMPLARS, max_size=5))
        some.append((draw(st.tuples(*[VALUES] * names)), cells, exemplars))
    return series, some


@pytest.mark.parametrize("module", BOTH, ids=["in use", "as written"])
@pytest.mark.parametrize("exemplars", [False, True])
@settings(max_examples=examples(40), deadline=None)
@given(drawn=rows())
def test_rows(module: ModuleType, exemplars: bool, drawn: Drawn) -> None:  # noqa: FBT001
    """Every metric of every kind of block reads as Python formats it, whatever is in the cells."""
    series, some = drawn
    labels = module.Labels().of(series[0].metric.labels, some)
    formatted = b"".join(exposition.formatted(series)(labels, some, exemplars))
    try:
        written = exposition.lines_of(series, module.Lines).text(labels, some, exemplars)
    except OverflowError:  # whoever renders formats it then
        assert beyond_a_cell(some)
        return
    assert written == formatted


def beyond_a_cell(some: list[Row]) -> bool:
    """Tell whether a row has a number that no cell can hold, or cells whose sum none can."""
    measured = [point[2] for row in some for point in (row[2] or {}).values()]
    numbers = [*measured, *(cell for row in some for cell in row[1])]
    return any(abs(number) >= 2**57 for number in numbers)


@pytest.mark.parametrize("module", BOTH, ids=["in use", "as written"])
@settings(max_examples=examples(100), deadline=None)
@given(number=CELLS, scale=st.sampled_from([NANO, 1_000, 1]))
@example(number=99_999, scale=NANO)
@example(number=100_000, scale=NANO)
@example(number=10**15 - 1, scale=NANO)
@example(number=10**15, scale=1_000)
def test_floats(module: ModuleType, number: int, scale: int) -> None:
    """A cell divided by a power of ten is written as Python writes the float."""
    line = module.Lines([(b"", b" ")], [("scaled", 0, 1)], scale)
    try:
        written = line.text([b"x"], [(("x",), [number], None)], False)  # noqa: FBT003 - as it is
    except OverflowError:
        assert not -(2**63) <= number < 2**63
        return
    assert written == b"x %r\n" % (number / scale)


@pytest.mark.parametrize("module", BOTH, ids=["in use", "as written"])
@settings(max_examples=examples(40), deadline=None)
@given(values=st.lists(st.lists(VALUES, min_size=1, max_size=4), max_size=5))
def test_labels(module: ModuleType, values: list[list[str]]) -> None:
    """What is made once for many rows is what each would get by itself, escaped as must be."""
    names = ("one", "two", "three", "four")

    def by_itself(row: list[str]) -> bytes:
        escaped = [
            value.replace("\\", r"\\")
            .replace("\n", r"\n")
            .replace('"', r"\"")
            .replace("\0", "\ufffd")
            for value in row
        ]
        pairs = zip(names, escaped, strict=False)
        return ",".join(f'{name}="{value}"' for name, value in pairs).encode()

    made = module.Labels().of(names, [(tuple(row),) for row in values])
    assert made == [by_itself(row) for row in values]


@pytest.mark.parametrize("module", BOTH, ids=["in use", "as written"])
def test_labels_are_measured_in_bytes(module: ModuleType) -> None:
    """There is room for labels of four bytes a character, and for the longest number of each line.

    Were there none, an ``OverflowError`` would be raised.
    """
    least = -(2**63)
    label = module.Labels().of(("one",), [(("\U0001f600" * 1_000,),)])[0]
    line = module.Lines([(b"a{", b"} "), (b"b{", b"} ")], [("total", 0, 1), ("scaled", 1, 1)], 1)
    rows: list[Row] = [(("x",), [least, 12_345], None)] * 3
    assert line.text([label] * 3, rows, False) == (  # noqa: FBT003 - as it is
        b"a{%b} %d\nb{%b} 12345.0\n" % (label, least, label) * 3
    )


class _Growing(int):
    """A trace's id that, when it is written, makes the labels of the row after it longer."""

    labels: list[bytes]

    def __rshift__(self, other: int) -> int:
        self.labels[1] = b"x" * 100_000
        return 0


@pytest.mark.parametrize("module", BOTH, ids=["in use", "as written"])
def test_more_than_there_is_room_for(module: ModuleType) -> None:
    """Nothing is written beyond the room that was taken, even where what is written grows."""
    line = module.Lines([(b"", b"")], [("first bucket", 0, 1)], 1)
    growing = _Growing(1)
    growing.labels = [b"x", b"x"]
    rows: list[Row] = [(("x",), [1], {0: (growing, 1, 1, 1)}), (("x",), [1], None)]
    with pytest.raises(OverflowError):
        line.text(growing.labels, rows, True)  # noqa: FBT003 - as it is
    assert len(growing.labels[1]) > 1


@pytest.mark.parametrize("module", BOTH, ids=["in use", "as written"])
def test_half_of_a_pair(module: ModuleType) -> None:
    """Half of a surrogate pair has no bytes: where one gets as far as here, it is an error."""
    with pytest.raises(UnicodeEncodeError):
        module.Labels().of(("one",), [(("\ud800",),)])


def _made(render: Callable[[], Iterable[bytes]]) -> bytes | type[Exception]:
    try:
        return b"".join(render())
    except Exception as error:  # noqa: BLE001 - whatever is raised is compared
        return type(error)


@pytest.mark.parametrize("number", [2**70, -(2**70), math.nan, math.inf, 2**62])
def test_no_number_is_beyond_the_renderer(number: float) -> None:
    """What no cell can hold, or no sum of cells, is as Python formats it, or as it refuses it."""
    for series in METRICS:
        schema = next(schema for schema in SCHEMAS if series[0] in schema.series)
        rows: list[Row] = [(("p", "a", "n"), cast("list[int]", [number] * schema.size), None)]
        by_python = _made(lambda: exposition.formatted(series)([b"x"], rows, False))  # noqa: B023, FBT003 - called at once
        assert _made(lambda: exposition.renderer(series)([b"x"], rows, False)) == by_python  # noqa: B023, FBT003 - as above
