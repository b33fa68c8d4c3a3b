"""The series of a listing at each scrape, as its processes would have exposed them.

Rules of exposition that show here: a block of series (a listing's own, those of a tool, of a
model, of an error type) is born with its first event, together; it shows 0 at its first scrape
and its values from the next; a process that begins anew begins at 0.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from operator import add

from agent_analytics.processor.catalogue import Metric

Labels = Mapping[str, str]
#: Growth of a counter, by index of the scrape that first sees it.
Growth = list[int]


@dataclass(frozen=True, slots=True)
class Series:
    """A stretch of samples, one at each scrape.

    Attributes:
        metric: What it belongs to.
        name: Name of the sample.
        labels: Its labels, those of the scrape left out.
        first: Index of its first scrape.
        values: Its values, as text.
    """

    metric: Metric
    name: str
    labels: Labels
    first: int
    values: Sequence[str]


class Block:
    """Cells that are born, held and reset together."""

    def __init__(self, scrapes: int) -> None:
        """Make an empty block of a history with so many scrapes."""
        self._scrapes = scrapes
        self._cells: dict[object, Growth] = {}
        self._touched: set[int] = set()

    def cell(self, key: object) -> Growth:
        """Return a cell's growth, all zeros where it is new."""
        growth = self._cells.get(key)
        if growth is None:
            growth = self._cells[key] = [0] * self._scrapes
        return growth

    def touch(self, slots: Iterable[int]) -> None:
        """Note the scrapes that were the first to see an event of the block."""
        self._touched.update(slots)

    def born(self, first: int, last: int) -> int | None:
        """Return the scrape that sees it first, from ``first`` up to ``last`` (excluded)."""
        return min((slot for slot in self._touched if first <= slot < last), default=None)

    def shown(self, key: object, first: int, last: int) -> list[int]:
        """Return what is exposed from ``first``, where the block is born, up to ``last``."""
        growth = self._cells.get(key)
        if growth is None:
            return [0] * (last - first)
        shown = list(accumulate(growth[first:last]))
        shown[0] = 0
        return shown


def counter(
    metric: Metric, labels: Labels, first: int, values: Sequence[int], scale: int = 1
) -> Series:
    """Return a counter or gauge, which is one series."""
    return Series(metric, metric.name, labels, first, _texts(values, scale))


def histogram(
    metric: Metric,
    labels: Labels,
    first: int,
    buckets: Sequence[Sequence[int]],
    sums: tuple[Sequence[int], int],
) -> Iterator[Series]:
    """Yield the series of a histogram.

    Args:
        metric: The histogram.
        labels: Its labels, ``le`` left out.
        first: Index of the first scrape.
        buckets: Counts at each scrape by bucket, not cumulative over buckets.
        sums: Sums at each scrape, and what they are divided by.
    """
    running: Sequence[int] = [0] * len(sums[0])
    edges = [*(repr(edge) for edge in metric.buckets), "+Inf"]
    for edge, bucket in zip(edges, buckets, strict=True):
        running = list(map(add, running, bucket))
        yield Series(
            metric, f"{metric.name}_bucket", {**labels, "le": edge}, first, _texts(running)
        )
    yield Series(metric, f"{metric.name}_sum", labels, first, _texts(*sums))
    yield Series(metric, f"{metric.name}_count", labels, first, _texts(running))


def _texts(values: Sequence[int], scale: int = 1) -> list[str]:
    if scale == 1:
        return list(map(str, values))
    return [repr(value / scale) for value in values]
