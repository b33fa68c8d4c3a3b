"""The page on a terminal."""

import io
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from rich import box
from rich.columns import Columns
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table as Grid
from rich.text import Text

from agent_analytics.insights._report.pages import text
from agent_analytics.insights._report.pages.attention import BEYOND, Attention
from agent_analytics.insights._report.pages.page import Cell, Chart, Page, Section, Table, Tile
from agent_analytics.insights._rules.alerts import Insight

_BARS: Final = "▁▂▃▄▅▆▇█"
#: Narrower terminals show two tiles side by side.
_FOUR_TILES: Final = 100
_SPARK_WIDTH: Final = 14
_EDGES: Final = 2
#: How many insights that are folded have a line.
_ONE_LINE: Final = 10
_BAR_WIDTH: Final = 12
_STYLES: Final = {"": "", "good": "green", "bad": "bold red", "warn": "yellow"}
_SEVERITY: Final = {"critical": "bold red", "warning": "yellow", "info": "cyan"}


def as_text(page: Page, *, width: int) -> str:
    """Return a page as text without colours."""
    buffer = io.StringIO()
    console = Console(file=buffer, width=width, color_system=None, force_terminal=False)
    print_page(console, page)
    return "\n".join(line.rstrip() for line in buffer.getvalue().splitlines()) + "\n"


def print_page(console: Console, page: Page) -> None:
    """Print a page. No text of it is taken for markup."""
    page = text.harmless_throughout(page)
    console.print(Text(page.title, style="bold"))
    console.print(Text(page.subtitle))
    console.print(Text(" · ".join(page.facts), style="dim"))
    for sentence in page.partial:
        line = Grid.grid(padding=(0, 1))
        line.add_row(Text("!", style="yellow"), Text(text.prose(sentence), style="yellow"))
        console.print(line)
    for section in page.lead:
        _print_section(console, section)
    console.print()
    console.print(_attention(page.attention))
    for section in page.sections:
        _print_section(console, section)


def _print_section(console: Console, section: Section) -> None:
    console.print()
    console.rule(Text(section.title, style="bold"), align="left", characters="─")
    for part in _section(section, console.width):
        console.print(part)


def _attention(attention: Attention) -> RenderableType:
    style = "green" if attention.calm else "" if attention.insights else "yellow"
    parts: list[RenderableType] = [Text(text.prose(attention.note), style=style)]
    parts += [_insight(insight) for insight in attention.insights]
    if attention.folded:
        shown = attention.folded[:_ONE_LINE]
        parts.append(Text(f"{attention.rest}:", style="dim"))
        parts += [Padding(_headline(insight), (0, 0, 0, 2)) for insight in shown]
        if len(shown) < len(attention.folded):
            parts.append(Text("... and so on; the JSON and HTML have all.", style="dim"))
    if attention.beyond:
        parts.append(Text(BEYOND, style="yellow"))
        parts += [
            Padding(Text(text.prose(sentence)), (0, 0, 0, 2)) for sentence in attention.beyond
        ]
    if attention.ended:
        parts.append(Text(f"{attention.became}:", style="dim"))
        parts += [Padding(Text(text.prose(sentence)), (0, 0, 0, 2)) for sentence in attention.ended]
    return Group(*parts)


def _headline(insight: Insight) -> Text:
    """Return an insight in a line: how severe it is, what it is, and where."""
    where = " · ".join(
        text.name(part)
        for part in (
            insight.publisher_id,
            insight.agent_id,
            insight.tool and f"tool {insight.tool}",
        )
        if part
    )
    return Text.assemble(
        (f"{insight.severity.upper()} ", _SEVERITY[insight.severity]),
        (text.name(insight.title), "bold"),
        f"  {where}",
    )


def _insight(insight: Insight) -> RenderableType:
    title = _headline(insight)
    top = text.contributors(insight.contributors)
    said = "\n".join(filter(None, (text.prose(insight.description), top)))
    body = Text.assemble(said, "\n", ("→ ", "bold"), text.prose(insight.recommendation))
    standing = text.standing(insight.since, reopened=insight.reopened)
    worth = " ".join(filter(None, (text.worth(insight.worth_usd_day), standing)))
    if worth:
        body.append(f"\n{worth}")
    if insight.trace_id:
        body.append(f"\nA trace of it: {text.prose(insight.trace_id)}", style="dim")
    if insight.runbook_url:
        body.append(f"\nRunbook: {text.prose(insight.runbook_url)}", style="dim")
    return Group(title, Padding(body, (0, 0, 0, 2)))


def _section(section: Section, width: int) -> list[RenderableType]:
    parts: list[RenderableType] = []
    if section.tiles:
        across = len(section.tiles) if width >= _FOUR_TILES else 2
        room = width // across - 1
        parts.append(Columns([_tile(tile, room) for tile in section.tiles], padding=(0, 1)))
    parts.extend(_chart(chart) for chart in section.charts)
    parts.extend(_table(table, width) for table in section.tables)
    return parts


def _tile(tile: Tile, width: int) -> RenderableType:
    value = (
        Text("not available", style="dim")
        if tile.value is None
        else Text(tile.value, style=f"bold {_STYLES[tile.tone]}".strip())
    )
    if tile.trend:
        value.append("  ")
        value.append(tile.trend, style=_STYLES[tile.trend_tone])
    body = Group(value, Text(tile.note, style="dim"))
    return Panel(
        body, title=Text(tile.label), title_align="left", width=width, box=box.ROUNDED,
        border_style="dim",
    )  # fmt: skip


def _chart(chart: Chart) -> RenderableType:
    line = Grid.grid(padding=(0, 1))
    line.add_column(min_width=24, no_wrap=True)
    line.add_column()
    line.add_row(Text(chart.title), Text(spark(chart.values, len(chart.values)), style="cyan"))
    line.add_row("", Text(chart.summary, style="dim"))
    return line


def spark(values: Sequence[float | None], width: int) -> str:
    """Return values as bars from 0 up; a blank where one is not known.

    More values than the width are joined, side by side ones by their mean.
    """
    joined = [_mean(part) for part in _parts(values, width)]
    highest = max((value for value in joined if value is not None), default=0.0)
    return "".join(_bar(value, highest) for value in joined)


def _parts(values: Sequence[float | None], width: int) -> list[Sequence[float | None]]:
    if len(values) <= width:
        return [(value,) for value in values]
    edges = [round(index * len(values) / width) for index in range(width + 1)]
    return [values[start:end] for start, end in pairwise(edges)]


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _bar(value: float | None, highest: float) -> str:
    if value is None:
        return " "
    if highest <= 0:
        return _BARS[0]
    return _BARS[min(len(_BARS) - 1, int(max(0.0, value) / highest * len(_BARS)))]


def _table(table: Table, width: int) -> RenderableType:
    dropped = _dropped(table, width)
    grid = Grid(
        title=_title(table), title_justify="left", box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0), caption_justify="left",
        caption=Text(table.note, style="dim") if table.note else None,
    )  # fmt: skip
    for index, column in enumerate(table.columns):
        if column not in dropped:
            grid.add_column(
                Text(column),
                justify="right" if index else "left",
                overflow="fold" if not index else "ellipsis",
                no_wrap=bool(index),
            )
    for row in table.rows:
        grid.add_row(
            *(
                _cell(cell)
                for column, cell in zip(table.columns, row, strict=True)
                if column not in dropped
            )
        )
    return grid


def _title(table: Table) -> Text:
    window = f"  in {table.window}" if table.window else ""
    return Text.assemble((table.title, "bold"), (window, "dim"))


def _dropped(table: Table, width: int) -> frozenset[str]:
    """Return the columns that a narrow terminal has no room for."""
    sizes = {
        column: 2 + max(len(column), *(_size(row[index]) for row in table.rows), 0)
        for index, column in enumerate(table.columns)
    }
    # A long name is folded.
    sizes[table.columns[0]] = min(sizes[table.columns[0]], width // 3)
    dropped: set[str] = set()
    for column in reversed(table.optional):
        if sum(size for name, size in sizes.items() if name not in dropped) + _EDGES <= width:
            break
        dropped.add(column)
    return frozenset(dropped)


def _size(cell: Cell) -> int:
    if cell.spark:
        return min(_SPARK_WIDTH, len(cell.spark))
    return len(cell.text) + (_BAR_WIDTH + 1 if cell.bar is not None else 0)


def _cell(cell: Cell) -> Text:
    if cell.spark:
        return Text(spark(cell.spark, _SPARK_WIDTH), style="cyan")
    if cell.bar is not None:
        return Text.assemble(
            ("█" * round(cell.bar * _BAR_WIDTH), "cyan"), f" {cell.text}", style=_STYLES[cell.tone]
        )
    return Text(cell.text, style=_STYLES[cell.tone])
