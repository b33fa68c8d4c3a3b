"""The terminal: a table of agents and the insights below it, fitted to the window."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from rich import box
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from agent_analytics.demo._terminal.board import Board, Row
from agent_analytics.insights import Insight

_STYLES: Final = {"critical": "bold white on red", "warning": "black on yellow", "info": "on blue"}
_WIDE: Final = 110
_TALL: Final = 30
#: Lines of news at the foot, in a tall window and in a low one.
_FOOT_WIDE: Final = 4
_FOOT_NARROW: Final = 2
_FEWEST_ROWS: Final = 3
#: Headings of the figures and their widths.
_FIGURES: Final = (
    ("rate/s", 6), ("err %", 5), ("p95 s", 5), ("rating", 6), ("$/h", 6), ("installs", 8),
)  # fmt: skip
_FIGURES_WIDTH: Final = 49
_BAD_ERROR_RATE: Final = 0.05
_BAD_P95: Final = 10.0
_BAD_RATING: Final = 3.5


@dataclass(slots=True)
class Screen:
    """Everything on the screen; rendered again whenever one of its parts has changed.

    Attributes:
        addresses: Where the servers are, by name.
        board: The figures, None before the first answer.
        clock: Time since the start, and what is left of it.
        news: What was planted and what came of it, newest last.
    """

    addresses: dict[str, str]
    board: Board | None = None
    clock: str = ""
    news: list[str] = field(default_factory=list[str])

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Lay everything out for the window as it is now."""
        width = options.max_width
        height = options.height or console.size.height
        head = [*self._title(), *_wrapped(console, self._addresses(width), width)]
        foot = self._foot(console, width, most=_FOOT_WIDE if height > _TALL else _FOOT_NARROW)
        room = height - len(head) - len(foot)
        if self.board is None:
            body: list[RenderableType] = [Text("\n waiting for the first scrapes …", style="dim")]
        else:
            body = self._body(console, self.board, width, room)
        yield Group(*head, *body, *foot)

    def _title(self) -> list[Text]:
        title = Text(no_wrap=True, overflow="ellipsis")
        title.append(" agent-analytics demo ", style="bold reverse")
        title.append(f" {self.clock}")
        board = self.board
        if board is not None:
            tenants = "" if board.tenants is None else f" · {board.tenants:,.0f} tenants"
            title.append(f" · {board.rate:.0f}/s{tenants} · ${board.usd_per_hour:,.0f}/h")
        return [title]

    def _addresses(self, width: int) -> Text:
        text = Text()
        for name, url in self.addresses.items():
            text.append(name, style="dim")
            text.append(f" {url}", style="cyan")
            text.append("   " if width >= _WIDE else "  ")
        text.rstrip()
        return text

    def _foot(self, console: Console, width: int, *, most: int) -> list[Text]:
        lines = [line for text in self.news for line in _wrapped(console, Text(text), width)]
        return [*lines[-most:], Text("Ctrl-C stops everything", style="dim")]

    @staticmethod
    def _body(console: Console, board: Board, width: int, room: int) -> list[RenderableType]:
        # Insights take up to half of the room; whatever they leave is the table's.
        lines: list[Text] = []
        shown = 0
        for insight in board.insights:
            more = insight_lines(console, insight, width)
            if len(lines) + len(more) > room // 2 - 2:
                break
            lines.extend(more)
            shown += 1
        number = len(board.insights)
        title = f"Insights: {number} firing" if number else "Insights: none firing"
        if shown < number:
            title += f", {number - shown} of them not shown"
        rows = max(_FEWEST_ROWS, room - 4 - len(lines))
        table = agents_table(board.rows[:rows], width)
        return [table, Text(""), Text(title, style="bold"), *lines]


def _wrapped(console: Console, text: Text, width: int, *, indent: int = 0) -> list[Text]:
    lines = list(text.wrap(console, width - indent))
    for line in lines:
        line.rstrip()
        line.pad_left(indent)
    return lines


def insight_lines(console: Console, insight: Insight, width: int) -> list[Text]:
    """Return an insight with its severity, title, number and recommendation, wrapped."""
    head = Text(no_wrap=True, overflow="ellipsis")
    head.append(f" {insight.severity.upper()} ", style=_STYLES[insight.severity])
    head.append(f" {insight.publisher_id}/{insight.agent_id}", style="bold")
    if insight.tool:
        head.append(f" [{insight.tool}]")
    head.append(f" · {insight.title}")
    head.truncate(width, overflow="ellipsis")
    description = Text(insight.description)
    recommendation = Text(f"→ {insight.recommendation}", style="green")
    return [
        head,
        *_wrapped(console, description, width, indent=2),
        *_wrapped(console, recommendation, width, indent=2),
    ]


def agents_table(rows: Sequence[Row], width: int) -> Table:
    """Return the table of agents; with room, the publisher has a column of its own."""
    wide = width >= _WIDE
    table = Table(
        box=box.SIMPLE_HEAD,
        padding=(0, 2 if wide else 1, 0, 0),
        show_edge=False,
        pad_edge=False,
    )
    if wide:
        table.add_column("publisher", no_wrap=True, min_width=16)
        table.add_column("agent", no_wrap=True, min_width=24)
    else:
        table.add_column("agent", no_wrap=True, width=max(20, width - _FIGURES_WIDTH))
    for heading, least in _FIGURES:
        table.add_column(heading, justify="right", no_wrap=True, min_width=least)
    for row in rows:
        publisher, agent = row.listing
        name = [publisher, agent] if wide else [f"{publisher}/{agent}"]
        table.add_row(
            *name,
            _figure(row.rate, ".2f"),
            _figure(row.error_rate, ".1%", bad=(row.error_rate or 0) > _BAD_ERROR_RATE),
            _figure(row.p95, ".2f", bad=(row.p95 or 0) > _BAD_P95),
            _figure(row.rating, ".2f", bad=(row.rating or 5) < _BAD_RATING),
            _figure(row.usd_per_hour, ",.0f"),
            _figure(row.installs, ".0f"),
            style={"critical": "bold red", "warning": "yellow"}.get(row.severity, ""),
        )
    return table


def _figure(value: float | None, form: str, *, bad: bool = False) -> Text:
    if value is None:
        return Text("–", style="dim")
    text = format(value, form).rstrip("%")
    return Text(text, style="reverse" if bad else "")
