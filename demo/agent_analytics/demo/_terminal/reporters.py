"""Tells how a run is going: live on a terminal, or in plain lines elsewhere."""

from types import TracebackType
from typing import Final, Self, TextIO

from rich.console import Console
from rich.live import Live

from agent_analytics.demo._terminal.board import Board
from agent_analytics.demo._terminal.view import Screen

_LINE_SECONDS: Final = 10.0


def clock(seconds: float) -> str:
    """Return seconds as ``mm:ss``."""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes:02d}:{rest:02d}"


class LiveReporter:
    """Redraws the whole terminal; what it showed last stays when it ends."""

    def __init__(self, console: Console, addresses: dict[str, str]) -> None:
        """Prepare the screen."""
        self._screen = Screen(addresses)
        self._live = Live(self._screen, console=console, refresh_per_second=2, screen=True)

    def news(self, line: str) -> None:
        """Show a line at the foot."""
        self._screen.news.append(line)
        self._live.refresh()

    def board(self, board: Board, age: float, left: float | None) -> None:
        """Show new figures."""
        self._screen.board = board
        ending = "" if left is None else f", {clock(left)} left"
        self._screen.clock = f"{clock(age)}{ending}"
        self._live.refresh()

    def __enter__(self) -> Self:
        """Take the terminal."""
        self._live.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Give the terminal back."""
        self._live.__exit__(kind, error, traceback)


class LineReporter:
    """Writes a line every ten seconds, and one for each thing that happens."""

    def __init__(self, output: TextIO, addresses: dict[str, str]) -> None:
        """Say where everything is."""
        self._output = output
        self._age = 0.0
        self._next = 0.0
        self._known: set[tuple[str, str, str, str]] = set()
        for name, url in addresses.items():
            self._line(f"{name}: {url}")

    def news(self, line: str) -> None:
        """Write the line."""
        self._line(line)

    def board(self, board: Board, age: float, left: float | None) -> None:
        """Write what has begun to fire, and a line with figures now and then."""
        del left
        self._age = age
        for insight in board.insights:
            key = (insight.name, insight.publisher_id, insight.agent_id, insight.tool)
            if key in self._known:
                continue
            self._known.add(key)
            self._line(
                f"{insight.severity.upper()} {insight.publisher_id}/{insight.agent_id}:"
                f" {insight.title}. {insight.description} -> {insight.recommendation}"
            )
        if age >= self._next:
            self._next = age + _LINE_SECONDS
            tenants = 0.0 if board.tenants is None else board.tenants
            self._line(
                f"{board.rate:.1f} invocations/s, {tenants:,.0f} tenants,"
                f" ${board.usd_per_hour:,.0f}/h, {len(board.insights)} insights firing"
            )

    def _line(self, text: str) -> None:
        self._output.write(f"[{clock(self._age)}] {text}\n")
        self._output.flush()

    def __enter__(self) -> Self:
        """Do nothing: lines need no preparation."""
        return self

    def __exit__(self, *_: object) -> None:
        """Do nothing."""
