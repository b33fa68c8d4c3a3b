"""When the rules of counting changed: what nothing is compared across.

Counters go on over an upgrade, and what is added to them may mean something else from then on: the
endpoints show by which revision of the rules they count. For every listing the revisions of the
processes that serve it are recorded, and a mark at each evaluation that finds other ones than the
one before did, or two at once. A window is within one revision where no mark is in it. Marks are
few, so that looking for them in two months costs next to nothing.
"""

from typing import Final, Protocol

from agent_analytics.insights._entries import Recording
from agent_analytics.insights._promql import rollups
from agent_analytics.insights._promql.scopes import LISTING, Scope
from agent_analytics.processor import catalogue


class Days(Protocol):
    """A window of days that ended some days ago."""

    @property
    def days(self) -> int:
        """Its length."""
        ...

    @property
    def ago(self) -> int:
        """How many days ago it ended."""
        ...


#: The revisions of a listing's processes, every five minutes, with the time as the value; those
#: that were known before; and the last ones of each day.
LEVEL: Final = "listing_accounting:level"
KNOWN: Final = "listing_accounting:known"
DAY: Final = "listing_accounting:day"
#: There at each evaluation that found the revisions changed, or two at once.
CHANGED: Final = "listing_accounting_changed"
#: Every series that is recorded here, with its labels.
RECORDED: Final[dict[str, tuple[str, ...]]] = {
    LEVEL: (*LISTING.by, "revision"),
    KNOWN: (*LISTING.by, "revision"),
    DAY: (*LISTING.by, "revision"),
    CHANGED: LISTING.by,
}

#: As far back as anything is compared.
_PAST: Final = "60d"
_ON: Final = f"on ({', '.join(LISTING.by)})"
_REVISION: Final = f"group by ({', '.join((*LISTING.by, 'revision'))})"
_TARGET: Final = "on (job, instance)"
_HERE: Final = Scope((*LISTING.by, "job", "instance")).aggregate("group") + (
    f" ({catalogue.INVOCATIONS.name})"
)


def _first(vector: str) -> str:
    """Say that a vector is of revision 1, whose releases did not show it."""
    return f'label_replace({vector}, "revision", "1", "", "")'


def _present() -> str:
    """Return the revisions of the processes that serve a listing now."""
    shown = f"max by (job, instance, revision) ({catalogue.ACCOUNTING.name})"
    return (
        f"{_REVISION} ({_HERE} * {_TARGET} group_left (revision) {shown}"
        f" or {_first(f'({_HERE} unless {_TARGET} {shown})')})"
    )


def _latest(name: str, window: str) -> str:
    """Return those of the recorded revisions that were seen last."""
    seen = f"last_over_time({name}[{window}])"
    return f"({seen} == {_ON} group_left () {LISTING.aggregate('max')} ({seen}))"


def _known() -> str:
    """Return the revisions that were there before: 1 where there were only figures."""
    every = rollups.EVERY_INVOCATION
    # An hour back: what is recorded of a listing as it appears is no past.
    figures = " or ".join(
        f"last_over_time({name}[{window}] offset 1h)"
        for name, window in ((rollups.hourly(every), "1d"), (rollups.day(every), _PAST))
    )
    first = _first(f"{LISTING.aggregate('group')} ({figures})")
    return f"{_latest(LEVEL, '1d')} or {_ON} {_latest(DAY, _PAST)} or {_ON} {first}"


def rules() -> list[Recording]:
    """Return the rules that record revisions, to be evaluated with the levels, in order."""
    alike = f"on ({', '.join((*LISTING.by, 'revision'))})"
    return [
        # Before the level moves on.
        Recording(record=KNOWN, expr=_known()),
        Recording(record=LEVEL, expr=f"{_present()} * time()"),
        Recording(
            record=CHANGED,
            expr=(
                f"{LISTING.aggregate('group')} (\n"
                f"({LEVEL} unless {alike} {KNOWN}) and {_ON} {KNOWN}\n"
                f"or ({KNOWN} unless {alike} {LEVEL}) and {_ON} {LEVEL}\n"
                f") or {LISTING.aggregate('count')} ({LEVEL}) > 1"
            ),
        ),
        Recording(
            record=DAY,
            expr=(
                f"{_latest(LEVEL, '1d')}"
                f" and on () (hour() == 0 and minute() < {rollups.LEVEL_MINUTES})"
            ),
        ),
    ]


def unless_changed(window: str) -> str:
    """Return the end of a condition that no listing meets whose revision changed in a window."""
    return f"unless {_ON} last_over_time({CHANGED}[{window}])"


def since(period: Days) -> str:
    """Return the end of a condition: whose revision changed since a period began is left out."""
    return unless_changed(f"{period.days + period.ago}d")
