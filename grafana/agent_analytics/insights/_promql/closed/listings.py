"""Listings in ISO weeks that have ended: what each took and did, and which grow, shrink and return.

Money is told of listings, and never of tenants: revenue by what became of tenants would be a
tenant's revenue where one moved.
"""

from typing import Final

from agent_analytics.insights._entries import Recording
from agent_analytics.insights._promql import moments, quantities
from agent_analytics.insights._promql.scopes import LISTING
from agent_analytics.insights._promql.windows.iso_week import ISO_WEEK

#: Figures of a listing and an ISO week.
REVENUE: Final = "listing_revenue:iso_week"
INVOCATIONS: Final = "listing_invocations:iso_week"
FAILED: Final = "listing_failed_invocations:iso_week"
JUDGED: Final = "listing_judged_invocations:iso_week"
RESPONSES: Final = "listing_responses:iso_week"
P95: Final = "listing_response_time_p95:iso_week"
STARS: Final = "listing_stars:iso_week"
RATINGS: Final = "listing_ratings:iso_week"
INSTALLS: Final = "listing_installs:iso_week"
#: What became of listings: those that took something in one week and in the one before, by
#: which was more; those that did after weeks of nothing, or for the first time; and those that
#: do no more.
GROWN: Final = "grown"
SHRUNK: Final = "shrunk"
NEW: Final = "new"
RETURNED: Final = "returned"
GONE: Final = "gone"
MOVEMENTS: Final = (NEW, RETURNED, GROWN, SHRUNK, GONE)
#: By how much the weekly revenue of a publisher's listings changed, and how many these are; and
#: the same of invocations.
REVENUE_MOVED: Final = "publisher_revenue_moved:iso_week"
INVOCATIONS_MOVED: Final = "publisher_invocations_moved:iso_week"
LISTINGS_MOVED: Final = "publisher_listings_moved:iso_week"

_FIGURES: Final = (
    REVENUE,
    INVOCATIONS,
    FAILED,
    JUDGED,
    RESPONSES,
    P95,
    STARS,
    RATINGS,
    INSTALLS,
)
_P95: Final = 0.95
_BY: Final = "publisher_id"
#: Weeks before in which a listing that returns may have been used.
_EARLIER: Final = "84d"
_DAYS_EARLIER: Final = 8

#: Every series that is recorded here, with its labels.
RECORDED: Final[dict[str, tuple[str, ...]]] = {
    **dict.fromkeys(_FIGURES, LISTING.by),
    **dict.fromkeys((REVENUE_MOVED, INVOCATIONS_MOVED, LISTINGS_MOVED), (_BY, "movement")),
}


def rules() -> list[Recording]:
    """Return the rules, to be evaluated every hour."""
    figures = {
        REVENUE: quantities.revenue(ISO_WEEK),
        INVOCATIONS: quantities.invocations(ISO_WEEK),
        FAILED: quantities.failed_invocations(ISO_WEEK),
        JUDGED: quantities.judged_invocations(ISO_WEEK),
        RESPONSES: quantities.responses(ISO_WEEK),
        P95: quantities.response_time_quantile(_P95, ISO_WEEK),
        STARS: quantities.stars(ISO_WEEK),
        RATINGS: quantities.ratings(ISO_WEEK),
        INSTALLS: quantities.installs(ISO_WEEK),
    }
    return [
        *(
            Recording(
                record=record,
                expr=ISO_WEEK.moment.once(f"{expr} and on () {ISO_WEEK.whole}"),
            )
            for record, expr in figures.items()
        ),
        *_moved(REVENUE, "sum", REVENUE_MOVED),
        *_moved(INVOCATIONS, "sum", INVOCATIONS_MOVED),
        *_moved(INVOCATIONS, "count", LISTINGS_MOVED),
    ]


def _moved(figure: str, operator: str, record: str) -> list[Recording]:
    at = moments.week(3)
    on = f"on ({', '.join(LISTING.by)})"
    now = f"({at.latest(figure)} > 0)"
    before = f"({at.latest(figure, days=7)} > 0)"
    ever = f"({at.read('max_over_time', figure, _EARLIER, ago=_DAYS_EARLIER * 24 * 60)} > 0)"
    # Where the week before is not recorded, nothing has moved.
    known = f"and on () count ({at.latest(figure, days=7)})"
    found = {
        GROWN: f"({now} - {on} {before}) > 0",
        SHRUNK: f"({now} - {on} {before}) < 0",
        NEW: f"({now} unless {on} {before} unless {on} {ever}) {known}",
        RETURNED: f"({now} unless {on} {before} and {on} {ever}) {known}",
        GONE: f"-({before} unless {on} {now}) and on () count ({at.latest(figure)})",
    }
    return [
        Recording(
            record=record,
            expr=at.once(f"{operator} by ({_BY}) ({expr})"),
            labels={"movement": movement},
        )
        for movement, expr in found.items()
    ]
