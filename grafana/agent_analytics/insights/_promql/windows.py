"""Windows of days, and what a counter grew by in one.

What a counter grew by is the difference of two recorded levels plus what it had when it began anew
in between (see :mod:`._promql.rollups`): whole numbers stay whole numbers, and a
window of 90 days costs little more than one of a day. The quantities that are made of it are named
in :mod:`._promql.periods`.
"""

from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Protocol, Self

from agent_analytics.insights._promql import recorded as _recorded
from agent_analytics.insights._promql import rollups
from agent_analytics.insights._promql.queries import Scope, select


@dataclass(frozen=True, slots=True)
class Raw:
    """How a period is read from raw series, where there are no roll-ups yet.

    Attributes:
        seconds: How much of the period there is history of.
        step: Seconds between the moments at which counters are looked at for a new beginning.
    """

    seconds: int
    step: int


class At(Enum):
    """A moment of a period.

    ``FIRST_DAY`` is the end of its first day of 24 hours.
    """

    END = auto()
    FIRST_DAY = auto()
    START = auto()


class AnyPeriod(Protocol):
    """What every quantity of this module asks of a period."""

    @property
    def before(self) -> Self:
        """The period of the same length in front of this one."""
        ...

    @property
    def whole(self) -> str:
        """Its length, as a duration."""
        ...

    @property
    def rest(self) -> str:
        """Its length less its first day, as a duration; empty for nothing."""
        ...

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
        ...


@dataclass(frozen=True, slots=True)
class Period:
    """A window of whole days that ends some days ago.

    Attributes:
        days: Length.
        ago: How many days ago it ended; 0 for now.
        raw: Read raw series instead of roll-ups: dear, and for young histories only.
        recorded: Read what is recorded for the insights, once an evaluation and for some windows
            only: a figure costs one look-up, and is there for listings and not for instances.
    """

    days: int
    ago: int = 0
    raw: Raw | None = None
    recorded: bool = False

    def __post_init__(self) -> None:
        """Refuse a window of no days."""
        if self.days < 1 or self.ago < 0:
            message = f"a period is of at least one day and has ended, got {self!r}"
            raise ValueError(message)

    @property
    def before(self) -> "Period":
        """The period of the same length in front of this one."""
        return replace(self, ago=self.ago + self.days)

    @property
    def both(self) -> "Period":
        """This period and the one before as one."""
        return replace(self, days=2 * self.days)

    @property
    def whole(self) -> str:
        """Its length, as a duration."""
        return f"{self.days}d"

    @property
    def rest(self) -> str:
        """Its length less its first day, as a duration; empty for nothing."""
        return f"{self.days - 1}d" if self.days > 1 else ""

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
        back = self.ago + {At.END: 0, At.FIRST_DAY: self.days - 1, At.START: self.days}[at]
        return f"{function}({select(name, scope, *matchers)}[{window}]{_offset(back)})"


def _offset(days: int) -> str:
    return f" offset {days}d" if days else ""


# --- growth of counters --------------------------------------------------------------------------


def growth(sample: str, period: AnyPeriod, scope: Scope, *matchers: str) -> str:
    """What the counters of a sample name grew by, exactly, to the last level at either end.

    A series that was not there when the window began was born in it at 0. One that has vanished
    since counts with its last level.
    """
    if isinstance(period, Period) and period.raw is not None:
        return _raw_growth(sample, period, period.raw, scope, *matchers)
    if isinstance(period, Period) and period.recorded:
        name = _recorded.grown(sample, (period.days, period.ago))
        return f"{scope.aggregate('sum')} ({select(name, scope, *matchers)})"
    # Levels of a little more than an hour meet the last one of an hour, and those of a day and an
    # hour the last of the day, so that an instance is found wherever it has vanished.
    names = (
        (rollups.level(sample), rollups.LEVELS_BACK),
        (rollups.hourly(sample), rollups.HOURS_BACK),
    )
    last, first = (
        " or ".join(
            period.over("last_over_time", name, scope, window, *matchers, at=at)
            for name, window in (*names, (rollups.day(sample), marks))
        )
        for at, marks in ((At.END, period.whole), (At.START, "3d"))
    )
    drops = period.over("sum_over_time", rollups.drop(sample), scope, period.whole, *matchers)
    # `or` drops what has the same labels on the left: a label tells drops from growth.
    fell = f'label_replace({drops}, "part", "drop", "", "")'
    return f"{scope.aggregate('sum')} ((({last}) - ({first})) or ({last}) or {fell})"


def _raw_growth(sample: str, period: Period, raw: Raw, scope: Scope, *matchers: str) -> str:
    """Growth as the roll-ups would tell it, from raw series, in one expression.

    To be asked at a multiple of the step, where the last step of the subquery ends.
    """
    window, step = f"{raw.seconds}s", f"{raw.step}s"
    counter = select(sample, scope, *matchers)
    now = f"last_over_time({counter}[{step}])"
    before = f"last_over_time({counter}[1d] offset {step})"
    fell = f"({before} > {now})"
    # `+ 0` takes the name off, which would tell one side of `or` from the other in a subquery.
    drops = f"(((max_over_time({counter}[{step}]) > {fell}) or {fell}) + 0)"
    last = period.over("last_over_time", sample, scope, window, *matchers)
    start = period.over("last_over_time", sample, scope, "1d", *matchers, at=At.START)
    first = f"({start} or {last} * 0)"
    return (
        f"{scope.aggregate('sum')} ({last} - {first}"
        f" + (sum_over_time({drops}[{window}:{step}]{_offset(period.ago)}) or {last} * 0))"
    )
