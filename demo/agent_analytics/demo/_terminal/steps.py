"""Says what is being done before there is anything to see, and for how long."""

import time
from collections.abc import Generator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.text import Text


class Steps:
    """Steps of a preparation: on a terminal with a clock that runs, elsewhere in two lines each."""

    def __init__(self, console: Console) -> None:
        """Begin to count the time of all steps."""
        self._console = console
        self._began = time.monotonic()

    @property
    def seconds(self) -> float:
        """How long all steps have taken so far."""
        return time.monotonic() - self._began

    @contextmanager
    def step(self, what: str) -> Generator[None]:
        """Say that a step goes on, and how long it took when it has ended well."""
        began = time.monotonic()
        if self._console.is_terminal:
            columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
            with Progress(*columns, console=self._console, transient=True) as progress:
                progress.add_task(what, total=None)
                yield
        else:
            self.line(f"{what} …")
            yield
        self.line(f"{what}: {time.monotonic() - began:.1f} s")

    def line(self, text: str) -> None:
        """Write a line as it is, however wide the terminal is."""
        self._console.print(Text(text), soft_wrap=True)
        self._console.file.flush()
