"""Registers of sketches in a slot: what the hot path writes, what a scrape reads.

A sketch has two sides, one for the current epoch and one for the one before. A side is a chain of
blocks that grows with the registers in use, most listings having few. A cell holds a register and
its smallest hash together, 0 being empty; the first block's first cell of life holds the epoch.
"""

from collections.abc import Callable, Iterable
from itertools import count
from typing import Final

from agent_analytics.processor._durable._files import format as form
from agent_analytics.processor._durable.parts import Part
from agent_analytics.processor._series.cells import Cells
from agent_analytics.processor._series.sketch import MOST_BACK

_FRACTION_BITS: Final = 52
_FRACTION: Final = (1 << _FRACTION_BITS) - 1
#: Registers in each block of a side's chain.
CHAIN: Final = (16, 112, 384, 512)
#: Cell of life that holds the epoch of a side, in the first block of its chain.
EPOCH: Final = form.LIVE
SIDES: Final = 2

#: Opens the block of a side's chain: side, place in the chain.
Open = Callable[[int, int], Part]


def encode(register: int, value: float) -> int:
    """Return the cell of a register whose smallest hash is ``value``, in (0, 1)."""
    return (register << _FRACTION_BITS | int(value * (1 << _FRACTION_BITS))) + 1


def decode(cell: int) -> tuple[int, float]:
    """Return register and smallest hash of a cell that is not empty."""
    cell -= 1
    fraction = cell & _FRACTION
    return cell >> _FRACTION_BITS, (fraction + 0.5) / (1 << _FRACTION_BITS)


def merge(cells: Iterable[int], registers: dict[int, float]) -> None:
    """Take the smaller hash of each register of ``cells`` and ``registers`` into the latter."""
    for cell in cells:
        if cell > 0:
            register, value = decode(cell)
            if value < registers.get(register, 1.0):
                registers[register] = value


class Registers(dict[int, float]):
    """Smallest hash by register; what is set is set in a side's cells, too.

    Its writers hold a lock, but a signal's handler or a finalizer of the same thread may set a
    register while one is being set. So a cell is taken in one step, and no two registers have one.
    """

    __slots__ = ("_free", "_numbers", "_places", "_side")

    def __init__(self, side: "Side") -> None:
        super().__init__()
        self._side = side
        self._places: dict[int, tuple[Cells, int]] = {}
        #: Numbers of cells: the next ones, and those before them that nothing is in.
        self._numbers = count()
        self._free: list[int] = []

    def __setitem__(self, register: int, value: float) -> None:
        """Set a register; its first time may open a block."""
        place = self._places.get(register) or self._take(register)
        place[0][place[1]] = encode(register, value)
        super().__setitem__(register, value)

    def _take(self, register: int) -> tuple[Cells, int]:
        try:
            number = self._free.pop()
        except IndexError:
            number = next(self._numbers)
        mine = False
        try:
            place = self._side.place(number)
            taken = self._places.setdefault(register, place)
            mine = taken is place
        finally:
            if not mine:  # it was taken meanwhile, or there is no room
                self._free.append(number)
        return taken

    def restore(self) -> None:
        """Take over what the side's cells hold."""
        used = 0
        for number, (cells, index) in enumerate(self._side.places()):
            cell = cells[index]
            if cell > 0:
                register, value = decode(cell)
                self._places[register] = (cells, index)
                super().__setitem__(register, value)
                self._free.extend(range(used, number))
                used = number + 1
        self._numbers = count(used)


class Side:
    """The registers of one epoch."""

    __slots__ = ("_number", "_open", "chain")

    def __init__(self, number: int, open_block: Open) -> None:
        self._number = number
        self._open = open_block
        self.chain: list[Part] = []

    @property
    def epoch(self) -> int:
        """The epoch that the registers are of; 0 if there are none."""
        return self.chain[0].state[EPOCH] if self.chain else 0

    def place(self, used: int) -> tuple[Cells, int]:
        """Return the cell for the register that is the next after ``used``."""
        for link, size in enumerate(CHAIN):
            if used < size:
                while (number := len(self.chain)) <= link:
                    # Put where it belongs: a signal's handler may have opened the same meanwhile.
                    self.chain[number : number + 1] = [self._open(self._number, number)]
                return self.chain[link].cells, used
            used -= size
        msg = "more registers than a sketch has"
        raise IndexError(msg)

    def places(self) -> Iterable[tuple[Cells, int]]:
        """Yield every cell in the order of use."""
        for part in self.chain:
            for index in range(len(part.cells.tolist())):
                yield part.cells, index

    def begin(self, epoch: int) -> None:
        """Empty the registers and give them another epoch."""
        for part in self.chain:
            for index, cell in enumerate(part.cells.tolist()):
                if cell:
                    part.cells[index] = 0
        if not self.chain:
            self.chain.append(self._open(self._number, 0))
        self.chain[0].state[EPOCH] = epoch


class DurableSketch:
    """One worker's sketch of a listing and kind; takes the place of a ``Sketch``.

    Attributes:
        current: Smallest hash by register in the current epoch; writers hold the lock.
    """

    __slots__ = ("_epoch", "_sides", "current")

    def __init__(self, open_block: Open, epoch: int, existing: Iterable[tuple[int, Part]]) -> None:
        self._sides = [Side(number, open_block) for number in range(SIDES)]
        for number, part in existing:
            self._sides[number].chain.append(part)
        # Newest first; an empty side is the oldest.
        self._sides.sort(key=lambda side: side.epoch, reverse=True)
        self._epoch = epoch
        self.current: dict[int, float] = self._fresh(self._sides[0])
        if self._sides[0].epoch:
            self._epoch = self._sides[0].epoch

    def _fresh(self, side: Side) -> Registers:
        registers = Registers(side)
        registers.restore()
        return registers

    def roll(self, epoch: int, scraped: int) -> bool:
        """Begin an epoch, and return whether others from the future end; called under the lock.

        What no scrape has seen since its epoch began is taken along: nothing leaves before a
        scrape could see it.
        """
        if self._epoch - MOST_BACK <= epoch <= self._epoch:
            return False
        if epoch < self._epoch:
            self._go_back(epoch)
            return True
        self._go_on(epoch, scraped)
        return False

    def _go_back(self, epoch: int) -> None:
        """Drop an epoch from the future; what was being written is shown until the next one."""
        self._epoch = epoch
        newest, oldest = self._sides
        if oldest.epoch > epoch:
            oldest.begin(0)
        if newest.chain:
            newest.chain[0].state[EPOCH] = epoch

    def _go_on(self, epoch: int, scraped: int) -> None:
        side = self._sides[0]
        begun, self._epoch = self._epoch, epoch
        if not side.chain:
            return
        if scraped < begun:
            side.chain[0].state[EPOCH] = epoch
            return
        self._sides.reverse()
        self._sides[0].begin(epoch)
        self.current = Registers(self._sides[0])

    def registers(self, epoch: int) -> dict[int, float]:
        """Return the registers of both epochs, those of this worker alone."""
        del epoch
        merged: dict[int, float] = {}
        for side in self._sides:
            for part in side.chain:
                merge(part.cells.tolist(), merged)
        return merged
