"""Charts as inline SVG, drawn with the page's own colours, so that they follow dark and light."""

import math
from collections.abc import Sequence
from html import escape
from typing import Final

from agent_analytics.insights._report.pages import text
from agent_analytics.insights._report.pages.page import Chart

_WIDTH: Final = 460
_HEIGHT: Final = 150
_LEFT: Final = 52
_RIGHT: Final = 8
_TOP: Final = 10
_BOTTOM: Final = 24
_SPARK: Final = (96, 22)
_BARRED: Final = frozenset({"count", "usd"})
_NICE: Final = (1.0, 2.0, 2.5, 5.0, 10.0)
_LABELS: Final = 4


def chart_svg(chart: Chart, number: int) -> str:
    """Return a chart: columns for amounts, a line for rates and times."""
    known = [value for value in chart.values if value is not None]
    ticks = _ticks(max([*known, chart.limit or 0.0], default=0.0))
    top = ticks[-1]
    inner = (_WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM)

    def y(value: float) -> float:
        return _TOP + inner[1] * (1 - min(1.0, max(0.0, value / top)))

    step = inner[0] / len(chart.values)
    parts = [
        f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y(tick):.1f}"'
        f' y2="{y(tick):.1f}"/><text class="axis" x="{_LEFT - 6}" y="{y(tick) + 3.5:.1f}"'
        f' text-anchor="end">{escape(_tick(tick, chart.unit))}</text>'
        for tick in ticks
    ]
    parts += _dates(chart, step)
    centres = [_LEFT + step * (index + 0.5) for index in range(len(chart.values))]
    if chart.unit in _BARRED:
        parts += _columns(chart.values, centres, step, y(0), [y(v or 0) for v in chart.values])
    else:
        parts += _line(chart.values, centres, [y(v or 0) for v in chart.values])
    if chart.limit is not None:
        parts.append(
            f'<line class="limit" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y(chart.limit):.1f}"'
            f' y2="{y(chart.limit):.1f}"/>'
        )
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-labelledby="t{number} d{number}">'
        f'<title id="t{number}">{escape(chart.title)}</title>'
        f'<desc id="d{number}">{escape(chart.summary)}</desc>{"".join(parts)}</svg>'
    )


def spark_svg(values: Sequence[float | None], label: str) -> str:
    """Return a small line without axes."""
    width, height = _SPARK
    highest = max((value for value in values if value is not None), default=0.0) or 1.0
    step = width / max(1, len(values))
    xs = [step * (index + 0.5) for index in range(len(values))]
    ys = [height - 2 - (height - 4) * max(0.0, value or 0.0) / highest for value in values]
    return (
        f'<svg class="spark" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
        f' role="img" aria-label="{escape(label)}">{"".join(_line(values, xs, ys))}</svg>'
    )


def _columns(
    values: Sequence[float | None],
    centres: Sequence[float],
    step: float,
    floor: float,
    ys: Sequence[float],
) -> list[str]:
    width = max(1.0, step * 0.72)
    return [
        f'<rect class="column" x="{x - width / 2:.1f}" y="{y:.1f}" width="{width:.1f}"'
        f' height="{floor - y:.1f}" rx="1"/>'
        for value, x, y in zip(values, centres, ys, strict=True)
        if value is not None
    ]


def _line(values: Sequence[float | None], xs: Sequence[float], ys: Sequence[float]) -> list[str]:
    """Return a line with gaps where nothing is known, and dots where one value stands alone."""
    runs: list[list[str]] = [[]]
    for value, x, y in zip(values, xs, ys, strict=True):
        if value is None:
            runs.append([])
        else:
            runs[-1].append(f"{x:.1f},{y:.1f}")
    drawn: list[str] = []
    for run in filter(None, runs):
        if len(run) == 1:
            left, above = run[0].split(",")
            drawn.append(f'<circle class="dot" cx="{left}" cy="{above}" r="2"/>')
        else:
            drawn.append(f'<polyline class="line" points="{" ".join(run)}"/>')
    return drawn


def _dates(chart: Chart, step: float) -> list[str]:
    size = len(chart.ends)
    shown = min(_LABELS, size)
    at = sorted({round(index * (size - 1) / max(1, shown - 1)) for index in range(shown)})
    parts: list[str] = []
    for index in at:
        anchor = "end" if index == size - 1 and size > 1 else "start" if not index else "middle"
        x = _LEFT + step * (index + {"start": 0.1, "middle": 0.5, "end": 0.9}[anchor])
        parts.append(
            f'<text class="axis" x="{x:.1f}" y="{_HEIGHT - 7}" text-anchor="{anchor}">'
            f"{escape(text.day(chart.ends[index]))}</text>"
        )
    return parts


def _ticks(highest: float) -> list[float]:
    """Return round numbers from 0 to beyond the highest value."""
    if highest <= 0:
        return [0.0, 1.0]
    rough = highest / 3
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(nice * power for nice in _NICE if nice * power >= rough * 0.999999)
    return [step * index for index in range(math.ceil(highest / step * 0.999999) + 1)]


def _tick(value: float, unit: str) -> str:
    if unit == "usd":
        return text.short_usd(value) if value else "$0"
    if unit == "share":
        return f"{value * 100:g} %" if value else "0"
    if unit == "ms":
        return text.milliseconds(value).replace(".0 ", " ") if value else "0"
    return text.short(value).replace(".0", "")
