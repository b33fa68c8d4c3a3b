"""What each line of an exposition is made of: labels, and numbers written into place.

It is compiled from this text where a C compiler is, with the types of ``lines.pxd``. ``Labels`` is
used in any case. ``Lines`` is used compiled alone: as it is written here, formatting by Python's
own means (``exposition``) is quicker, and decides what the bytes are. Both are compared byte for
byte (``tests/exposition/test_lines.py``).
"""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, Literal, get_args

#: Whether this is the compiled text.
COMPILED: Final = not __file__.endswith((".py", ".pyc"))

#: Trace id, span id, nanoseconds or other cells' units measured, time in nanoseconds.
Exemplar = tuple[int, int, int, int]
#: Labels, cells, exemplars by cell.
Row = tuple[tuple[str, ...], list[int], dict[int, Exemplar] | None]
_NO_MARKS: Final[dict[int, Exemplar]] = {}

#: What the number of a line is: the sum of some cells (of one, where the line is a counter's or a
#: gauge's); a cell in a metric's unit; of a histogram, what is in a bucket and in those before it,
#: and after all of them the sum of what was measured, and how often.
Form = Literal["total", "scaled", "first bucket", "bucket", "measured", "measurements"]
_FORMS: Final[tuple[Form, ...]] = get_args(Form)
_TOTAL: Final = _FORMS.index("total")
_SCALED: Final = _FORMS.index("scaled")
_FIRST_BUCKET: Final = _FORMS.index("first bucket")
_MEASURED: Final = _FORMS.index("measured")
_MEASUREMENTS: Final = _FORMS.index("measurements")

#: What the numbers of a line take at most: 20 digits, or 24 characters of a float.
_NUMBER: Final = 24
#: What an exemplar takes at most: its words, two ids and two numbers.
_EXEMPLAR: Final = 128
#: Up to here decimal places are those that Python shows: a float holds any 15 digits, and from
#: a ten thousandth on none is shown with an exponent.
_EXACT: Final = 10**15
_LEAST: Final = 10_000
_ID_BITS: Final = 64
_ID: Final = 2**_ID_BITS - 1
_ID_DIGITS: Final = 16
_HEX: Final = b"0123456789abcdef"
_ZERO: Final = 48
#: Stands in a line for the labels of a row.
MARK: Final = "\0"
#: Labels that the rows of a listing begin with: publisher and agent.
_IDS: Final = 2
_find_special: Final = re.compile(r'[\\"\n\0]').search


class Labels:
    """Texts of labels in one exposition: what many rows begin with, or end with, is made once."""

    __slots__ = ("_begun",)

    def __init__(self) -> None:
        self._begun: dict[tuple[str, ...], dict[tuple[str, ...], bytes]] = {}

    def of(self, names: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> list[bytes]:
        """Return what goes between the braces for each row.

        Args:
            names: Names of the labels. A row may have values for the first of them alone.
            rows: The rows; their values come first in them.
        """
        begun = self._begun.setdefault(names[:_IDS], {})
        ends: dict[tuple[str, ...], bytes] = {}
        texts: list[bytes] = []
        for row in rows:
            values: tuple[str, ...] = row[0]
            ids = values[:_IDS]
            begin = begun.get(ids)
            if begin is None:
                begin = begun[ids] = _text_of(names, ids)
            if len(values) > _IDS:
                rest = values[_IDS:]
                end = ends.get(rest)
                if end is None:
                    end = ends[rest] = b"," + _text_of(names[_IDS:], rest)
                begin = begin + end
            texts.append(begin)
        return texts


def _text_of(names: tuple[str, ...], values: tuple[str, ...]) -> bytes:
    """Return labels of which there may be fewer values than names."""
    if _find_special("".join(values)):
        values = tuple(map(_escape, values))
    pairs = zip(names, values, strict=False)
    return ",".join([f'{name}="{value}"' for name, value in pairs]).encode()


def _escape(value: str) -> str:
    value = value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
    return value.replace(MARK, "\ufffd")


class Lines:
    """The lines of one metric in a row of cells.

    Args:
        lines: Of each line what goes before the labels, and between them and the number.
        numbers: Of each line what its number is, its first cell, and how many cells there are.
        scale: What a cell is divided by to give the metric's unit, a power of ten.
    """

    __slots__ = ("_afters", "_befores", "_firsts", "_forms", "_number", "_room", "_scale", "_sizes")

    def __init__(
        self,
        lines: Sequence[tuple[bytes, bytes]],
        numbers: Sequence[tuple[Form, int, int]],
        scale: int,
    ) -> None:
        # The end of a line is written with what the next one begins with.
        self._befores = [b"\n" * (place > 0) + before for place, (before, _) in enumerate(lines)]
        self._afters = [after for _, after in lines]
        self._forms = [_FORMS.index(form) for form, _, _ in numbers]
        self._firsts = [first for _, first, _ in numbers]
        self._sizes = [size for _, _, size in numbers]
        self._number = len(numbers)
        self._scale = scale
        self._room = sum(len(before) + len(after) + _NUMBER + 1 for before, after in lines)

    def text(
        self,
        labels: list[bytes],
        rows: list[Row],
        exemplars: bool,  # noqa: FBT001 - a keyword costs more than the call
    ) -> bytes:
        """Return the lines of some rows.

        Args:
            labels: Labels of each row.
            rows: The rows.
            exemplars: Whether exemplars are shown.

        Raises:
            OverflowError: A number has more than 64 bits.
        """
        room = len(rows) * self._room
        for label in labels:
            room += len(label) * self._number
        if exemplars:
            for row in rows:
                room += len(row[2] or _NO_MARKS) * _EXEMPLAR
        text = Text(room)
        for index, row in enumerate(rows):
            self._write(text, labels[index], row[1], row[2] if exemplars else None)
        return text.done()

    def _write(
        self,
        text: "Text",
        label: bytes,
        cells: list[int],
        marks: dict[int, Exemplar] | None,
    ) -> None:
        """Write the lines of one row."""
        total = 0
        empty = False
        for line in range(self._number):
            form = self._forms[line]
            first = self._firsts[line]
            cell = cells[first]
            text.put(self._befores[line])
            text.put(label)
            text.put(self._afters[line])
            if form == _TOTAL:
                text.whole(_total(cells, first, self._sizes[line]))
            elif form == _SCALED:
                text.scaled(cell, self._scale)
            elif form == _MEASURED:
                text.scaled(0 if empty else cell, self._scale)
            elif form == _MEASUREMENTS:
                text.whole(total)
            else:
                if form == _FIRST_BUCKET:
                    total = 0
                    empty = _is_empty(cells, first, self._sizes[line])
                total += cell
                text.whole(total)
                if marks is not None and not empty:
                    exemplar = marks.get(first)
                    if exemplar is not None:
                        text.exemplar(exemplar, self._scale)
        text.put(b"\n")


def _total(cells: list[int], first: int, size: int) -> int:
    """Return the sum of some cells."""
    total = 0
    for place in range(first, first + size):
        cell = cells[place]
        total += cell
    return total


def _is_empty(cells: list[int], first: int, size: int) -> bool:
    """Tell whether there is nothing in any bucket."""
    for place in range(first, first + size):
        cell = cells[place]
        if cell != 0:
            return False
    return True


#: Copies bytes to a place where there is room for them. Compiled, C's own copying (``lines.pxd``).
copy_into: Callable[[bytearray, int, bytes], object]


def _copy_into(to: bytearray, at: int, piece: bytes) -> None:
    to[at : at + len(piece)] = piece


if not COMPILED:
    globals()["copy_into"] = _copy_into


class Text:
    """Bytes that are written one after the other, where there is room for them.

    Args:
        room: How many there may be.
    """

    __slots__ = ("_at", "_held", "_room", "_to")

    def __init__(self, room: int) -> None:
        self._held = bytearray(room)
        self._to = self._held
        self._room = room
        self._at = 0

    def done(self) -> bytes:
        """Return what was written."""
        return bytes(self._to[: self._at])

    def put(self, piece: bytes) -> None:
        """Write some bytes."""
        at = self._at
        self._end(len(piece))
        copy_into(self._to, at, piece)  # noqa: F821 - ruff overlooks what has no value

    def whole(self, number: int) -> None:
        """Write an integer."""
        if number < 0:
            self.put(_whole(number))
        else:
            width = 1
            left = number // 10
            while left:
                left //= 10
                width += 1
            self.digits(number, width)

    def digits(self, number: int, width: int) -> None:
        """Write so many of the last digits of a number that is not negative."""
        to = self._to
        at = self._at
        place = self._end(width)
        while place > at:
            place -= 1
            to[place] = _ZERO + number % 10
            number //= 10

    def scaled(self, number: int, scale: int) -> None:
        """Write a number divided by a power of ten, as Python writes the float."""
        if number == 0:
            self.put(b"0.0")
        elif number >= _EXACT or number < scale // _LEAST:
            self.put(_float(number, scale))
        else:
            self.whole(number // scale)
            rest = number % scale
            width = 0
            while scale > 1:
                scale //= 10
                width += 1
            while width > 1 and rest % 10 == 0:
                rest //= 10
                width -= 1
            self.put(b".")
            self.digits(rest, width or 1)

    def exemplar(self, exemplar: Exemplar, scale: int) -> None:
        """Write an exemplar, which follows the number of its bucket."""
        trace_id = exemplar[0]
        self.put(b' # {trace_id="')
        self.id(trace_id >> _ID_BITS)
        self.id(trace_id & _ID)
        self.put(b'",span_id="')
        self.id(exemplar[1])
        self.put(b'"} ')
        self.scaled(exemplar[2], scale)
        self.put(b" ")
        self.scaled(exemplar[3] // 1_000_000, 1_000)

    def id(self, number: int) -> None:
        """Write 64 bits as sixteen digits."""
        to = self._to
        at = self._at
        place = self._end(_ID_DIGITS)
        while place > at:
            place -= 1
            to[place] = _HEX[number & 15]
            number >>= 4

    def _end(self, size: int) -> int:
        """Take room for some bytes; return where it ends."""
        if size > self._room - self._at:
            raise OverflowError
        self._at += size
        return self._at


# Of any size: what is not written digit by digit, Python formats.


def _whole(number: Any) -> bytes:  # noqa: ANN401 - as below
    return b"%d" % number


def _float(number: Any, scale: Any) -> bytes:  # noqa: ANN401 - numbers of Python, and none of C
    return b"%r" % (number / scale)
