"""Windows of days, and what a counter grew by in one.

What a counter grew by is the difference of two recorded levels plus what it had when it began anew
in between (see :mod:`._promql.rollups`): whole numbers stay whole numbers, and a window of 90 days
costs little more than one of a day.
"""

from abc import abstractmethod
from dataclasses import KW_ONLY, dataclass, replace
from enum import Enum, auto
from typing import Final, Self

from agent_analytics.insights._promql import accounting, recorded, rollups
from agent_analytics.insights._promql.scopes import Scope, select
from agent_analytics.insights._promql.windows.protocol import Counted
from agent_analytics.processor import catalogue


class At(Enum):
    """A moment of a period.

    ``FIRST_DAY`` is the end of its first day of 24 hours.
    """

    END = auto()
    FIRST_DAY = auto()
    START = auto()


#: How far back before a period the last level of an instance is looked for among those of days.
_DAYS_BACK: Final = 3
_DAY: Final = 86_400
_MARKS_BACK: Final = f"{_DAYS_BACK}d"


def counted(sample: str, scope: Scope, *matchers: str) -> str:
    """Return the sample whose levels answer for another: all outcomes at once, where none is asked.

    Args:
        sample: What is asked about.
        scope: Which series.
        matchers: Further ones.
    """
    if sample == catalogue.INVOCATIONS.name and not matchers and "outcome" not in scope.by:
        return rollups.EVERY_INVOCATION
    return sample


def _told_apart(*parts: str) -> str:
    """Return parts joined by ``or``, which drops what has the labels of something on its left."""
    return " or ".join(
        f'label_replace({part}, "part", "{number}", "", "")' for number, part in enumerate(parts, 1)
    )


class Rolled(Counted):
    """A window of days that is read from roll-ups, however its length is spelled."""

    __slots__ = ()

    @property
    @abstractmethod
    def before(self) -> Self:
        """The period of the same length in front of this one."""

    @property
    @abstractmethod
    def whole(self) -> str:
        """Its length, as a duration."""

    @property
    @abstractmethod
    def rest(self) -> str:
        """Its length less its first day, as a duration; empty for nothing."""

    @abstractmethod
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

    @property
    @abstractmethod
    def longer(self) -> str:
        """Its length and three days more, as a duration."""

    def levels(self, sample: str) -> tuple[tuple[str, str], ...]:
        """Return where the last level of a day and an hour is looked for, and how far back."""
        return ((rollups.level(sample), rollups.HOURS_BACK),)

    def grown(self, sample: str, scope: Scope, *matchers: str) -> str:
        """Return what the counters of a sample name grew by, to the last level at either end.

        The sum of last levels, less that of first ones, and of what fell in between. A series that
        was not there when the window began was born in it at 0. One that has vanished since counts
        with its last level; one that had vanished up to three days before is there at both ends,
        and so with 0.
        """
        # Levels of a day and an hour meet the last of the day, so that an instance is found
        # wherever it has vanished. They are longer to read than hours beside an hour of levels, and
        # less to look for. What is found first is found last: else it would be taken off alone.
        name = counted(sample, scope, *matchers)
        last, first = (
            " or ".join(
                self.over("last_over_time", levels, scope, window, *matchers, at=at)
                for levels, window in (*self.levels(name), (rollups.day(name), marks))
            )
            for at, marks in ((At.END, self.longer), (At.START, _MARKS_BACK))
        )
        fell = self.over("sum_over_time", rollups.drop(name), scope, self.whole, *matchers)
        # A minus alone would take names off, by which Prometheus tells levels from marks that are
        # found at other times of a range.
        return f"{scope.aggregate('sum')} ({last} or {_told_apart(f'-1 * ({first})', fell)})"

    def registers(self, scope: Scope, kind: str = catalogue.SKETCH_TENANTS) -> str:
        """Return the merged registers: one answer a register, its smallest hash.

        Days in the middle, hours at the edges, the moment at the end. Merging what overlaps twice
        changes nothing, so the parts need not meet exactly.
        """
        of_kind, least = f'kind="{kind}"', "min_over_time"
        union = rollups.union_of(scope)
        parts = [self.over(least, union.minutes, scope, "70m" if self.rest else "1d", of_kind)]
        if self.rest:
            parts += [
                self.over(least, union.hours, scope, "1d", of_kind),
                self.over(least, union.days, scope, self.rest, of_kind),
                self.over(least, union.hours, scope, "1d", of_kind, at=At.FIRST_DAY),
            ]
        # `or` drops what has the same labels on the left, so each part is told apart by a label.
        merged = " or ".join(
            f'label_replace({part}, "part", "{number}", "", "")'
            for number, part in enumerate(parts)
        )
        return f"{scope.aggregate('min', 'register')} ({merged})"

    def tenants(self, scope: Scope) -> str:
        """Return how many distinct tenants were seen."""
        return rollups.distinct(self.registers(scope), scope.by)

    def returned(self, scope: Scope, before: str = "") -> str:
        """Return retention, also across two revisions of the rules of counting, as it is recorded.

        Args:
            scope: Which series.
            before: Where the distinct tenants of the period before are recorded at the same moment.
        """
        return rollups.returned(
            self.registers(scope), self.before.registers(scope), scope.by, before
        )

    def retention(self, scope: Scope) -> str:
        """Return the share of the tenants of the period before who were there in this one, too."""
        return self.comparable(self.returned(scope), scope)

    def at_end(self, gauge: str, scope: Scope) -> str:
        """Return the sum of a gauge when the period ended."""
        return f"{scope.aggregate('sum')} ({self.over('last_over_time', gauge, scope, '5m')})"

    def comparable(self, quantity: str, scope: Scope) -> str:
        """Return a quantity that compares this period with the one before, absent across revisions.

        A revision of the rules of counting.
        """
        marks = " or ".join(
            each.over("last_over_time", accounting.CHANGED, scope, each.whole)
            for each in (self, self.before)
        )
        return f"({quantity} unless on ({', '.join(scope.by)}) ({marks}))"


@dataclass(frozen=True, slots=True)
class Period(Rolled):
    """A window of whole days that ends some days ago.

    Attributes:
        days: Length.
        ago: How many days ago it ended; 0 for now.
    """

    days: int
    ago: int = 0

    def __post_init__(self) -> None:
        """Refuse a window of no days."""
        if self.days < 1 or self.ago < 0:
            message = f"a period is of at least one day and has ended, got {self!r}"
            raise ValueError(message)

    @property
    def before(self) -> Self:
        """The period of the same length in front of this one."""
        return replace(self, ago=self.ago + self.days)

    @property
    def both(self) -> Self:
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

    @property
    def longer(self) -> str:
        """Its length and three days more, as a duration."""
        return f"{self.days + _DAYS_BACK}d"

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


@dataclass(frozen=True, slots=True)
class GraphPeriod(Period):
    """A period that is asked at many times, where a day of levels each time would be dear."""

    def levels(self, sample: str) -> tuple[tuple[str, str], ...]:
        """Return where the last level of a day and an hour is looked for: most of it in hours."""
        return (
            (rollups.level(sample), rollups.LEVELS_BACK),
            (rollups.hourly(sample), rollups.HOURS_BACK),
        )


@dataclass(frozen=True, slots=True)
class RulePeriod(Period):
    """A period as rules read it, to record it: an instance that vanished before it has no growth.

    What it reads are few samples of each series: an hour of levels, and a day of hours.
    """

    def grown(self, sample: str, scope: Scope, *matchers: str) -> str:
        """Return what the counters of a sample name grew by, to the last level at either end.

        A series that was not there when the window began was born in it at 0. One that has
        vanished since counts with its last level.
        """
        sample = counted(sample, scope, *matchers)
        # Levels of a little more than an hour meet the last one of an hour, and those of a day and
        # an hour the last of the day, so that an instance is found wherever it has vanished.
        names = (
            (rollups.level(sample), rollups.LEVELS_BACK),
            (rollups.hourly(sample), rollups.HOURS_BACK),
        )
        last, first = (
            " or ".join(
                self.over("last_over_time", name, scope, window, *matchers, at=at)
                for name, window in (*names, (rollups.day(sample), marks))
            )
            for at, marks in ((At.END, self.whole), (At.START, _MARKS_BACK))
        )
        drops = self.over("sum_over_time", rollups.drop(sample), scope, self.whole, *matchers)
        # `or` drops what has the same labels on the left: a label tells drops from growth.
        fell = f'label_replace({drops}, "part", "drop", "", "")'
        return f"{scope.aggregate('sum')} ((({last}) - ({first})) or ({last}) or {fell})"


@dataclass(frozen=True, slots=True)
class RecordedPeriod(Period):
    """A period as it is recorded for the insights, for some windows only.

    A figure costs one look-up, and is there for listings and not for instances. All windows longer
    than a day are of one moment, so that they can be divided by one another.
    """

    def grown(self, sample: str, scope: Scope, *matchers: str) -> str:
        """Return what the counters of a sample name grew by.

        Raises:
            ValueError: It is not recorded.
        """
        window = (self.days, self.ago)
        growth = select(recorded.grown(sample, window), scope, *matchers)
        if recorded.seldom(window):
            growth = recorded.lately(growth)
            if set(scope.by) == set(recorded.labels_of(sample)):  # one series each: no sum
                return growth
        return f"{scope.aggregate('sum')} ({growth})"

    def tenants(self, scope: Scope) -> str:
        """Return how many distinct tenants were seen."""
        return _hourly(recorded.tenants((self.days, self.ago)), scope)

    def retention(self, scope: Scope) -> str:
        """Return the share of the tenants of the period before who were there in this one, too."""
        return _hourly(recorded.retention((self.days, self.ago)), scope)

    def comparable(self, quantity: str, scope: Scope) -> str:  # noqa: ARG002 - as the protocol has it
        """Return the quantity: an insight has a condition of its own."""
        return quantity


def _hourly(name: str, scope: Scope) -> str:
    """Return what is recorded every hour, which an instant selector does not see for so long."""
    return f"{scope.aggregate('max')} (last_over_time({select(name, scope)}[2h]))"


@dataclass(frozen=True, slots=True)
class Raw:
    """How a period is read from raw series, where there are no roll-ups yet.

    Attributes:
        seconds: How much of the period there is history of.
        step: Seconds between the moments at which counters are looked at for a new beginning.
    """

    seconds: int
    step: int


@dataclass(frozen=True, slots=True)
class RawPeriod(Period):
    """A period that is read from raw series instead of roll-ups: dear, for young histories only.

    To be asked at a multiple of the step, where the last step of a subquery ends.

    Attributes:
        raw: How it is read.
    """

    _: KW_ONLY
    raw: Raw

    def grown(self, sample: str, scope: Scope, *matchers: str) -> str:
        """Return growth as the roll-ups would have it, from raw series, in one expression."""
        window, step = f"{self.raw.seconds}s", f"{self.raw.step}s"
        counter = select(sample, scope, *matchers)
        now = f"last_over_time({counter}[{step}])"
        before = f"last_over_time({counter}[1d] offset {step})"
        fell = f"({before} > {now})"
        # `+ 0` takes the name off, which would tell one side of `or` from the other in a subquery.
        drops = f"(((max_over_time({counter}[{step}]) > {fell}) or {fell}) + 0)"
        longer = f"{self.raw.seconds + _DAY}s"
        last = self.over("last_over_time", sample, scope, longer, *matchers)
        first = self.over("last_over_time", sample, scope, "1d", *matchers, at=At.START)
        fell = f"sum_over_time({drops}[{window}:{step}]{_offset(self.ago)})"
        return f"{scope.aggregate('sum')} ({last} or {_told_apart(f'-1 * ({first})', fell)})"

    def registers(self, scope: Scope, kind: str = catalogue.SKETCH_TENANTS) -> str:
        """Return the merged registers: one answer a register, its smallest hash."""
        name, window = catalogue.SKETCH_REGISTER.name, f"{self.raw.seconds}s"
        seen = self.over("min_over_time", name, scope, window, f'kind="{kind}"')
        return f"{scope.aggregate('min', 'register')} ({seen})"

    def comparable(self, quantity: str, scope: Scope) -> str:  # noqa: ARG002 - as the protocol has it
        """Return a quantity that compares this period with the one before, absent across revisions.

        Nothing was recorded: a revision is new where no endpoint showed it at the beginning.
        """
        everything = Scope(("revision",))
        name = catalogue.ACCOUNTING.name
        now = self.over("last_over_time", name, everything, "1d")
        then = self.before.over("last_over_time", name, everything, "1d", at=At.START)
        new = f"group by (revision) ({now}) unless group by (revision) ({then})"
        return f"({quantity} unless on () ({new}))"
