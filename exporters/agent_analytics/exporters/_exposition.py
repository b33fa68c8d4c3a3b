"""A processor's series as Prometheus text 0.0.4 or OpenMetrics 1.0, rendered directly.

One format string a metric turns a whole row of cells into its lines at once: no object a sample
and no text kept between scrapes. (``prometheus_client.generate_latest`` formats each line in
Python; the benchmark of expositions prints the ratio.)
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import accumulate
from typing import Final, cast

from agent_analytics.processor import AgentMetricsProcessor, Part, Row, Series, Snapshot
from agent_analytics.processor.catalogue import Metric

TEXT: Final = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS: Final = "application/openmetrics-text; version=1.0.0; charset=utf-8"
_OPENMETRICS_TYPE: Final = "application/openmetrics-text"
_TEXT_TYPES: Final = ("text/plain", "text/*", "*/*")
#: Stands in a format string where the labels of a row go; no label value can hold it unescaped.
_LABELS: Final = "\0"


def exposition(
    processor: AgentMetricsProcessor, accept: str = "text/plain", part: str = "metrics"
) -> tuple[bytes, str]:
    """Return a scrape of ``processor`` and its content type; it counts as one.

    Args:
        processor: Whose series.
        accept: An HTTP ``Accept`` header; OpenMetrics where it is asked for, else text 0.0.4.
        part: ``metrics``, or ``sketches`` for the registers of distinct counts.

    Raises:
        ValueError: There is no such part.
    """
    openmetrics = _wants_openmetrics(accept)
    snapshot = processor.snapshot(cast("Part", part))
    text = "".join(_render(snapshot, openmetrics=openmetrics))
    return text.encode(), OPENMETRICS if openmetrics else TEXT


def content_type(accept: str) -> str:
    """Return the content type that an ``Accept`` header gets; this renders nothing."""
    return OPENMETRICS if _wants_openmetrics(accept) else TEXT


def _wants_openmetrics(accept: str) -> bool:
    """Tell whether an ``Accept`` header prefers OpenMetrics 1.0 to the text format."""
    best = {_OPENMETRICS_TYPE: 0.0, "text": 0.0}
    for entry in accept.lower().split(","):
        media, *parameters = (piece.strip() for piece in entry.split(";"))
        options = dict(piece.partition("=")[::2] for piece in parameters)
        try:
            quality = float(options.get("q", "1"))
        except ValueError:
            quality = 0.0
        if media == _OPENMETRICS_TYPE and options.get("version", "1.0.0") in {"1.0.0", "0.0.1"}:
            best[media] = max(best[media], quality)
        elif media in _TEXT_TYPES:
            best["text"] = max(best["text"], quality)
    return best[_OPENMETRICS_TYPE] > 0 and best[_OPENMETRICS_TYPE] >= best["text"]


def _render(snapshot: Snapshot, *, openmetrics: bool) -> Iterator[str]:
    for schema, rows in snapshot.blocks:
        if not rows:
            continue
        labels = [_labels(schema.series[0].metric.labels, row[0]) for row in rows]
        for plan in _plans(schema.series):
            yield _head(plan.metric, openmetrics=openmetrics)
            for row, text in zip(rows, labels, strict=True):
                lines = plan.render(text, row[1])
                if openmetrics and row[2] and plan.metric.kind == "histogram":
                    lines = plan.with_exemplars(lines, row)
                yield lines
    for metric, samples in snapshot.samples:
        if not samples:
            continue
        yield _head(metric, openmetrics=openmetrics)
        for values, value in samples:
            text = _labels(metric.labels, values)
            yield f"{metric.name}{{{text}}} {value!r}\n" if text else f"{metric.name} {value!r}\n"
    if openmetrics:
        yield "# EOF\n"


def _head(metric: Metric, *, openmetrics: bool) -> str:
    # Text 0.0.4 names a counter with _total in its comments, OpenMetrics without.
    name = metric.family if openmetrics else metric.name
    head = f"# HELP {name} {metric.help}\n# TYPE {name} {metric.kind}\n"
    return f"{head}# UNIT {name} {metric.unit}\n" if openmetrics and metric.unit else head


def _labels(names: tuple[str, ...], values: tuple[str, ...]) -> str:
    return ",".join(
        f'{name}="{_escape(value)}"' for name, value in zip(names, values, strict=False)
    )


def _escape(value: str) -> str:
    if "\\" in value or '"' in value or "\n" in value:
        value = value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
    return value.replace(_LABELS, "\ufffd") if _LABELS in value else value


# --- how the cells of a row become the lines of one metric ----------------------------------------


@dataclass(frozen=True, slots=True)
class _Plan:
    """Renders the series of one metric that a row of cells holds."""

    metric: Metric
    template: str
    values: Callable[[list[int]], tuple[object, ...]]
    histograms: tuple[Series, ...]

    def render(self, labels: str, cells: list[int]) -> str:
        """Return the lines of the metric for one row."""
        if "%" in labels:
            labels = labels.replace("%", "%%")
        return self.template.replace(_LABELS, labels) % self.values(cells)

    def with_exemplars(self, lines: str, row: Row) -> str:
        """Return ``lines`` with the exemplars of a row behind the buckets they belong to."""
        split = lines.split("\n")  # labels may hold what splitlines() splits at
        start = 0
        for series in self.histograms:
            for cell, (trace_id, span_id, value, at) in (row[2] or {}).items():
                if series.offset <= cell < series.offset + series.size:
                    split[start + cell - series.offset] += (
                        f' # {{trace_id="{trace_id:032x}",span_id="{span_id:016x}"}}'
                        f" {value / series.scale!r} {at // 1_000_000 / 1_000!r}"
                    )
            start += series.size + 2
        return "\n".join(split)


_made: dict[tuple[Series, ...], tuple[_Plan, ...]] = {}


def _plans(series: tuple[Series, ...]) -> tuple[_Plan, ...]:
    """Return a plan for each metric of ``series``; they depend on the catalogue alone."""
    plans = _made.get(series)
    if plans is None:
        grouped: dict[str, list[Series]] = {}
        for one in series:
            grouped.setdefault(one.metric.name, []).append(one)
        plans = _made[series] = tuple(_plan(tuple(group)) for group in grouped.values())
    return plans


def _plan(series: tuple[Series, ...]) -> _Plan:
    metric = series[0].metric
    lines = "".join(_template(one) for one in series)
    histograms = tuple(one for one in series if one.form == "histogram")
    return _Plan(metric, lines, _values_of(series), histograms)


def _template(series: Series) -> str:
    metric = series.metric
    own = metric.labels[len(metric.labels) - len(series.labels) :]
    more = "".join(f',{name}="{value}"' for name, value in zip(own, series.labels, strict=True))
    if series.form != "histogram":
        return f"{metric.name}{{{_LABELS}{more}}} {'%d' if series.scale == 1 else '%r'}\n"
    edges = [*(repr(edge) for edge in metric.buckets), "+Inf"]
    buckets = (f'{metric.name}_bucket{{{_LABELS}{more},le="{edge}"}} %d\n' for edge in edges)
    return (
        "".join(buckets)
        + f"{metric.name}_sum{{{_LABELS}{more}}} %r\n{metric.name}_count{{{_LABELS}{more}}} %d\n"
    )


def _values_of(series: tuple[Series, ...]) -> Callable[[list[int]], tuple[object, ...]]:
    """Return what takes the numbers that a template wants out of the cells of a row."""

    def values(cells: list[int]) -> tuple[object, ...]:
        out: list[object] = []
        for one in series:
            first, size = one.offset, one.size
            if one.form == "histogram":
                out += accumulate(cells[first : first + size])
                count = out[-1]
                out += (cells[first + size] / one.scale, count)
            elif one.form == "count":
                out.append(sum(cells[first : first + size]))
            else:
                out.append(cells[first] if one.scale == 1 else cells[first] / one.scale)
        return tuple(out)

    return values
