"""The parts that pages of publishers and of the marketplace have in common."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from agent_analytics.insights._promql import scopes
from agent_analytics.insights._promql.closed.tenants import MONTHS
from agent_analytics.insights._report.answers.model import (
    Figures,
    Freshness,
    MarketplaceDashboard,
    PublisherDashboard,
)
from agent_analytics.insights._report.known.bounds import crossed
from agent_analytics.insights._report.known.observed import Observed
from agent_analytics.insights._report.pages import text
from agent_analytics.insights._report.pages.page import Cell, Chart, Section, Table, Tile, Tone

Dashboard = PublisherDashboard | MarketplaceDashboard

#: Relative change below which a trend is neither good nor bad.
_NOISE: Final = 0.01
_WRITE: Final = {
    "count": text.count,
    "usd": text.usd,
    "share": text.share,
    "ms": text.milliseconds,
}


def tile(
    label: str,
    value: str,
    note: str = "",
    *,
    tone: Tone = "",
    trend: float | None = None,
    good: int = 1,
) -> Tile:
    """Return a tile; ``good`` is the direction of its trend that is welcome, 0 for neither."""
    welcome: Tone = ""
    # A change within the noise of any two periods is neither good nor bad.
    if trend is not None and good and abs(trend) >= _NOISE:
        welcome = "good" if trend * good > 0 else "bad"
    return Tile(
        label=label,
        value=None if value == text.ABSENT else value,
        note=note,
        tone=tone,
        trend="" if trend is None else text.trend(trend),
        trend_tone=welcome,
    )


def judged(insight: str, value: float | None, bounds: Mapping[str, float], tone: Tone) -> Tone:
    """Return the tone of a value that should not be beyond the bound of an insight."""
    return tone if crossed(insight, value, bounds) else ""


def margin(figures: Figures) -> Tone:
    """Return the tone of a margin: what is given away is not meant to earn."""
    if not figures.total_revenue:
        return ""
    return judged("negative-margin", figures.margin, figures.bounds, "bad")


def chart(
    title: str,
    dashboard: Dashboard,
    values: tuple[float | None, ...],
    unit: str,
    *,
    limit: float | None = None,
    totals: bool = False,
) -> tuple[Chart, ...]:
    """Return a chart, or none where there are fewer than two days to show."""
    ends = dashboard.daily.ends
    known = [(value, end) for value, end in zip(values, ends, strict=True) if value is not None]
    if len(known) < 2:  # noqa: PLR2004 - one point is no course
        return ()
    write = _WRITE[unit]
    most, least = max(known, key=lambda each: each[0]), min(known, key=lambda each: each[0])
    parts = [
        f"highest {write(most[0])} ({text.day(most[1])})",
        f"lowest {write(least[0])} ({text.day(least[1])})",
    ]
    if totals:
        # The first day may have been observed in part.
        days = min(len(known), dashboard.observed.days) or len(known)
        parts.insert(0, f"{write(sum(value for value, _ in known) / days)} a day on average")
    if limit is not None:
        over = sum(value > limit for value, _ in known)
        parts.append(
            f"above {write(limit)} on {over} of {len(known)} days"
            if over
            else f"never above {write(limit)}"
        )
    summary = "; ".join(parts)
    return (
        Chart(
            title=title,
            ends=ends,
            values=values,
            unit=unit,  # type: ignore[arg-type]  # a key of _WRITE
            summary=f"{summary[0].upper()}{summary[1:]}.",
            limit=limit,
        ),
    )


def usage(figures: Dashboard) -> Section:
    """Return the part about usage and adoption."""
    daily = figures.daily
    churn = figures.tenant_churn
    return Section(
        title="Usage",
        tiles=(
            tile(
                "Invocations",
                text.count(figures.total_invocations),
                _cancelled(figures),
                trend=figures.invocations_trend,
            ),
            tile(
                "Tenants",
                text.count(figures.unique_tenants),
                "distinct, estimated",
                trend=figures.tenants_trend,
            ),
            tile(
                "Active installs",
                text.count(figures.active_installs),
                f"{text.count(figures.installs)} installed,"
                f" {text.count(figures.uninstalls)} removed",
            ),
            tile(
                "Retention",
                text.share(figures.retention),
                "of tenants came back" if churn is None else f"{text.share(churn)} churned",
            ),
        ),
        charts=(
            *chart("Invocations a day", figures, daily.invocations, "count", totals=True),
            *chart("Tenants a day", figures, daily.unique_tenants, "count", totals=True),
        ),
        tables=(*_months(figures), *_weeks(figures)),
    )


def _months(figures: Dashboard) -> tuple[Table, ...]:
    if not figures.months:
        return ()
    ago = {number: f"{number} before" for number in MONTHS}
    return (
        Table(
            title="Tenants who came back",
            window="the last months",
            columns=("Month", *ago.values()),
            rows=tuple(
                (
                    Cell(f"{month.first:%b %Y}"),
                    *(Cell(text.share(month.returned.get(number))) for number in ago),
                )
                for month in figures.months
            ),
            note="Of the tenants of one, two and three months before, how many were there in it.",
        ),
    )


def _weeks(figures: Dashboard) -> tuple[Table, ...]:
    if not any(week.installs for week in figures.weeks):
        return ()
    came = "New" if isinstance(figures, MarketplaceDashboard) else "Came"
    return (
        Table(
            title="From install to revenue",
            window="the last weeks",
            columns=("Week from", "Installs", came, "Revenue"),
            rows=tuple(
                (
                    Cell(f"{week.first:%d %b}"),
                    Cell(text.count(week.installs)),
                    Cell(text.count(week.came)),
                    Cell(text.usd(week.revenue)),
                )
                for week in figures.weeks
            ),
            note="Tenants who came, estimated. How many were charged is not counted.",
        ),
    )


def _cancelled(figures: Figures) -> str:
    cancelled = figures.outcomes.get("cancelled")
    return f"{text.count(cancelled)} cancelled" if cancelled else ""


def quality(figures: Dashboard) -> Section:
    """Return the part about quality."""
    daily, bounds = figures.daily, figures.bounds
    failed = sum(figures.outcomes.get(outcome, 0) for outcome in scopes.FAILED)
    return Section(
        title="Quality",
        tiles=(
            tile(
                "Satisfaction",
                text.stars(figures.avg_satisfaction),
                f"of 5, from {text.count(figures.ratings)} ratings"
                if figures.ratings
                else "no ratings",
                tone=judged("satisfaction", figures.avg_satisfaction, bounds, "warn"),
            ),
            tile(
                "Error rate",
                text.share(figures.error_rate),
                f"{text.count(failed)} failed" if figures.error_rate is not None else "",
                tone=judged("error-rate", figures.error_rate, bounds, "bad"),
            ),
            tile(
                "Mean response time",
                text.milliseconds(figures.avg_response_time_ms),
                "of successful ones",
            ),
            tile(
                "p95 response time",
                text.quantile(figures.p95_response_time_ms),
                "19 of 20 are faster",
                tone=judged("response-time", figures.p95_response_time_ms, bounds, "warn"),
            ),
        ),
        charts=(
            *chart(
                "Error rate a day",
                figures,
                daily.error_rate,
                "share",
                limit=bounds.get("error-rate"),
            ),
            *chart(
                "p95 response time a day",
                figures,
                daily.p95_response_time_ms,
                "ms",
                limit=bounds.get("response-time"),
            ),
        ),
        tables=(*_ratings(figures), *_errors(figures)),
    )


def _ratings(figures: Dashboard) -> tuple[Table, ...]:
    given = figures.satisfaction_distribution
    total = sum(given.values()) if given else 0
    if not given or not total:
        return ()
    return (
        Table(
            title="Ratings",
            window=figures.observed.words,
            columns=("Stars", "Ratings", "Share"),
            rows=tuple(
                (
                    Cell(f"{star} of 5"),
                    Cell(text.count(number)),
                    Cell(text.share(number / total), bar=number / total),
                )
                for star, number in sorted(given.items(), reverse=True)
            ),
        ),
    )


_SHOWN_ERRORS: Final = 8


def _errors(figures: Dashboard) -> tuple[Table, ...]:
    total = sum(figures.errors.values())
    if not total:
        return ()
    shown = list(figures.errors.items())[:_SHOWN_ERRORS]
    rest = total - sum(number for _, number in shown)
    rows = [*shown, *([("all others", rest)] if rest else [])]
    return (
        Table(
            title="Failures by type",
            window=figures.observed.words,
            columns=("Error", "Failures", "Share"),
            rows=tuple(
                (
                    Cell(text.name(kind)),
                    Cell(text.count(number)),
                    Cell(text.share(number / total), bar=number / total),
                )
                for kind, number in rows
            ),
        ),
    )


def revenue(figures: Dashboard) -> Section:
    """Return the part about money."""
    daily = figures.daily
    return Section(
        title="Revenue",
        tiles=(
            tile(
                "Revenue",
                text.usd(figures.total_revenue),
                f"{text.usd(figures.refunds)} refunded" if figures.refunds else "",
                trend=figures.revenue_trend,
            ),
            tile("Revenue per tenant", text.usd(figures.avg_revenue_per_tenant)),
            tile(
                "Model cost",
                text.usd(figures.model_cost),
                f"{text.usd(figures.wasted_cost)} wasted on failures"
                if figures.wasted_cost
                else "",
            ),
            tile(
                "Margin",
                text.usd(figures.margin),
                f"after {text.usd(figures.fees)} of fees" if figures.fees else "",
                tone=margin(figures),
            ),
        ),
        charts=(
            *chart("Revenue a day", figures, daily.revenue, "usd", totals=True),
            *chart("Model cost a day", figures, daily.model_cost, "usd", totals=True),
        ),
    )


def tools(figures: Dashboard) -> tuple[Section, ...]:
    """Return the part about tools, if any was used."""
    used = figures.tool_usage_breakdown
    total = sum(used.values())
    if not total:
        return ()
    rows = tuple(
        (
            Cell(text.name(tool)),
            Cell(text.count(calls)),
            Cell(text.share(calls / total), bar=calls / total),
            Cell(
                text.share(figures.tool_failure_rates.get(tool)),
                tone=judged(
                    "tool-failures", figures.tool_failure_rates.get(tool), figures.bounds, "warn"
                ),
            ),
            Cell(text.milliseconds(figures.tool_times_ms.get(tool))),
        )
        for tool, calls in used.items()
    )
    columns = ("Tool", "Calls", "Share", "Failed", "Mean time")
    table = Table(
        title="Tool usage",
        window=figures.observed.words,
        columns=columns,
        rows=rows,
        optional=("Share",),
    )
    return (Section(title="Tools", tables=(table,)),)


_STALE: Final = timedelta(minutes=15)


def facts(freshness: Freshness) -> tuple[str, ...]:
    """Return how fresh a page is, in short sentences."""
    scraped = freshness.scraped_at
    if scraped is None:
        age = "Last metrics: more than a day before. Is it still scraped?"
    elif freshness.as_of - scraped > _STALE:
        age = f"Last metrics: {text.moment(scraped)}. Is it still scraped?"
    else:
        age = f"Last metrics: {text.moment(scraped)}"
    source = "roll-ups of five minutes" if freshness.source == "rollups" else "raw series"
    return (f"As of {text.moment(freshness.as_of)}", age, f"Read from {source}")


def span(observed: Observed, asked: int) -> str:
    """Return the window of a page in words.

    Args:
        observed: The window.
        asked: For how many days a page was asked.
    """
    since, until = observed.since, observed.until
    if not observed.whole:
        words = f"{observed.words[0].upper()}{observed.words[1:]}"
        days = "24 hours" if asked == 1 else f"{asked} days"
        return f"{words}: {text.moment(since)} to {text.moment(until)} ({days} were asked for)"
    if asked == 1:
        return f"The 24 hours up to {text.moment(until)}"
    return f"{asked} days, {since:%d %b %Y} to {until:%d %b %Y}"
