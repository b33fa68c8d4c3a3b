"""The registers of distinct tenants and conversations that the processes of a listing exposed."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import Final

from agent_analytics.demo._history._simulation.ledger import Ledger
from agent_analytics.processor import catalogue
from agent_analytics.processor.sketches import EPOCH_SECONDS, Hasher, Sketch

#: The marketplace's secret; a simulated one protects nothing.
_KEY: Final = b"simulated marketplace"

#: Kind, register, and its value by index of the scrape.
Register = tuple[str, int, list[tuple[int, float]]]


class Registers:
    """Turns ledgers into registers; one for a whole history, since it remembers hashes.

    Attributes:
        tenants: Places tenants.
        conversations: Places conversations.
    """

    def __init__(self) -> None:
        self.tenants = Hasher(_KEY, catalogue.SKETCH_TENANTS)
        self.conversations = Hasher(_KEY, catalogue.SKETCH_CONVERSATIONS)

    def of_run(
        self,
        ledger: Ledger,
        host: int,
        scrapes: Sequence[int],
        run: tuple[int, int],
        *,
        conversations: bool,
    ) -> Iterator[Register]:
        """Yield the registers of one run of a process.

        Args:
            ledger: Events of the listing.
            host: Index of the process among the listing's.
            scrapes: Unix times of all scrapes.
            run: Index of the run's first scrape, and the one after its last.
            conversations: Whether there are registers of conversations, too.
        """
        first, last = run
        columns = ledger.invocations
        began = scrapes[first - 1] if first else 0
        start = bisect_right(columns.time, began)
        stop = bisect_right(columns.time, scrapes[last - 1])
        times = columns.time[start:stop]
        hosts = columns.host[start:stop]
        for kind, hasher, ids in (
            (catalogue.SKETCH_TENANTS, self.tenants, columns.tenant[start:stop]),
            (catalogue.SKETCH_CONVERSATIONS, self.conversations, columns.conversation[start:stop]),
        ):
            if kind == catalogue.SKETCH_CONVERSATIONS and not conversations:
                continue
            prefix = "tenant-" if kind == catalogue.SKETCH_TENANTS else f"{ledger.agent}-"
            found: dict[int, list[tuple[int, float]]] = {}
            sketch = Sketch()
            position = 0
            for slot in range(first, last):
                until = bisect_right(times, scrapes[slot])
                current = sketch.current
                for index in range(position, until):
                    if hosts[index] != host:
                        continue
                    register, value = hasher.place(f"{prefix}{ids[index]}")
                    if value < current.get(register, 1.0):
                        current[register] = value
                position = until
                for register, value in sketch.registers(scrapes[slot] // EPOCH_SECONDS).items():
                    found.setdefault(register, []).append((slot, value))
            for register, points in found.items():
                yield kind, register, points
