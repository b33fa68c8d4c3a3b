"""When the simulated past was scraped, and by which processes.

Ninety days at five minutes are 25,920 scrapes. The past is kept *thin* instead: a sample every
hour, and every five minutes only where something is asked in detail. Rules are evaluated every
five minutes all the same; where nothing was scraped they record nothing, so that an hour of the
thin past has one level.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

HOUR: Final = 3600
DAY: Final = 86_400
#: How long after the last scrape the history ends: every rule of five minutes has been evaluated
#: since, and no further scrape has been made.
AFTER_SCRAPE: Final = 299


@dataclass(frozen=True, slots=True)
class Pace:
    """How densely the past is sampled.

    Attributes:
        dense: Seconds between scrapes where they are dense; divides an hour.
        thin: Seconds between scrapes elsewhere; a multiple of ``dense`` that divides a day.
        dense_days: Length of the dense stretch at the end.
        moment_days: Length of the dense stretch round each moment of interest before.
    """

    dense: int = 300
    thin: int = HOUR
    dense_days: float = 1.0
    moment_days: float = 0.2


@dataclass(frozen=True, slots=True)
class Run:
    """One life of a process: scrapes after ``start``, up to ``end``, under one ``instance``."""

    instance: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Clock:
    """The simulated time.

    Attributes:
        start: Unix time of the first event at the earliest, whole days before the last scrape.
        last: The last scrape.
        scrapes: Unix times of all scrapes.
    """

    start: int
    last: int
    scrapes: tuple[int, ...]

    @property
    def end(self) -> int:
        """When the history is asked: a little after the last scrape."""
        return self.last + AFTER_SCRAPE

    def slot(self, time: float) -> int:
        """Return the index of the first scrape at or after a time."""
        return bisect_left(self.scrapes, time)

    def ago(self, days: float) -> int:
        """Return the scrape of the thin past that lies ``days`` before the last one."""
        return self.last - round(days * 24) * HOUR


def make_clock(*, end: float, days: int, pace: Pace, moments: Sequence[float] = ()) -> Clock:
    """Return the scrapes of a history.

    Args:
        end: Unix time at or before which the history ends.
        days: Its length.
        pace: How dense it is.
        moments: Days before the end round which it is dense as well, such as restarts.
    """
    last = (int(end) - AFTER_SCRAPE) // pace.dense * pace.dense
    start = last - days * DAY
    times = set(range(last, start, -pace.thin))
    spans = [(last - pace.dense_days * DAY, float(last))]
    for moment in moments:
        middle, half = last - moment * DAY, pace.moment_days * DAY / 2
        spans.append((middle - half, middle + half))
    for low, high in spans:
        # From one scrape of the thin past to another, so that no hour is half thin.
        first = last + int((low - last) // HOUR) * HOUR
        until = last - int((last - high) // HOUR) * HOUR
        times.update(range(max(start, first), min(last, until) + 1, pace.dense))
    return Clock(start, last, tuple(sorted(time for time in times if time > start)))
