"""Windows of minutes and hours, read from levels and from the series of each hour."""

from dataclasses import dataclass
from typing import Final

from agent_analytics.insights._promql import recorded, rollups
from agent_analytics.insights._promql.scopes import SUCCESS, Scope, one_of, select
from agent_analytics.insights._promql.windows.protocol import Counted
from agent_analytics.processor import catalogue

_DURATION: Final = catalogue.INVOCATION_DURATION.name
_SUCCESS: Final = one_of("outcome", SUCCESS)


@dataclass(frozen=True, slots=True)
class Levels(Counted):
    """The minutes or hours until now, to the last level.

    Up to an hour stale where nothing was scraped; counters that began anew do not matter.

    Attributes:
        duration: Its length, such as ``1h``.
    """

    duration: str

    def grown(self, sample: str, scope: Scope, *matchers: str) -> str:
        """Return what the counters of a sample name grew by."""
        level, hourly, drop = (
            select(name(sample), scope, *matchers)
            for name in (rollups.level, rollups.hourly, rollups.drop)
        )
        last = f"last_over_time({level}[1h])"
        # Two short looks instead of one among all levels of a day, which are 288.
        first = " or ".join(
            f"last_over_time({name}[{back}] offset {self.duration})"
            for name, back in ((level, rollups.LEVELS_BACK), (hourly, rollups.HOURS_BACK))
        )
        fell = f"sum_over_time({drop}[{self.duration}])"
        if not (self.duration.endswith("m") or self.duration == "1h"):
            # Where it fell longer ago than that, there need not be a last level.
            fell = f"{fell} and {last}"
        # `or` drops what has the same labels on the left: a label tells drops from growth.
        drops = f'label_replace({fell}, "part", "drop", "", "")'
        return f"{scope.aggregate('sum')} (({last} - ({first})) or {last} or {drops})"


@dataclass(frozen=True, slots=True)
class HourAgo(Counted):
    """The hour that ended some hours ago, from levels.

    Only counters that were there throughout; one that began anew in that hour counts for nothing.

    Attributes:
        hours: How many hours ago it ended.
    """

    hours: int

    def grown(self, sample: str, scope: Scope, *matchers: str) -> str:
        """Return what the counters of a sample name grew by."""
        level = select(rollups.level(sample), scope, *matchers)
        last, first = (
            f"last_over_time({level}[1h] offset {hours}h)" for hours in (self.hours, self.hours + 1)
        )
        return f"{scope.aggregate('sum')} (clamp_min({last} - {first}, 0))"


@dataclass(frozen=True, slots=True)
class Lately(Counted):
    """One of the windows of an error budget, as it is recorded.

    Attributes:
        duration: Its length, such as ``1h``.
    """

    duration: str

    def grown(self, sample: str, scope: Scope, *matchers: str) -> str:
        """Return what the counters of a sample name grew by."""
        name = recorded.grown_recently(sample, self.duration)
        return f"{scope.aggregate('sum')} ({select(name, scope, *matchers)})"


@dataclass(frozen=True, slots=True)
class Hours(Counted):
    """The hours until now, or the same ones of an earlier week.

    A missed hour counts as the mean of the others.

    Attributes:
        hours: How many.
        week: How many weeks ago.
        fewest: The smallest whole of a ratio that means something.
    """

    hours: int
    week: int = 0
    fewest: int = 0

    def grown(self, sample: str, scope: Scope, *matchers: str) -> str:
        """Return what the counters of a sample name grew by."""
        if sample == f"{_DURATION}_count":  # recorded as the histogram's last edge alone
            sample, matchers = f"{_DURATION}_bucket", (*matchers, one_of("le", "+Inf"))
        if sample == f"{_DURATION}_bucket":  # of those that succeeded alone
            matchers = tuple(each for each in matchers if each != _SUCCESS)
        offset = f" offset {self.week}w" if self.week else ""
        # A minute less, so that the evaluation at the window's very start is not in it as well.
        window = f"{self.hours * 60 - 1}m"
        mean = f"avg_over_time({select(recorded.hour(sample), scope, *matchers)}[{window}]{offset})"
        return f"({scope.aggregate('sum')} ({mean}) * {self.hours})"

    def quotient(self, part: str, whole: str) -> str:
        """Return a part by a whole, and nothing where the whole is too small."""
        return f"{part} / ({whole} {f'>= {self.fewest}' if self.fewest else '> 0'})"
