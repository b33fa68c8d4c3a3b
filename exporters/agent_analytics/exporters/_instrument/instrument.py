"""``configure(instrument=...)``: which instrumentations are switched on, and what is said."""

import os
from collections.abc import Callable, Iterable
from typing import Final

from opentelemetry.trace import TracerProvider

from agent_analytics.exporters._instrument import frameworks, libraries, packages
from agent_analytics.exporters._instrument.libraries import Library
from agent_analytics.exporters._instrument.switches import Instrumentation, State, key
from agent_analytics.exporters._leaving import content

_DISABLED_VARIABLE: Final = "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS"
_ALL: Final = "*"
_HEADINGS: Final[dict[State, str]] = {
    "on": "on:",
    "waiting": "on as soon as imported:",
    "skipped": "skipped:",
}


class Instruments:
    """The GenAI instrumentations of this process, as a runtime uses them.

    Args:
        names: Those to switch on; None for every one.
        source: What named them, for errors.

    Raises:
        ValueError: Nothing that is installed has one of the names.
    """

    def __init__(self, names: Iterable[str] | None, source: str) -> None:
        self._switches = packages.installed() + frameworks.installed()
        self._all = names is None
        if names is not None:
            self._select(list(names), source)
        self._restore_content: Callable[[], None] | None = None
        self._kept = False

    def _select(self, names: list[str], source: str) -> None:
        for name in names:
            if any(switch.called(frozenset({key(name)})) for switch in self._switches):
                continue
            library = libraries.called(name)
            if library is None or library.package or not library.version():
                raise ValueError(self._unknown(name, source))
            self._switches.append(frameworks.Native(library))
        wanted = frozenset(key(name) for name in names)
        self._switches = [switch for switch in self._switches if switch.called(wanted)]

    def _unknown(self, name: str, source: str) -> str:
        """Return why a name cannot be switched on, with what was perhaps meant."""
        names = sorted({switch.name for switch in self._switches})
        library = libraries.called(name)
        if library is not None and library.package:
            hint = f"{library.name} needs an instrumentation, such as {library.package}: "
        elif library is not None:
            hint = f"{library.name} is not installed: "
        else:
            others = {each.name for each in libraries.installed() if not each.package}
            distributions = {switch.distribution for switch in self._switches}
            near = libraries.nearest(name, {*names, *others, *distributions})
            hint = f"did you mean {near!r}? " if near else ""
        return (
            f"{source}: {hint}no instrumentation that is installed is called {name!r}; "
            f"there {'are: ' + ', '.join(names) if names else 'is none'}"
        )

    def switch_on(self, provider: TracerProvider | None) -> None:
        """Switch them on.

        Args:
            provider: Where their spans go; None where nothing is to be recorded.
        """
        if self._kept:  # on already, from the runtime before
            self._kept = False
            return
        self._restore_content = content.switch_off()
        disabled = disabled_names()
        for switch in self._switches:
            if provider is None:
                switch.skip("OTEL_SDK_DISABLED is set")
            elif _ALL in disabled or switch.named(disabled):
                switch.skip(f"{_DISABLED_VARIABLE} names it")
            else:
                switch.switch_on(provider)

    def words(self) -> str:
        """Return what was found, and what became of each."""
        records = self.records
        if not records:
            return ""
        shown_of = [
            f"{heading} {', '.join(shown)}"
            for state, heading in _HEADINGS.items()
            if (shown := [f"{record}" for record in records if record.state == state])
        ]
        return f"instrumentations {'; '.join(shown_of)}"

    def missing(self, used: Iterable[Library]) -> list[Library]:
        """Return which libraries nobody records, of some; none where names were chosen."""
        if not self._all:
            return []
        keys = frozenset[str]().union(*(switch.keys for switch in self._switches))
        return libraries.missing(keys, used)

    def keep(self) -> None:
        """Stay on when this runtime is shut down: the next one takes over."""
        self._kept = True

    def switch_off(self) -> None:
        """Undo ``switch_on``; idempotent."""
        if self._kept:
            return
        for switch in reversed(self._switches):
            switch.switch_off()
        restore, self._restore_content = self._restore_content, None
        if restore is not None:
            restore()

    @property
    def records(self) -> tuple[Instrumentation, ...]:
        """What became of each."""
        return tuple(switch.record for switch in self._switches)


def disabled_names() -> frozenset[str]:
    """Return what OTEL_PYTHON_DISABLED_INSTRUMENTATIONS names, as it is compared."""
    names = os.environ.get(_DISABLED_VARIABLE, "").split(",")
    return frozenset(name.strip() if name.strip() == _ALL else key(name) for name in names)
