"""The ISO week that has ended, as rules record it once: on the Monday after it."""

from dataclasses import dataclass
from typing import Final

from agent_analytics.insights._promql import moments, rollups
from agent_analytics.insights._promql.scopes import Scope, select
from agent_analytics.insights._promql.windows.protocol import Counted
from agent_analytics.processor import catalogue

#: The hour of the Monday in which growth is read: what closes the Sunday is there by then.
_AT: Final = moments.week(2)
#: Minutes since the marks of a midnight are all there, and since that midnight.
_MARKED: Final = 55
_MIDNIGHT: Final = 120
_WEEK: Final = 7 * 24 * 60


@dataclass(frozen=True, slots=True)
class IsoWeek(Counted):
    """The seven UTC days, Monday to Sunday, that ended last; to stand in ``moment.once``."""

    @property
    def moment(self) -> moments.Moment:
        """When it is asked about."""
        return _AT

    def grown(self, sample: str, scope: Scope, *matchers: str) -> str:
        """Return what the counters of a sample name grew by, to the last level at either end.

        A series that was not there when the week began was born in it at 0. One that has vanished
        since counts with its last level.
        """
        if sample == catalogue.INVOCATIONS.name and not matchers and "outcome" not in scope.by:
            sample = rollups.EVERY_INVOCATION
        mark = select(rollups.day(sample), scope, *matchers)
        last = _AT.read("last_over_time", mark, "7d", ago=_MARKED)
        first = _AT.read("last_over_time", mark, "3d", ago=_MARKED + _WEEK)
        drops = select(rollups.drop(sample), scope, *matchers)
        fell = _AT.read("sum_over_time", drops, "7d", ago=_MIDNIGHT)
        told = f'label_replace({fell}, "part", "drop", "", "")'
        return f"{scope.aggregate('sum')} (({last} - {first}) or {last} or {told})"

    @property
    def whole(self) -> str:
        """Something where levels were recorded as the week began: else not all of it is known."""
        mark = rollups.day(rollups.EVERY_INVOCATION)
        return f"count ({_AT.read('last_over_time', mark, '3d', ago=_MARKED + _WEEK)})"


ISO_WEEK: Final = IsoWeek()
