"""From when on there is history, and what a period is read from.

Roll-ups answer windows of days. Where they are younger than the period, raw series answer as far as
they go back: a fresh installation has figures from its first scrape on.
"""

import math
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise
from typing import Final

from agent_analytics.insights._prometheus.client import PrometheusClient
from agent_analytics.insights._promql import rollups, scopes
from agent_analytics.insights._promql.scopes import Scope, select
from agent_analytics.insights._promql.windows import GraphPeriod, Period, Raw, RawPeriod
from agent_analytics.insights._report.answers.model import Freshness, NoData
from agent_analytics.insights._report.known.observed import TOLERANCE
from agent_analytics.insights._report.known.times import utc
from agent_analytics.processor import catalogue

DAY: Final = 86_400
_COUNTER: Final = catalogue.INVOCATIONS.name
_MARK: Final = scopes.one_of("outcome", scopes.SUCCESS)
#: Steps of the search for the beginning of history, in seconds, coarse to fine.
_STEPS: Final = (21_600, 300, 5)
#: Seconds in which a counter that is scraped and recorded as usual is met at any moment.
_MOMENT: Final = 600
#: Age in seconds from which roll-ups, up to five minutes behind, are fresh enough.
_ROLLUPS_SETTLED: Final = 7_200
#: Step of looking for counters that began anew, by the seconds of history up to which it is used:
#: about as long as a scrape lasts while that is cheap.
_RAW_STEPS: Final = ((300, 1), (1_800, 5), (21_600, 15))
_COARSE_STEP: Final = 300


@dataclass(frozen=True, slots=True)
class History:
    """What a period is read from.

    Attributes:
        at: Unix time at which Prometheus is asked.
        since: Unix time at which history begins.
        period: The period, with what it is read from.
        now: Whether it ends now, and not at a time that was asked for.
        begun: Unix time at which counting of whatever is asked about began, if it is known.
        recorded: Unix time at which roll-ups begin, if there are any.
    """

    at: float
    since: float
    period: Period
    now: bool = True
    begun: float | None = None
    recorded: float | None = None

    @property
    def whole(self) -> bool:
        """Whether history reaches the beginning of the period."""
        return self.since <= self.at - self.period.days * DAY + TOLERANCE

    @property
    def comparable(self) -> bool:
        """Whether history reaches the beginning of the period before."""
        return self.since <= self.at - 2 * self.period.days * DAY + TOLERANCE

    @property
    def days(self) -> int:
        """Days of the period of which there is history, the last one begun included."""
        return min(self.period.days, max(1, math.ceil((self.at - self.since) / DAY)))

    @property
    def day(self) -> Period:
        """The last day, read from the same."""
        if isinstance(self.period, RawPeriod):
            raw = self.period.raw
            return RawPeriod(1, raw=replace(raw, seconds=min(raw.seconds, DAY)))
        return GraphPeriod(1)

    def notes(self) -> list[str]:
        """Return in sentences what is missing for want of history."""
        notes: list[str] = []
        if not self.whole:
            notes.append(
                f"History begins {utc(self.since):%Y-%m-%d %H:%M} UTC, within the period: what"
                " happened before is not in the figures, except that a counter that was running"
                " already counts with all it had."
            )
        if not self.comparable:
            notes.append(
                "Trends and retention are not available: they compare with the period before, and"
                f" history begins {utc(self.since):%Y-%m-%d %H:%M} UTC."
            )
        return notes


def find_history(client: PrometheusClient, *, days: int, at: float | None) -> History:
    """Find out what a period that ends at ``at`` (None: now) is read from.

    Raises:
        NoData: There is nothing of any listing.
    """
    end = client.now() if at is None else at
    every = Scope(())
    recorded = _beginning(client, rollups.level(_COUNTER), end, days, every)
    if recorded is not None and recorded <= end - days * DAY + TOLERANCE:
        return History(end, recorded, Period(days), at is None)
    begun = _beginning(client, _COUNTER, end, days, every)
    settled = recorded is not None and end - recorded > _ROLLUPS_SETTLED
    if recorded is not None and (begun is None or (settled and recorded - begun <= TOLERANCE)):
        return History(end, recorded, Period(days), at is None)
    if begun is None:
        message = (
            f"Prometheus at {client.url} has no metrics of agents in the {days} days before"
            f" {utc(end):%Y-%m-%d %H:%M} UTC"
        )
        raise NoData(message)
    seconds = min(days * DAY, math.ceil(end - begun) + 60)
    step = next((step for most, step in _RAW_STEPS if seconds <= most), _COARSE_STEP)
    # Counters are compared step by step, and the last step has to end where the period ends.
    live = at is None and step != _COARSE_STEP
    aligned = (math.ceil if live else math.floor)(end / step) * step
    raw_period = RawPeriod(days, raw=Raw(min(days * DAY, seconds + step), step))
    return History(float(aligned), begun, raw_period, at is None, recorded=recorded)


def of_scope(client: PrometheusClient, history: History, scope: Scope) -> History:
    """Return a history with the time at which counting of a scope began.

    A publisher who came yesterday has the figures of a day, however long others have been there.
    """
    name = _COUNTER if isinstance(history.period, RawPeriod) else rollups.level(_COUNTER)
    begun = _beginning(client, name, history.at, history.period.days, scope)
    return history if begun is None else replace(history, begun=max(begun, history.since))


def _beginning(
    client: PrometheusClient, name: str, end: float, days: int, scope: Scope
) -> float | None:
    """Return when a counter of a scope was first there in twice the period, to a few seconds."""
    start = end - 2 * days * DAY
    counter = select(name, replace(scope, by=()), _MARK)

    def times(until: float, step: int, window: int) -> list[float]:
        # The grid ends where it is asked to, and not somewhere before.
        steps = math.floor((until - start) / step)
        if steps < 0:
            return []
        found = client.query_range(
            f"count (last_over_time({counter}[{window}s]))",
            start=until - steps * step,
            end=until,
            step=step,
        )
        return [time for series in found for time in series.points]

    # The first look is at single moments: reading all of it would take too long. What it misses
    # before the first of them is sparse, so that reading all of that takes no time.
    coarse = _STEPS[0]
    first = min(times(end, coarse, _MOMENT), default=None)
    until = end if first is None else first - _MOMENT
    first = min(times(until, coarse, coarse), default=first)
    if first is None:
        return None
    for step, finer in pairwise(_STEPS):
        if first <= start:
            break
        start = max(start, first - step)
        first = min(times(first, finer, finer), default=first)
    return first


def freshness(client: PrometheusClient, history: History, scope: Scope) -> Freshness:
    """Return how fresh the figures of a scope are."""
    span = f"max (last_over_time({catalogue.LAST_SPAN.name}[1d]))"
    spans = client.query(span, at=history.at)
    last = spans[0].value if spans else None
    scraped, rolled = (
        _last_time(client, history, select(name, scope))
        for name in (_COUNTER, rollups.level(_COUNTER))
    )
    return Freshness(
        as_of=utc(history.at),
        history_since=utc(history.since if history.begun is None else history.begun),
        scraped_at=_time(scraped, history),
        rolled_up_at=_time(rolled, history),
        last_span_at=_time(last, history),
        source="raw" if isinstance(history.period, RawPeriod) else "rollups",
        now=history.now,
    )


def _time(seconds: float | None, history: History) -> datetime | None:
    if seconds is None or seconds <= 0:
        return None
    return utc(min(seconds, history.at))


def _last_time(client: PrometheusClient, history: History, selector: str) -> float | None:
    """Return when something was last there, of a day."""
    # The second reads a day of all series: only where nothing is there now.
    for expr in (
        f"max (timestamp({selector}))",
        f"max (max_over_time(timestamp({selector})[1d:5m]))",
    ):
        found = client.query(expr, at=history.at)
        if found:
            return found[0].value
    return None
