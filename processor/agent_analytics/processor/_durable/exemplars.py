"""Exemplars of a worker's blocks: in memory, and now and then in the slot."""

import struct
from collections.abc import Callable
from typing import Final

from agent_analytics.instrumentation.health import note_internal_error
from agent_analytics.processor._durable._files import names
from agent_analytics.processor._series.store import Cells, Exemplar

_EXEMPLAR: Final = struct.Struct("=QQQqqQ")
_WORD: Final = (1 << 64) - 1
#: An exemplar of a bucket goes to the slot at most this often.
_EXEMPLAR_NS: Final = 1_000_000_000


class Exemplars(dict[int, Exemplar]):
    """Last exemplar by cell; the slot is written at most once a second for each."""

    __slots__ = ("_open", "_view", "_written")

    def __init__(self, open_cells: Callable[[], Cells]) -> None:
        super().__init__()
        self._open = open_cells
        self._view: Cells | None = None
        self._written: dict[int, int] = {}

    def __setitem__(self, cell: int, exemplar: Exemplar) -> None:
        """Keep an exemplar; one that the slot cannot hold is left out, and raises nothing."""
        super().__setitem__(cell, exemplar)
        at = exemplar[3]
        if 0 <= at - self._written.get(cell, 0) < _EXEMPLAR_NS:
            return
        self._written[cell] = at
        try:
            self._write(cell, exemplar)
        except Exception:  # noqa: BLE001 - an exemplar is worth no figure of its span
            self.pop(cell, None)
            note_internal_error("exemplar")

    def _write(self, cell: int, exemplar: Exemplar) -> None:
        if self._view is None:
            self._view = self._open()
        trace_id, span_id, value, at = exemplar
        high, low = trace_id >> 64 & _WORD, trace_id & _WORD
        check = high ^ low ^ span_id ^ (value & _WORD) ^ (at & _WORD)
        words = struct.unpack("=6q", _EXEMPLAR.pack(high, low, span_id, value, at, check))
        first = cell * names.EXEMPLAR_CELLS
        for offset, word in enumerate(words):
            self._view[first + offset] = word


def read_exemplar(cells: list[int], cell: int) -> Exemplar | None:
    """Return the exemplar of a cell, or ``None`` where there is none whole."""
    first = cell * names.EXEMPLAR_CELLS
    words = struct.pack("=6q", *cells[first : first + names.EXEMPLAR_CELLS])
    high, low, span_id, value, at, check = _EXEMPLAR.unpack(words)
    if not at or check != high ^ low ^ span_id ^ (value & _WORD) ^ (at & _WORD):
        return None  # empty, or being written just now
    return (high << 64 | low, span_id, value, at)
