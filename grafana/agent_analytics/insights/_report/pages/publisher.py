"""The page of a publisher."""

from collections.abc import Sequence
from typing import Final

from agent_analytics.insights._report.answers.model import ListingFigures, PublisherDashboard
from agent_analytics.insights._report.pages import parts, text
from agent_analytics.insights._report.pages.attention import attention
from agent_analytics.insights._report.pages.page import Cell, Page, Section, Table
from agent_analytics.insights._rules.alerts import Insight

#: How many insights are shown at once; more are not acted on.
_TO_DO: Final = 3


def publisher_page(dashboard: PublisherDashboard, insights: Sequence[Insight]) -> Page:
    """Return the page of a publisher."""
    partial = dashboard.partial
    if dashboard.withheld or any(row.withheld for row in dashboard.listings):
        partial = (
            *partial,
            "Where few tenants use a listing, figures that tell how they behave are left out.",
        )
    return Page(
        title=f"Agents of {text.name(dashboard.publisher_id)}",
        subtitle=parts.span(dashboard.observed, dashboard.period_days),
        facts=parts.facts(dashboard.freshness),
        partial=partial,
        attention=attention(dashboard, insights, most=_TO_DO),
        sections=(
            parts.usage(dashboard),
            parts.quality(dashboard),
            parts.revenue(dashboard),
            *parts.tools(dashboard),
            _listings(dashboard.listings, dashboard.observed.words),
            *_tokens(dashboard),
        ),
    )


def _listings(listings: Sequence[ListingFigures], window: str) -> Section:
    rows = tuple(
        (
            Cell(_label(row)),
            Cell("", spark=row.daily_invocations),
            Cell(text.count(row.total_invocations)),
            Cell(text.trend(row.invocations_trend)),
            Cell(text.count(row.unique_tenants)),
            Cell(
                text.share(row.error_rate),
                tone=parts.judged("error-rate", row.error_rate, row.bounds, "bad"),
            ),
            Cell(
                text.quantile(row.p95_response_time_ms),
                tone=parts.judged("response-time", row.p95_response_time_ms, row.bounds, "warn"),
            ),
            Cell(
                text.stars(row.avg_satisfaction),
                tone=parts.judged("satisfaction", row.avg_satisfaction, row.bounds, "warn"),
            ),
            Cell(text.usd(row.total_revenue)),
            Cell(text.usd(row.margin), tone=parts.margin(row)),
            Cell(text.count(row.active_installs)),
            Cell(text.share(row.retention)),
        )
        for row in listings
    )
    missing = any(cell.text == text.ABSENT for row in rows for cell in row)
    table = Table(
        title="Listings, busiest first",
        window=window,
        columns=(
            "Listing", "Days", "Invocations", "Trend", "Tenants", "Errors", "p95", "Stars",
            "Revenue", "Margin", "Installs", "Retention",
        ),
        rows=rows,
        note="Installs are those at the end of it; trend and retention compare it with the time"
        " before." + (f" {text.ABSENT} is not available." if missing else ""),
        optional=("Days", "Trend", "Tenants", "Stars", "Margin", "Installs", "Retention"),
    )  # fmt: skip
    return Section(title="Listings", tables=(table,))


def _label(row: ListingFigures) -> str:
    named = row.agent_name and row.agent_name != row.agent_id
    shown = f"{row.agent_name} ({row.agent_id})" if named else row.agent_id
    return text.name(shown)


def _tokens(dashboard: PublisherDashboard) -> tuple[Section, ...]:
    if not dashboard.input_tokens and not dashboard.output_tokens:
        return ()
    return (
        Section(
            title="Tokens",
            tiles=(
                parts.tile("Input tokens", text.short(dashboard.input_tokens)),
                parts.tile("Output tokens", text.short(dashboard.output_tokens)),
                parts.tile(
                    "From the prompt cache", text.share(dashboard.cached_share), "of input tokens"
                ),
                parts.tile("Model cost per success", text.usd(dashboard.cost_per_success)),
            ),
        ),
    )
