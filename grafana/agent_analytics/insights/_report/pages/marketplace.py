"""The page of the operator."""

from collections.abc import Sequence
from typing import Final

from agent_analytics.insights._report.answers.model import MarketplaceDashboard, Ranked
from agent_analytics.insights._report.pages import parts, text
from agent_analytics.insights._report.pages.attention import attention
from agent_analytics.insights._report.pages.page import Cell, Page, Section, Table
from agent_analytics.insights._rules.alerts import Insight

#: How many publishers and listings are shown.
_SHOWN: Final = 15
#: How many insights are shown at once: those with most at stake.
_AT_STAKE: Final = 5


def marketplace_page(dashboard: MarketplaceDashboard, insights: Sequence[Insight]) -> Page:
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
    window = dashboard.observed.words
    rankings = Section(
        title="Who earns",
        tables=(
            _table("Publishers by revenue", "Publisher", dashboard.publishers, window),
            _table("Listings by revenue", "Listing", dashboard.listings, window),
        ),
    )
    return Page(
        title="Marketplace",
        subtitle=parts.span(dashboard.observed, dashboard.period_days),
        facts=parts.facts(dashboard.freshness),
        partial=dashboard.partial,
        lead=(market,),
        attention=attention(dashboard, insights, most=_AT_STAKE, by_worth=True),
        sections=(
            parts.usage(dashboard),
            parts.quality(dashboard),
            parts.revenue(dashboard),
            rankings,
        ),
    )


def _table(title: str, heading: str, ranked: Sequence[Ranked], window: str) -> Table:
    tenants = heading == "Publisher"
    columns = ["Revenue", "Refunds", "Fees", "Invocations", "Errors", "Stars"]
    hidden = len(ranked) - _SHOWN
    return Table(
        title=title,
        window=window,
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
                    tone=parts.judged("error-rate", row.error_rate, row.bounds, "bad"),
                ),
                Cell(
                    text.stars(row.avg_satisfaction),
                    tone=parts.judged("satisfaction", row.avg_satisfaction, row.bounds, "warn"),
                ),
                *([Cell(text.count(row.unique_tenants))] if tenants else []),
            )
            for row in ranked[:_SHOWN]
        ),
        note=f"{hidden:,} more are in the JSON and CSV." if hidden > 0 else "",
        optional=("Refunds", "Stars", "Fees"),
    )
