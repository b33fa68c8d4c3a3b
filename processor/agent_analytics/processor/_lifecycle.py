"""What a processor does beside its spans: it is looked after, scraped, forked and shut down."""

import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from opentelemetry.sdk.trace import SpanProcessor
from prometheus_client.metrics_core import Metric as PrometheusMetric
from prometheus_client.registry import Collector

from agent_analytics.instrumentation.health import note_internal_error
from agent_analytics.instrumentation.written_calls import close_late
from agent_analytics.processor import _fork
from agent_analytics.processor._series import health
from agent_analytics.processor._series.collector import collect, describe
from agent_analytics.processor._series.hold import HTTP, Registries, owner_of
from agent_analytics.processor._series.rows import Part, Snapshot
from agent_analytics.processor._wiring import Wiring

#: How often a worker with a state directory looks after what is not done span by span.
_UPKEEP_NS: Final = 1_000_000_000


class Exposed(SpanProcessor, Collector):
    """A span processor whose series can be read; ``AgentMetricsProcessor`` brings its spans.

    Args:
        parts: Its parts.
    """

    def __init__(self, parts: Wiring) -> None:
        self._parts = parts
        self._store, self._health, self._listings = parts.store, parts.health, parts.listings
        self._open_spans, self._open = parts.open_spans, parts.open_spans.nodes
        self._runs = parts.runs
        self._registries = Registries()
        #: No upkeep between the two: a clock that was set back is as good a reason as one second.
        self._upkeep_from = 0
        self._upkeep_at = sys.maxsize if parts.store is None else 0
        _fork.note(self)

    @property
    def has_tenant_key(self) -> bool:
        """Whether tenants are hashed with a key of the marketplace's own, not with the default."""
        return self._parts.has_tenant_key

    @property
    def state_dir(self) -> Path | None:
        """Where series outlive the process; ``None`` where they are kept in memory, or as yet."""
        store = self._store
        return store.directory.path if store is not None and store.directory.ready else None

    def after_fork(self) -> None:
        """Count from zero in a forked child; what the parent counts stays the parent's."""
        _fork.begin_anew(self._parts)
        if self._store is not None:
            self._upkeep_at = 0

    def _counted(self) -> None:
        now_ns = time.time_ns()
        self._health.cells[health.LAST_SPAN] = now_ns
        if not self._upkeep_from < now_ns <= self._upkeep_at:
            self._upkeep(now_ns)

    def _upkeep(self, now_ns: int) -> None:
        self._upkeep_from, self._upkeep_at = now_ns - _UPKEEP_NS, now_ns + _UPKEEP_NS
        if self._store is not None:
            self._settle()  # nobody may ever scrape this very worker
            self._store.look_after()
            self._store.begin_epoch()
            self._health.mirror(len(self._open))
            self._parts.releases.touch()

    def shutdown(self) -> None:
        """Count what has ended and waits for spans round it; it stays readable."""
        self._settle_all()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Return True: what can be counted is; the rest waits for spans round it."""
        del timeout_millis
        return True

    def _settle_all(self) -> None:
        try:
            close_late(0)
            self._runs.settle_all()
        except Exception:  # noqa: BLE001 - telemetry never raises into the host
            note_internal_error("shutdown")

    # --- exposition ------------------------------------------------------------------------------

    def snapshot(self, part: Part = "metrics") -> Snapshot:
        """Return the series as they stand; counts as a scrape, like those over HTTP.

        Args:
            part: ``metrics`` (counters, histograms, gauges) or ``sketches`` (registers).

        Raises:
            ValueError: There is no such part.
        """
        return self._read(part, HTTP)

    def look(self, part: Part = "metrics") -> Snapshot:
        """Return the series as they stand, as no scrape: newborn series are held on.

        Args:
            part: As for ``snapshot``.

        Raises:
            ValueError: There is no such part.
        """
        return self._read(part, None)

    def _read(self, part: Part, reader: int | None) -> Snapshot:
        self._settle()
        return self._parts.snapshots.take(part, open_spans=len(self._open), reader=reader)

    def _settle(self) -> None:
        """Count what has waited for long enough."""
        close_late()
        self._open_spans.give_up_aged()
        self._runs.settle_failed()
        self._runs.settle_open()
        self._runs.settle_waiting()

    def collect(self) -> Iterable[PrometheusMetric]:
        """Yield every family with its samples, both parts, for a ``prometheus_client`` registry.

        Sketches take the room that metrics leave. Whoever is shown them can test for a tenant, and
        a registry asks nobody for a credential (SECURITY.md). Each registry is a reader of its own:
        newborn series show 0 until each reader has seen that.
        """
        caller = sys._getframe(1)  # noqa: SLF001 - nothing else names who collects  # pyright: ignore[reportPrivateUsage]
        return self._collected(self._registries.number(owner_of(caller, self)))

    def _collected(self, reader: int) -> Iterator[PrometheusMetric]:
        yield from collect(self._read("metrics", reader))
        yield from collect(
            self._parts.snapshots.take("sketches", open_spans=len(self._open), beside=True)
        )

    def families(self, reader: object) -> Iterable[PrometheusMetric]:
        """Return the families of the metrics with their samples, the registers left out.

        Args:
            reader: Who reads: each object is a reader of its own, like a registry.
        """
        return collect(self._read("metrics", self._registries.number(reader)))

    def describe(self) -> Iterable[PrometheusMetric]:
        """Yield every family without samples, so that registering is no scrape."""
        return describe()
