"""Further ways for the metrics to leave, beside being scraped: each is an object of its own."""

from collections.abc import Callable, Iterable
from contextlib import ExitStack
from functools import partial
from typing import Any, Protocol, cast

from prometheus_client import Metric

from agent_analytics.processor import AgentMetricsProcessor

#: Returns every family of the metrics with its samples, as they stand.
Read = Callable[[], Iterable[Metric]]


class Exporter(Protocol):
    """Takes the metrics somewhere, as often as it likes, in a thread of its own.

    It is a reader like a registry: newborn series show 0 until it has read that, too. It is given
    counters, gauges and histograms, and no registers of distinct counts: whoever has these can test
    for a tenant (SECURITY.md).
    """

    def start(self, read: Read) -> Callable[[], object]:
        """Begin, and return what ends it.

        Args:
            read: Returns the metrics. What has ended by the shutdown is counted before the end is
                called, so that the last reading has all.

        Raises:
            ValueError: It cannot work as it was set up.
        """
        ...


def checked(exporters: object) -> tuple[Exporter, ...]:
    """Return the exporters that were given.

    Raises:
        ValueError: One of them has no ``start()``.
    """
    many = cast("Iterable[object]", exporters) if isinstance(exporters, Iterable) else [exporters]
    given: list[Any] = list(many)
    for each in given:
        if isinstance(each, type) or not callable(getattr(each, "start", None)):
            msg = f"exporters: expected objects with start(read), got {each!r}"
            raise ValueError(msg)  # noqa: TRY004 - as every argument of configure()
    return tuple(given)


def start(
    exporters: Iterable[Exporter], processor: AgentMetricsProcessor, started: ExitStack
) -> None:
    """Start exporters; ``started`` ends them."""
    for each in exporters:
        started.callback(each.start(partial(processor.families, each)))
