"""What a publisher is told, and the rules that one finding becomes.

A finding's condition is a recording rule, and its alert selects what is recorded: the number that
the condition measured is a series, which the alert, the dashboards and the report show alike.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from agent_analytics.insights._definitions.model import (
    Category,
    Definition,
    Severity,
    Threshold,
    annotations,
    labels,
)
from agent_analytics.insights._definitions.texts import DOLLARS, THIS, THIS_TOOL, asked, observed
from agent_analytics.insights._entries import Recording, Rule
from agent_analytics.insights._promql import counting
from agent_analytics.insights._promql import recorded as _recorded
from agent_analytics.insights._promql.queries import select
from agent_analytics.insights._promql.windows import Period
from agent_analytics.processor.catalogue import LISTING_LABELS


def recorded(window: _recorded.Days) -> Period:
    """Return a window of days as it is recorded for insights."""
    days, ago = window
    return Period(days, ago, recorded=True)


MONTH: Final = recorded(_recorded.MONTH)
WEEK: Final = recorded(_recorded.WEEK)
DAY: Final = recorded(_recorded.DAY)
MONTH_BEFORE: Final = recorded(_recorded.MONTH_BEFORE)
WEEK_BEFORE: Final = recorded(_recorded.WEEK_BEFORE)
WEEK_EARLIER: Final = recorded(_recorded.WEEK_EARLIER)
FOUR_WEEKS_BEFORE: Final = recorded(_recorded.FOUR_WEEKS_BEFORE)

#: The publisher's periods by what the label ``traffic`` calls them, the longest first: a listing
#: that is bad over a month need not be told of its last day as well.
PERIODS: Final = {"period": MONTH, "week": WEEK, "day": DAY}
DAY_SECONDS: Final = 86_400
#: How a period is named in a sentence.
SPOKEN: Final = {MONTH: "30 days", WEEK: "7 days", DAY: "24 hours"}


def a_day(total: str, period: Period) -> str:
    """Return a period's total by the days that were observed of it."""
    return counting.a_day(total, period.days)


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One question of a finding.

    Attributes:
        traffic: The label that tells it from the finding's other questions.
        measure: The measured number, as PromQL; the alert's value.
        threshold: When it is bad.
        conditions: What has to hold besides: lines that begin with ``and`` or ``unless``.
        window: What ``{window}`` in the description stands for.
        seconds: Length of that window, where the description shall name what was observed of it
            instead, as long as that is less; 0 where it needs a longer past anyway.
        worth: US dollars a day that are at stake, as PromQL; empty where there is no such number.
        numbers: Templates of further numbers, by the word in braces that the description has.
    """

    traffic: str
    measure: str
    threshold: Threshold
    conditions: tuple[str, ...] = ()
    window: str = ""
    seconds: int = 0
    worth: str = ""
    numbers: dict[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that a publisher is told.

    Attributes:
        slug: Short name: the label ``insight``, and the name of the runbook page.
        alert: Name of the alert.
        severity: How bad it is.
        category: What it is about.
        title: One short line, or a template of one.
        description: Template with the measured numbers.
        recommendation: What to do.
        ways: How it is asked; where an earlier one answers, later ones do not.
        by: Labels that tell one answer from another.
        hold: ``for``.
        keep: ``keep_firing_for``.
    """

    slug: str
    alert: str
    severity: Severity
    category: Category
    title: str
    description: str
    recommendation: str
    ways: tuple[Way, ...] = field(repr=False)
    by: tuple[str, ...] = LISTING_LABELS
    hold: str = ""
    keep: str = ""

    def raised(self, *matchers: str) -> str:
        """Return the selector of what this finding has recorded."""
        scope = replace(THIS, where=())
        return select(_recorded.MEASURE, scope, f'insight="{self.slug}"', *matchers)

    def condition(self, way: Way) -> str:
        """Return the PromQL that answers a way's number where it is bad."""
        return "\n".join((way.threshold.crossed(way.measure, self.slug), *way.conditions))

    def any_of(self, ways: Sequence[Way]) -> str:
        """Return the PromQL that answers where any of some ways is bad."""
        return "(" + "\nor ".join(self.condition(way) for way in ways) + ")"

    def measures(self) -> list[Recording]:
        """Return the rules that record the measured numbers where they are bad."""
        by = ", ".join(self.by)
        found: list[Recording] = []
        for index, way in enumerate(self.ways):
            earlier = self.ways[:index]
            but = f"\nunless on ({by}) {self.any_of(earlier)}" if earlier else ""
            found.append(
                Recording(
                    record=_recorded.MEASURE,
                    expr=f"{self.condition(way)}{but}",
                    labels={"insight": self.slug, "traffic": way.traffic},
                )
            )
        return found

    def worths(self) -> list[Recording]:
        """Return the rules that record what it is worth a day where it is raised."""
        return [
            Recording(
                record=_recorded.WORTH,
                expr=(
                    f"{way.worth} > 0\nand on ({', '.join(self.by)}) {self.raised(_traffic(way))}"
                ),
                labels={"insight": self.slug, "traffic": way.traffic},
            )
            for way in self.ways
            if way.worth
        ]

    def rules(self) -> list[Rule]:
        """Return the alerts."""
        return [self._alert(way) for way in self.ways]

    def _alert(self, way: Way) -> Rule:
        last = f"the last {way.window}"
        window = observed(way.seconds, last) if way.seconds else last
        description = self.description.replace("the last {window}", window)
        description = description.replace("{window}", way.window)
        for word, text in way.numbers.items():
            description = description.replace(f"{{{word}}}", text)
        notes = annotations(
            slug=self.slug,
            title=self.title,
            description=description,
            recommendation=self.recommendation,
        )
        if way.worth:
            scope = THIS_TOOL if "tool" in self.by else THIS
            worth = select(_recorded.WORTH, scope, f'insight="{self.slug}"', _traffic(way))
            notes["worth_usd_day"] = asked(worth, DOLLARS, otherwise="")
        return Rule(
            alert=self.alert,
            expr=self.raised(_traffic(way)),
            hold=self.hold,
            keep=self.keep,
            labels=labels(
                audience="publisher",
                severity=self.severity,
                category=self.category,
                insight=self.slug,
                traffic=way.traffic,
            ),
            annotations=notes,
        )


def _traffic(way: Way) -> str:
    return f'traffic="{way.traffic}"'


def told_to_publishers(definition: Definition) -> Finding:
    """Return what publishers are told of a definition: over 30 days, a week and a day."""
    return Finding(
        slug=definition.slug,
        alert=definition.alert,
        severity=definition.severity,
        category=definition.category,
        title=definition.own_title,
        description=definition.text("{window}"),
        recommendation=definition.recommendation,
        by=definition.by,
        ways=tuple(
            Way(
                traffic=traffic,
                measure=definition.over(period),
                threshold=definition.threshold,
                conditions=(f"and {definition.observed(period)} >= {definition.floor}",),
                window=SPOKEN[period],
                seconds=period.days * DAY_SECONDS,
                worth=a_day(definition.worth(period), period) if definition.worth else "",
            )
            for traffic, period in PERIODS.items()
        ),
    )
