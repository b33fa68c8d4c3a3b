"""Active installs: from counters that survive, or from whoever knows."""

from collections.abc import Callable, Iterator, Mapping

from agent_analytics.instrumentation import mistakes
from agent_analytics.processor import catalogue
from agent_analytics.processor._caps.admission import INSTALLS, Admission
from agent_analytics.processor._series import schema
from agent_analytics.processor._series.rows import Row, Sample
from agent_analytics.processor._series.schema import Schema
from agent_analytics.processor.catalogue import OTHER, Metric

#: Returns active installs by publisher and agent; called at each scrape.
Callback = Callable[[], Mapping[tuple[str, str], float]]


class ActiveInstalls:
    """The gauge of active installs.

    Args:
        callback: Asks the marketplace's own records. An error in it leaves the gauge out.
        shares: Admits listings that are known for their installs alone; what it does not admit
            is added to ``_other``.
        durable: Whether counters go back to the first install ever.
    """

    def __init__(self, callback: Callback | None, shares: Admission, *, durable: bool) -> None:
        self._callback = callback
        self._shares = shares
        self._durable = durable

    def samples(
        self, blocks: list[tuple[Schema, list[Row]]]
    ) -> Iterator[tuple[Metric, list[Sample]]]:
        """Yield the gauge, if it is known."""
        if self._callback is not None:
            try:
                samples = self._known(self._callback(), _listings(blocks))
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
                    for labels, cells, _ in _listings(blocks)
                ],
            )

    def _known(self, known: Mapping[tuple[str, str], float], rows: list[Row]) -> list[Sample]:
        """Return the samples of what a callback knows, in room that is there for it."""
        shown = {labels for labels, _, _ in rows}
        counts: dict[tuple[str, ...], float] = {}
        for (publisher, agent), count in known.items():
            ids: tuple[str, ...] = (_text(publisher), _text(agent))
            if ids not in shown and not self._shares.admit(INSTALLS, ids):
                ids = (ids[0], OTHER)
                if ids not in shown and not self._shares.admit(INSTALLS, ids):
                    ids = (OTHER, OTHER)
            counts[ids] = counts.get(ids, 0.0) + float(count)
        return list(counts.items())


def _text(value: object) -> str:
    text = str(value)
    try:
        text.encode()
    except UnicodeEncodeError:  # a lone surrogate cannot be exposed
        return OTHER
    return text


def _listings(blocks: list[tuple[Schema, list[Row]]]) -> list[Row]:
    none: list[Row] = []
    return next((rows for kind, rows in blocks if kind is schema.LISTING), none)
