"""What the page says of insights: which fire, whether they were evaluated, what else is bad."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from agent_analytics.insights._alerts import Insight
from agent_analytics.insights.analytics import (
    Beyond,
    Evaluation,
    Insights,
    MarketplaceDashboard,
    PublisherDashboard,
)
from agent_analytics.insights.report import _text as text

#: What the figure of an insight is called, and how it is written.
_FIGURES: Final = {
    "error-rate": ("Error rate", text.share),
    "response-time": ("p95 response time", text.milliseconds),
    "satisfaction": ("Mean rating", text.stars),
    "tool-failures": ("Failures of tool", text.share),
    "negative-margin": ("Margin", text.usd),
}
_MOST: Final = 8
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
        beyond: Figures beyond a bound of which no insight fires, in sentences.
    """

    note: str
    calm: bool = False
    insights: tuple[Insight, ...] = ()
    folded: tuple[Insight, ...] = ()
    beyond: tuple[str, ...] = ()


def attention(
    dashboard: PublisherDashboard | MarketplaceDashboard,
    insights: Sequence[Insight],
    *,
    most: int | None = None,
) -> Attention:
    """Return what needs attention.

    Args:
        dashboard: The figures.
        insights: What fires.
        most: How many insights are shown, those with most at stake; None for all, as they come.
    """
    evaluation = evaluated(dashboard, insights)
    beyond = [each for each in dashboard.beyond_bounds if not each.told_by(insights)]
    shown = list(insights)
    if most is not None:
        shown.sort(key=lambda each: -(each.worth_usd_day or 0))
    return Attention(
        note=evaluation.sentence(len(insights)),
        calm=evaluation.state == "evaluated" and not insights and not beyond,
        insights=tuple(shown[:most]),
        folded=tuple(shown[len(shown) if most is None else most :]),
        beyond=(
            *(_sentence(each) for each in beyond[:_MOST]),
            *((f"And {len(beyond) - _MOST:,} more.",) if len(beyond) > _MOST else ()),
        ),
    )


def evaluated(
    dashboard: PublisherDashboard | MarketplaceDashboard, insights: Sequence[Insight]
) -> Evaluation:
    """Return whether the insights of a report were evaluated."""
    return insights.evaluation if isinstance(insights, Insights) else dashboard.evaluation


def _sentence(beyond: Beyond) -> str:
    label, write = _FIGURES[beyond.insight]
    tool = f" {text.name(beyond.tool)}" if beyond.tool else ""
    who = text.name("/".join(filter(None, (beyond.publisher_id, beyond.agent_id))))
    of = f" of {who}" if who else ""
    return f"{label}{tool}{of}: {write(beyond.value)}; the bound is {write(beyond.bound)}."


def folded(insights: Sequence[Insight]) -> str:
    """Return in a line how many further insights there are."""
    severities = Counter(insight.severity for insight in insights)
    each = ", ".join(f"{count:,} {severity}" for severity, count in severities.most_common())
    return f"{len(insights):,} more with less at stake ({each}); the JSON and HTML have them."
