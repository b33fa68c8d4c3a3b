"""The terminal: a table of agents and the insights below it, fitted to the window."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from rich import box
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from agent_analytics.demo._board import Board, Row
from agent_analytics.insights import Insight

_STYLES: Final = {"critical": "bold white on red", "warning": "black on yellow", "info": "on blue"}
_WIDE: Final = 110
#: Lines that are always there: two of the head, the table's two, the foot.
_FIXED_LINES: Final = 6
_FEWEST_ROWS: Final = 5
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
        closing: What is being waited for at the end, or empty.
    """

    addresses: dict[str, str]
    board: Board | None = None
    clock: str = ""
    news: list[str] = field(default_factory=list[str])
    closing: str = ""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Lay everything out for the window as it is now."""
        width = options.max_width
        height = options.height or console.size.height
        head = self._head(width)
        foot = self._foot()
        parts: list[RenderableType] = [head]
        used = len(head.wrap(console, width)) + sum(len(line.wrap(console, width)) for line in foot)
        room = height - used - 1
        if self.board is None:
            parts.append(Padding(Text("waiting for the first scrapes …", style="dim"), (1, 1)))
        else:
            parts.extend(self._body(console, self.board, width, room))
        yield Group(*parts, *foot)

    def _head(self, width: int) -> Text:
        head = Text(no_wrap=False)
        head.append(" agent-analytics demo ", style="bold reverse")
        head.append(f"  {self.clock}")
        board = self.board
        if board is not None:
            tenants = "" if board.tenants is None else f" · {board.tenants:,.0f} tenants"
            head.append(f" · {board.rate:.1f}/s{tenants} · ${board.usd_per_hour:,.0f}/h")
        gap = "   " if width >= _WIDE else "  "
        head.append("\n")
        for name, url in self.addresses.items():
            head.append(name, style="dim")
            head.append(f" {url}{gap}", style="cyan")
        head.rstrip()
        return head

    def _foot(self) -> list[Text]:
        lines = [Text.from_markup(line) for line in self.news[-3:]]
        lines.append(Text(self.closing or "Ctrl-C stops everything", style="dim"))
        return lines

    def _body(
        self, console: Console, board: Board, width: int, room: int
    ) -> list[RenderableType]:
        # Insights take up to half of the room; whatever they leave is the table's.
        insights, hidden = self._insights(console, board.insights, width, room // 2)
        rows = max(_FEWEST_ROWS, room - 2 - len(insights))
        table = agents_table(board.rows[:rows], wide=width >= _WIDE)
        below: list[RenderableType] = list(insights)
        title = Text(f"Insights ({len(board.insights)} firing", style="bold")
        title.append(f", {hidden} not shown)" if hidden else ")")
        return [table, title, *below] if board.insights else [table]

    @staticmethod
    def _insights(
        console: Console, insights: Sequence[Insight], width: int, room: int
    ) -> tuple[list[Text], int]:
        lines: list[Text] = []
        for shown, insight in enumerate(insights):
            text = insight_text(insight)
            wrapped = list(text.wrap(console, width))
            if len(lines) + len(wrapped) + 1 > room:
                return lines, len(insights) - shown
            lines.extend(wrapped)
        return lines, 0


def insight_text(insight: Insight) -> Text:
    """Return an insight with its severity, title, number and recommendation."""
    where = f"{insight.publisher_id}/{insight.agent_id}"
    text = Text()
    text.append(f" {insight.severity.upper()} ", style=_STYLES[insight.severity])
    text.append(f" {where}", style="bold")
    if insight.tool:
        text.append(f" [{insight.tool}]")
    text.append(f" · {insight.title}\n")
    text.append(f"   {insight.description}\n")
    text.append(f"   → {insight.recommendation}", style="green")
    return text


def agents_table(rows: Sequence[Row], *, wide: bool) -> Table:
    """Return the table of agents; ``wide`` spells the publisher in a column of its own."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1), expand=False, pad_edge=False)
    if wide:
        table.add_column("publisher", no_wrap=True, min_width=16)
        table.add_column("agent", no_wrap=True, min_width=24)
    else:
        table.add_column("agent", no_wrap=True, width=35)
    for heading in ("rate/s", "err %", "p95 s", "rating", "$/h", "installs"):
        table.add_column(heading, justify="right", no_wrap=True)
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
