"""Panels of ISO weeks and months that have ended: tenants, listings, and others of one's kind."""

from dataclasses import dataclass
from typing import Final

from grafana_foundation_sdk.builders import table, timeseries

from agent_analytics.insights._dashboards.parts.panels import (
    COUNT,
    SHARE,
    USD,
    Steps,
    instant,
    lines,
    query,
)
from agent_analytics.insights._dashboards.parts.scopes import FAILURES, RATING, SECONDS
from agent_analytics.insights._dashboards.parts.tables import Column, rows, weeks
from agent_analytics.insights._promql.closed import groups, listings, shown, tenants
from agent_analytics.insights._promql.scopes import Scope

_WEEK = "1w"
_COLOURS = (
    ("kept", "blue"),
    ("new", "green"),
    ("returned", "super-light-green"),
    ("came", "green"),
    ("gone", "red"),
)


def movements(scope: Scope, who: str) -> timeseries.Panel:
    """Return the panel of who came, stayed and went from week to week."""
    published = bool(scope.where)
    came = (tenants.CAME,) if published else (tenants.NEW, tenants.RETURNED)
    shows = [(tenants.KEPT, ""), *((movement, "") for movement in came), (tenants.CHURNED, "-")]
    hidden = (
        " A week in which any of the three is of fewer than five tenants is left out."
        if published
        else ""
    )
    return lines(
        "Tenants week by week",
        f"Of each ISO week, recorded on the Monday after it: tenants of {who} who had been there in"
        f" the week before, who came, and, below zero, who did not come back. Estimates.{hidden}",
        [
            query(
                f"{sign}{shown.tenants_moved(movement, scope)}",
                "gone" if movement == tenants.CHURNED else movement,
                ref=chr(65 + place),
                step=_WEEK,
            )
            for place, (movement, sign) in enumerate(shows)
        ],
        unit=COUNT,
        bars=True,
        lowest=None,
        colours=_COLOURS,
    )


def revenue_movements(scope: Scope) -> timeseries.Panel:
    """Return the panel of what listings take more or less than in the week before."""
    return lines(
        "Revenue won and lost week by week",
        "By how much the revenue of an ISO week differs from the week before, by what became of the"
        " listings: new ones, ones that return after weeks of nothing, ones that grow and shrink,"
        " and ones that nobody used any more.",
        [
            query(
                shown.revenue_moved(movement, scope),
                movement,
                ref=chr(65 + place),
                step=_WEEK,
            )
            for place, movement in enumerate(listings.MOVEMENTS)
        ],
        unit=USD,
        bars=True,
        lowest=None,
        colours=(
            ("new", "green"),
            ("returned", "super-light-green"),
            ("grown", "blue"),
            ("shrunk", "orange"),
            ("gone", "red"),
        ),
    )


def month_cohorts(scope: Scope, who: str) -> table.Panel:
    """Return the table of who came back from month to month, by months between."""
    names = [f"{count} month{'s' if count > 1 else ''} ago" for count in tenants.MONTHS]
    hidden = (
        " What is of fewer than five tenants, or leaves fewer, is left out." if scope.where else ""
    )
    return weeks(
        "Tenants who came back, by month",
        f"Each row is a month, by the day after its figures were recorded: how many of those who"
        f" were tenants of {who} one month before it, two and three were there again. An estimate,"
        f" within about 3 points.{hidden}",
        [
            query(shown.tenants_returned(count, scope), name, ref=chr(64 + count), step="1d")
            for count, name in enumerate(names, 1)
        ],
        columns={
            "Time": Column(name="Month before", unit="time:YYYY-MM-DD", width=120),
            **{name: Column(name=name, unit=SHARE, decimals=0) for name in names},
        },
        span="119d",
    )


def funnel(scope: Scope, who: str) -> timeseries.Panel:
    """Return the panel of how many installed, came for the first time, and what was charged."""
    published = bool(scope.where)
    came = tenants.CAME if published else tenants.NEW
    first = "came (new or back)" if published else "used it first"
    hidden = (
        " Who came is left out where that is of fewer than five tenants, or where they would be"
        " known from it."
        if published
        else ""
    )
    return lines(
        "From install to revenue, week by week",
        f"Of each ISO week: installs of {who}, tenants who came, estimated, and US dollars charged."
        " A tenant may use what it did not install, and installs that are never used are in the"
        f" first step alone. How many tenants were charged is not counted.{hidden}",
        [
            query(shown.installs(scope), "installed", ref="A", step=_WEEK),
            query(shown.tenants_moved(came, scope), first, ref="B", step=_WEEK),
            query(shown.revenue(scope), "US dollars charged", ref="C", step=_WEEK),
        ],
        unit=COUNT,
        bars=True,
        colours=(("installed", "blue"), (first, "green"), ("US dollars charged", "purple")),
    )


@dataclass(frozen=True, slots=True)
class _Compared:
    """How a table of a measure of groups reads."""

    title: str
    what: str
    unit: str
    decimals: int
    steps: Steps


_MEASURES: Final = {
    groups.ERROR_RATE: _Compared(
        "Error rate", "Share of the week's calls that failed", SHARE, 2, FAILURES
    ),
    groups.P95: _Compared(
        "p95 response time",
        "Time within which 19 of 20 successful calls were answered; of several agents the mean, by"
        " their calls",
        "s",
        2,
        SECONDS,
    ),
    groups.RATING: _Compared(
        "Satisfaction", "Mean rating by tenants, 1 to 5, from five ratings on", "none", 2, RATING
    ),
}


def against_others(measure: groups.Measure, scope: Scope) -> table.Panel:
    """Return the table of a publisher's figure beside the middle half of its kind."""
    names = {"0.25": "A quarter is below", "0.5": "Half are below", "0.75": "A quarter is above"}
    read = _MEASURES[measure]
    return rows(
        f"{read.title} against others of its kind",
        f"{read.what}: of the publisher's agents of a group, beside the quartiles of all publishers"
        " of the group, where there are at least five. Of the ISO week that ended last. Which"
        " agents are of a group is the marketplace's word.",
        [
            instant(shown.of_group(measure, scope), ref="A", rows=True),
            *(
                instant(shown.group_quartile(measure, label, scope), ref=chr(66 + place), rows=True)
                for place, label in enumerate(names)
            ),
        ],
        columns={
            "publisher_id": Column(name="Publisher", width=150),
            "group": Column(name="Group", width=150),
            "Value #A": Column(
                name=read.title, unit=read.unit, decimals=read.decimals, steps=read.steps
            ),
            **{
                f"Value #{chr(66 + place)}": Column(
                    name=name, unit=read.unit, decimals=read.decimals
                )
                for place, name in enumerate(names.values())
            },
        },
        sort=read.title,
    )
