"""What can be switched on so that a library records its calls, and what came of it."""

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Final, Literal

from opentelemetry.trace import TracerProvider

State = Literal["on", "waiting", "skipped", "off"]

_SEPARATORS: Final = re.compile(r"[-_.]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrumentation:
    """One instrumentation that was found, and what became of it.

    Attributes:
        name: What ``instrument`` and OTEL_PYTHON_DISABLED_INSTRUMENTATIONS call it. Several
            distributions may use one name.
        distribution: The installed distribution that it comes from.
        version: That distribution's version.
        state: ``on``; ``waiting`` until the program imports the framework; ``skipped``; or
            ``off`` after ``shutdown()``.
        reason: Why it is not on, else empty.
    """

    name: str
    distribution: str
    version: str
    state: State
    reason: str = ""

    def __str__(self) -> str:
        """Return what people are shown of it."""
        known = f"{self.distribution} {self.version}"
        return f"{self.name} ({known}{f': {self.reason}' if self.state == 'skipped' else ''})"


def same(name: str) -> str:
    """Return a name as it is compared: case and separators do not count."""
    return _SEPARATORS.sub("-", name.strip()).lower()


def key(name: str) -> str:
    """Return a name as names that people give are compared: no separator counts.

    The class of an instrumentation means what it instruments: ``OpenAIInstrumentor``.
    """
    return same(name).replace("-", "").removesuffix("instrumentor")


class Switch(ABC):
    """Switches one instrumentation on and off. Neither raises.

    Attributes:
        name: What people call it.
        distribution: The distribution that it comes from.
        version: That distribution's version.
        keys: All its names and those of the libraries that it instruments, as compared.
        state: What became of it.
        reason: Why it is not on.
    """

    def __init__(self, name: str, distribution: str, version: str) -> None:
        self.name: Final = name
        self.distribution: Final = distribution
        self.version: Final = version
        self.keys: frozenset[str] = frozenset({key(name), key(distribution)})
        self.state: State = "off"
        self.reason = ""

    def called(self, names: frozenset[str]) -> bool:
        """Tell whether one of ``names``, as they are compared, means this one."""
        return not names.isdisjoint(self.keys)

    def named(self, names: frozenset[str]) -> bool:
        """Tell whether one of ``names`` is this one's own, and no name of its library."""
        return not names.isdisjoint({key(self.name), key(self.distribution)})

    def skip(self, reason: str) -> None:
        """Leave it off."""
        self.state, self.reason = "skipped", reason

    def became(self, state: State, reason: str = "") -> None:
        """Note what became of it."""
        self.state, self.reason = state, reason

    @property
    def record(self) -> Instrumentation:
        """What is shown of it."""
        return Instrumentation(
            name=self.name,
            distribution=self.distribution,
            version=self.version,
            state=self.state,
            reason=self.reason,
        )

    @abstractmethod
    def switch_on(self, provider: TracerProvider) -> None:
        """Switch it on, or note why not."""

    @abstractmethod
    def switch_off(self) -> None:
        """Undo ``switch_on``."""
