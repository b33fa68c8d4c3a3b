"""The tenants of the simulated marketplace: when each comes, leaves, and comes back.

Who leaves the marketplace stops using every listing of it, so that its tenants fade week by week,
as those of a listing do. Two in five newcomers have only come to look; of the others half are still
there after about nine weeks. One in four who leave is back some weeks later.
"""

import math
from collections.abc import Iterator
from random import Random
from typing import Final

from agent_analytics.demo._history.clock import DAY, Clock

#: Share of the newcomers who have come to look, and how many days they stay on average.
_LOOKING: Final = 0.4
_LOOKING_DAYS: Final = 7.0
#: How many days the others stay on average.
_STAYING_DAYS: Final = 90.0
#: Share of those who leave who come back, and after how many days away at least and at most.
_BACK: Final = 0.25
_AWAY_DAYS: Final = (14.0, 56.0)
#: Days a tenant is there in all, on average: the stays after the first are those of who stays.
_DAYS_THERE: Final = (
    _LOOKING * _LOOKING_DAYS + (1 - _LOOKING) * _STAYING_DAYS + _BACK / (1 - _BACK) * _STAYING_DAYS
)
#: Days before the first one since which newcomers have come: by then as many leave as come.
_BEFORE: Final = 730
#: For how many days somebody is new.
_NEW_DAYS: Final = 7
#: Tenants, the first by number, who have always been there and never leave.
LOYAL: Final = 8


class Population:
    """Who is a tenant of the marketplace on which UTC day.

    Attributes:
        loyal: Tenants who are there every day.
    """

    def __init__(self, seed: int, clock: Clock, size: int) -> None:
        """Draw the lives of all tenants.

        Args:
            seed: Decides every draw.
            clock: The simulated time.
            size: How many tenants there are on a day, about.
        """
        random = Random(f"{seed}/tenants")
        self.loyal = range(LOYAL)
        self._first = clock.start // DAY
        days = clock.last // DAY - self._first + 1
        self._here: list[set[int]] = [set(self.loyal) for _ in range(days)]
        self._new: list[list[int]] = [[] for _ in range(days)]
        arrivals = (size - LOYAL) / _DAYS_THERE
        came = -float(_BEFORE)
        tenant = LOYAL
        while True:
            came += random.expovariate(arrivals)
            if came >= days:
                break
            for first, last in _stays(came, days, random):
                for day in range(max(0, math.floor(first)), min(days, math.floor(last) + 1)):
                    self._here[day].add(tenant)
            for day in range(max(0, math.floor(came)), min(days, math.floor(came) + _NEW_DAYS)):
                if tenant in self._here[day]:
                    self._new[day].append(tenant)
            tenant += 1
        self._sorted = [sorted(here) for here in self._here]

    def here(self, time: float) -> set[int]:
        """Return the tenants of the day of a Unix time."""
        return self._here[self._day(time)]

    def everybody(self, time: float) -> list[int]:
        """Return the tenants of the day of a Unix time, in order."""
        return self._sorted[self._day(time)]

    def newcomers(self, time: float) -> list[int]:
        """Return those of them who came first less than a week ago."""
        return self._new[self._day(time)]

    def _day(self, time: float) -> int:
        return int(time // DAY) - self._first


def _stays(came: float, days: int, random: Random) -> Iterator[tuple[float, float]]:
    """Yield the stays of a tenant, in days since the first one, until the last day."""
    mean = _LOOKING_DAYS if random.random() < _LOOKING else _STAYING_DAYS
    while came < days:
        left = came + random.expovariate(1 / mean)
        yield came, left
        if random.random() >= _BACK:
            return
        came = left + random.uniform(*_AWAY_DAYS)
        mean = _STAYING_DAYS
