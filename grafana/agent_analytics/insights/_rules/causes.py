"""The recording rules of what insights come from: the largest part of each cause, with its share.

What no other rule reads is recorded ahead, for every listing and seldom. An insight that is raised
looks its causes up.
"""

from typing import Final

from agent_analytics.insights._definitions import OF_PUBLISHERS
from agent_analytics.insights._definitions.spec.asking import SPOKEN
from agent_analytics.insights._definitions.spec.causes import Cause
from agent_analytics.insights._entries import Recording
from agent_analytics.insights._promql import recorded
from agent_analytics.insights._promql.scopes import Scope, one_of, select
from agent_analytics.insights._promql.windows import Period

#: How often is recorded what is recorded ahead.
CAUSE_INTERVAL: Final = "15m"


def ahead() -> list[Recording]:
    """Return the rules that record the largest parts that are read from levels."""
    causes = {cause: None for spec in OF_PUBLISHERS for cause in spec.causes if cause.ahead}
    return [
        Recording(
            record=recorded.top_contributor((period.days, period.ago)),
            expr=cause.largest(period),
            labels={"dimension": cause.dimension},
        )
        for cause in causes
        for period in cause.periods
    ]


def contributors() -> list[Recording]:
    """Return the rules that record the causes of insights that are raised."""
    asked: dict[tuple[int, Cause, Period], list[tuple[str, str]]] = {}
    for spec in OF_PUBLISHERS:
        for place, cause in enumerate(spec.causes, 1):
            for question in spec.asked_of("publisher"):
                key = (place, cause, cause.period(question.traffic))
                asked.setdefault(key, []).append((spec.slug, question.traffic))
    return [
        Recording(
            record=recorded.CONTRIBUTOR,
            expr=_of_raised(cause, period, questions),
            labels={
                "dimension": cause.dimension,
                "of": cause.of,
                "over": SPOKEN[period],
                "place": str(place),
            },
        )
        for (place, cause, period), questions in asked.items()
    ]


def _of_raised(cause: Cause, period: Period, questions: list[tuple[str, str]]) -> str:
    slugs, traffics = (dict.fromkeys(parts) for parts in zip(*questions, strict=True))
    # Of one insight, a traffic means one period: none is met that another rule is about.
    raised = select(
        recorded.MEASURE, Scope(), one_of("insight", *slugs), one_of("traffic", *traffics)
    )
    by = ", ".join((*cause.by, "insight", "traffic"))
    return (
        f"group by ({by}) ({raised})\n"
        f"* on ({', '.join(cause.by)}) group_left (contributor) {cause.read(period)}"
    )
