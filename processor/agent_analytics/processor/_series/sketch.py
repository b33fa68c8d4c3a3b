"""Distinct counts that merge: registers of smallest keyed hashes.

Each tenant's keyed hash falls into one of m registers, which keeps the smallest hash it has seen,
as a float in (0, 1). Registers merge by ``min`` over workers, listings and time, and answer in
PromQL how many distinct tenants any window had and how many two windows share.
"""

from hashlib import blake2b
from typing import Final

from agent_analytics.processor.catalogue import SKETCH_REGISTERS

#: Registers rotate at whole multiples of this (three scrapes). A hash stays exposed for one to two
#: epochs after it was last seen: long enough for several scrapes, short against a window of a day.
EPOCH_SECONDS: Final = 900
#: A clock that is set right by a moment may fall behind the beginning of an epoch; one that is
#: behind by more epochs than this was wrong before.
MOST_BACK: Final = 1
_FRACTION_BITS: Final = 52  # x + 0.5 is exact in a double, and so below 1 after division
_REMEMBERED: Final = 65_536
_REMEMBERED_LENGTH: Final = 256  # so that long ids do not fill the memory
_KEY_BYTES: Final = 64


class Hasher:
    """Turns ids into a register and a fraction, keyed and remembered.

    Every process of a marketplace needs the same key; who knows it can ask a sketch whether a
    given id is in it, so it is kept as a secret.

    Attributes:
        remembered: Places of ids that came lately; the hot path asks it directly.
    """

    __slots__ = ("_key", "_person", "remembered")

    def __init__(self, key: bytes, kind: str) -> None:
        # A key of any length is welcome; blake2b takes up to 64 bytes.
        self._key = key if len(key) <= _KEY_BYTES else blake2b(key).digest()
        self._person = kind.encode()[:16]
        self.remembered: dict[str, tuple[int, float]] = {}

    def place(self, identity: str) -> tuple[int, float]:
        """Return the register of ``identity`` and its hash in (0, 1)."""
        found = self.remembered.get(identity)
        if found is None:
            digest = blake2b(
                identity.encode("utf-8", "surrogatepass"),
                digest_size=8,
                key=self._key,
                person=self._person,
            ).digest()
            number = int.from_bytes(digest, "little")
            fraction = number >> (64 - _FRACTION_BITS)
            found = (number & (SKETCH_REGISTERS - 1), (fraction + 0.5) / (1 << _FRACTION_BITS))
            if len(identity) <= _REMEMBERED_LENGTH:
                if len(self.remembered) >= _REMEMBERED:
                    self.remembered.clear()
                self.remembered[identity] = found
        return found


class Sketch:
    """The registers of one listing and kind in the current and the previous epoch.

    Attributes:
        current: Smallest hash by register since the last rotation; writers hold the lock.
    """

    __slots__ = ("_epoch", "current", "previous")

    def __init__(self) -> None:
        self._epoch: int | None = None
        self.current: dict[int, float] = {}
        self.previous: dict[int, float] = {}

    def registers(self, epoch: int) -> dict[int, float]:
        """Return what is exposed in ``epoch``, rotating if one has passed; called under the lock.

        What came in since the last call is exposed in at least one more epoch, however late the
        call is: nothing leaves before a scrape could see it. A clock that was set back ends the
        epoch, too: one from the future would not end before that day.
        """
        if self._epoch is None:
            self._epoch = epoch
        elif not self._epoch - MOST_BACK <= epoch <= self._epoch:
            self._epoch = epoch
            self.previous = self.current
            self.current = {}
        merged = dict(self.previous)
        for register, value in self.current.items():
            if value < merged.get(register, 1.0):
                merged[register] = value
        return merged
