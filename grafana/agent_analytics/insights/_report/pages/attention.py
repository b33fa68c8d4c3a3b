"""What the page says of insights: which fire, whether they were evaluated, what else is bad."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, get_args

from agent_analytics.insights._definitions.spec.model import Severity
from agent_analytics.insights._report.answers.model import MarketplaceDashboard, PublisherDashboard
from agent_analytics.insights._report.known.bounds import Beyond
from agent_analytics.insights._report.known.evaluation import Evaluation, Insights
from agent_analytics.insights._report.pages import text
from agent_analytics.insights._rules.alerts import Insight
from agent_analytics.insights._rules.ended import Ended

#: Listings whose figures beyond a bound are shown.
_MOST: Final = 8
_SEVERITIES: Final = get_args(Severity)
#: What the figure of an insight is called, and how it is written.
_FIGURES: Final = {
    "error-rate": ("error rate", text.share),
    "response-time": ("p95 response time", text.milliseconds),
    "satisfaction": ("mean rating", text.stars),
    "tool-failures": ("failures of tool", text.share),
    "negative-margin": ("margin", text.usd),
}
#: What stands above figures that are beyond a bound.
BEYOND: Final = (
    "Beyond a bound, and no insight fires of it (an insight waits for enough observations and for"
    " its next evaluation):"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attention:
    """What needs attention.

    Attributes:
        note: Whether insights were evaluated, and how many fire.
        calm: Whether every insight was evaluated, none fires, and no figure is beyond its bound.
        insights: The insights that are shown.
        folded: Those that are not shown at once.
        rest: How many those are, in words.
        beyond: Figures beyond a bound of which no insight fires, in sentences.
        ended: What became of insights that are not raised any more, in sentences.
        became: How many those are, in words.
    """

    note: str
    calm: bool = False
    insights: tuple[Insight, ...] = ()
    folded: tuple[Insight, ...] = ()
    rest: str = ""
    beyond: tuple[str, ...] = ()
    ended: tuple[str, ...] = ()
    became: str = ""


def attention(
    dashboard: PublisherDashboard | MarketplaceDashboard,
    insights: Sequence[Insight],
    *,
    most: int,
    by_worth: bool = False,
) -> Attention:
    """Return what needs attention.

    Args:
        dashboard: The figures.
        insights: What fires.
        most: How many insights are shown, the most severe.
        by_worth: Show those with most at stake instead, however severe.
    """
    evaluation = evaluated(dashboard, insights)
    beyond = [each for each in dashboard.beyond_bounds if not each.told_by(insights)]
    shown = list(insights)
    shown.sort(key=lambda each: -(each.worth_usd_day or 0))
    if not by_worth:
        shown.sort(key=lambda each: _SEVERITIES.index(each.severity))
    rest = tuple(shown[most:])
    ended = ended_of(dashboard, insights)
    return Attention(
        note=evaluation.sentence(len(insights)),
        calm=evaluation.state == "evaluated" and not insights and not beyond,
        insights=tuple(shown[:most]),
        folded=rest,
        rest=_rest(rest, " with less at stake" if by_worth else "") if rest else "",
        beyond=_sentences(beyond),
        ended=_became(ended),
        became=_states(ended),
    )


def ended_of(
    dashboard: PublisherDashboard | MarketplaceDashboard, insights: Sequence[Insight]
) -> tuple[Ended, ...]:
    """Return what became of the insights of a report that are not raised any more."""
    if isinstance(insights, Insights):
        return insights.ended
    return dashboard.ended if isinstance(dashboard, MarketplaceDashboard) else ()


def _states(ended: Sequence[Ended]) -> str:
    """Return how many earlier insights are fixed, and of how many that is not known."""
    fixed = sum(each.state == "fixed" for each in ended)
    return f"Earlier insights: {fixed:,} fixed, {len(ended) - fixed:,} not known"


def _became(ended: Sequence[Ended]) -> tuple[str, ...]:
    told = [_ended(each) for each in ended[:_MOST]]
    more = len(ended) - _MOST
    return (*told, *((f"And {more:,} more.",) if more > 0 else ()))


def _ended(each: Ended) -> str:
    tool = f" tool {text.name(each.tool)}" if each.tool else ""
    who = f"{text.name(each.publisher_id)}/{text.name(each.agent_id)}{tool}"
    raised = f"raised last {text.moment(each.last_raised)}"
    before, after = each.worth_before_usd_day, each.worth_after_usd_day
    worth = "" if before is None else f" At stake at its worst: about {text.usd(before)} a day"
    worth += f", now {text.usd(after)}." if worth and after is not None else "." if worth else ""
    if each.state == "fixed":
        return (
            f"Fixed: {each.title}, {who}: open since {text.moment(each.opened)}, {raised}; proven"
            f" {text.moment(each.fixed)}.{worth}"
        )
    return f"Not known: {each.title}, {who}: {raised}. {each.why}{worth}"


def evaluated(
    dashboard: PublisherDashboard | MarketplaceDashboard, insights: Sequence[Insight]
) -> Evaluation:
    """Return whether the insights of a report were evaluated."""
    return insights.evaluation if isinstance(insights, Insights) else dashboard.evaluation


def _sentences(beyond: Sequence[Beyond]) -> tuple[str, ...]:
    """Return a sentence for each listing that has figures beyond a bound, the first ones."""
    of: dict[str, list[str]] = {}
    for each in beyond:
        who = "/".join(text.name(part) for part in (each.publisher_id, each.agent_id) if part)
        label, write = _FIGURES[each.insight]
        tool = "" if each.tool is None else f" {text.name(each.tool)}"
        figure = f"{label}{tool} {write(each.value)} (bound: {write(each.bound)})"
        of.setdefault(who or "All together", []).append(figure)
    told = [f"{who}: {', '.join(figures)}." for who, figures in of.items()]
    more = len(told) - _MOST
    return (*told[:_MOST], *((f"And {more:,} more.",) if more > 0 else ()))


def _rest(insights: Sequence[Insight], less: str) -> str:
    """Return in words how many further insights there are."""
    severities = Counter(insight.severity for insight in insights)
    each = ", ".join(f"{count:,} {severity}" for severity, count in severities.most_common())
    return f"{len(insights):,} more{less} ({each})"
