"""How a publisher does against others of its kind: quartiles of a group in an ISO week.

Which listing is of which group, ``marketplace_listing_group``, comes from whoever runs the
marketplace. A publisher's listings of a group are one figure, so that nobody's many listings are
a quartile. A publisher is shown its own figure and three quartiles, of groups of at least
:data:`K` publishers.
"""

from typing import Final

from agent_analytics.insights._entries import Recording
from agent_analytics.insights._promql import moments
from agent_analytics.insights._promql.closed import listings
from agent_analytics.insights._promql.closed.tenants import K
from agent_analytics.insights._promql.scopes import LISTING

#: 1 for each listing and group that it is of. Nothing here records it.
GROUP: Final = "marketplace_listing_group"
#: A publisher's error rate in a group and an ISO week, and the quartiles of all in the group.
OWN: Final = "publisher_group_error_rate:iso_week"
QUARTILE: Final = "published_group_error_rate:iso_week"
#: Share of publishers below a quartile, by its label.
QUARTILES: Final = {"0.25": 0.25, "0.5": 0.5, "0.75": 0.75}
#: Fewest judged invocations of a week with which a publisher counts.
_FEWEST: Final = 20

#: Every series that is recorded or read here, with its labels.
RECORDED: Final[dict[str, tuple[str, ...]]] = {
    GROUP: (*LISTING.by, "group"),
    OWN: ("publisher_id", "group"),
    QUARTILE: ("publisher_id", "group", "quartile"),
}


def rules() -> list[Recording]:
    """Return the rules, to be evaluated every hour."""
    at = moments.week(3)
    group = f"group by ({', '.join((*LISTING.by, 'group'))}) ({at.latest(GROUP)})"

    def together(figure: str) -> str:
        # A listing may be of several groups, which are many on the left.
        each = f"({group} * on ({', '.join(LISTING.by)}) group_left () {at.latest(figure)})"
        return f"sum by (publisher_id, group) {each}"

    own = f"{together(listings.FAILED)} / ({together(listings.JUDGED)} >= {_FEWEST})"
    return [
        Recording(record=OWN, expr=at.once(own)),
        *(_quartile(label, share) for label, share in QUARTILES.items()),
    ]


def _quartile(label: str, share: float) -> Recording:
    at = moments.week(4)
    own = at.latest(OWN)
    enough = f"(count by (group) ({own}) >= {K})"
    quartile = f"(quantile by (group) ({share}, {own}) and on (group) {enough})"
    return Recording(
        record=QUARTILE,
        expr=at.once(f"0 * {own} + on (group) group_left () {quartile}"),
        labels={"quartile": label},
    )
