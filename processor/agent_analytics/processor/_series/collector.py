"""A snapshot as ``prometheus_client`` families, to stand in a registry beside other metrics."""

from collections.abc import Iterable, Iterator
from itertools import accumulate

from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)
from prometheus_client.metrics_core import (
    Metric as Family,
)
from prometheus_client.samples import Exemplar as PrometheusExemplar

from agent_analytics.processor._series.rows import Row, Snapshot
from agent_analytics.processor._series.schema import Series
from agent_analytics.processor._series.store import Exemplar
from agent_analytics.processor.catalogue import CATALOGUE, Metric


def describe() -> Iterator[Family]:
    """Yield every family of the catalogue, empty."""
    return (_family(metric) for metric in CATALOGUE.values())


def collect(snapshot: Snapshot) -> Iterable[Family]:
    """Yield the families of ``snapshot`` with their samples."""
    for schema, rows in snapshot.blocks:
        families: dict[str, Family] = {}
        for series in schema.series:
            family = families.setdefault(series.metric.name, _family(series.metric))
            for row in rows:
                _add(family, series, row)
        yield from families.values()
    for metric, samples in snapshot.samples:
        family = _family(metric)
        for labels, value in samples:
            family.add_sample(metric.name, dict(zip(metric.labels, labels, strict=True)), value)
        yield family


def _family(metric: Metric) -> Family:
    if metric.kind == "counter":
        return CounterMetricFamily(metric.family, metric.help, labels=metric.labels)
    if metric.kind == "gauge":
        return GaugeMetricFamily(metric.family, metric.help, labels=metric.labels)
    return HistogramMetricFamily(metric.family, metric.help, labels=metric.labels)


def _add(family: Family, series: Series, row: Row) -> None:
    metric = series.metric
    values, cells, exemplars = row
    labels = dict(zip(metric.labels, (*values, *series.labels), strict=True))
    first, size = series.offset, series.size
    if series.form == "histogram":
        edges = [*(repr(edge) for edge in metric.buckets), "+Inf"]
        counts = list(accumulate(cells[first : first + size]))
        for index, (edge, count) in enumerate(zip(edges, counts, strict=True)):
            exemplar = (exemplars or {}).get(first + index)
            family.add_sample(
                f"{metric.name}_bucket",
                {**labels, "le": edge},
                count,
                exemplar=_exemplar(exemplar, series.scale) if exemplar else None,
            )
        family.add_sample(f"{metric.name}_count", labels, counts[-1])
        family.add_sample(f"{metric.name}_sum", labels, cells[first + size] / series.scale)
        return
    total = sum(cells[first : first + size]) if series.form == "count" else cells[first]
    value = total / series.scale if series.scale != 1 else total
    family.add_sample(metric.name, labels, value)


def _exemplar(exemplar: Exemplar, scale: int) -> PrometheusExemplar:
    trace_id, span_id, value, at = exemplar
    return PrometheusExemplar(
        {"trace_id": f"{trace_id:032x}", "span_id": f"{span_id:016x}"}, value / scale, at / 10**9
    )
