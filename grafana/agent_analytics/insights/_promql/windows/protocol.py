"""What a quantity asks of a window, and what several windows answer alike."""

from abc import abstractmethod
from typing import Protocol, Self

from agent_analytics.insights._promql.scopes import Scope
from agent_analytics.processor import catalogue


class Window(Protocol):
    """A stretch of time in which counters grow.

    Every answer is an expression that can stand inside a larger one without parentheses, aggregated
    by the labels of its scope.
    """

    def grown(self, sample: str, scope: Scope, *matchers: str) -> str:
        """Return what the counters of a sample name grew by."""
        ...

    def pace(self, sample: str, scope: Scope, *matchers: str) -> str:
        """Return the same but for a factor that is alike for all: for two sides of a ratio."""
        ...

    def quotient(self, part: str, whole: str) -> str:
        """Return a part by a whole, without parentheses."""
        ...


class Ends(Window, Protocol):
    """A window of whose end it is known how things stood."""

    def at_end(self, gauge: str, scope: Scope) -> str:
        """Return the sum of a gauge when the window ended."""
        ...


class Tenants(Window, Protocol):
    """A window of which it is known who was there."""

    def tenants(self, scope: Scope) -> str:
        """Return how many distinct tenants were seen."""
        ...


class Past(Ends, Tenants, Protocol):
    """A window of days, which is compared with the one before it."""

    @property
    def before(self) -> Self:
        """The window of the same length in front of this one."""
        ...

    def registers(self, scope: Scope, kind: str = catalogue.SKETCH_TENANTS) -> str:
        """Return the merged registers: one answer a register, its smallest hash."""
        ...

    def retention(self, scope: Scope) -> str:
        """Return the share of the tenants of the window before that were there in this one, too."""
        ...

    def comparable(self, quantity: str, scope: Scope) -> str:
        """Return a quantity that compares this window with the one before, where that is fair."""
        ...


class Counted:
    """What windows have in common that count exactly: their growth is their pace."""

    __slots__ = ()

    @abstractmethod
    def grown(self, sample: str, scope: Scope, *matchers: str) -> str:
        """Return what the counters of a sample name grew by."""

    def pace(self, sample: str, scope: Scope, *matchers: str) -> str:
        """Return what the counters of a sample name grew by."""
        return self.grown(sample, scope, *matchers)

    def quotient(self, part: str, whole: str) -> str:
        """Return a part by a whole, and nothing where the whole is 0."""
        return f"{part} / ({whole} > 0)"
