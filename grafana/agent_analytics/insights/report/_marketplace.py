"""The page of the operator."""

from collections.abc import Sequence
from typing import Final

from agent_analytics.insights.analytics import MarketplaceDashboard, Ranked
from agent_analytics.insights.report import _parts as parts
from agent_analytics.insights.report import _text as text
from agent_analytics.insights.report._page import Cell, Page, Section, Table

#: How many publishers and listings are shown.
_SHOWN: Final = 15


def marketplace_page(dashboard: MarketplaceDashboard) -> Page:
    """Return the page of the operator."""
    of_all = f"of {text.count(dashboard.known_listings)} listings"
    market = Section(
        title="Marketplace",
        tiles=(
            parts.tile("GMV", text.usd(dashboard.gmv), "revenue less refunds",
                       trend=dashboard.gmv_trend),
            parts.tile("Fees", text.usd(dashboard.fees), "the marketplace's share"),
            parts.tile("Active publishers", text.count(dashboard.active_publishers)),
            parts.tile("Active listings", text.count(dashboard.active_listings), of_all),
        ),
    )  # fmt: skip
    rankings = Section(
        title="Who earns",
        tables=(
            _table("Publishers by revenue", "Publisher", dashboard.publishers),
            _table("Listings by revenue", "Listing", dashboard.listings),
        ),
    )
    return Page(
        title="Marketplace",
        subtitle=parts.span(dashboard.period_days, dashboard.freshness.as_of),
        facts=parts.facts(dashboard.freshness),
        partial=dashboard.partial,
        insights=dashboard.in_trouble,
        insights_note="No listing is in trouble: no insight is firing.",
        sections=(
            market,
            parts.usage(dashboard, dashboard.daily),
            parts.quality(dashboard, dashboard.daily),
            parts.revenue(dashboard, dashboard.daily),
            rankings,
        ),
    )


def _table(title: str, heading: str, ranked: Sequence[Ranked]) -> Table:
    tenants = heading == "Publisher"
    columns = ["Revenue", "Refunds", "Fees", "Invocations", "Errors", "Stars"]
    hidden = len(ranked) - _SHOWN
    return Table(
        title=title,
        columns=(heading, *columns, *(["Tenants"] if tenants else [])),
        rows=tuple(
            (
                Cell(text.name("/".join(filter(None, (row.publisher_id, row.agent_id))))),
                Cell(text.usd(row.revenue)),
                Cell(text.usd(row.refunds)),
                Cell(text.usd(row.fees)),
                Cell(text.count(row.invocations)),
                Cell(
                    text.share(row.error_rate),
                    tone=parts.above(row.error_rate, parts.ERROR_LIMIT, "bad"),
                ),
                Cell(
                    text.stars(row.avg_satisfaction),
                    tone=parts.below(row.avg_satisfaction, parts.RATING_LIMIT, "warn"),
                ),
                *([Cell(text.count(row.unique_tenants))] if tenants else []),
            )
            for row in ranked[:_SHOWN]
        ),
        note=f"{hidden:,} more are in the JSON and CSV." if hidden > 0 else "",
        optional=("Refunds", "Stars", "Fees"),
    )
