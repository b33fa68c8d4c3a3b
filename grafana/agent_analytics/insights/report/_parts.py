"""The parts that pages of publishers and of the marketplace have in common."""

from datetime import datetime, timedelta
from typing import Final

from agent_analytics.insights import queries
from agent_analytics.insights.analytics import Daily, Figures, Freshness
from agent_analytics.insights.report import _text as text
from agent_analytics.insights.report._page import Cell, Chart, Section, Table, Tile, Tone
from agent_analytics.insights.rules import ERROR_RATE, SATISFACTION, TOOL_FAILURES

ERROR_LIMIT: Final = ERROR_RATE.threshold.value
RATING_LIMIT: Final = SATISFACTION.threshold.value
TOOL_LIMIT: Final = TOOL_FAILURES.threshold.value
SLOW_MS: Final = queries.SLOW_SECONDS * 1000

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


def above(value: float | None, limit: float, tone: Tone) -> Tone:
    """Return the tone of a value that should not be above a limit."""
    return tone if value is not None and value > limit else ""


def below(value: float | None, limit: float, tone: Tone) -> Tone:
    """Return the tone of a value that should not be below a limit."""
    return tone if value is not None and value < limit else ""


def chart(
    title: str,
    daily: Daily,
    values: tuple[float | None, ...],
    unit: str,
    *,
    limit: float | None = None,
    totals: bool = False,
) -> tuple[Chart, ...]:
    """Return a chart, or none where there are fewer than two days to show."""
    known = [
        (value, end) for value, end in zip(values, daily.ends, strict=True) if value is not None
    ]
    if len(known) < 2:  # noqa: PLR2004 - one point is no course
        return ()
    write = _WRITE[unit]
    most, least = max(known, key=lambda each: each[0]), min(known, key=lambda each: each[0])
    parts = [
        f"highest {write(most[0])} ({text.day(most[1])})",
        f"lowest {write(least[0])} ({text.day(least[1])})",
    ]
    if totals:
        parts.insert(0, f"{write(sum(value for value, _ in known) / len(known))} a day on average")
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
            ends=daily.ends,
            values=values,
            unit=unit,  # type: ignore[arg-type]  # a key of _WRITE
            summary=f"{summary[0].upper()}{summary[1:]}.",
            limit=limit,
        ),
    )


def usage(figures: Figures, daily: Daily) -> Section:
    """Return the part about usage and adoption."""
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
            *chart("Invocations a day", daily, daily.invocations, "count", totals=True),
            *chart("Tenants a day", daily, daily.unique_tenants, "count", totals=True),
        ),
    )


def _cancelled(figures: Figures) -> str:
    cancelled = figures.outcomes.get("cancelled")
    return f"{text.count(cancelled)} cancelled" if cancelled else ""


def quality(figures: Figures, daily: Daily) -> Section:
    """Return the part about quality."""
    failed = sum(figures.outcomes.get(outcome, 0) for outcome in queries.FAILED)
    return Section(
        title="Quality",
        tiles=(
            tile(
                "Satisfaction",
                text.stars(figures.avg_satisfaction),
                f"of 5, from {text.count(figures.ratings)} ratings"
                if figures.ratings
                else "no ratings",
                tone=below(figures.avg_satisfaction, RATING_LIMIT, "warn"),
            ),
            tile(
                "Error rate",
                text.share(figures.error_rate),
                f"{text.count(failed)} failed" if figures.error_rate is not None else "",
                tone=above(figures.error_rate, ERROR_LIMIT, "bad"),
            ),
            tile(
                "Mean response time",
                text.milliseconds(figures.avg_response_time_ms),
                "of successful ones",
            ),
            tile(
                "p95 response time",
                text.milliseconds(figures.p95_response_time_ms),
                "19 of 20 are faster",
                tone=above(figures.p95_response_time_ms, SLOW_MS, "warn"),
            ),
        ),
        charts=(
            *chart("Error rate a day", daily, daily.error_rate, "share", limit=ERROR_LIMIT),
            *chart(
                "p95 response time a day", daily, daily.p95_response_time_ms, "ms", limit=SLOW_MS
            ),
        ),
        tables=(*_ratings(figures), *_errors(figures)),
    )


def _ratings(figures: Figures) -> tuple[Table, ...]:
    given = figures.satisfaction_distribution
    total = sum(given.values()) if given else 0
    if not given or not total:
        return ()
    return (
        Table(
            title="Ratings",
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


def _errors(figures: Figures) -> tuple[Table, ...]:
    total = sum(figures.errors.values())
    if not total:
        return ()
    shown = list(figures.errors.items())[:_SHOWN_ERRORS]
    rest = total - sum(number for _, number in shown)
    rows = [*shown, *([("all others", rest)] if rest else [])]
    return (
        Table(
            title="Failures by type",
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


def revenue(figures: Figures, daily: Daily, first: tuple[Tile, ...] = ()) -> Section:
    """Return the part about money."""
    return Section(
        title="Revenue",
        tiles=(
            *first,
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
                tone=below(figures.margin, 0, "bad"),
            ),
        ),
        charts=(
            *chart("Revenue a day", daily, daily.revenue, "usd", totals=True),
            *chart("Model cost a day", daily, daily.model_cost, "usd", totals=True),
        ),
    )


def tools(figures: Figures) -> tuple[Section, ...]:
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
                tone=above(figures.tool_failure_rates.get(tool), TOOL_LIMIT, "warn"),
            ),
            Cell(text.milliseconds(figures.tool_times_ms.get(tool))),
        )
        for tool, calls in used.items()
    )
    columns = ("Tool", "Calls", "Share", "Failed", "Mean time")
    table = Table(title="Tool usage", columns=columns, rows=rows, optional=("Share",))
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


def span(days: int, end: datetime) -> str:
    """Return a period in words."""
    start = end - timedelta(days=days)
    if days == 1:
        return f"The 24 hours up to {text.moment(end)}"
    return f"{days} days, {start:%d %b %Y} to {end:%d %b %Y}"
