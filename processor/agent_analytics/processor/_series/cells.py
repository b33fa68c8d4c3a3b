"""What cells and registers are, wherever they lie: in memory, or in a file of a state directory."""

from typing import Protocol


class Cells(Protocol):
    """Signed 64-bit integers at fixed places: an ``array('q')``, a ``memoryview`` cast to it."""

    def __getitem__(self, index: int, /) -> int:
        """Return the cell at ``index``."""
        ...

    def __setitem__(self, index: int, value: int, /) -> None:
        """Set the cell at ``index``; ``OverflowError`` beyond 64 bits."""
        ...

    def tolist(self) -> list[int]:
        """Return a copy of every cell."""
        ...


#: A point that a bucket was hit by: trace id, span id, nanoseconds measured, time in nanoseconds.
Exemplar = tuple[int, int, int, int]


class SketchCells(Protocol):
    """The registers of one listing and kind."""

    @property
    def current(self) -> dict[int, float]:
        """Smallest hash by register in the current epoch; writers hold the lock."""
        ...

    def registers(self, epoch: int) -> dict[int, float]:
        """Return what is exposed in ``epoch``; called under the lock."""
        ...
