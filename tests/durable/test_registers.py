"""Registers of a sketch in cells, some of which are set while another one is being set."""

from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.effort import examples

from agent_analytics.processor._durable.parts import Part
from agent_analytics.processor._durable.registers import CHAIN, Registers, Side, merge

if TYPE_CHECKING:
    from collections.abc import Callable


class Chain:
    """Blocks of a side, which let something happen while one of them is opened."""

    def __init__(self) -> None:
        self.parts: dict[int, Part] = {}
        self.meanwhile: Callable[[], None] | None = None

    def open(self, _side: int, link: int) -> Part:
        """Return the block of a link, the same one each time."""
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile is not None:
            meanwhile()
        return self.parts.setdefault(link, Part.in_memory(CHAIN[link], 0))

    def stored(self) -> dict[int, float]:
        """Return what the cells hold."""
        found: dict[int, float] = {}
        for part in self.parts.values():
            merge(part.cells.tolist(), found)
        return found


@given(
    before=st.lists(st.integers(0, 1023), unique=True, max_size=600),
    register=st.integers(0, 1023),
    meanwhile=st.lists(st.integers(0, 1023), max_size=600),
    after=st.lists(st.integers(0, 1023), max_size=600),
)
@settings(max_examples=examples(100), deadline=None)
def test_registers_that_are_set_while_one_is_set(
    before: list[int], register: int, meanwhile: list[int], after: list[int]
) -> None:
    """Each has a cell of its own, and who opens the cells again finds all of them."""
    chain = Chain()
    side = Side(0, chain.open)
    registers = Registers(side)

    def handler() -> None:
        for each in meanwhile:
            registers[each] = 0.5

    for each in before:
        registers[each] = 0.5
    chain.meanwhile = handler
    registers[register] = 0.5
    handler()  # where nothing was opened
    for each in after:
        registers[each] = 0.5
    known = {*before, register, *meanwhile, *after}
    assert set(registers) == known
    assert set(chain.stored()) == known
    again = Side(0, chain.open)
    again.chain = [chain.parts[link] for link in sorted(chain.parts)]
    restored = Registers(again)
    restored.restore()
    assert set(restored) == known
    for each in range(1024):
        restored[each] = 0.25
    assert set(chain.stored()) == set(range(1024))
