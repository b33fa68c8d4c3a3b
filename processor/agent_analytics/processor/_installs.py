"""Active installs: from counters that survive, or from whoever knows."""

from collections.abc import Callable, Iterator, Mapping

from agent_analytics.instrumentation import mistakes
from agent_analytics.processor import _schema as schema
from agent_analytics.processor import catalogue
from agent_analytics.processor._rows import Row, Sample
from agent_analytics.processor._schema import Schema
from agent_analytics.processor.catalogue import Metric

#: Returns active installs by publisher and agent; called at each scrape.
Callback = Callable[[], Mapping[tuple[str, str], float]]


class ActiveInstalls:
    """The gauge of active installs.

    Args:
        callback: Asks the marketplace's own records. An error in it leaves the gauge out.
        durable: Whether counters go back to the first install ever.
    """

    def __init__(self, callback: Callback | None, *, durable: bool) -> None:
        self._callback = callback
        self._durable = durable

    def samples(
        self, blocks: list[tuple[Schema, list[Row]]]
    ) -> Iterator[tuple[Metric, list[Sample]]]:
        """Yield the gauge, if it is known."""
        if self._callback is not None:
            try:
                known = self._callback()
                samples: list[Sample] = [
                    ((str(publisher), str(agent)), float(count))
                    for (publisher, agent), count in known.items()
                ]
            except Exception:  # noqa: BLE001 - a scrape must not fail for the host's database
                mistakes.raised(
                    "active_installs=", "", self._callback, "active installs are left out"
                )
                return
            yield catalogue.ACTIVE_INSTALLS, samples
        elif self._durable:
            yield (
                catalogue.ACTIVE_INSTALLS,
                [
                    (labels[:2], cells[schema.INSTALLS] - cells[schema.UNINSTALLS])
                    for kind, rows in blocks
                    if kind is schema.LISTING
                    for labels, cells, _ in rows
                ],
            )
