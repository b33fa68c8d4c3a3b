"""The window that figures are of: what was observed, not what was asked for."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

#: A history that begins so many seconds late in a period is taken for the whole of it.
TOLERANCE: Final = 900
_MINUTE: Final = 60
_HOUR: Final = 3_600
_DAY: Final = 86_400
#: A unit is used from two of it on: "110 minutes" says more than "1 hour".
_UNITS: Final = ((_DAY, "days"), (_HOUR, "hours"), (_MINUTE, "minutes"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """The window that figures are of. Times are UTC.

    Attributes:
        since: When it begins: the beginning of the period, or of counting, whichever is later.
        until: When it ends.
        whole: Whether it is the whole period that was asked for.
        now: Whether it ends now.
    """

    since: datetime
    until: datetime
    whole: bool = True
    now: bool = True

    @property
    def seconds(self) -> float:
        """Its length in seconds."""
        return max(0.0, (self.until - self.since).total_seconds())

    @property
    def days(self) -> float:
        """Its length in days."""
        return self.seconds / _DAY

    @property
    def words(self) -> str:
        """Its name in a sentence, after "in"."""
        if not self.whole:
            return f"the {length(self.seconds)} since counting began"
        days = round(self.days)
        spoken = "24 hours" if days == 1 else f"{days} days"
        return f"the last {spoken}" if self.now else f"the {spoken} to {self.until:%d %b %Y}"


def observed(since: datetime, until: datetime, *, days: int, now: bool) -> Observed:
    """Return the window of a period of some days of which there is history since a time.

    Args:
        since: When history begins.
        until: When the period ends.
        days: How many days were asked for.
        now: Whether the period ends now.
    """
    asked = until - timedelta(days=days)
    whole = since <= asked + timedelta(seconds=TOLERANCE)
    return Observed(since=asked if whole else since, until=until, whole=whole, now=now)


def length(seconds: float) -> str:
    """Return a length of time in words, in one unit: ``4 minutes``, ``47 hours``."""
    for unit, name in _UNITS:
        if seconds >= 2 * unit:
            return f"{int(seconds // unit)} {name}"
    return f"{int(seconds)} seconds"
