"""Which version of a listing is current, which was before it, and how the two compare.

The *current* version is the one that most invocations are of: more than half of those of the last
hour where there are a hundred, else of the last day. Where no version has more than half, the one
that was current stays. So a version that is tried on a few calls is not current yet, and one that
is rolled back to is current again, once most calls are its own. The *previous* version is the one
that was current before. What both have counted is compared as shares and means: of the current one
over seven days, of the previous one over thirty, so that its whole time counts.

What is recorded knows its own past, a day of it: a Prometheus that was down for longer begins anew
with the version that is current then, and knows no previous one until the next release.
"""

from typing import Final

from agent_analytics.insights._entries import Recording
from agent_analytics.insights._promql import recorded, rollups
from agent_analytics.insights._promql.recorded import Days
from agent_analytics.insights._promql.scopes import (
    FAILED,
    JUDGED,
    LISTING,
    SUCCESS,
    Scope,
    one_of,
    select,
)
from agent_analytics.processor import catalogue

#: One answer a listing and version.
VERSION: Final = Scope((*catalogue.LISTING_LABELS, "version"))

#: Invocations of each version in the last hour.
HOUR: Final = "listing_release_invocations:hour"
#: The same, or those of the last day where those of the hour are few.
LATELY: Final = "listing_release_invocations:lately"
#: Since when the current version is that, as Unix time.
CURRENT: Final = "listing_release_current_timestamp_seconds"
#: The same of the version that was current before.
PREVIOUS: Final = "listing_release_previous_timestamp_seconds"

#: Invocations of an hour from which an hour says which version is current.
BUSY: Final = 100
#: How far back what is current is remembered.
_REMEMBERED: Final = "1d"
_ON_LISTING: Final = f"on ({', '.join(LISTING.by)})"
_ON_VERSION: Final = f"on ({', '.join(VERSION.by)})"
_LEVEL: Final = rollups.level(catalogue.RELEASE_INVOCATIONS.name)
_HOURLY: Final = rollups.hourly(catalogue.RELEASE_INVOCATIONS.name)

#: The windows of the current version and of the one before it, by their names.
WINDOWS: Final[dict[str, tuple[str, Days]]] = {
    "current": (CURRENT, recorded.WEEK),
    "previous": (PREVIOUS, recorded.MONTH),
}

_INVOCATIONS: Final = catalogue.RELEASE_INVOCATIONS.name
#: What is compared: the counter, and which of its series.
FIGURES: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "invocations": (_INVOCATIONS, ()),
    "judged": (_INVOCATIONS, (one_of("outcome", *JUDGED),)),
    "failed": (_INVOCATIONS, (one_of("outcome", *FAILED),)),
    "responses": (_INVOCATIONS, (one_of("outcome", SUCCESS),)),
    "slow": (catalogue.RELEASE_SLOW_INVOCATIONS.name, ()),
    "cost": (catalogue.RELEASE_MODEL_COST.name, ()),
    "ratings": (catalogue.RELEASE_RATINGS.name, ()),
    "stars": (catalogue.RELEASE_RATING_STARS.name, ()),
}
#: Shares whose change is tested for chance: a part and what it is a part of.
SHARES: Final = {"failed": "judged", "slow": "responses"}
#: What a share is at least, for its logarithm.
_SMALLEST: Final = 1e-9


def figure(name: str, which: str) -> str:
    """Return the name under which a figure of the current or the previous version is recorded."""
    return f"listing_release_{name}:{which}"


def evidence(part: str) -> str:
    """Return the name of how much speaks against a share being that of the previous version."""
    return f"listing_release_{part}:evidence"


#: Every series that is recorded here, with its labels.
RECORDED: Final[dict[str, tuple[str, ...]]] = {
    **dict.fromkeys((HOUR, LATELY, CURRENT, PREVIOUS), VERSION.by),
    **{figure(name, which): LISTING.by for name in FIGURES for which in WINDOWS},
    **{evidence(part): LISTING.by for part in SHARES},
}


def _moved(then: str) -> str:
    """Invocations of each version since some time: of series that are newer, all."""
    return f"{VERSION.aggregate('sum')} (({_LEVEL} - ({then})) >= 0 or {_LEVEL})"


def _latest(memory: str) -> str:
    """Of the versions that something remembers, the one of the greatest time."""
    newest = f"{_ON_LISTING} group_left () {LISTING.aggregate('max')} ({memory})"
    return f"({memory} == {newest})"


def current() -> list[Recording]:
    """Return the rules that find the current and the previous version, in order."""
    # Further back where nothing was recorded just then: a series that looks new has all its calls.
    hour = _moved(f"last_over_time({_LEVEL}[{rollups.LEVELS_BACK}] offset 1h)")
    day = _moved(f"last_over_time({_HOURLY}[{rollups.HOURS_BACK}] offset 1d)")
    busy = f"({LISTING.aggregate('sum')} ({HOUR}) >= {BUSY})"
    lately = f"{HOUR} and {_ON_LISTING} {busy}\nor ({day} unless {_ON_LISTING} {busy})"
    whole = f"0.5 * {LISTING.aggregate('sum')} ({LATELY})"
    named = f'{LATELY}{{version!="{catalogue.OTHER}"}}'
    most = f"({named} > {_ON_LISTING} group_left () {whole})"
    before = _latest(f"last_over_time({CURRENT}[{_REMEMBERED}])")
    there = f"{LISTING.aggregate('group')} ({_LEVEL})"
    other = f"(last_over_time({CURRENT}[{_REMEMBERED}]) unless {_ON_VERSION} {CURRENT})"
    known = f"(last_over_time({PREVIOUS}[{_REMEMBERED}]) unless {_ON_VERSION} {CURRENT})"
    return [
        Recording(record=HOUR, expr=hour),
        Recording(record=LATELY, expr=lately),
        Recording(
            record=CURRENT,
            expr=(
                f"{before} and {_ON_VERSION} {most}\n"
                f"or (({before} unless {_ON_LISTING} {most}) and {_ON_LISTING} {there})\n"
                f"or (0 * {most} + time())"
            ),
        ),
        Recording(
            record=PREVIOUS,
            expr=(
                f"({_latest(other)} and {_ON_LISTING} {CURRENT})\n"
                f"or {_ON_LISTING} ({_latest(known)} and {_ON_LISTING} {CURRENT})"
            ),
        ),
    ]


def figures() -> list[Recording]:
    """Return the rules that record what the two versions have counted, and what the test says."""
    found = [
        Recording(
            record=figure(name, which),
            expr=(
                f"{LISTING.aggregate('sum')}"
                f" ({recorded.lately(select(recorded.grown(sample, window), LISTING, *matchers))}"
                f" and {_ON_VERSION} {version})"
            ),
        )
        for name, (sample, matchers) in FIGURES.items()
        for which, (version, window) in WINDOWS.items()
    ]
    found += [
        Recording(record=evidence(part), expr=_evidence(part, whole))
        for part, whole in SHARES.items()
    ]
    return found


def _evidence(part: str, whole: str) -> str:
    """How much speaks against two shares being one: a log-likelihood ratio, as of unusual errors.

    Chance brings so different counts with a probability below ``exp(-x)``, where the versions are
    alike.
    """
    of = {which: (figure(part, which), figure(whole, which)) for which in WINDOWS}
    parts = " + ".join(count for count, _ in of.values())
    wholes = " + ".join(number for _, number in of.values())
    share = f"clamp_min(({parts}) / ({wholes}), {_SMALLEST})"
    return " + ".join(
        f"{count} * ln(clamp_min({count} / {number}, {_SMALLEST}) / {share})"
        for count, number in of.values()
    )


def share(part: str, whole: str, which: str, scope: Scope = LISTING) -> str:
    """Return a ratio of two figures of the current or the previous version."""
    below = select(figure(whole, which), scope)
    return f"({select(figure(part, which), scope)} / ({below} > 0))"


def became_current(before: str, scope: Scope = LISTING) -> str:
    """Versions that are current and were not some time before; none where nothing was known."""
    now = select(CURRENT, scope)
    then = f"{now} offset {before}"
    return f"({now} unless {_ON_VERSION} {then} and {_ON_LISTING} {then})"
