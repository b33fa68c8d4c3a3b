"""Room for sketches: the registers of all listings together keep the limits of an exposition.

A register is a gauge that merges by ``min``, so what is shown may change from scrape to scrape:
publishers have equal shares, and who needs less leaves the rest to the others. Listings that find
no room in their publisher's share are merged into its ``_other``, and so count in every union that
they counted in; alone, they show less than they had.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from agent_analytics.processor._caps.admission import Admission
from agent_analytics.processor._caps.sizes import OWN, Size, sample
from agent_analytics.processor._series.rows import Sample
from agent_analytics.processor.catalogue import OTHER, SKETCH_REGISTER, SKETCH_REGISTERS

#: Publisher, listing and kind of a sketch.
Ids = tuple[str, str, str]
Sketches = Mapping[Ids, Mapping[int, float]]
_KINDS: Final = 2
_LONGEST: Final = str(SKETCH_REGISTERS - 1)
#: Bytes that a hash has more at its longest than other numbers have.
_HASH: Final = 4


def room_for_sketches(shares: Admission, *, beside: bool) -> Size:
    """Return what sketches may take: all, or what is left where they stand beside the metrics."""
    if not beside:
        return shares.whole
    full = shares.filled()
    samples, size = (have - used for have, used in zip(full.whole, full.used, strict=True))
    return Size(samples, size) + OWN


def shown(sketches: Sketches, whole: Size) -> list[Sample]:
    """Return the samples of sketches, within limits.

    Args:
        sketches: Registers by publisher, listing and kind, the oldest listing first.
        whole: What one exposition may take.
    """
    room = Size(max(whole.samples - OWN.samples, 1), max(whole.bytes - OWN.bytes, 1))
    needs = {ids: _part(ids, len(registers), room) for ids, registers in sketches.items()}
    if sum(needs.values()) > 1:
        sketches = _folded(sketches, needs, room)
    return [
        ((*ids, str(register)), value)
        for ids, registers in sketches.items()
        for register, value in registers.items()
    ]


def _part(ids: Ids, registers: int, room: Size) -> float:
    """Return the part of the room that registers take, of samples or of bytes."""
    line = sample(SKETCH_REGISTER, (*ids, _LONGEST))
    return registers * max(1 / room.samples, (line.bytes + _HASH) / room.bytes)


def _folded(sketches: Sketches, needs: Mapping[Ids, float], room: Size) -> Sketches:
    of_publisher: dict[str, float] = {}
    for (publisher, _, _), need in needs.items():
        of_publisher[publisher] = of_publisher.get(publisher, 0.0) + need
    nobody = (OTHER, OTHER, "conversations")
    left_over = 1 - _KINDS * _part(nobody, SKETCH_REGISTERS, room)
    if left_over < 0:  # metrics have taken it all
        return {}
    share = _share(of_publisher.values(), left_over)
    used: dict[str, float] = {}
    left: dict[Ids, Mapping[int, float]] = {}
    others: dict[Ids, dict[int, float]] = {}
    for ids, registers in sketches.items():
        publisher, agent, kind = ids
        if of_publisher[publisher] <= share:
            left[ids] = registers
            continue
        own_other = _KINDS * _part((publisher, OTHER, kind), SKETCH_REGISTERS, room)
        taken = used.get(publisher, 0.0) + needs[ids]
        if agent != OTHER and taken + own_other <= share:
            used[publisher] = taken
            left[ids] = registers
            continue
        # Where there is not even room for its ``_other``, a publisher shares one with others.
        owner = publisher if own_other <= share else OTHER
        _merge(others.setdefault((owner, OTHER, kind), {}), registers)
    for ids, registers in others.items():
        _merge(registers, left.get(ids, {}))
        left[ids] = registers
    return left


def _share(needs: Iterable[float], room: float) -> float:
    """Return what nobody may have more of, so that all have room: as much as there can be."""
    ordered = sorted(needs)
    for place, need in enumerate(ordered):
        even = room / (len(ordered) - place)
        if need > even:
            return even
        room -= need
    return 1.0


def _merge(registers: dict[int, float], more: Mapping[int, float]) -> None:
    for register, value in more.items():
        if value < registers.get(register, 1.0):
            registers[register] = value
