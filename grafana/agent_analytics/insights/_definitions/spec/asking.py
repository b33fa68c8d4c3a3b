"""How insights are asked: of publishers over periods, of on-call over minutes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal

from agent_analytics.insights._definitions.spec.model import Question, Threshold
from agent_analytics.insights._definitions.spec.texts import THIS
from agent_analytics.insights._entries import Recording
from agent_analytics.insights._promql import counting
from agent_analytics.insights._promql import recorded as _recorded
from agent_analytics.insights._promql.counts import Counts
from agent_analytics.insights._promql.scopes import one_of, select
from agent_analytics.insights._promql.windows import Period, RecordedPeriod


def recorded(window: _recorded.Days) -> Period:
    """Return a window of days as it is recorded for insights."""
    days, ago = window
    return RecordedPeriod(days, ago)


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
#: The window of on-call that is asked every few seconds.
_OF_SECONDS: Final = "1m"
#: How a period is named in a sentence.
SPOKEN: Final = {MONTH: "30 days", WEEK: "7 days", DAY: "24 hours"}


def a_day(total: str, period: Period) -> str:
    """Return a period's total by the days that were observed of it."""
    return counting.a_day(total, period.days)


def raised(insight: str, *traffic: str) -> str:
    """Return the selector of what an insight has recorded where publishers are to know of it."""
    scope = replace(THIS, where=())
    some = (one_of("traffic", *traffic),) if traffic else ()
    return select(_recorded.MEASURE, scope, f'insight="{insight}"', *some)


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """One way in which a measure over minutes is asked for on-call.

    Attributes:
        traffic: ``dense`` and ``sparse`` are the fast and the slow question.
        window: Window of the measure.
        floor: Fewest observations in the window for the measure to mean something.
        still: A shorter window over which the measure must be bad as well, so that a long window
            does not page about what is over.
        dense: Window and floor from which the dense form answers instead of this one.
        hold: ``for``.
        keep: ``keep_firing_for``.
    """

    traffic: Literal["dense", "sparse"]
    window: str
    floor: int
    still: str = ""
    dense: tuple[str, int] | None = None
    hold: str = ""
    keep: str = ""

    @property
    def fast(self) -> bool:
        """Whether it is asked every few seconds: what asks of five minutes can wait."""
        return self.window == _OF_SECONDS


def of_oncall(insight: str, counts: Counts, threshold: Threshold, *forms: Form) -> list[Question]:
    """Return the questions over minutes, which look recorded counts up.

    Args:
        insight: Short name of the insight.
        counts: What the measured number is made of.
        threshold: When the number is bad.
        forms: How it is asked.
    """

    def conditions(form: Form) -> list[str]:
        found = [f"and {counts.observations(form.window)} >= {form.floor}"]
        if form.still:
            measure, known = counts.measure(form.still), counts.known(form.still)
            found.append(f"and ({threshold.crossed(measure, insight, known)})")
        if form.dense:
            window, floor = form.dense
            found.append(f"unless {counts.observations(window)} >= {floor}")
        return found

    return [
        Question(
            audience="oncall",
            traffic=form.traffic,
            measure=counts.measure(form.window),
            threshold=threshold,
            known=counts.known(form.window),
            conditions=tuple(conditions(form)),
            looks_up=tuple(
                Recording(record=name, expr=expr)
                for window in (form.window, form.still)
                if window
                for name, expr in counts.recordings(window)
            ),
            fast=form.fast,
            window=form.window,
            hold=form.hold,
            keep=form.keep,
        )
        for form in forms
    ]


def of_publishers(
    measure: Callable[[Period], str],
    threshold: Threshold,
    *,
    floor: tuple[Callable[[Period], str], int],
    worth: Callable[[Period], str] | None = None,
    periods: Mapping[str, Period] = PERIODS,
) -> list[Question]:
    """Return the questions over 30 days, a week and a day.

    Args:
        measure: The measured number over a period.
        threshold: When the number is bad.
        floor: How many observations the number rests on, and the fewest for it to mean something.
        worth: US dollars that it costs in a period, where that is known.
        periods: The periods by what the label ``traffic`` calls them.
    """
    observed, least = floor
    return [
        Question(
            audience="publisher",
            traffic=traffic,
            measure=measure(period),
            threshold=threshold,
            conditions=(f"and {observed(period)} >= {least}",),
            window=SPOKEN[period],
            seconds=period.days * DAY_SECONDS,
            worth=a_day(worth(period), period) if worth else "",
        )
        for traffic, period in periods.items()
    ]
