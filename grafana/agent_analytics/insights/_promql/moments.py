"""The moments at which ISO weeks and months have ended, for rules that are evaluated every hour.

What is recorded of a week or a month is recorded once, in one hour after its end, and never again:
late data changes nothing that was shown. At other hours nothing is read, which `and` would not
spare: a subquery has no step there. Steps are multiples of their length since the epoch, which was
a Thursday; so the subquery looks back from the Thursday before, and what is inside it ahead again.
"""

from dataclasses import dataclass
from typing import Final

_HOUR: Final = 60
_DAY: Final = 24 * _HOUR
#: An hour that does not have both of its ends: one evaluation of every hour is in it.
_ONE_HOUR: Final = "59m59s999ms"


@dataclass(frozen=True, slots=True)
class Moment:
    """An hour after the end of every week, or of every day.

    Attributes:
        step: Length of what has ended.
        shift: Minutes from a step of that length to an end of it.
        hour: How many hours after the end; what an hour records, later ones look up.
    """

    step: str
    shift: int
    hour: int

    def once(self, expr: str) -> str:
        """Return an expression that is there in one evaluation, as of the beginning of the hour.

        Args:
            expr: What is asked; every selector in it is one of :meth:`read`.
        """
        return f"last_over_time(({expr})[{_ONE_HOUR}:{self.step}] offset {_duration(self._ahead)})"

    def read(self, function: str, selector: str, window: str, *, ago: int = 0) -> str:
        """Return a function of a selector over a window, to stand in :meth:`once`.

        Args:
            function: Such as ``last_over_time``.
            selector: What is read.
            window: Length of the window.
            ago: Minutes before the beginning of the hour at which the window ends.
        """
        offset = ago - self._ahead
        spelled = f" offset {'-' if offset < 0 else ''}{_duration(abs(offset))}" if offset else ""
        return f"{function}({selector}[{window}]{spelled})"

    def latest(self, selector: str, *, days: int = 0) -> str:
        """Return what an earlier hour recorded, some days ago."""
        return self.read("last_over_time", selector, "1d", ago=days * _DAY)

    @property
    def _ahead(self) -> int:
        return self.shift + self.hour * _HOUR


def week(hour: int) -> Moment:
    """Return an hour of a Monday, UTC: an ISO week has ended at midnight."""
    return Moment("7d", 4 * _DAY, hour)


def day(hour: int) -> Moment:
    """Return an hour of every day, UTC."""
    return Moment("1d", 0, hour)


def _duration(minutes: int) -> str:
    """Return minutes as a duration of Prometheus."""
    days, rest = divmod(minutes, _DAY)
    hours, left = divmod(rest, _HOUR)
    parts = ((days, "d"), (hours, "h"), (left, "m"))
    return "".join(f"{number}{unit}" for number, unit in parts if number)
