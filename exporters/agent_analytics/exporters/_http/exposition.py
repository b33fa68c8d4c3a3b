"""A processor's series as Prometheus text 0.0.4 or OpenMetrics 1.0, rendered directly.

A row of cells becomes all its lines of a metric in two steps: its labels are joined into what
lies between them, then its numbers formatted in; as bytes, which Python formats twice as fast as
text. There is no object a sample, and nothing is kept between scrapes. (``generate_latest`` of
``prometheus_client`` formats each line by itself; the benchmark of expositions prints the ratio.)
"""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from io import BytesIO
from itertools import accumulate, chain
from operator import itemgetter
from typing import Any, Final, cast

from agent_analytics.exporters._http.lines import (
    COMPILED,
    MARK,
    Exemplar,
    Form,
    Labels,
    Lines,
)
from agent_analytics.processor import AgentMetricsProcessor, Part, Row, Series, Snapshot
from agent_analytics.processor.catalogue import Metric

TEXT: Final = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS: Final = "application/openmetrics-text; version=1.0.0; charset=utf-8"
_OPENMETRICS_TYPE: Final = "application/openmetrics-text"
_TEXT_TYPES: Final = ("text/plain", "text/*", "*/*")
#: Rows rendered at once: a body of megabytes is then built from pieces that reuse their memory.
_ROWS: Final = 32
_EXEMPLAR: Final = b' # {trace_id="%032x",span_id="%016x"} %r %r'


def exposition(
    processor: AgentMetricsProcessor, accept: str = "text/plain", part: str = "metrics"
) -> tuple[bytes, str]:
    """Return a scrape of ``processor`` and its content type; it counts as one.

    Whoever is shown the part ``sketches`` can test for a tenant (SECURITY.md), and this asks nobody
    for a credential. It renders for its caller alone; servers and apps share renderings.

    Args:
        processor: Whose series.
        accept: An HTTP ``Accept`` header; OpenMetrics where it is asked for, else text 0.0.4.
        part: ``metrics``, or ``sketches`` for the registers of distinct counts.

    Raises:
        ValueError: There is no such part.
    """
    openmetrics = wants_openmetrics(accept)
    snapshot = processor.snapshot(cast("Part", part))
    body = BytesIO()
    for piece in text_of(snapshot, openmetrics=openmetrics):
        body.write(piece)
    return body.getvalue(), OPENMETRICS if openmetrics else TEXT


def content_type(accept: str) -> str:
    """Return the content type that an ``Accept`` header gets; this renders nothing."""
    return OPENMETRICS if wants_openmetrics(accept) else TEXT


def wants_openmetrics(accept: str) -> bool:
    """Tell whether an ``Accept`` header prefers OpenMetrics 1.0 to the text format."""
    best = {_OPENMETRICS_TYPE: 0.0, "text": 0.0}
    for entry in accept.lower().split(","):
        media, *parameters = (piece.strip() for piece in entry.split(";"))
        split = (piece.partition("=") for piece in parameters)
        options = {name: value for name, _, value in split}
        try:
            quality = float(options.get("q", "1"))
        except ValueError:
            quality = 0.0
        if media == _OPENMETRICS_TYPE and options.get("version", "1.0.0") in {"1.0.0", "0.0.1"}:
            best[media] = max(best[media], quality)
        elif media in _TEXT_TYPES:
            best["text"] = max(best["text"], quality)
    return best[_OPENMETRICS_TYPE] > 0 and best[_OPENMETRICS_TYPE] >= best["text"]


def text_of(snapshot: Snapshot, *, openmetrics: bool) -> Iterator[bytes]:
    """Yield the text of each family, in pieces that are small against a large exposition."""
    texts = Labels()
    for schema, rows in snapshot.blocks:
        if not rows:
            continue
        # The labels of a block are the first of its metrics': outcome and the like follow.
        labels = texts.of(schema.series[0].metric.labels, rows)
        for metric, render in _renderers(schema.series):
            yield _head(metric, openmetrics=openmetrics)
            for first in range(0, len(rows), _ROWS):
                some = slice(first, first + _ROWS)
                yield b"".join(render(labels[some], rows[some], openmetrics))
    for metric, samples in snapshot.samples:
        if not samples:
            continue
        yield _head(metric, openmetrics=openmetrics)
        labels = texts.of(metric.labels, samples)
        line = f"{metric.name}{{%b}} %r\n" if metric.labels else f"{metric.name}%b %r\n"
        template = line.encode()
        yield b"".join(
            [template % (text, sample[1]) for text, sample in zip(labels, samples, strict=True)]
        )
    if openmetrics:
        yield b"# EOF\n"


def _head(metric: Metric, *, openmetrics: bool) -> bytes:
    # Text 0.0.4 names a counter with _total in its comments, OpenMetrics without.
    name = metric.family if openmetrics else metric.name
    head = f"# HELP {name} {metric.help}\n# TYPE {name} {metric.kind}\n"
    unit = f"# UNIT {name} {metric.unit}\n" if openmetrics and metric.unit else ""
    return f"{head}{unit}".encode()


# --- how the cells of a row become the lines of one metric ----------------------------------------

#: Takes the labels of each row, the rows, and whether exemplars may be shown; returns their text.
_Renderer = Callable[[list[bytes], list[Row], bool], Iterable[bytes]]

_made: dict[tuple[Series, ...], tuple[tuple[Metric, _Renderer], ...]] = {}


def _renderers(series: tuple[Series, ...]) -> tuple[tuple[Metric, _Renderer], ...]:
    """Return what renders each metric of ``series``; it depends on the catalogue alone."""
    made = _made.get(series)
    if made is None:
        grouped: dict[str, list[Series]] = {}
        for one in series:
            grouped.setdefault(one.metric.name, []).append(one)
        made = _made[series] = tuple(
            (group[0].metric, renderer(tuple(group))) for group in grouped.values()
        )
    return made


def renderer(series: tuple[Series, ...]) -> _Renderer:
    """Return what renders the metric that all of ``series`` are of: compiled, if it is."""
    by_formats = formatted(series)
    if not COMPILED:
        return by_formats
    written = lines_of(series).text

    def render(
        labels: list[bytes],
        rows: list[Row],
        exemplars: bool,  # noqa: FBT001 - as in the type
    ) -> Iterable[bytes]:
        try:
            return (written(labels, rows, exemplars),)
        except (OverflowError, TypeError, ValueError):  # nothing that a cell can hold
            return by_formats(labels, rows, exemplars)

    return render


def lines_of(series: tuple[Series, ...], make: type[Lines] = Lines) -> Lines:
    """Return what writes the lines of the metric that all of ``series`` are of.

    Args:
        series: The series of a metric in one kind of block.
        make: The class of it.
    """
    lines: list[str] = []
    numbers: list[tuple[Form, int, int]] = []
    for one in series:
        first, size = one.offset, one.size
        if one.form != "histogram":
            lines.append(_line(one))
            numbers.append(("total" if one.scale == 1 else "scaled", first, size))
            continue
        lines += [_line(one, "_bucket", edge) for edge in _edges(one)]
        numbers.append(("first bucket", first, size))
        numbers.extend(("bucket", first + number, size) for number in range(1, size))
        lines += [_line(one, "_sum"), _line(one, "_count")]
        numbers.extend((("measured", first + size, 1), ("measurements", first, size)))
    split = [f"{line} ".encode().split(MARK.encode()) for line in lines]
    return make([(before, after) for before, after in split], numbers, series[0].scale)


def formatted(series: tuple[Series, ...]) -> _Renderer:
    """Return what formats the lines by Python's own means."""
    if series[0].form == "histogram":
        histograms = tuple(_Histogram(one) for one in series)
        return lambda labels, rows, exemplars: [
            histogram.render(label, row[1], row[2] if exemplars else None)
            for label, row in zip(labels, rows, strict=True)
            for histogram in histograms
        ]
    pieces = _pieces(f"{_line(one)} {'%d' if one.scale == 1 else '%r'}" for one in series)
    numbers = _numbers(series)
    return lambda labels, rows, _: [
        label.replace(b"%", b"%%").join(pieces) % number
        for label, number in zip(labels, numbers(row[1] for row in rows), strict=True)
    ]


def _pieces(lines: Iterable[str]) -> list[bytes]:
    """Return what the labels of a row are joined into to make ``lines``."""
    return "".join(f"{line}\n" for line in lines).encode().split(MARK.encode())


def _line(series: Series, suffix: str = "", edge: str = "") -> str:
    """Return a line up to its number, with a mark where the labels of a row go."""
    metric = series.metric
    own = metric.labels[len(metric.labels) - len(series.labels) :]
    more = "".join(f',{name}="{value}"' for name, value in zip(own, series.labels, strict=True))
    le = f',le="{edge}"' if edge else ""
    return f"{metric.name}{suffix}{{{MARK}{more}{le}}}"


def _edges(series: Series) -> list[str]:
    """Return the upper edges of the buckets of a histogram."""
    return [*(repr(edge) for edge in series.metric.buckets), "+Inf"]


def _numbers(series: tuple[Series, ...]) -> Callable[[Iterable[list[int]]], Iterable[Any]]:
    """Return what takes the numbers of counters and gauges out of the cells of rows."""
    first, scale = series[0].offset, series[0].scale
    if all(one.form == "cell" and one.scale == 1 for one in series):
        return partial(map, itemgetter(*(one.offset for one in series)))
    if len(series) == 1:
        return lambda rows: [cells[first] / scale for cells in rows]
    spans = tuple((one.offset, one.offset + one.size) for one in series)
    return lambda rows: (tuple([sum(cells[a:b]) for a, b in spans]) for cells in rows)


class _Histogram:
    """Renders one histogram of a row."""

    __slots__ = ("_empty", "_first", "_lines", "_marked", "_scale", "_size")

    def __init__(self, series: Series) -> None:
        self._first = series.offset
        self._size = series.size
        self._scale = series.scale
        buckets = [_line(series, "_bucket", edge) for edge in _edges(series)]
        total, count = _line(series, "_sum"), _line(series, "_count")
        self._empty = _pieces([*(f"{line} 0" for line in buckets), f"{total} 0.0", f"{count} 0"])
        rest = (f"{total} %r", f"{count} %d")
        self._lines = _pieces([*(f"{line} %d" for line in buckets), *rest])
        self._marked = _pieces([*(f"{line} %d%b" for line in buckets), *rest])

    def render(
        self, labels: bytes, cells: list[int], exemplars: dict[int, Exemplar] | None
    ) -> bytes:
        """Return the lines of the histogram in one row."""
        first, end = self._first, self._first + self._size
        counts = cells[first:end]
        if not any(counts):  # most listings never time out
            return labels.join(self._empty)
        labels = labels.replace(b"%", b"%%")
        rest = (cells[end] / self._scale, sum(counts))
        if exemplars is None:
            return labels.join(self._lines) % (*accumulate(counts), *rest)
        marks = [b""] * self._size
        for cell, exemplar in exemplars.items():
            if first <= cell < end:
                marks[cell - first] = self._exemplar(exemplar)
        marked = chain.from_iterable(zip(accumulate(counts), marks, strict=True))
        return labels.join(self._marked) % (*marked, *rest)

    def _exemplar(self, exemplar: Exemplar) -> bytes:
        trace_id, span_id, value, at = exemplar
        return _EXEMPLAR % (trace_id, span_id, value / self._scale, at // 1_000_000 / 1_000)
