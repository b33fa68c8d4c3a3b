"""How a publisher does against others of its kind: quartiles of a group in an ISO week.

Which listing is of which group, ``marketplace_listing_group``, comes from whoever runs the
marketplace. A publisher's listings of a group are one figure, so that nobody's many listings are
a quartile. A publisher is shown its own figure and three quartiles, of groups of at least
:data:`K` publishers.
"""

from dataclasses import dataclass
from typing import Final

from agent_analytics.insights._entries import Recording
from agent_analytics.insights._promql import moments
from agent_analytics.insights._promql.closed import listings
from agent_analytics.insights._promql.closed.tenants import K
from agent_analytics.insights._promql.moments import Moment
from agent_analytics.insights._promql.scopes import LISTING

#: 1 for each listing and group that it is of. Nothing here records it.
GROUP: Final = "marketplace_listing_group"
#: Share of publishers below a quartile, by its label.
QUARTILES: Final = {"0.25": 0.25, "0.5": 0.5, "0.75": 0.75}
#: Fewest invocations of a week with which a publisher counts: judged ones, or successful ones.
_FEWEST: Final = 20


@dataclass(frozen=True, slots=True)
class Measure:
    """What publishers of a group are compared by: a quotient of sums over a publisher's listings.

    Attributes:
        name: As it stands in the names of what is recorded.
        part: What is added up for the dividend: a figure of listings.
        whole: What is added up for the divisor.
        fewest: With how much of it a publisher counts.
        weighted: Whether the part is a mean by the whole, and not a sum.
    """

    name: str
    part: str
    whole: str
    fewest: int
    weighted: bool = False

    @property
    def own(self) -> str:
        """Name of a publisher's figure in a group and an ISO week."""
        return f"publisher_group_{self.name}:iso_week"

    @property
    def quartile(self) -> str:
        """Name of the quartiles of all publishers of a group in an ISO week."""
        return f"published_group_{self.name}:iso_week"


ERROR_RATE: Final = Measure("error_rate", listings.FAILED, listings.JUDGED, _FEWEST)
#: Of several listings the mean, by their responses: no quantile of all can be made of theirs.
P95: Final = Measure("response_time_p95", listings.P95, listings.RESPONSES, _FEWEST, weighted=True)
RATING: Final = Measure("rating", listings.STARS, listings.RATINGS, K)
MEASURES: Final = (ERROR_RATE, P95, RATING)

#: Every series that is recorded or read here, with its labels.
RECORDED: Final[dict[str, tuple[str, ...]]] = {
    GROUP: (*LISTING.by, "group"),
    **{measure.own: ("publisher_id", "group") for measure in MEASURES},
    **{measure.quartile: ("publisher_id", "group", "quartile") for measure in MEASURES},
}


def rules() -> list[Recording]:
    """Return the rules, to be evaluated every hour."""
    return [
        rule
        for measure in MEASURES
        for rule in (
            Recording(record=measure.own, expr=_own(measure)),
            *(_quartile(measure, label, share) for label, share in QUARTILES.items()),
        )
    ]


def _own(measure: Measure) -> str:
    at = moments.week(3)
    part, whole = at.latest(measure.part), at.latest(measure.whole)
    if measure.weighted:
        # There is no mean of nothing.
        part = f"({part} * on ({', '.join(LISTING.by)}) ({whole} > 0))"
    return at.once(f"{_together(at, part)} / ({_together(at, whole)} >= {measure.fewest})")


def _together(at: Moment, figure: str) -> str:
    """Return the sum of a figure of listings by publisher and group."""
    group = f"group by ({', '.join((*LISTING.by, 'group'))}) ({at.latest(GROUP)})"
    # A listing may be of several groups, which are many on the left.
    each = f"({group} * on ({', '.join(LISTING.by)}) group_left () {figure})"
    return f"sum by (publisher_id, group) {each}"


def _quartile(measure: Measure, label: str, share: float) -> Recording:
    at = moments.week(4)
    own = at.latest(measure.own)
    enough = f"(count by (group) ({own}) >= {K})"
    quartile = f"(quantile by (group) ({share}, {own}) and on (group) {enough})"
    return Recording(
        record=measure.quartile,
        expr=at.once(f"0 * {own} + on (group) group_left () {quartile}"),
        labels={"quartile": label},
    )
