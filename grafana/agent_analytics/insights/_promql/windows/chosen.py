"""The period that is chosen at the top of a dashboard."""

from dataclasses import dataclass, replace
from typing import Self

from agent_analytics.insights._promql.scopes import Scope, select
from agent_analytics.insights._promql.windows.periods import At, Rolled


@dataclass(frozen=True, slots=True)
class Chosen(Rolled):
    """The period that a variable of a dashboard chooses, or the one in front of it.

    The variable's value is the length of the period less a day, such as ``29d`` for 30 days. From
    it every duration that is needed can be spelled (``29d24h`` are 30 days), which could not be
    done the other way round: a dashboard puts text together and does no sums.

    Attributes:
        variable: Name of the variable.
        shifts: How many times its own length ago the period ended.
    """

    variable: str = "period"
    shifts: int = 0

    @property
    def before(self) -> Self:
        """The period of the same length in front of this one."""
        return replace(self, shifts=self.shifts + 1)

    @property
    def whole(self) -> str:
        """Its length, as a duration."""
        return f"${{{self.variable}}}24h"

    @property
    def rest(self) -> str:
        """Its length less its first day; an hour more, as a duration of nothing is none."""
        return f"${{{self.variable}}}1h"

    @property
    def longer(self) -> str:
        """Its length and three days more, as a duration."""
        return f"${{{self.variable}}}96h"

    def over(
        self,
        function: str,
        name: str,
        scope: Scope,
        window: str,
        *matchers: str,
        at: At = At.END,
    ) -> str:
        """Return a function of a selector over a window that ends at a moment of the period."""
        offsets = [self.whole] * self.shifts
        if at is At.FIRST_DAY:
            offsets.append(self.rest)
        if at is At.START:
            offsets.append(self.whole)
        first, *more = [f" offset {duration}" for duration in offsets] or [""]
        expr = f"{function}({select(name, scope, *matchers)}[{window}]{first})"
        for offset in more:
            expr = _moved(expr, offset)
        return expr

    def grown(self, sample: str, scope: Scope, *matchers: str) -> str:
        """Return what the counters of a sample name grew by, to the last level at either end."""
        expr = Rolled.grown(replace(self, shifts=0), sample, scope, *matchers)
        for _ in range(self.shifts):
            expr = _moved(f"({expr})", f" offset {self.whole}")
        return expr


def _moved(expr: str, offset: str) -> str:
    """Return an expression as of some time before, to the second.

    Twice a length cannot be spelled, but a subquery of one step can be moved by it again.
    """
    return f"last_over_time({expr}[1s:1s]{offset})"
