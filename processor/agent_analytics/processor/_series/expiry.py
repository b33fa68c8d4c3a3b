"""Listings that nobody uses leave the exposition, and come back without a jump.

On its return a listing shows its old values for one hold first: Prometheus forgets a series that
was absent for five minutes, and an increase that comes with the first sample is lost.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Final, Protocol

from agent_analytics.processor._series.schema import Schema

Ids = tuple[str, ...]
#: Schema, labels and cells of a block.
Values = tuple[Schema, tuple[str, ...], list[int]]
_NS: Final = 1_000_000_000
_LARGEST: Final = (1 << 63) - 1


class Presence(Enum):
    """How a listing stands in the exposition."""

    SHOWN = "shown"
    #: Left out.
    HIDDEN = "hidden"
    #: Shown with the values that it left with.
    RETURNING = "returning"


class Memory(Protocol):
    """Remembers how idle listings are, and what idle ones left with."""

    def changed(self, ids: Ids) -> tuple[int, int]:
        """Return when a listing was seen to change, 0 for never, and the sum of its cells then."""
        ...

    def note(self, ids: Ids, now_ns: int, total: int) -> None:
        """Remember when a listing was seen to change, and the sum of its cells."""
        ...

    def keep(self, ids: Ids, values: Sequence[Values]) -> None:
        """Remember what a listing leaves with."""
        ...

    def kept(self, ids: Ids) -> dict[tuple[str, tuple[str, ...]], list[int]] | None:
        """Return what a listing left with, by schema and labels; ``None`` if it did not leave."""
        ...

    def returned(self, ids: Ids, now_ns: int) -> int:
        """Return since when a listing is back, which is now if nothing else is known."""
        ...

    def forget(self, ids: Ids) -> None:
        """Forget what a listing left with."""
        ...

    def reset(self) -> None:
        """Forget what only this process knew."""
        ...


@dataclass(slots=True)
class _Idle:
    changed: int = 0
    total: int = 0
    returned: int = 0
    kept: dict[tuple[str, tuple[str, ...]], list[int]] | None = None


@dataclass(slots=True)
class ProcessMemory:
    """Remembers for as long as the process lives."""

    _idle: dict[Ids, _Idle] = field(default_factory=dict[Ids, _Idle])

    def changed(self, ids: Ids) -> tuple[int, int]:
        """Return when a listing was seen to change, 0 for never, and the sum of its cells then."""
        idle = self._idle.setdefault(ids, _Idle())
        return idle.changed, idle.total

    def note(self, ids: Ids, now_ns: int, total: int) -> None:
        """Remember when a listing was seen to change, and the sum of its cells."""
        idle = self._idle.setdefault(ids, _Idle())
        idle.changed, idle.total = now_ns, total

    def keep(self, ids: Ids, values: Sequence[Values]) -> None:
        """Remember what a listing leaves with."""
        kept = {(schema.name, labels): cells for schema, labels, cells in values}
        self._idle.setdefault(ids, _Idle()).kept = kept

    def kept(self, ids: Ids) -> dict[tuple[str, tuple[str, ...]], list[int]] | None:
        """Return what a listing left with, by schema and labels; ``None`` if it did not leave."""
        return self._idle.setdefault(ids, _Idle()).kept

    def returned(self, ids: Ids, now_ns: int) -> int:
        """Return since when a listing is back, which is now if nothing else is known."""
        idle = self._idle.setdefault(ids, _Idle())
        idle.returned = idle.returned or now_ns
        return idle.returned

    def forget(self, ids: Ids) -> None:
        """Forget what a listing left with."""
        idle = self._idle.setdefault(ids, _Idle())
        idle.kept, idle.returned = None, 0

    def reset(self) -> None:
        """Forget everything."""
        self._idle.clear()


class Expiry:
    """Decides which listings are shown.

    Args:
        seconds: How long a listing must be idle to leave; ``None`` for never.
        hold_seconds: How long one that returns shows its old values.
        memory: Where to remember; a process's own, or the state directory's.
        wall_clock: Seconds since 1970.
    """

    def __init__(
        self,
        seconds: float | None,
        hold_seconds: float,
        memory: Memory,
        wall_clock: Callable[[], float],
    ) -> None:
        self.on = seconds is not None
        self._idle_ns = int((seconds or 0) * _NS)
        self._hold_ns = int(hold_seconds * _NS)
        self._memory = memory
        self._wall_clock = wall_clock

    def forget(self) -> None:
        """Forget what only this process knew, in a forked child."""
        self._memory.reset()

    def judge(
        self, ids: Ids, values: Sequence[Values], *, note: bool = True
    ) -> tuple[Presence, dict[tuple[str, tuple[str, ...]], list[int]]]:
        """Return how a listing is shown now, and what it left with if it returns.

        Args:
            ids: Of the listing.
            values: Its blocks.
            note: Whether that is a scrape; for who only looks, nothing changes.
        """
        now_ns = max(int(self._wall_clock() * _NS), 1)
        total = sum(sum(cells) for _, _, cells in values) & _LARGEST
        busy = any(cells[gauge] for schema, _, cells in values for gauge in schema.gauges)
        changed, before = self._memory.changed(ids)
        kept = self._memory.kept(ids)
        if not note:
            idle = changed and not busy and now_ns - changed >= self._idle_ns
            gone = total == before and (kept is not None or idle)
            back = Presence.SHOWN if kept is None else Presence.RETURNING
            return (Presence.HIDDEN, {}) if gone else (back, kept or {})
        if kept is not None:
            if total == before:
                return Presence.HIDDEN, {}
            # A clock that was set back must hide nothing until it is there again.
            if 0 <= now_ns - self._memory.returned(ids, now_ns) < self._hold_ns:
                return Presence.RETURNING, kept
            self._memory.forget(ids)
        elif changed and total == before and not busy:
            if now_ns - changed >= self._idle_ns:
                self._memory.keep(ids, values)
                return Presence.HIDDEN, {}
            if now_ns >= changed:
                return Presence.SHOWN, {}
        self._memory.note(ids, now_ns, total)
        return Presence.SHOWN, {}
