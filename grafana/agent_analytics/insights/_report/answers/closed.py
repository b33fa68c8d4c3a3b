"""What is recorded of weeks and months that have ended: the last few, read when each stands.

Of a publisher what is published, and so of five tenants at least; of the marketplace everything.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

from agent_analytics.insights._prometheus.client import PrometheusClient, Sample
from agent_analytics.insights._promql.closed import shown, tenants
from agent_analytics.insights._promql.scopes import Scope
from agent_analytics.insights._report.answers.figures import rounded
from agent_analytics.insights._report.answers.history import History
from agent_analytics.insights._report.answers.model import Month, Week
from agent_analytics.insights._report.known.times import utc

#: How many of each are read.
_WEEKS: Final = 4
_MONTHS: Final = 4
_DAY: Final = timedelta(days=1)
#: How long after a week the last of it is recorded; before, the one before it would be found.
_RECORDED: Final = timedelta(hours=6)
_PLACES: Final = 6
_CENTS: Final = 9


def weeks(client: PrometheusClient, history: History, scope: Scope) -> tuple[Week, ...]:
    """Return the last ISO weeks of which anything is recorded, newest first."""
    came = tenants.CAME if scope.where else tenants.NEW
    exprs = {
        "installs": shown.installs(scope),
        "came": shown.tenants_moved(came, scope),
        "revenue": shown.revenue(scope),
    }
    end = _midnight(history)
    monday = end - timedelta(days=end.weekday())
    if utc(history.at) - monday < _RECORDED:
        monday -= timedelta(days=7)
    found: list[Week] = []
    for _ in range(_WEEKS):
        answers = client.query_many(exprs, at=_after(monday, history))
        if any(answers.values()):
            found.append(
                Week(
                    first=(monday - timedelta(days=7)).date(),
                    installs=_one(answers["installs"], _PLACES),
                    came=_one(answers["came"], _PLACES),
                    revenue=_one(answers["revenue"], _CENTS),
                )
            )
        monday -= timedelta(days=7)
    return tuple(found)


def months(client: PrometheusClient, history: History, scope: Scope) -> tuple[Month, ...]:
    """Return the last months of which anything is recorded, newest first."""
    expr = shown.months_returned(scope)
    found: list[Month] = []
    for first, following in _last_months(history):
        samples = client.query(expr, at=_after(following, history))
        returned = {
            int(sample.labels["months"]): value
            for sample in samples
            if (value := rounded(sample.value, _PLACES)) is not None
        }
        if returned:
            found.append(Month(first=first.date(), returned=dict(sorted(returned.items()))))
    return tuple(found)


def _last_months(history: History) -> Iterator[tuple[datetime, datetime]]:
    """Yield the beginnings of months that have ended and of those after them, newest first."""
    following = _midnight(history).replace(day=1)
    for _ in range(_MONTHS):
        first = (following - _DAY).replace(day=1)
        yield first, following
        following = first


def _midnight(history: History) -> datetime:
    return utc(history.at).astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def _after(moment: datetime, history: History) -> float:
    """Return when what ended at a moment is looked for: a day later, if that has come."""
    return min((moment + _DAY).timestamp(), history.at)


def _one(samples: list[Sample], places: int) -> float | None:
    return rounded(samples[0].value, places) if samples else None
